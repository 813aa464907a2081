"""A mixed load for minutes or hours: a healthy system stays level and says nothing."""
