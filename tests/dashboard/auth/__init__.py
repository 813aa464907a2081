"""Tests of dashboard/auth."""
