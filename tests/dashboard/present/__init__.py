"""Tests of dashboard/present."""
