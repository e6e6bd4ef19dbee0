"""Laws of the dashboard's queries: what they answer, and that they walk indexes however large the ledger is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from tests.factories import make_ready_twin, make_result, make_run, make_running, make_running_sweep, make_twin
from tests.factories.load import NOW, load
from tests.pipeline.databases import database

from twinpipe.db import ledger, queries
from twinpipe.db.migrate import migrate
from twinpipe.db.queries import active_twins, best_results, daily_statistics, live_runs
from twinpipe.db.session import engine as engine_of
from twinpipe.db.statistics import repair_statistics
from twinpipe.errors import InvalidInput

# a finished sweep on some of the twins, so that to read them all would be slower than to look one up
SWEEPS = """
    INSERT INTO sweeps (digital_twin_id, sweep_key, name, status, spec, spec_digest, members, progress, attempt,
        started_at, completed_at, created_at)
    SELECT id, gen_random_uuid(), 'load', 'completed', '{}', md5(id::text), 1, 1, 1, created_at, created_at, created_at
    FROM digital_twins ORDER BY id LIMIT 1000"""
LARGE = {"digital_twins", "simulation_runs", "simulation_results", "sweeps", "segments", "run_stats_daily"}
SOME_SYSTEM = "LOAD-7"
SYSTEM = f"'{SOME_SYSTEM}'"


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((2_000, 20_000, 17_600), id="20k runs"),
        pytest.param((100_000, 1_000_000, 880_000), id="1M runs", marks=pytest.mark.slow),
    ],
)
def loaded(request: pytest.FixtureRequest, server: str) -> Iterator[Engine]:
    """An engine on a ledger with years of use in it; read only, or repaired to what it was."""
    with database(server) as url:
        migrate(url)
        load(engine_of(url), *request.param)
        with engine_of(url).begin() as connection:
            connection.execute(text(SWEEPS))
            connection.execute(text("ANALYZE sweeps"))
        yield engine_of(url)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def walk(engine: Engine, explained: str) -> list[dict[str, Any]]:
    """Nodes of the plan of a statement."""
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = 0"))
        plan = connection.exec_driver_sql(explained.replace("%", "%%")).scalar_one()
        connection.invalidate()
    return list(nodes(plan[0]["Plan"]))


def plans(engine: Engine, name: str, given: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """The plan for these values, and the one that a prepared statement keeps for all values."""
    sql = queries.statement(name)
    for word, value in given.items():
        sql = sql.replace(f"%({word})s", value)
    yield walk(engine, f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
    sql = queries.statement(name)
    for number, word in enumerate(given, 1):
        sql = sql.replace(f"%({word})s", f"${number}")
    yield walk(engine, f"EXPLAIN (GENERIC_PLAN, FORMAT JSON) {sql}")


TWINS_PAGE = {"system": SYSTEM, "after_time": "timestamptz '9999-12-30'", "after_id": "9", "count": "50"}
RUNS_PAGE = {"after_time": "timestamptz '0001-01-02'", "after_id": "0", "count": "50"}
RANKING = {"after_score": "2.0::float8", "after_id": "9", "count": "20"}
LATER = f"timestamptz '{NOW - timedelta(days=200)}'"


@pytest.mark.parametrize(
    ("name", "given", "index"),
    [
        ("active_twins", TWINS_PAGE, "ix_digital_twins_active_system_created"),
        ("active_twins", TWINS_PAGE | {"after_time": LATER}, "ix_digital_twins_active_system_created"),
        ("live_runs", RUNS_PAGE, "ix_simulation_runs_live"),
        ("live_runs", RUNS_PAGE | {"after_time": LATER}, "ix_simulation_runs_live"),
        ("best_results", RANKING, "ix_simulation_results_best"),
        ("best_results", RANKING | {"after_score": "0.75::float8"}, "ix_simulation_results_best"),
    ],
)
def test_every_page_walks_its_index(loaded: Engine, name: str, given: dict[str, str], index: str) -> None:
    for found in plans(loaded, name, given):
        assert not [n for n in found if n["Node Type"] == "Seq Scan" and n["Relation Name"] in LARGE]
        walked = [n for n in found if n.get("Index Name") == index]
        assert [n["Node Type"] for n in walked] == ["Index Scan"]
        read = sum(n.get("Actual Rows", 0) * n.get("Actual Loops", 1) for n in walked)
        assert read <= int(given["count"])  # not more than the page
        # the members of a sweep are all of one moment, and equal runs have equal scores: ties may be long
        assert not [n for n in found if n["Node Type"] == "Incremental Sort"]
    if name == "active_twins":
        latest = [n for n in found if n.get("Index Name") == "ix_simulation_runs_twin_created"]
        assert [n["Node Type"] for n in latest] == ["Index Scan"]


@pytest.mark.parametrize(
    ("name", "more"), [("daily_statistics", {}), ("daily_statistics_of_system", {"system": SYSTEM})]
)
def test_statistics_come_from_the_summary_alone(loaded: Engine, name: str, more: dict[str, str]) -> None:
    given = {"first": f"date '{NOW - timedelta(days=6):%F}'", "last": f"date '{NOW:%F}'", **more}
    for found in plans(loaded, name, given):
        assert {n["Relation Name"] for n in found if "Relation Name" in n} <= {"run_stats_daily", "solar_systems"}
        assert not [n for n in found if n["Node Type"] == "Seq Scan" and n["Relation Name"] in LARGE]


def test_repair_counts_anew_what_is_there(loaded: Engine) -> None:
    def recent() -> list[queries.DayStatistics]:
        return daily_statistics(loaded, (NOW - timedelta(days=9)).date(), NOW.date())

    before = recent()
    with loaded.begin() as connection:
        connection.execute(text("UPDATE run_stats_daily SET n = n + 1 WHERE day >= :d"), {"d": NOW - timedelta(days=2)})
        connection.execute(text("DELETE FROM run_stats_daily WHERE day = :d"), {"d": NOW - timedelta(days=1)})
    assert recent() != before
    assert repair_statistics(loaded, (NOW - timedelta(days=2)).date()) > 0
    after = recent()
    assert [(s.day, s.pattern, s.runs, s.best_overall) for s in after] == [
        (s.day, s.pattern, s.runs, s.best_overall) for s in before
    ]
    assert [s.mean_overall for s in after] == pytest.approx([s.mean_overall for s in before])


def test_pages_hold_every_active_twin_once_newest_first(loaded: Engine) -> None:
    whole = active_twins(loaded, SOME_SYSTEM, count=1000)
    assert [t.key for t in whole] == sorted((t.key for t in whole), reverse=True)
    paged: list[queries.ActiveTwin] = []
    while page := active_twins(loaded, SOME_SYSTEM, paged[-1].key if paged else None, 7):
        paged += page
    assert paged == whole
    with loaded.connect() as connection:
        expected = connection.execute(
            text(
                "SELECT count(*) FROM digital_twins t JOIN solar_systems s ON s.id = t.solar_system_id "
                "WHERE s.identifier = :s AND deleted_at IS NULL"
            ),
            {"s": SOME_SYSTEM},
        ).scalar_one()
    assert len(whole) == expected


def test_the_ranking_pages_through_ties(loaded: Engine) -> None:
    paged: list[queries.RankedResult] = []
    for _ in range(30):
        paged += best_results(loaded, paged[-1].key if paged else None, 3)
    assert paged == best_results(loaded, count=90)
    assert [r.overall_score for r in paged] == sorted((r.overall_score for r in paged), reverse=True)


def test_a_twin_comes_with_its_body_and_its_latest_run(engine: Engine) -> None:
    older, newer = make_ready_twin(engine), make_twin(engine, "without runs")
    make_result(engine, make_running(engine, older))
    latest = make_run(engine, older)
    first, second = active_twins(engine, older.solar_system)
    assert (first.id, first.run_id, first.run_status, first.body) == (newer.id, None, None, newer.body)
    assert (second.id, second.run_id, second.run_status, second.body_name) == (
        *(older.id, latest.id, "queued", older.body_name),
    )
    assert active_twins(engine, "nowhere") == []
    assert isinstance(first.as_dict()["created_at"], str)
    for count in (0, 1001):
        with pytest.raises(InvalidInput, match="count"):
            active_twins(engine, older.solar_system, count=count)


def test_live_runs_are_those_that_are_queued_or_running_oldest_first(engine: Engine) -> None:
    running, done, queued = make_running(engine), make_result(engine), make_run(engine)
    assert [(r.id, r.status) for r in live_runs(engine)] == [(running.id, "running"), (queued.id, "queued")]
    assert [r.id for r in live_runs(engine, live_runs(engine)[0].key)] == [queued.id]
    assert [r.run_id for r in best_results(engine)] == [done.run_id]


def test_a_live_member_is_told_by_its_sweep(engine: Engine) -> None:
    sweep = make_running_sweep(engine, number=2)
    assert ledger.report_sweep_progress(engine, sweep.id, sweep.lease_generation, 0.4, 600.0)
    held = ledger.get_sweep(engine, sweep.id)
    told = [(r.sweep_id, r.progress, r.lease_until) for r in live_runs(engine)]
    assert told == [(sweep.id, 0.4, held.lease_until)] * 2
    assert [(r.progress, r.lease_until) for r in ledger.list_members(engine, sweep.id)] == [(0.4, held.lease_until)] * 2


def test_statistics_are_those_of_the_results(engine: Engine) -> None:
    made = [make_result(engine) for _ in range(3)]
    today = {r.created_at.date() for r in made}
    assert repair_statistics(engine, min(today)) == 0
    rows = daily_statistics(engine, min(today), max(today))
    assert sum(r.runs for r in rows) == 3
    assert rows[0].best_overall == made[0].overall_score
    system = ledger.get_twin(engine, made[0].twin_id).solar_system
    assert daily_statistics(engine, min(today), max(today), system) == rows
    assert daily_statistics(engine, min(today), max(today), "nowhere") == []
    assert daily_statistics(engine, date(2000, 1, 1), date(2000, 1, 2)) == []
