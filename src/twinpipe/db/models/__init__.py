"""Tables of the ledger. Migrations in sql/ make them; a test holds both to the same catalogue."""

from __future__ import annotations

from twinpipe.db.models.base import METRICS, PATTERNS, PAYLOADS, RUN_STATUSES, TWIN_STATUSES, Base
from twinpipe.db.models.learned import LearnedPattern, PatternApplication
from twinpipe.db.models.reference import CelestialBody, SolarSystem, User, status_transition
from twinpipe.db.models.result import RunStatsDaily, SimulationResult
from twinpipe.db.models.run import SimulationRun
from twinpipe.db.models.sweep import Segment, Sweep
from twinpipe.db.models.trail import AuditLog, Outbox
from twinpipe.db.models.twin import DigitalTwin

__all__ = [
    "METRICS",
    "PATTERNS",
    "PAYLOADS",
    "RUN_STATUSES",
    "TWIN_STATUSES",
    "AuditLog",
    "Base",
    "CelestialBody",
    "DigitalTwin",
    "LearnedPattern",
    "Outbox",
    "PatternApplication",
    "RunStatsDaily",
    "Segment",
    "SimulationResult",
    "SimulationRun",
    "SolarSystem",
    "Sweep",
    "User",
    "status_transition",
]
