"""Search of jobs: filters, argument values, counts of matches."""
