"""Measurements: each is run by `python -m benchmarks.<name>`."""
