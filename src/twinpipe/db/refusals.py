"""What Postgres refuses, said in the words of the house."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from twinpipe.db.models import Base
from twinpipe.errors import BudgetError, Conflict, InvalidInput

ALLOWED = {
    "ck_digital_twins_expires_at": "it is not before the twin was made",
    "ck_digital_twins_name": "it has 1 to 200 characters",
    "ck_simulation_runs_pattern": "it is a pattern's name or custom",
    "ck_simulation_runs_duration_years": "it is a whole number of years from 1 to 1000",
    "ck_sweeps_name": "it has 1 to 200 characters",
    "ck_simulation_runs_progress": "it is 0 to 1",
    "ck_simulation_results_habitability_score": "it is a number from 0 to 1",
    "ck_simulation_results_timeline_efficiency": "it is a number from 0 to 1",
    "ck_simulation_results_resource_efficiency": "it is a number from 0 to 1",
    "ck_simulation_results_cost_efficiency": "it is a number from 0 to 1",
}

ONE_RUNNING = ("uq_simulation_runs_one_running", "uq_sweeps_one_running")


@contextmanager
def explained() -> Iterator[None]:
    """Turn refusals of the database into InvalidInput, BudgetError or Conflict; other errors pass."""
    try:
        yield
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None) or ""
        diagnosis = getattr(error.orig, "diag", None)
        said = getattr(diagnosis, "message_primary", None) or str(error.orig)
        name = getattr(diagnosis, "constraint_name", None) or ""
        if name == "ck_simulation_results_budget_closes":
            raise BudgetError("the books of this run do not close, so that its result is refused.") from None
        if state == "23514":
            raise InvalidInput(_field(name), "(given)", ALLOWED.get(name, f"the database says: {said}")) from None
        if state in ("23503", "23505"):  # what it refers to is not there, or is there already
            detail = (getattr(diagnosis, "message_detail", None) or said).rstrip(".")
            if name not in ONE_RUNNING:
                raise InvalidInput(_field(name), "(given)", f"the database says: {detail}") from None
        if state.startswith("22"):  # a value of the wrong type in a payload
            raise InvalidInput("payload", "(given)", f"the database says: {said}") from None
        if state.startswith("TP") or name in ONE_RUNNING:
            raise Conflict(f"{said}.") from None
        raise


def _field(constraint: str) -> str:
    """The column or columns that a constraint is named after."""
    name = constraint.split("_", 1)[-1]
    for table in Base.metadata.tables:
        name = name.removeprefix(f"{table}_")
    return name
