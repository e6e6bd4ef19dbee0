"""Members of sweeps in the ledger: those that were completed before, those that are stopped, and what they came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ARRAY, Engine, Text, any_, func, literal, select, text

from twinpipe.db.leases import end_if
from twinpipe.db.models import SimulationResult, SimulationRun
from twinpipe.db.session import retried, transaction
from twinpipe.db.trail import outputs_gone

MEASURES = text("""
    SELECT simulation_run_id, overall_score, habitability_score,
        (resource_consumption #>> '{total,cost_gcc}')::float8, (resource_consumption #>> '{total,energy_j}')::float8,
        (end_state #>> '{atmosphere,surface_temperature_k}')::float8,
        (end_state #>> '{atmosphere,surface_pressure_pa}')::float8
    FROM simulation_results WHERE simulation_run_id = ANY (:runs)""")
COST = text("""
    SELECT sum(seconds) / sum(cell_steps) FROM (
        SELECT (s.performance_data ->> 'seconds')::float8 AS seconds,
            (s.performance_data ->> 'cell_steps')::float8 AS cell_steps
        FROM simulation_results s JOIN simulation_runs r ON r.id = s.simulation_run_id
        WHERE r.sweep_id IS NOT NULL AND r.pattern = :pattern ORDER BY s.id DESC LIMIT 1000
    ) bills WHERE seconds > 0""")


@dataclass(frozen=True)
class Measured:
    """What a completed run came to."""

    run_id: int
    overall_score: float
    habitability_score: float
    cost_gcc: float
    energy_j: float
    surface_temperature_k: float
    surface_pressure_pa: float


@retried
def completed_runs(engine: Engine, twin_id: int, digests: Sequence[str]) -> dict[str, int]:
    """The newest completed run of a twin, whose outputs are there, for each of these specs that has one, by digest."""
    r, result = SimulationRun, SimulationResult
    wanted = any_(literal(list(digests), ARRAY(Text)))  # one parameter, however many they are
    newest = select(r.spec_digest, func.max(r.id)).join(result, result.simulation_run_id == r.id)
    newest = newest.where(r.digital_twin_id == twin_id, r.spec_digest == wanted, r.status == "completed")
    with transaction(engine) as connection:
        found = connection.execute(newest.where(~outputs_gone()).group_by(r.spec_digest))
        return {name: int(run) for name, run in found}


@retried
def measure_runs(engine: Engine, runs: Sequence[int]) -> dict[int, Measured]:
    """What these runs came to, by their ids; those without a result are not among them."""
    with transaction(engine) as connection:
        return {row[0]: Measured(*row) for row in connection.execute(MEASURES, {"runs": list(runs)})}


@retried
def core_seconds_per_cell_step(engine: Engine, pattern: str) -> float | None:
    """What the newest members of a pattern's sweeps took, of one core; None when there are none."""
    with transaction(engine) as connection:
        found = connection.execute(COST, {"pattern": pattern}).scalar_one()
    return None if found is None else float(found)


def stop_member(engine: Engine, run_id: int, generation: int, message: str) -> bool:
    """End a member that is lost by a rule of its sweep as cancelled, with what the rule found."""
    return end_if(engine, SimulationRun, run_id, "cancelled", message, generation)
