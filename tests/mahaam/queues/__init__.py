"""Tests of mahaam/queues."""
