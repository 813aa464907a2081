"""Tests of mahaam/enqueuing."""
