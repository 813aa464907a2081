"""The faults of this moment, and how many jobs are in each state."""
