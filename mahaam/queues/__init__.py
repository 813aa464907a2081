"""Queues: pause, resume, clear, and reconciling Redis with PostgreSQL."""
