"""Habitability as a vector of measures with hard definitions, its composites, and the ladder of end states; D1.

Area-time averages go over the cells and the last orbit.  The temperature of a cell at a time is the zonal mean
then plus what its orbit mean has over that of its row; pressure follows the global mean in the same way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinpipe.constants import (
    ARMSTRONG_PRESSURE,
    MOLAR_MASS,
    TRIPLE_POINT_WATER_PRESSURE,
    TRIPLE_POINT_WATER_TEMPERATURE,
    ZERO_CELSIUS,
)
from twinpipe.grid import Array
from twinpipe.measures import Outcome

DOSE_UNSHIELDED = 270.0  # mSv a-1 on the ground of today's Mars, 240-300 [S40]
DOSE_COLUMN, DOSE_FREE = 1.4e3, 500.0  # kg m-2: e-folding of the dose, and column up to which it does not fall
OZONE_OXYGEN = 210.0  # Pa of O2, 1 % of Earth's, with which an ozone layer is about 100 DU (assumed)


@dataclass(frozen=True)
class Moment:
    """The last orbit: temperature and pressure (time, lat, lon), partial pressures as shares of the volume."""

    temperature: Array
    pressure: Array
    weight: Array  # (lat, lon), sums to 1
    share: dict[str, float]

    def fraction(self, condition: NDArray[np.bool_]) -> float:
        """Area-time fraction in which a condition holds."""
        return self.mean(condition.astype(float))

    def mean(self, values: Array) -> float:
        """Area-time mean."""
        return float((np.broadcast_to(values, self.temperature.shape) * self.weight).sum(axis=(1, 2)).mean())

    def partial(self, *gases: str) -> Array:
        """Partial pressure (Pa) of gases, (time, lat, lon)."""
        return self.pressure * sum(self.share.get(g, 0.0) for g in gases)


def boiling_point(pressure: Array) -> Array:
    """Temperature (K) at which water boils at a pressure (Pa): the Magnus form of B10 solved for T."""
    x = np.log(np.maximum(pressure, 1.0) / TRIPLE_POINT_WATER_PRESSURE) / 17.62
    return np.asarray((TRIPLE_POINT_WATER_TEMPERATURE - 30.03 * x) / (1 - x))


def last_orbit(outcome: Outcome) -> Moment:
    """The last orbit of a run by time and cell."""
    grid = outcome.plan.grid
    zonal, t, p = (
        outcome.last_zonals["zonal_surface_temperature"],
        outcome.maps["surface_temperature"][-1],
        outcome.maps["surface_air_pressure"][-1],
    )
    temperature = zonal[:, :, None] + (t - t.mean(axis=1, keepdims=True))[None]
    series = outcome.series["global_surface_pressure"][-outcome.orbit :]
    every = outcome.spec.output.zonal_every_steps
    at = series[every - 1 :: every][-len(zonal) :]
    mean = float(series.mean())
    swing = at / mean if mean > 0 else np.ones(len(zonal))
    moles = {g: m / MOLAR_MASS[g] for g, m in outcome.gas_kg.items()}
    total = math.fsum(moles.values())
    share = {g: n / total for g, n in moles.items()} if total > 0 else {}
    return Moment(temperature, swing[:, None, None] * p[None], grid.area_weight, share)


def oxygen_score(p: Array) -> Array:
    """0 below 13 kPa of O2, 1 from 16 to 25 kPa, 0 above 50 kPa, linear between; D1."""
    return np.interp(p, [13e3, 16e3, 25e3, 50e3], [0.0, 1.0, 1.0, 0.0])


def carbon_dioxide_score(p: Array) -> Array:
    """1 up to 0.5 kPa of CO2, 0.5 up to 2.93 kPa, 0 above; D1 [S16, S31]."""
    return np.where(p <= 500.0, 1.0, np.where(p <= 2930.0, 0.5, 0.0))


def dose(column: Array) -> Array:
    """Cosmic-ray dose (mSv a-1) under an air column (kg m-2); D1 [S40]."""
    return np.asarray(DOSE_UNSHIELDED * np.exp(-np.maximum(column - DOSE_FREE, 0.0) / DOSE_COLUMN))


def habitability_vector(outcome: Outcome) -> dict[str, Any]:
    """Every measure of D1 for the last orbit, each 0..1 unless its name has a unit, with composites and end state.

    liquid_water: LW, stable by temperature and pressure; realised_water: LWr, with more than 1 kg m-2 of it,
    0 where the water cycle does not run.  Composites are geometric means, so that one zero is zero.
    """
    m = last_orbit(outcome)
    t, p = m.temperature, m.pressure
    stable = (t >= TRIPLE_POINT_WATER_TEMPERATURE) & (t <= boiling_point(p)) & (p >= TRIPLE_POINT_WATER_PRESSURE)
    wet = outcome.maps.get("liquid_water_amount")
    oxygen, carbon_dioxide = m.partial("O2"), m.partial("CO2")
    column = p / outcome.spec.body.bulk.gravity_m_s2
    breathable = (oxygen >= 16e3) & (oxygen <= 30e3)
    growing = (p >= 1e3) & (oxygen > 100.0) & (m.partial("N2") > 100.0)
    ultraviolet = 1 - np.exp(-oxygen / OZONE_OXYGEN)
    values = {
        "liquid_water": m.fraction(stable),
        "realised_water": 0.0 if wet is None else m.fraction(np.asarray(wet[-1] > 1.0)),
        "h050": m.fraction((t >= ZERO_CELSIUS) & (t <= ZERO_CELSIUS + 50)),
        "temperature_human": m.fraction((t >= 253.0) & (t <= 313.0)),
        "temperature_plants": m.fraction((t >= 273.0) & (t <= 303.0)),
        "temperature_microbes": m.fraction((t >= 258.0) & (t <= 323.0)),
        "above_armstrong_limit": m.fraction(p >= ARMSTRONG_PRESSURE),
        "oxygen": m.mean(oxygen_score(oxygen)),
        "oxygen_breathable": m.fraction(breathable),
        "buffer_gas": m.fraction(m.partial("N2", "Ar") >= 30e3),
        "carbon_dioxide": m.mean(carbon_dioxide_score(carbon_dioxide)),
        "toxic_gases_absent": m.fraction((m.partial("SO2") < 1.0) & (m.partial("CO") < 5.0)),
        "plant_pressure": m.fraction(growing),
        "microbe_pressure": m.mean(np.clip((p - 5e3) / 5e3, 0.0, 1.0)),
        "ultraviolet": m.mean(ultraviolet),
        "low_dose": m.fraction(dose(column) < 20.0),
        "dose_msv_a": m.mean(dose(column)),
        "coldest_zone_k": float(outcome.last_zonals["zonal_surface_temperature"].min()),
    }
    human = ("liquid_water", "temperature_human", "above_armstrong_limit", "oxygen", "carbon_dioxide", "ultraviolet")
    plants = ("liquid_water", "temperature_plants", "plant_pressure", "ultraviolet")
    microbes = ("liquid_water", "temperature_microbes", "microbe_pressure")
    for name, parts in (("open_air_human", human), ("plants", plants), ("microbes", microbes)):
        values[name] = math.prod(values[part] for part in parts) ** (1 / len(parts))
    return {"values": values, "end_state": end_state(m)}


def end_state(m: Moment) -> str:
    """The highest rung of the ladder that the whole last orbit stands on; D1 [S16].

    E1 liquid water is stable somewhere at some time; E2 10 kPa in the mean, as an enclosure has; E3 6.27 kPa and
    250 to 323 K in the mean; E4 21 kPa of O2 with a buffer gas and at most 0.5 kPa of CO2.
    """
    t, p = m.temperature, m.pressure
    mean_t, mean_p = m.mean(t), m.mean(p)
    recurrent = bool(
        ((t >= TRIPLE_POINT_WATER_TEMPERATURE) & (t <= boiling_point(p)) & (p >= TRIPLE_POINT_WATER_PRESSURE)).any()
    )
    breathable = m.mean(m.partial("O2")) >= 21e3 and m.mean(m.partial("CO2")) <= 500.0
    if breathable and m.mean(m.partial("N2", "Ar")) >= 30e3 and 250.0 <= mean_t <= 323.0:
        return "E4"
    if mean_p >= ARMSTRONG_PRESSURE and 250.0 <= mean_t <= 323.0:
        return "E3"
    if mean_p >= 10e3 and recurrent:
        return "E2"
    return "E1" if recurrent else "E0"
