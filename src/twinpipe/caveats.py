"""What must be said with a result, since the model does not know it: clouds, other columns, laws out of range; E."""

from __future__ import annotations

from typing import Any

import numpy as np

from twinpipe.constants import MOLAR_MASS
from twinpipe.measures import Outcome
from twinpipe.physics.emissivity import TEMPERATURE
from twinpipe.physics.kadoya_tajika import THICKEST, outgoing_longwave
from twinpipe.physics.nitrogen import condensation_point

WARM = 250.0  # K, from which on clouds and overlapping bands decide; E
CLOUDS_K = 10.0  # K, what clouds and their feedbacks may be worth; E
GRID_K = np.linspace(150.0, 350.0, 2001)  # K, of the search for the column's temperature


def cross_check(absorbed: float, co2_pressure: float) -> float | None:
    """Lowest temperature (K) at which a column of 1 bar N2 with this CO2 (Pa) emits what is absorbed; B3.2.

    None where it never emits so much: such a column would run away.
    """
    flux = outgoing_longwave(GRID_K, co2_pressure)
    enough = np.flatnonzero(flux >= absorbed)
    return float(GRID_K[enough[0]]) if enough.size else None


def caveats(outcome: Outcome) -> list[dict[str, Any]]:
    """Caveats of a run's end state, each with its id, one sentence, and the numbers behind it."""
    grid = outcome.plan.grid
    names = ("surface_temperature", "surface_air_pressure", "absorbed_shortwave_flux")
    t, p, absorbed = (float(grid.mean(outcome.maps[name][-1])) for name in names)
    found: list[dict[str, Any]] = []
    lacks = outcome.spec.scenario.forced
    if lacks:
        text = f"The plan was forced on a body that lacks what it needs: {', and '.join(lacks)}."
        found.append({"id": "forced", "text": text, "data": {}})
    if t > WARM:
        found.append(
            {
                "id": "clouds",
                "text": f"Clouds are not modelled: a mean of {t:.1f} K is uncertain by about {CLOUDS_K:g} K.",
                "data": {"surface_temperature_k": t, "uncertainty_k": CLOUDS_K},
            }
        )
        found += _other_column(outcome, t, p, absorbed)
    hottest = float(outcome.maps["surface_temperature"][-1].max())
    if hottest > TEMPERATURE[-1] and outcome.spec.body.climate.longwave.kind == "semi_grey":
        found.append(
            {
                "id": "beyond_longwave_table",
                "text": f"Ground of {hottest:.0f} K lies beyond the {TEMPERATURE[-1]:.0f} K of the longwave table, "
                "whose last column is used.",
                "data": {"warmest_cell_k": hottest},
            }
        )
    n2 = _partial_pressure(outcome, "N2", p)
    coldest, point = float(outcome.maps["surface_temperature"][-1].min()), float(condensation_point(np.array(n2)))
    if coldest < point:
        found.append(
            {
                "id": "nitrogen_ice",
                "text": f"Nitrogen of {n2:.3g} Pa would freeze onto ground that is colder than {point:.1f} K, as some "
                "is, and no process of the model follows it.",
                "data": {"nitrogen_pressure_pa": n2, "coldest_cell_k": coldest},
            }
        )
    return found


def _partial_pressure(outcome: Outcome, gas: str, pressure: float) -> float:
    """Pressure (Pa) of a gas at the end, of a mean pressure (Pa) of all air."""
    moles = {g: m / MOLAR_MASS[g] for g, m in outcome.gas_kg.items()}
    total = sum(moles.values())
    return pressure * moles.get(gas, 0.0) / total if total > 0 else 0.0


def _other_column(outcome: Outcome, t: float, p: float, absorbed: float) -> list[dict[str, Any]]:
    """What the column of 1 bar N2 says; nothing where there is more CO2 than it is made for."""
    co2 = _partial_pressure(outcome, "CO2", p)
    if co2 > THICKEST:
        return []
    other = cross_check(absorbed, co2)
    column, data = "A column of 1 bar N2 (Kadoya, Tajika)", {"absorbed_w_m2": absorbed, "co2_pressure_pa": co2}
    if other is None:
        text = f"{column} cannot emit the absorbed {absorbed:.0f} W m-2: it runs away."
    else:
        text = f"{column} would emit what is absorbed at {other:.1f} K instead of {t:.1f} K."
        data["temperature_k"] = other
    return [{"id": "kadoya_tajika", "text": text, "data": data}]
