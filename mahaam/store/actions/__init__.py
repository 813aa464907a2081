"""Writes of operators: each changes jobs or dead letters in the states it accepts."""
