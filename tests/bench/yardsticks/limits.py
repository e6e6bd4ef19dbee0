"""The limits of one core of this machine, by limits.c."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tests.bench.yardsticks.in_c import library

_OPERATIONS = 2 * 8 * 12  # of a turn of multiply_add
_N, _X = ctypes.c_long, ctypes.c_double


@dataclass
class Limits:
    """Measures peak and bandwidth with arrays of a length that no cache holds."""

    turns: int = 2_000_000
    length: int = 20_000_000  # 160 MB

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, ...]:
        return tuple(np.full(self.length, 1.0 + q) for q in range(3))

    def peak(self) -> float:
        """Fused multiply-adds in double precision, operations per second."""
        c, before = library("limits.c"), time.thread_time()
        c.multiply_add.restype = ctypes.c_double
        c.multiply_add(_N(self.turns), _X(0.5), _X(1.0))
        return self.turns * _OPERATIONS / (time.thread_time() - before)

    def copy(self) -> float:
        """Bytes per second that a copy reads and writes."""
        (to, a, _), before = self._arrays, time.thread_time()
        library("limits.c").copy(*(ctypes.c_void_p(x.ctypes.data) for x in (to, a)), _N(self.length))
        return 16 * self.length / (time.thread_time() - before)

    def triad(self) -> float:
        """Bytes per second that a = b + s c reads and writes."""
        (to, a, b), before = self._arrays, time.thread_time()
        places = (ctypes.c_void_p(x.ctypes.data) for x in (to, a, b))
        library("limits.c").triad(*places, _X(3.0), _N(self.length))
        return 24 * self.length / (time.thread_time() - before)
