"""Planets as they are, through the whole model, beside published numbers: `python -m tests.planets`."""
