"""Connections to the ledger: its URL, one engine per process, transactions, retries."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import orjson
import psycopg
import tenacity
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from twinpipe.db.turns import Turns
from twinpipe.digest import canonical_json
from twinpipe.errors import DatabaseUnavailable, Failure, InvalidInput
from twinpipe.settings import Settings

# Connection and Engine are here for the floors above, which do not know SQLAlchemy
__all__ = ["Connection", "Engine", "check_json", "checked_json", "close", "database_url", "driver_cursor", "engine"]
__all__ += ["exact_json", "is_transient", "normal_url", "ping", "reading", "retried", "strict_json", "transaction"]

CONNECT = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # a network that swallows packets is an error, not a wait for ever
    "application_name": "twinpipe",
    "options": "-c statement_timeout=60s -c lock_timeout=5s -c idle_in_transaction_session_timeout=60s -c timezone=UTC",
}
# serialization, deadlock, lock timeout, shutdowns, too many connections, idle in transaction
TRANSIENT = {"40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300", "25P03"}

POOL, OVERFLOW, PATIENCE = 4, 2, 10  # connections kept, and more at need; seconds to wait for one

LONG = re.compile(r"(?<![0-9.])[0-9]{20}(?![0-9])")

P = ParamSpec("P")
R = TypeVar("R")

_engines: dict[tuple[int, str], Engine] = {}
_turns: WeakKeyDictionary[Engine, Turns] = WeakKeyDictionary()


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """URL of the ledger: TWINPIPE_DATABASE_URL, else the embedded server, which runs within the context.

    Raises DatabaseUnavailable when it does not answer, InvalidInput when the URL is none.
    """
    if settings.database_url is not None:
        url = normal_url(settings.database_url.get_secret_value())
        ping(url)
        yield url
        return
    try:
        from twinpipe.db.embedded import EmbeddedPostgres
    except ImportError:  # no fcntl: Windows
        raise DatabaseUnavailable("the embedded Postgres needs Linux or macOS: set TWINPIPE_DATABASE_URL.") from None
    with EmbeddedPostgres(settings.home / "postgres") as url:
        try:
            yield url
        finally:
            close(url)


def normal_url(text: str) -> str:
    """The URL with the driver's name in it; raises InvalidInput, which never shows the text."""
    allowed = "it is postgresql://user:password@host:port/database"
    try:
        url = make_url(re.sub(r"^postgres(ql)?(\+psycopg)?://", "postgresql+psycopg://", text.strip()))
    except (ArgumentError, ValueError):
        raise InvalidInput("TWINPIPE_DATABASE_URL", "(not shown)", allowed) from None
    if url.drivername != "postgresql+psycopg":
        raise InvalidInput("TWINPIPE_DATABASE_URL", url.drivername, allowed)
    return url.render_as_string(hide_password=False)


def engine(url: str) -> Engine:
    """The engine of this process for a URL; a forked child gets its own."""
    key = (os.getpid(), url)
    if key not in _engines:
        _engines.setdefault(key, _make_engine(make_url(url)))  # a thread may have been faster
    return _engines[key]


def close(url: str) -> None:
    """Close the connections of this process to a URL."""
    if made := _engines.pop((os.getpid(), url), None):
        made.dispose()


def ping(url: str) -> None:
    """Ask once whether the database answers; raises DatabaseUnavailable within seconds."""
    with engine(url).connect():
        pass


def _make_engine(url: URL) -> Engine:
    made = create_engine(
        url,
        connect_args=CONNECT,
        pool_pre_ping=True,
        pool_size=POOL,
        max_overflow=OVERFLOW,
        pool_timeout=PATIENCE,
        pool_recycle=1800,
        pool_use_lifo=True,
        json_serializer=strict_json,
        json_deserializer=exact_json,
    )
    _turns[made] = Turns(POOL + OVERFLOW, PATIENCE)
    answered = False

    @event.listens_for(made, "do_connect")
    def connect(dialect: Any, record: Any, arguments: Any, options: Any) -> Any:
        nonlocal answered
        try:
            connection = dialect.connect(*arguments, **options)
        except psycopg.OperationalError as error:
            if answered:  # it is restarting, perhaps: worth a retry
                raise
            raise _unavailable(url, error) from None
        answered = True
        return connection

    return made


def _unavailable(url: URL, error: BaseException) -> DatabaseUnavailable:
    host = url.host or url.query.get("host") or "localhost"
    where = f"{host}:{url.port or url.query.get('port') or 5432}"
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    reason = re.sub(r"\s+", " ", reason.rsplit("failed: ", 1)[-1]).strip(" .:")
    if isinstance(url.password, str) and url.password:
        reason = reason.replace(url.password, "***")
    return DatabaseUnavailable(f"database {url.database or ''!r} at {where} does not answer: {reason}.")


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A connection whose work is committed at the end, or undone when anything is raised."""
    with _turn(engine), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection for one statement, which needs no transaction around it: that would be two more round trips."""
    with _turn(engine), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        yield connection


