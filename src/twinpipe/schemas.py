"""JSON Schemas (2020-12) of what the ledger's JSON columns and the input files hold, in schemas/.

`python -m twinpipe.schemas` writes them, with examples of what derives from bodies and patterns that ship;
the other examples stand there by hand.  A test fails when a file is not what the models say.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from twinpipe import documents as d
from twinpipe import messages as m
from twinpipe import payloads as p
from twinpipe.body import Body, builtin_body
from twinpipe.scenario import Pattern, Scenario, load_pattern
from twinpipe.shared import shared_folder
from twinpipe.spec import RunSpec
from twinpipe.sweep_spec import SweepSpec, read_sweep

SCHEMAS: dict[str, Any] = {
    "body": Body,
    "pattern": Pattern,
    "scenario": Scenario,
    "run_spec": RunSpec,
    "simulation_parameters": p.SimulationParameters,
    "run_parameters": p.RunParameters,
    "sweep": SweepSpec,
    "sweep_design": p.SweepDesign,
    "planet_state": p.PlanetState,
    "key_events": list[p.KeyEvent],
    "resource_consumption": p.ResourceConsumption,
    "success_metrics": p.SuccessMetrics,
    "performance_data": p.PerformanceData,
    "required_conditions": p.RequiredConditions,
    "deployment_sequence": list[p.DeploymentPhase],
    "optimizations": list[p.Optimization],
    "outbox_payload": m.OutboxPayload,
    "outbox_outcome": m.Dropped,
    "audit_detail": m.AuditDetail,
    "result": d.ExportedResult,
    "manifest": d.Manifest,
    "mission_profile": d.MissionProfile,
    "mission_phase": d.MissionPhase,
    "body_file": d.BodyFile,
    "comparison": d.Comparison,
}


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema of that name."""
    made = TypeAdapter(SCHEMAS[name]).json_schema(mode="validation")
    head = {"$schema": GenerateJsonSchema.schema_dialect, "$id": f"urn:twinpipe:{name}:{p.SCHEMA_VERSION}"}
    return {**head, **made}


def schema_name(table: str, column: str) -> str:
    """Name of the schema of a JSON column."""
    return next(name for name, kind in SCHEMAS.items() if kind == p.COLUMNS[table, column])


def derived_examples() -> dict[str, Any]:
    """Examples made from the bodies and patterns that ship."""
    mars, pattern = builtin_body("mars"), load_pattern("mars_terraform")
    scenario = pattern.scenario(mars)
    spec = RunSpec(body=mars, scenario=scenario, years=100)
    replicate = RunSpec(body=mars, scenario=scenario, years=100, seed=1)
    kept = spec.model_dump(mode="json")
    return {
        "body": kept["body"],
        "pattern": pattern.model_dump(mode="json"),
        "scenario": kept["scenario"],
        "run_spec": kept,
        "run_parameters": {
            "spec": {k: v for k, v in kept.items() if k != "body"},
            "store": f"runs/{spec.digest[:16]}.zarr",
        },
        "sweep": read_sweep(shared_folder("schemas") / "examples" / "sweep.toml").model_dump(
            mode="json", exclude_none=True
        ),
        "sweep_design": {
            "base": {k: v for k, v in kept.items() if k != "body"},
            "members": [{"spec_digest": s.digest, "values": {"seed": s.seed}} for s in (spec, replicate)],
        },
    }


def files() -> Iterator[tuple[str, str]]:
    """Every generated file: its path below schemas/ and its text."""
    for name in SCHEMAS:
        yield f"{name}.schema.json", _text(schema(name))
    for name, value in derived_examples().items():
        yield f"examples/{name}.json", _text(value)


def example(name: str) -> Any:
    """The example of a schema that is checked in."""
    return json.loads((shared_folder("schemas") / "examples" / f"{name}.json").read_text(encoding="utf-8"))


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main(folder: Path) -> int:
    """Write every generated file below folder; the number of those that changed."""
    (folder / "examples").mkdir(parents=True, exist_ok=True)
    changed = 0
    for name, text in files():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")
            changed += 1
    return changed


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else shared_folder("schemas")
    print(f"{main(target)} of {len(list(files()))} files changed")
