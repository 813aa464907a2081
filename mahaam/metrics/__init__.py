"""Rollups that charts are drawn from, and marks of deploys."""
