"""What the ledger hands out: frozen rows of plain values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Row


@dataclass(frozen=True)
class PlainRow:
    def as_dict(self) -> dict[str, Any]:
        """The row as JSON: times are ISO 8601 text in UTC."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in values.items()}

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """From a row of a query whose columns are labelled as the fields."""
        return cls(**row._asdict())


@dataclass(frozen=True)
class TwinRow(PlainRow):
    """A twin with the names of its body, system and creator."""

    id: int
    twin_key: str
    name: str
    description: str | None
    body: str
    body_name: str
    solar_system: str
    status: str
    simulation_parameters: dict[str, Any] | None
    initial_state_snapshot: dict[str, Any] | None
    body_digest: str
    content_digest: str
    store_path: str | None
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    deleted_at: datetime | None


@dataclass(frozen=True)
class RunRow(PlainRow):
    """A run; lease_until and lease_generation say who may write for it; a member has its sweep and its place there."""

    id: int
    run_key: str
    twin_id: int
    sweep_id: int | None
    member: int | None
    status: str
    pattern: str
    duration_years: int
    parameters: dict[str, Any] | None
    spec_digest: str
    progress: float
    attempt: int
    lease_generation: int
    lease_until: datetime | None
    flow_run_id: str | None
    error_message: str | None
    initiated_by: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True)
class SweepRow(PlainRow):
    """A sweep; lease_until and lease_generation say who may write for it and its members."""

    id: int
    sweep_key: str
    twin_id: int
    name: str
    status: str
    spec: dict[str, Any] | None
    spec_digest: str
    members: int
    progress: float
    attempt: int
    lease_generation: int
    lease_until: datetime | None
    flow_run_id: str | None
    error_message: str | None
    initiated_by: str | None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True)
class ResultRow(PlainRow):
    """The six payloads of a completed run and the scores generated from them."""

    id: int
    run_id: int
    twin_id: int
    start_state: dict[str, Any]
    end_state: dict[str, Any]
    key_events: list[Any]
    resource_consumption: dict[str, Any]
    success_metrics: dict[str, Any]
    performance_data: dict[str, Any]
    habitability_score: float
    overall_score: float
    payload_sha256: str
    created_at: datetime
