"""Benchmarks: `python -m tests.bench` runs them all and prints a table of ratios."""
