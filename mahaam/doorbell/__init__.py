"""Redis as the doorbell: which ids are queued, in which order, and who is served next."""
