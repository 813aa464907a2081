"""Tests of mahaam/settings."""
