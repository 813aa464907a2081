"""Consumers forked from a process that has imported them already, which saves a second of each start."""
