"""Tests of mahaam/audit."""
