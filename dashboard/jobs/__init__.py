"""Lists of jobs: filters in addresses, saved views, recent calls, exports."""
