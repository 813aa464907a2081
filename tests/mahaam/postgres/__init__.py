"""Tests of mahaam/postgres."""
