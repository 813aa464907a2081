"""Rows that a loop could not handle, kept with their reason and tried again later."""
