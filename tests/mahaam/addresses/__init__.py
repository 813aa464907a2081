"""Tests of mahaam/addresses."""
