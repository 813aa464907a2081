"""What pages show live: snapshots that all viewers share."""
