"""What a consumer does beside its jobs: rescue, pruning, operations, lost notices."""
