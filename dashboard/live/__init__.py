"""Data that pages show live: snapshots that all viewers share."""
