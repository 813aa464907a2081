"""Connections to PostgreSQL: pool, time limits, reconnecting, error classes, query helpers."""
