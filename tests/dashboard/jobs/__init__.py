"""Tests of dashboard/jobs."""
