"""Tests of mahaam/workers."""
