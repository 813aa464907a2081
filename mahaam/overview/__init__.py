"""What is broken at this moment, and how many jobs are in each state."""
