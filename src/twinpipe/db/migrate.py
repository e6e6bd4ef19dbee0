"""Migrations of the ledger's schema."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from twinpipe.db.session import engine, is_transient, retried
from twinpipe.errors import Failure
from twinpipe.shared import shared_folder

LOCK = "hashtextextended('twinpipe migrations', 0)"  # held by whoever migrates

_alembic = threading.Lock()  # its environment is a global of the process


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for the migrations that ship with twinpipe."""
    made = Config()
    made.set_main_option("script_location", str(shared_folder("sql")).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


@retried
def status(url: str) -> dict[str, str | bool | None]:
    """Revision of the database, newest revision known here, and whether they are the same."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    with engine(url).connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return {"current": current, "head": head, "up_to_date": current == head}


@retried
def migrate(url: str, revision: str = "head") -> None:
    """Bring the schema up to a revision; several processes may do so at once.

    Raises DatabaseUnavailable, or Failure when the database was made by a newer twinpipe or has no place for it.
    """
    found = status(url)
    if found["up_to_date"] and revision in ("head", found["head"]):
        return
    _check_known(found["current"])
    with _migrating(), engine(url).connect() as connection:
        command.upgrade(config(connection), revision)


@retried
def prepare(url: str) -> None:
    """Give a database that never had a schema the newest one, all of it or nothing; leave every other as it is.

    So a rollback stays rolled back until somebody migrates.  Several processes may ask at once.
    Raises DatabaseUnavailable, or Failure when the schema is at another revision or there is no place for it.
    """
    found = status(url)
    if found["up_to_date"]:
        return
    with _migrating(), engine(url).begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '120s'"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))  # somebody may be at it: look again after
        if connection.scalar(text("SELECT to_regclass('alembic_version')")) is None:
            command.upgrade(config(connection), "head")
            return
        current = MigrationContext.configure(connection).get_current_revision()
    if current != found["head"]:
        _check_known(current)
        raise Failure(
            f"the database is at revision {current or 'base'}, and this twinpipe works at {found['head']}: "
            "run twinpipe db migrate."
        )


@retried
def rollback(url: str, revision: str = "base") -> None:
    """Take the schema down to a revision; raises DatabaseUnavailable or Failure as migrate does."""
    _check_known(status(url)["current"])
    with _alembic, engine(url).connect() as connection:
        command.downgrade(config(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Take the schema down within the connection's transaction; other connections see it at the commit."""
    with _alembic:
        command.downgrade(config(connection), revision)


def revisions() -> list[str]:
    """Every revision known here, oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()][::-1]


@contextmanager
def _migrating() -> Iterator[None]:
    """One at a time in this process; what the database refuses is a Failure of one sentence."""
    with _alembic:
        try:
            yield
        except DBAPIError as error:
            if is_transient(error):
                raise
            said = str(error.orig).strip().splitlines()[0].strip(" .")
            raise Failure(f"the schema cannot be brought up to date: {said}.") from None


def _check_known(current: str | bool | None) -> None:
    if current is not None and current not in revisions():
        raise Failure(f"the database is at revision {current}, which this twinpipe does not know: update it.")
