"""Laws of a dry run: it tells exactly what a cleanup does, and does nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from tests.factories import make_result, make_run, make_running, make_twin, run_parameters
from tests.factories.load import load
from tests.pipeline.cleaning import in_days, store_at, stored_twin
from tests.pipeline.folders import twin_folder

from twinpipe import cleanup
from twinpipe.cleanup import Report, clean
from twinpipe.db import ledger
from twinpipe.db.session import transaction
from twinpipe.settings import Settings
from twinpipe.workplace import Workplace


@pytest.fixture
def work(engine: Engine, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """A workplace whose stores are bytes without meaning, to which an audit would object."""
    monkeypatch.setattr(cleanup, "check_understood", lambda _: None)
    return Workplace(Settings(home=tmp_path), engine, server)


def test_a_dry_run_tells_what_the_next_cleanup_does_and_does_nothing(work: Workplace) -> None:
    load(work.engine, 50, 500, 440)
    twin = stored_twin(work)
    ledger.reap(work.engine)
    then = in_days(31)
    told = clean(work, as_of=then, dry_run=True)
    assert twin_folder(work, twin.id).exists()
    assert ledger.get_twin(work.engine, twin.id).status == "ready"
    assert clean(work, as_of=then, dry_run=True).as_dict() | {"seconds": 0} == told.as_dict() | {"seconds": 0}
    done = clean(work, as_of=then)
    assert (told.expired_twins, told.rows, told.dropped_stores) == (
        *(done.expired_twins, done.rows, done.dropped_stores),
    )
    assert told.rows["simulation_results"]["deleted"] > 0


@st.composite
def lives(draw: st.DrawFn) -> tuple[int, str, list[str], str]:
    """Of a twin: days to live, how far it came, ends of its runs one after another, and what it is doing now."""
    past = st.lists(st.sampled_from(["completed", "again", "failed", "cancelled"]), max_size=3)
    now = st.sampled_from(["nothing", "queued", "running", "lost", "deleted"])
    return (
        draw(st.sampled_from([0, 10, 100])),
        draw(st.sampled_from(["creating", "failed", "ready"])),
        draw(past),
        draw(now),
    )


def live(w: Workplace, ttl_days: int, state: str, past: list[str], now: str) -> None:
    """A twin with its store that lives such a life; outputs are shared by runs of the same content."""
    if state != "ready":
        twin = make_twin(w.engine, ttl_days=ttl_days)
        if state == "failed":
            ledger.mark_twin_failed(w.engine, twin.id)
        elif now == "lost":  # whoever made it
            with transaction(w.engine) as connection:
                connection.execute(text("UPDATE digital_twins SET created_at = now() - interval '2 hours'"))
        return
    twin = stored_twin(w, ttl_days)
    for n, end in enumerate(past):
        folder = f"runs/{0 if end == 'again' else n:016d}.zarr"
        run = make_run(w.engine, twin, parameters=run_parameters(store=folder), spec_digest=folder, again=True)
        if end in ("completed", "again"):
            ledger.claim_run(w.engine, run.id, 60)
            make_result(w.engine, ledger.get_run(w.engine, run.id))
            if not (twin_folder(w, twin.id) / folder).exists():
                store_at(twin_folder(w, twin.id) / folder)
        elif end == "failed":
            ledger.fail_run(w.engine, run.id, None, "it froze over")
        else:
            ledger.cancel_run(w.engine, run.id)
    if now in ("running", "lost"):
        make_running(w.engine, twin, lease=600 if now == "running" else -1)
    elif now == "queued":
        make_run(w.engine, twin)
    elif now == "deleted":
        ledger.delete_twin(w.engine, twin.id)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lived=st.lists(lives(), max_size=4), days=st.sets(st.sampled_from([0, 11, 120, 366, 470, 731, 1200]), max_size=3)
)
@example([(10, "ready", [], "deleted")], {120})  # its bytes and its row go in one cleanup
@example([(0, "ready", [], "lost")], {470})  # and here its last run is ended and goes
@example([(10, "creating", [], "lost")], {11})
def test_a_dry_run_tells_exactly_what_a_cleanup_does(
    work: Workplace, lived: list[tuple[int, str, list[str], str]], days: set[int]
) -> None:
    for life in lived:  # beside those that earlier examples have left
        live(work, *life)
    for then in map(in_days, sorted(days)):
        told, again = (clean(work, as_of=then, dry_run=True) for _ in range(2))
        done = clean(work, as_of=then)
        assert plain(told) == plain(again) == plain(done)


def plain(report: Report) -> dict[str, object]:
    """A report without what a dry run does not tell: the times, and the repair of statistics."""
    same = {"dry_run": None, "seconds": None, "repaired_statistics": None}
    return report.as_dict() | {"reaped_runs": sorted(report.reaped_runs)} | same
