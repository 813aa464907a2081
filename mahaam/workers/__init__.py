"""Consumer processes: leases, requests, signs of life."""
