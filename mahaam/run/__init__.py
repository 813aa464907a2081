"""A running attempt: its API for the task, its log and progress, its outcome."""
