"""Rules for the times of schedules: pure functions that take the time as an argument."""
