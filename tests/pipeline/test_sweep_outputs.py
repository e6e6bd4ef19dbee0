"""Laws of what a sweep left: each member is found in the one store, and the report tells of all of them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from tests.factories import a_result

from twinpipe import lifecycle
from twinpipe.body import builtin_body
from twinpipe.db import ledger
from twinpipe.drawing import report_sweep
from twinpipe.engine import Serial, run_plan
from twinpipe.errors import Conflict
from twinpipe.layout import run_layout
from twinpipe.lookup import run_tree, sweep_tree
from twinpipe.plan import make_plan
from twinpipe.result import build_result, read_outcome
from twinpipe.scenario import load_pattern
from twinpipe.settings import Settings
from twinpipe.spec import RunSpec
from twinpipe.store import RunStore
from twinpipe.workplace import Workplace

RATES = (5e4, 2e5, 5e5)


@pytest.fixture
def w(engine: Engine, server: str, tmp_path: Path) -> Workplace:
    return Workplace(Settings(home=tmp_path), engine, server)


def test_members_are_found_and_reported(w: Workplace) -> None:
    mars, pattern = builtin_body("mars"), load_pattern("mars_terraform")
    twin = lifecycle.create_twin(w, mars, "small", grid="6x8")[0].id
    specs = [
        RunSpec(body=mars, scenario=pattern.scenario(mars, {"factory_rate": rate}), years=12, grid="6x8")
        for rate in RATES
    ]
    kept = [{"spec": s.model_dump(mode="json", exclude={"body"}), "store": "runs/0123456789abcdef.zarr"} for s in specs]
    design = {
        "base": kept[0]["spec"],
        "members": [
            {"spec_digest": s.digest, "values": {"factory_rate": r}} for s, r in zip(specs, RATES, strict=True)
        ],
    }
    sweep, _ = ledger.create_sweep(w.engine, twin_id=twin, name="three", spec=design, members=kept)
    generation = ledger.claim_sweep(w.engine, sweep.id, 60.0)
    plan, path = make_plan(tuple(specs), members_per_block=2), w.twin_path(twin) / "runs" / "0123456789abcdef.zarr"
    RunStore(path).create(run_layout(plan, {"title": "three members"}))
    run_plan(plan, path, 0, Serial())
    RunStore(path).finish({})
    members = ledger.list_members(w.engine, sweep.id)
    for number in (0, 2):
        result = build_result(read_outcome(plan, path, number))
        result["performance_data"] = a_result()["performance_data"] | result["performance_data"]  # where and how fast
        ledger.complete_run(w.engine, members[number].id, generation, result)
    with pytest.raises(Conflict, match="only a completed sweep"):
        sweep_tree(w, sweep.id)
    ledger.fail_run(w.engine, members[1].id, None, "it froze over")
    assert ledger.finish_sweep(w.engine, sweep.id, generation) == "completed"

    with sweep_tree(w, sweep.id, True) as all_of_them, run_tree(w, members[2].id) as last:
        assert all_of_them["atmosphere"].sizes["member"] == 3
        field = all_of_them["atmosphere"].to_dataset()["surface_temperature"]
        np.testing.assert_array_equal(last["atmosphere"]["surface_temperature"].values, field.values[2:])
    with pytest.raises(Conflict, match="failed"):
        run_tree(w, members[1].id)

    page = report_sweep(w, sweep.id).read_text(encoding="utf-8")
    words = re.sub(r"<[^>]+>", " ", page)
    for text in ("Mars: warm and thicken, 3 members", "1 members have no result", "factory rate (kg/s)", "member 2"):
        assert text in words
    assert "member 1 " not in words
    assert page.count("data:image/png;base64,") == 4
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
