"""`flask demo`: shows on a running product what it does, and checks that it does so."""
