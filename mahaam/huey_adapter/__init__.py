"""Huey on rows: its messages, runs, chords, values, locks and results."""
