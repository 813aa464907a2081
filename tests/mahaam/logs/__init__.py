"""Tests of mahaam/logs."""
