"""Makes the pictures of the README: a product with a shop's jobs in it, and a browser that looks."""
