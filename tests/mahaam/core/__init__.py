"""Tests of mahaam/core."""
