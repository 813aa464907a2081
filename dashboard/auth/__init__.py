"""Users of the console: accounts, sessions, login, and what each role may do."""
