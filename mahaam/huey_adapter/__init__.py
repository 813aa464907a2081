"""Huey on PostgreSQL rows: its messages, runs, chords, values, locks and results."""
