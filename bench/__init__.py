"""Benchmarks: programs that measure this product against its peers, side by side, in one run."""
