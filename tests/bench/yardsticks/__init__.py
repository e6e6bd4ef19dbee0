"""Yardsticks of the kernel: the same step in C, numpy and xarray, and the limits of the machine."""
