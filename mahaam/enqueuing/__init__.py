"""The enqueueing of jobs: checks, rows, notices."""
