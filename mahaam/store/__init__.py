"""Every write. Each function is one statement, named for the event it records."""
