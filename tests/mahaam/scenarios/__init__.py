"""Many jobs, one consumer: each test reads the rows of its story."""
