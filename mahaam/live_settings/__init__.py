"""Settings that are changed while the product runs."""
