"""Tests of mahaam/metrics."""
