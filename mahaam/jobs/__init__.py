"""How a job lives: from the row that accepts it to the row that says how it ended."""
