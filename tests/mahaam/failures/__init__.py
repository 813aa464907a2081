"""Tests of mahaam/failures."""
