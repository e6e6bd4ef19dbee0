"""The application of Prefect's server, mended where its newest release and SQLAlchemy 2.1 disagree.

Prefect 3.8.8 inserts the flow runs of schedules in bulk, with a `state` that is no column and is written afterwards.
SQLAlchemy 2.1 refuses that, so that no schedule would ever begin a flow run; 2.0 passed over it, as is done here.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from fastapi import FastAPI
from prefect.server.api.server import create_app as made_by_prefect
from prefect.server.database.orm_models import FlowRun, TaskRun


def create_app() -> FastAPI:
    """What uvicorn serves, as its factory."""
    for rows in (FlowRun, TaskRun):
        vars(rows)["state"].inplace.bulk_dml(_written_afterwards)
    return made_by_prefect()


def _written_afterwards(_rows: Any, _row: MutableMapping[str, Any], _state: Any) -> None:
    """Leave a state to the statement that links it."""
