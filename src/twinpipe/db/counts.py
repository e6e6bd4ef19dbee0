"""How many rows there are of what lists show the newest of."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Engine, func, select

from twinpipe.db.models import DigitalTwin, LearnedPattern, SimulationRun, Sweep
from twinpipe.db.session import retried, transaction

Listed = Literal["twins", "runs", "sweeps", "patterns"]
TABLES = {"twins": DigitalTwin, "runs": SimulationRun, "sweeps": Sweep, "patterns": LearnedPattern}


@retried
def count_listed(engine: Engine, what: Listed, twin_id: int | None = None) -> int:
    """How many there are, on one twin or in all; of twins those that are not deleted."""
    counted = select(func.count()).select_from(TABLES[what])
    if what == "twins":
        counted = counted.where(DigitalTwin.deleted_at.is_(None))
    if twin_id is not None:
        table = Sweep if what == "sweeps" else SimulationRun
        counted = counted.where(table.digital_twin_id == twin_id)
    with transaction(engine) as connection:
        return connection.execute(counted).scalar_one()
