"""The pause of the ledger: while somebody holds it no run is claimed; it ends with its holder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from twinpipe.errors import Conflict

KEY = "hashtextextended('twinpipe pause', 0)"
NAME = "twinpipe pause"  # of the holder's connection, which must not end with the others


def check_not_paused(connection: Connection) -> None:
    """Until the transaction ends nobody pauses the ledger; raises Conflict when somebody has."""
    if not connection.scalar(text(f"SELECT pg_try_advisory_xact_lock_shared({KEY})")):
        raise Conflict("the ledger is paused, since its schema is being rolled back or its data brought back.")


@contextmanager
def paused(engine: Engine) -> Iterator[Connection]:
    """A connection of its own that holds the pause; raises Conflict when another process does.

    It is a lock of the session, so that a holder that is killed leaves no paused ledger behind.
    """
    with engine.connect() as connection:
        connection.execute(text("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"))
        connection.execute(text(f"SET application_name = '{NAME}'"))
        connection.commit()
        connection.detach()  # closed at the end and never shared, so that what was set goes with it
        for _ in range(2):
            if connection.scalar(text(f"SELECT pg_try_advisory_lock({KEY})")):
                break
            end_others(connection)  # a claim holds it for the length of its transaction
        else:
            raise Conflict("another process is rolling the ledger back or bringing its data back.")
        connection.commit()
        try:
            yield connection
        finally:  # said aloud: a backend is still there for a moment after its client has left
            with suppress(DBAPIError):
                connection.rollback()
                if not connection.invalidated:
                    connection.execute(text(f"SELECT pg_advisory_unlock({KEY})"))
                    connection.commit()


def end_others(connection: Connection) -> int:
    """End the connections of all twinpipe processes to this database; how many there were."""
    ended = connection.scalar(
        text(
            "SELECT count(pg_terminate_backend(pid, 2000)) FROM pg_stat_activity WHERE datname = current_database() "
            "AND application_name = 'twinpipe' AND pid <> pg_backend_pid()"
        )
    )
    connection.commit()
    return int(ended or 0)
