"""Tests of mahaam/doorbell."""
