"""Laws of the schema: up and down leave nothing behind, and the models are what the migrations make."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, make_url, text

from twinpipe.db.migrate import config, migrate, revisions, rollback, status
from twinpipe.db.models import Base
from twinpipe.db.session import close, engine
from twinpipe.errors import Failure

CATALOGUE = {
    "columns": """
        SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default,
               is_identity, generation_expression
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
        ORDER BY 1, 2""",
    "constraints": """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
        ORDER BY 1, 2""",
    "indexes": """
        SELECT tablename, indexdef FROM pg_indexes
        WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2""",
    "options": """
        SELECT relname, reloptions::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL ORDER BY 1""",
}
ACTIVE = {
    "triggers": """
        SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal ORDER BY 1, 2""",
    "functions": """
        SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1""",
    "types": """
        SELECT typname FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd') ORDER BY 1""",
    "sequences": """
        SELECT relname FROM pg_class
        WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace ORDER BY 1""",
}


@pytest.fixture
def empty(server: str) -> Iterator[str]:
    """URL of a database of its own."""
    name = "of_a_test"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} STRATEGY file_copy"))
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    yield url
    close(url)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def catalogue(database: Engine, queries: dict[str, str]) -> dict[str, list[tuple[Any, ...]]]:
    with database.connect() as connection:
        return {name: [tuple(row) for row in connection.execute(text(q))] for name, q in queries.items()}


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(config()).get_heads()) == 1


def test_up_down_up_leaves_nothing_and_comes_back_the_same(empty: str) -> None:
    everything = CATALOGUE | ACTIVE
    before = catalogue(engine(empty), everything)
    assert status(empty) == {"current": None, "head": revisions()[-1], "up_to_date": False}
    migrate(empty)
    up = catalogue(engine(empty), everything)
    assert up["triggers"]
    rollback(empty)
    assert catalogue(engine(empty), everything) == before
    migrate(empty)
    assert catalogue(engine(empty), everything) == up
    assert status(empty)["up_to_date"]


def test_every_revision_looks_the_same_from_below_and_from_above(empty: str) -> None:
    everything = CATALOGUE | ACTIVE | {"transitions": "SELECT entity, old, new FROM status_transition ORDER BY 1, 2, 3"}
    going_up = {}
    for revision in revisions():
        migrate(empty, revision)
        going_up[revision] = catalogue(engine(empty), everything)
    for revision in revisions()[-2::-1]:
        rollback(empty, revision)
        assert catalogue(engine(empty), everything) == going_up[revision], revision


def test_the_requirement_comes_first_in_its_order(empty: str) -> None:
    order: list[Any] = []
    for revision in revisions():
        migrate(empty, revision)
        tables = {row[0] for row in catalogue(engine(empty), CATALOGUE)["columns"]}
        order += sorted(tables & {"digital_twins", "simulation_runs", "simulation_results"} - set(order))
    assert order == ["digital_twins", "simulation_runs", "simulation_results"]


def test_a_script_of_the_migrations_makes_the_same_schema(server: str, empty: str) -> None:
    script = config()
    script.output_buffer = io.StringIO()
    command.upgrade(script, "head", sql=True)
    with psycopg.connect(empty.replace("+psycopg", ""), autocommit=True) as connection:  # as psql does
        connection.execute(script.output_buffer.getvalue().encode())
    everything = CATALOGUE | ACTIVE
    assert catalogue(engine(empty), everything) == catalogue(engine(server), everything)
    assert status(empty)["up_to_date"]


def test_the_models_are_what_the_migrations_make(server: str, empty: str) -> None:
    Base.metadata.create_all(engine(empty))
    made, migrated = (catalogue(engine(url), CATALOGUE) for url in (empty, server))
    for kind in CATALOGUE:
        assert made[kind] == migrated[kind], kind
    with engine(server).connect() as connection:
        command.check(config(connection))


def test_the_tables_and_columns_of_the_requirement_are_there(server: str) -> None:
    rows = catalogue(engine(server), CATALOGUE)["columns"]
    required = {
        "digital_twins": "id name description celestial_body_id solar_system_id created_by_id status "
        "simulation_parameters initial_state_snapshot created_at updated_at expires_at",
        "simulation_runs": "id digital_twin_id initiated_by_id status pattern duration_years parameters "
        "started_at completed_at error_message progress created_at updated_at",
        "simulation_results": "id simulation_run_id digital_twin_id start_state end_state key_events "
        "resource_consumption success_metrics performance_data created_at updated_at",
    }
    for table, columns in required.items():
        assert set(columns.split()) <= {row[1] for row in rows if row[0] == table}


def test_a_database_of_a_newer_twinpipe_is_left_alone(empty: str) -> None:
    migrate(empty)
    with engine(empty).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Failure, match="9999"):
        migrate(empty)


def test_the_session_keeps_its_timeouts_after_a_migration(empty: str) -> None:
    migrate(empty)
    with engine(empty).connect() as connection:
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "1min"
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "5s"
