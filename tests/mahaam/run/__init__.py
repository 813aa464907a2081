"""Tests of mahaam/run."""
