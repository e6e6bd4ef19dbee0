"""Which processes run on a body, and in which order; B18."""

from __future__ import annotations

import numpy as np

from twinpipe.body import Body, SemiGrey
from twinpipe.fields import MAPS
from twinpipe.intervention import DarkDust
from twinpipe.physics import ground
from twinpipe.physics.records import Kinds
from twinpipe.scenario import Scenario

# Every process, in the order in which a step runs them; B18.
ORDER = (
    "interventions",
    "particles",
    "stores",
    "escape",
    "pressure",
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


def processes(body: Body, scenario: Scenario) -> tuple[str, ...]:
    """The processes that run on a body under a scenario, in their order."""
    running = {"shortwave", "longwave", "soil", "transport"}
    kinds = {i.kind for i in scenario.interventions}
    if kinds:
        running.add("interventions")
    if "aerosol" in kinds:
        running.add("particles")
    if kinds & {"aerosol", "store_release"}:
        running.add("stores")
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
        running |= {"ice_shell", "stores"}
    return tuple(p for p in ORDER if p in running)


def on_the_ground(running: frozenset[str]) -> Kinds:
    """Places of the fields on the ground that some process changes, in the order of fields.MAPS."""
    own = [f.process for f in MAPS if f.process is not None]
    return np.array([q for q, process in enumerate(own) if process in running], dtype=np.int64)
