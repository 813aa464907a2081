"""Fail-over of PostgreSQL: noticed, and accepted jobs that are missing brought back."""
