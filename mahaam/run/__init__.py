"""One attempt while it runs: what it may ask and say, what ends it."""
