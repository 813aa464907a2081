"""The maintenance of a consumer beside its jobs: rescue, pruning, operations, lost notices."""
