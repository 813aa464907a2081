"""Frozen consumers, whose greenlets do not run: detected from outside, ended, their jobs given up."""
