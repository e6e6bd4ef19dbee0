"""Who is making a twin: a lock that ends with its holder tells the others whether the maker lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from twinpipe.db.rows import TwinRow
from twinpipe.db.session import retried, transaction
from twinpipe.db.twins import get_twin, lock_twin, set_twin

KEY = "hashtextextended('twinpipe maker ' || CAST(:key AS text), 0)"
LOCK_TIMEOUT = "55P03"


@contextmanager
def making(engine: Engine, key: UUID) -> Iterator[None]:
    """While it lasts, the twin of that key has a maker; taken before the row is there, so that none is without.

    It is a lock of a session of its own: a maker that is killed leaves none behind.
    """
    connection = _hold(engine, key)
    try:
        yield
    finally:
        connection.close()  # and not given back, so that the lock goes with it


@retried
def _hold(engine: Engine, key: UUID) -> Connection:
    connection = engine.connect()
    try:
        connection.execute(text(f"SELECT pg_advisory_lock({KEY})"), {"key": str(key)})
        connection.commit()
        connection.detach()
    except BaseException:
        connection.close()
        raise
    return connection


def await_maker(engine: Engine, twin: TwinRow, patience: float) -> TwinRow:
    """The twin when its maker has ended, or after patience seconds as it is then.

    One that is still in creation though its maker has ended is failed, since its maker died.  Raises NotFound.
    """
    if _maker_ended(engine, twin.twin_key, patience):
        _end_orphan(engine, twin.id)
    return get_twin(engine, twin.id)


@retried
def _maker_ended(engine: Engine, key: str, patience: float) -> bool:
    with transaction(engine) as connection:
        milliseconds = max(1, int(1000 * patience))  # 0 would be for ever
        connection.execute(text(f"SET LOCAL lock_timeout = {milliseconds}; SET LOCAL statement_timeout = 0"))
        try:
            connection.execute(text(f"SELECT pg_advisory_xact_lock_shared({KEY})"), {"key": key})
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != LOCK_TIMEOUT:
                raise
            return False
    return True


@retried
def _end_orphan(engine: Engine, twin_id: int) -> None:
    with transaction(engine) as connection:
        if lock_twin(connection, twin_id) == "creating":
            set_twin(connection, twin_id, "failed")
