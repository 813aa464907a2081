"""The addresses of PostgreSQL and Redis: how they are read, and how every part opens them."""
