"""Consumer processes: leases, requests to them, signs of life."""
