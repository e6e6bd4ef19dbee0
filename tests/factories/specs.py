"""Bodies, scenarios and run specs that are valid, with overrides."""

from __future__ import annotations

from typing import Any

from twinpipe.body import Body, builtin_body
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.spec import RunSpec


def a_body(**changes: Any) -> Body:
    """Mars, with changes of whole fields."""
    return Body.model_validate({**builtin_body("mars").model_dump(), **changes})


def a_scenario(**changes: Any) -> Scenario:
    """The Mars pattern on Mars, with changes of whole fields."""
    made = load_pattern("mars_terraform").scenario(builtin_body("mars"))
    return Scenario.model_validate({**made.model_dump(), **changes})


def a_run_spec(**changes: Any) -> RunSpec:
    """Three years of the Mars pattern on a coarse grid, with changes of whole fields."""
    return RunSpec.model_validate(
        {"body": builtin_body("mars"), "scenario": a_scenario(), "years": 3, "grid": "6x8", **changes}
    )
