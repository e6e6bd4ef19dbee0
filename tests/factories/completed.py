"""Completed runs that never ran, for what is made of them."""

from __future__ import annotations

from typing import Any

from tests.factories.outcomes import made_up
from tests.factories.payloads import a_result, merged
from tests.factories.specs import a_scenario
from twinpipe.body import Body
from twinpipe.digest import digest
from twinpipe.events import key_events
from twinpipe.game.completed import Completed
from twinpipe.measures import Outcome, state
from twinpipe.metrics import success_metrics
from twinpipe.resources import resource_consumption
from twinpipe.scenario import Scenario


def a_completed(
    run_id: int = 1,
    scenario: Scenario | None = None,
    body: Body | None = None,
    years: int = 20,
    result: dict[str, Any] | None = None,
    **outcome: Any,
) -> Completed:
    """A run on Mars, of the Mars pattern unless given, with changes that merge into its result."""
    return completed(made_up(scenario or a_scenario(), years, body=body, **outcome), run_id, result)


def completed(made: Outcome, run_id: int = 1, result: dict[str, Any] | None = None) -> Completed:
    """A run with that outcome, with changes that merge into its result."""
    resources = resource_consumption(made)
    payloads = a_result() | {
        "start_state": state(made, end=False),
        "end_state": state(made, end=True),
        "key_events": key_events(made, resources),
        "resource_consumption": resources,
        "success_metrics": success_metrics(made, resources),
    }
    payloads = merged(payloads, result or {})
    return Completed(
        run_id=run_id,
        run_key=f"00000000-0000-4000-8000-{run_id:012d}",
        twin_id=7,
        twin_key="00000000-0000-4000-8000-000000000007",
        spec=made.spec,
        result=payloads,
        payload_sha256=digest(payloads),
        created_at="2026-01-02T03:04:05+00:00",
        code_version="0.1.0",
    )
