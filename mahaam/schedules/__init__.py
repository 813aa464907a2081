"""Schedules: definitions, due times, firing."""
