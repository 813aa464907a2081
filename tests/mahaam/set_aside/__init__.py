"""Tests of mahaam/set_aside."""
