"""What running jobs say, and who hears it."""
