"""Tests of what makes one machine enough."""
