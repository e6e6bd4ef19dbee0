"""Which processes run on a body under a scenario, and in which order; B18."""

from __future__ import annotations

import numpy as np

from twinpipe.body import Body, SemiGrey
from twinpipe.fields import MAPS
from twinpipe.intervention import DarkDust, Inoculation, VolatileImport
from twinpipe.physics import ground
from twinpipe.physics.records import Kinds
from twinpipe.scenario import Scenario
from twinpipe.spheres import Biosphere

# Every process, in the order in which a step runs them; B18.
ORDER = (
    "interventions",
    "particles",
    "stores",
    "escape",
    "geosphere",
    "chemistry",
    "bulk_water",
    "pressure",
    "biosphere",
    "shortwave",
    "longwave",
    "diurnal",
    "soil",
    "transport",
    "co2_ice",
    "regolith",
    "buried_co2",
    "water",
    "dust",
    "methane",
    "ice_shell",
)
GROUND = frozenset({"water", "dust", "biosphere", "methane", "ice_shell", "regolith"})  # have fields on the ground
# Processes that need all rows of a planet in one block; the others run on bands of latitudes too (bands.py).
UNDIVIDED = frozenset({"biosphere", "methane", "ice_shell"})


def processes(body: Body, scenario: Scenario) -> tuple[str, ...]:
    """The processes that run on a body under a scenario, in their order."""
    running = {"shortwave", "longwave", "soil", "transport"}
    kinds = {i.kind for i in scenario.interventions}
    if kinds:
        running.add("interventions")
    if "aerosol" in kinds:
        running.add("particles")
    if "reaction" in kinds:
        running.add("chemistry")
    if body.interior is not None:
        running.add("geosphere")
    if living(body, scenario) is not None:
        running.add("biosphere")
    if isinstance(body.climate.longwave, SemiGrey):
        running |= {"escape", "pressure", "diurnal"}
    if body.co2_ice is not None:
        running.add("co2_ice")
    if body.water_cycle is not None:
        running.add("water")
    if any(isinstance(i, DarkDust) for i in scenario.interventions):
        running.add("dust")
    if ground.regolith_of(body) is not None:
        running.add("regolith")
    if ground.lid_of(body) is not None:
        running.add("buried_co2")
    if body.methane_cycle is not None:
        running.add("methane")
    if body.ice_shell is not None:
        running.add("ice_shell")
    imports = [i for i in scenario.interventions if isinstance(i, VolatileImport)]
    brings_water = any(i.composition.get("H2O", 0) > 0 for i in imports)
    if not running & {"water", "ice_shell"} and (brings_water or running & {"chemistry", "biosphere"}):
        running.add("bulk_water")
    if running & {"chemistry", "geosphere", "biosphere", "bulk_water", "ice_shell"} or kinds & {
        "aerosol",
        "store_release",
    }:
        running.add("stores")
    return tuple(p for p in ORDER if p in running)


def living(body: Body, scenario: Scenario) -> Biosphere | None:
    """The life of a body: its own, or that with which a scenario inoculates it."""
    inoculated = any(isinstance(i, Inoculation) for i in scenario.interventions)
    return body.biosphere or (Biosphere() if inoculated else None)


def on_the_ground(running: frozenset[str]) -> Kinds:
    """Places of the fields on the ground that some process changes, in the order of fields.MAPS."""
    own = [f.process for f in MAPS if f.process is not None]
    return np.array([q for q, process in enumerate(own) if process in running], dtype=np.int64)
