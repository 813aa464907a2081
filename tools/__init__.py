"""Programs for those who work on Mahaam."""
