"""Tests of mahaam/huey_adapter."""
