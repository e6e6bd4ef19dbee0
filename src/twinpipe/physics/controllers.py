"""Controllers of feedback schedules: once an orbit, from the means of the orbit before; B16.

u = clip(gain (target - value) + I, 0, 1) of the full rate, and I grows by gain (target - value) t/t_i over an orbit
of t years.  I stays within 0..1 and stands still while u is held at a limit towards which it would go further.
"""

from __future__ import annotations

import numpy as np

from twinpipe.clock import Clock
from twinpipe.constants import YEAR
from twinpipe.fields import SERIES_FIELDS
from twinpipe.grid import Array
from twinpipe.intervention import Feedback
from twinpipe.physics.interventions import activity
from twinpipe.scenario import Scenario

# The series of each measure, and what its mean is divided by
MEASURES = {
    "surface_temperature_k": ("global_surface_temperature", None),
    "surface_pressure_pa": ("global_surface_pressure", None),
    "oxygen_fraction": ("oxygen_pressure", "global_surface_pressure"),
}
_NAMES = [f.name for f in SERIES_FIELDS]


def orbit_means(series: Array) -> Array:
    """(member, measure) means of what controllers look at, over the steps of series (field, step, member)."""

    def mean(name: str) -> Array:
        return np.array([np.ascontiguousarray(x).mean() for x in series[_NAMES.index(name)].T])

    return np.array([mean(part) / (np.maximum(mean(of), 1e-30) if of else 1.0) for part, of in MEASURES.values()]).T


def respond(feedback: Feedback, value: float, integral: float, years: float) -> tuple[float, float]:
    """Share 0..1 of the full rate, and the integral 0..1 after it, for the mean of an orbit of so many years."""
    push = feedback.gain * (feedback.target - value)
    wanted = push + integral
    share = min(max(wanted, 0.0), 1.0)
    if wanted == share or (wanted > 1.0) != (push > 0.0):
        integral += push * years / feedback.integral_years
    return share, min(max(integral, 0.0), 1.0)


def steer(scenarios: tuple[Scenario, ...], clock: Clock, first_step: int, means: Array, control: Array) -> Array:
    """(member, intervention) share of the full rate in the orbit from first_step on; 1 where nothing steers.

    means (member, measure) of the orbit before.  control (member, intervention, 2) holds the integrals and the seconds
    at full rate so far; the integrals go on, in place, where a controller's schedule is running.
    """
    shares = np.ones(control.shape[:2])
    measures = list(MEASURES)
    for b, scenario in enumerate(scenarios):
        for k, item in enumerate(scenario.interventions):
            feedback = item.schedule.feedback
            if feedback is not None and activity(item.schedule, clock, first_step, clock.steps_per_orbit).any():
                value = float(means[b, measures.index(feedback.measure)])
                years = clock.orbit_seconds / YEAR
                shares[b, k], control[b, k, 0] = respond(feedback, value, float(control[b, k, 0]), years)
    return shares


def deliver(
    scenarios: tuple[Scenario, ...], clock: Clock, steps: tuple[int, int], shares: Array, control: Array
) -> None:
    """Add the seconds at full rate of the steps [first, last) to control, in place."""
    first, last = steps
    for b, scenario in enumerate(scenarios):
        for k, item in enumerate(scenario.interventions):
            active = activity(item.schedule, clock, first, last - first)
            control[b, k, 1] += float(active.sum()) * float(shares[b, k]) * clock.step_seconds
