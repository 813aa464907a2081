"""Tests of mahaam/jobs."""
