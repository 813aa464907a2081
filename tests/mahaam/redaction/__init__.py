"""Tests of mahaam/redaction."""
