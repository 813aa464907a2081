"""A failed-over PostgreSQL: noticed, and accepted jobs that are missing brought back."""
