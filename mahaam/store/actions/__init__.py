"""Writes that operators request; each changes jobs or dead letters in the states it accepts."""
