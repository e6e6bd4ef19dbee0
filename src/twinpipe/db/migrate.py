"""Migrations of the ledger's schema."""

from __future__ import annotations

import threading

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from twinpipe.db.session import engine, retried
from twinpipe.errors import Failure
from twinpipe.shared import shared_folder

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

    Raises DatabaseUnavailable, or Failure when the database was made by a newer twinpipe.
    """
    found = status(url)
    if found["up_to_date"] and revision in ("head", found["head"]):
        return
    _check_known(found["current"])
    with _alembic, engine(url).connect() as connection:
        command.upgrade(config(connection), revision)


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


def _check_known(current: str | bool | None) -> None:
    if current is not None and current not in revisions():
        raise Failure(f"the database is at revision {current}, which this twinpipe does not know: update it.")
