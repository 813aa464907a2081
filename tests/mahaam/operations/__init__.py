"""Tests of mahaam/operations."""
