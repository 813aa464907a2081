"""Every write to PostgreSQL. Each function is one statement, named for the event it records."""
