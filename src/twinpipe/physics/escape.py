"""Escape of gases to space and first-order decay; B11."""

from __future__ import annotations

import math

from twinpipe.physics.compiled import inlined


@inlined
def escaped(mass: float, rate: float, dt: float) -> float:
    """Mass (kg) lost in dt at a rate (kg/s) set by energy, not by supply: M (1 - exp(-rate dt / M)).

    It is rate dt while M is large, and never more than M.
    """
    if mass <= 0.0 or rate <= 0.0:
        return 0.0
    return -mass * math.expm1(-rate * dt / mass)


@inlined
def decayed(mass: float, source: float, rate: float, dt: float) -> float:
    """Mass (kg) after dt under dM/dt = E - r M: M e^(-r dt) + (E / r)(1 - e^(-r dt)), exactly; X16, B11."""
    return mass * math.exp(-rate * dt) - source / rate * math.expm1(-rate * dt)
