"""Learned patterns: what a run teaches, which bodies it fits, and how it is adapted to them."""
