"""Redis as the doorbell: which ids are queued, in which order, and which queue is served next."""
