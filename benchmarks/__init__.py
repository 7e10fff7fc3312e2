"""Benchmarks: each prints its figures beside those of a baseline from the same run."""
