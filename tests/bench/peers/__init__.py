"""Peers that the benchmark installs from their packages, each in an environment of its own, and how fast they are."""
