"""Mars with more light, air and open ice, small enough for a century of its water cycle in a second."""

from __future__ import annotations

from tests.laws.toy_bodies import MARS
from twinpipe.body import Body
from twinpipe.grid import Grid
from twinpipe.spheres import Deposit, Hydrosphere, WaterCycle

SMALL, STEPS = Grid(6, 8), 24


def wet_mars(
    light: float = 1.0, air: float = 1.0, water: WaterCycle | None = None, open_share: float = 1.0, ice_kg: float = 1e17
) -> Body:
    """Mars under so many times its sunlight and CO2, with the same ice on both poles, and nothing that escapes."""
    gases = {**MARS.atmosphere.mass_kg, "CO2": MARS.atmosphere.mass_kg["CO2"] * air}
    bands = ((-90.0, -60.0), (60.0, 90.0))
    return MARS.model_copy(
        update={
            "atmosphere": MARS.atmosphere.model_copy(update={"mass_kg": gases, "escape_kg_s": {}}),
            "orbit": MARS.orbit.model_copy(update={"solar_constant_w_m2": MARS.orbit.solar_constant_w_m2 * light}),
            "hydrosphere": Hydrosphere(
                surface_ice=tuple(
                    Deposit(name="cap", mass_kg=ice_kg, south_degree=a, north_degree=b, open_share=open_share)
                    for a, b in bands
                )
            ),
            "water_cycle": water or WaterCycle(),
        }
    )
