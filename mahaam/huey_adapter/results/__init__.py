"""Results as users of Huey read them: handles, groups, waits."""
