"""The tests: real servers, real processes."""
