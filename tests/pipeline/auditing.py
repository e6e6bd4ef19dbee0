"""What tests of the audit share: real twins and runs, and how repairs are judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from twinpipe import lifecycle, sweeping
from twinpipe.audit import GRACE, Drift, Report, audit
from twinpipe.body import builtin_body
from twinpipe.db import ledger
from twinpipe.db.ledger import RunRow, TwinRow
from twinpipe.db.rows import SweepRow
from twinpipe.db.session import engine as engine_of
from twinpipe.engine import Serial
from twinpipe.errors import StoreError
from twinpipe.repairs import repair
from twinpipe.scenario import Scenario, load_pattern
from twinpipe.settings import Settings
from twinpipe.sweep_spec import SweepSpec
from twinpipe.workplace import Workplace


def workplace(home: Path, url: str) -> Workplace:
    return Workplace(Settings(home=home), engine_of(url), url)


def a_twin(w: Workplace, name: str = "Mars") -> TwinRow:
    return lifecycle.create_twin(w, builtin_body("mars"), name, grid="6x8", again=True)[0]


def a_run(w: Workplace, twin: TwinRow, years: int = 2) -> RunRow:
    scenario: Scenario = load_pattern("mars_terraform").scenario(builtin_body("mars"))
    return lifecycle.prepare_run(w, twin.id, scenario, years)[0]


def a_sweep(w: Workplace, twin: TwinRow) -> SweepRow:
    """A queued sweep of two members."""
    axis = {"kind": "list", "name": "factory_rate", "values": [5e4, 5e5]}
    base = {"pattern": "mars_terraform", "years": 2, "grid": "6x8"}
    spec = SweepSpec.model_validate({"name": twin.name, "base": base, "axes": [axis]})
    return sweeping.create_sweep(w, sweeping.offer(w, spec, twin.id))[0]


def a_completed_run(w: Workplace, twin: TwinRow) -> Path:
    receipt = lifecycle.simulate_run(w, a_run(w, twin).id, Serial())
    lifecycle.insert_result(w, receipt)
    return Path(receipt.path)


def later(by: timedelta = 2 * GRACE) -> datetime:
    return datetime.now(UTC) + by


def only(report: Report) -> Drift:
    assert len(report.drifts) == 1, [d.sentence for d in report.drifts]
    return report.drifts[0]


def mended(w: Workplace, report: Report) -> None:
    """Repair, and see that nothing is left, nor anything to do a second time."""
    done, failed = repair(w, report)
    assert not failed
    assert set(done) == {d for d in report.drifts if d.safe}
    assert audit(w, now=report.moment).drifts == ()
    with w.engine.connect() as connection:
        noted = connection.execute(text("SELECT detail FROM audit_log WHERE actor = 'audit' AND action = 'repair'"))
        assert {detail["kind"] for (detail,) in noted} >= {d.kind for d in done}


def a_failed_twin(w: Workplace, monkeypatch: pytest.MonkeyPatch) -> TwinRow:
    """A twin that failed when its store was written, which could not be cleared away."""

    def refuse(*_: object) -> None:
        raise StoreError("the disk is full.")

    with monkeypatch.context() as patched:
        patched.setattr(ledger, "mark_twin_ready", refuse)
        patched.setattr(lifecycle, "drop", refuse)
        with pytest.raises(StoreError):
            a_twin(w)
    return ledger.list_twins(w.engine)[0]
