"""Tests of mahaam/failover."""
