"""Tests of dashboard/actions."""
