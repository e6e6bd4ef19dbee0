"""The quote: what a run or sweep will take, before anything is made, and the refusal of what is too much."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from twinpipe.db.rows import TwinRow
from twinpipe.errors import InvalidInput
from twinpipe.plan import Plan
from twinpipe.projection import project
from twinpipe.settings import Settings

ASSUMED_COST = 6e-8  # seconds of one core per cell and step of a member, until a sweep has been measured
ROWS_PER_MEMBER = 3  # its run, its result and the message that it is completed


@dataclass(frozen=True)
class Quote:
    """What a sweep will take; of its members only the new ones are computed."""

    members: int
    new: int
    reused: int
    stored_bytes: int  # of outputs before compression
    restart_bytes: int
    worker_bytes: int  # peak of a worker with all its threads
    threads: int
    cell_steps: int
    core_hours: float
    measured: bool  # whether the cost of a step was measured in a sweep before
    rows: int
    twin: int | None  # None where it is still to be made
    expires_at: datetime | None  # of the twin; None also where it never does

    def as_dict(self) -> dict[str, Any]:
        """The quote as JSON."""
        return asdict(self) | {"expires_at": self.expires_at.isoformat() if self.expires_at else None}


def threads_of(settings: Settings) -> int:
    """Threads of a worker on this machine."""
    return settings.workers or os.cpu_count() or 1


def quote(
    plan: Plan | None, members: int, settings: Settings, cost: float | None = None, twin: TwinRow | None = None
) -> Quote:
    """The quote of a sweep of so many members, of which those of the plan are new.

    cost: measured seconds of a core per cell and step.
    """
    threads = threads_of(settings)
    number, expires_at = (twin.id, twin.expires_at) if twin else (None, None)
    if plan is None:
        return Quote(members, 0, members, 0, 0, 0, threads, 0, 0.0, cost is not None, 1, number, expires_at)
    projected = project(plan)
    return Quote(
        members=members,
        new=plan.n_members,
        reused=members - plan.n_members,
        stored_bytes=projected.stored,
        restart_bytes=projected.restart,
        worker_bytes=projected.worker(threads),
        threads=threads,
        cell_steps=plan.cell_steps,
        core_hours=plan.cell_steps * (cost or ASSUMED_COST) / 3600,
        measured=cost is not None,
        rows=1 + ROWS_PER_MEMBER * plan.n_members + len(plan.blocks) * len(plan.segments),
        twin=number,
        expires_at=expires_at,
    )


def check_memory(plan: Plan, settings: Settings) -> None:
    """InvalidInput when a worker would take more than TWINPIPE_MEMORY_LIMIT for a plan."""
    if settings.memory_limit is None:
        return
    threads = threads_of(settings)
    need = project(plan).worker(threads)
    if need > settings.memory_limit:
        of = f"a worker of {threads} thread{'s' if threads > 1 else ''}"
        allowed = f"{of} would take {need / 1e6:,.0f} MB for blocks of {min(plan.members_per_block, plan.n_members)} on"
        raise InvalidInput("TWINPIPE_MEMORY_LIMIT", f"{settings.memory_limit / 1e6:,.0f} MB", f"{allowed} {plan.grid}")
