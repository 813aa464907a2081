"""Tests of mahaam/consumer."""
