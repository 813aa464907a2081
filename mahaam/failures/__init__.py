"""Causes of failures: error groups, and dead letters re-driven in phases."""