def _turn(engine: Engine) -> AbstractContextManager[None]:
    turns = _turns.get(engine)
    return nullcontext() if turns is None else turns.one()  # an engine of others has its own ways


@contextmanager
def driver_cursor(connection: Connection, statement: str, binary: bool = False) -> Iterator[psycopg.Cursor[Any]]:
    """A cursor of the driver within the connection's transaction; its errors are those of other statements.

    For what is done often, since SQLAlchemy spends more on a small statement than the server.
    """
    driver = connection.connection.dbapi_connection  # not driver_connection, which a detached one lacks
    assert isinstance(driver, psycopg.Connection)
    try:
        with driver.cursor(binary=binary) as cursor:
            yield cursor
    except psycopg.Error as error:  # which SQLAlchemy has not seen
        if driver.closed:
            connection.invalidate()
        raise DBAPIError.instance(
            *(statement, None, error, psycopg.Error), connection_invalidated=driver.closed, dialect=connection.dialect
        ) from None


def is_transient(error: BaseException) -> bool:
    """Whether the same work may well succeed a moment later."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state: str | None = getattr(error.orig, "sqlstate", None)
    if state is None:  # lost connections carry no state
        return error.connection_invalidated or isinstance(error, OperationalError)
    return state in TRANSIENT or state.startswith("08")


def retried(function: Callable[P, R]) -> Callable[P, R]:
    """Repeat a whole function through transient faults, for about half a minute.

    Only for functions whose repetition changes nothing, since a commit whose reply was lost is repeated too.
    Raises DatabaseUnavailable when the database does not come back, Failure when its schema is another.
    """
    attempt = tenacity.retry(
        retry=tenacity.retry_if_exception(is_transient),
        wait=tenacity.wait_random_exponential(multiplier=0.05, max=5),
        stop=tenacity.stop_after_delay(30),
        reraise=True,
    )(function)

    @wraps(function)
    def whole(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return attempt(*args, **kwargs)
        except (DBAPIError, PoolTimeout) as error:
            if getattr(getattr(error, "orig", None), "sqlstate", None) in ("42P01", "42703"):  # no such table, column
                raise Failure("the ledger's schema is not that of this twinpipe: run twinpipe db migrate.") from None
            if not is_transient(error):
                raise
            first = str(getattr(error, "orig", None) or error).strip().splitlines()[0].strip(" .")
            raise DatabaseUnavailable(f"the database went away and did not come back: {first}.") from None

    return whole


def strict_json(value: Any) -> str:
    """JSON for a column; raises InvalidInput for what jsonb would refuse or orjson would turn into null."""
    return checked_json(value).decode()


def checked_json(value: Any, field: str = "value", finite: bool = False) -> bytes:
    """Canonical JSON; raises InvalidInput as check_json does, but looks closely only where there is cause.

    finite says that its numbers are known to be so.
    """
    try:
        made = canonical_json(value)
    except TypeError as error:
        check_json(value, field)
        raise InvalidInput(field, type(value).__name__, f"it must be JSON ({error})") from None
    # orjson makes null of NaN, and jsonb refuses \u0000; a search for one byte is twenty times as fast as for six
    if (not finite and b"null" in made) or (b"\\" in made and b"\\u0000" in made):
        check_json(value, field)
    return made


def exact_json(content: str | bytes) -> Any:
    """The value of a JSON column, every number as it was stored.

    jsonb writes 2e19 as a whole number, and orjson does not round those of 20 digits to the nearest float.
    """
    words = content.decode() if isinstance(content, bytes) else content
    if LONG.search(words):
        return json.loads(words, parse_int=lambda digits: n if abs(n := int(digits)) < 2**63 else float(digits))
    return orjson.loads(words)


def check_json(value: Any, field: str = "value") -> None:
    """Refuse NaN, infinities and NUL characters anywhere in a value; raises InvalidInput naming the place."""
    if (fault := _fault(value)) is not None:
        place, found, allowed = fault
        raise InvalidInput(field + place, found, allowed)


def _fault(value: Any) -> tuple[str, Any, str] | None:
    """Where in a value is what JSON cannot hold, what that is, and what is allowed; the place is told on the way up."""
    if value is None:
        return None
    if isinstance(value, str):
        fine = "\0" not in value and (value.isascii() or _is_unicode(value))
        return None if fine else ("", value, "it is text without NUL characters and lone surrogates")
    if isinstance(value, float):
        return None if math.isfinite(value) else ("", float(value), "it is a finite number")
    if isinstance(value, int):
        return None if -(2**63) <= value < 2**63 else ("", value, "it is a whole number of 64 bits")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                return "", key, "its keys are text"
            if (fault := _fault(key)) is not None:
                return fault
            if (fault := _fault(item)) is not None:
                return f".{key}{fault[0]}", *fault[1:]
        return None
    if isinstance(value, list | tuple):
        for index, item in enumerate(value):
            if (fault := _fault(item)) is not None:
                return f"[{index}]{fault[0]}", *fault[1:]
        return None
    return "", type(value).__name__, "it is text, a number, true, false, null, a list or a table"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
