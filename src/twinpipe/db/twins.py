"""Bodies and twins in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Text, cast, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from twinpipe.db.models import CelestialBody, DigitalTwin, SimulationRun, SolarSystem, User
from twinpipe.db.refusals import explained
from twinpipe.db.rows import TwinRow
from twinpipe.db.session import check_json, checked_json, driver_cursor, exact_json, is_transient, retried, transaction
from twinpipe.db.validations import MAX_TTL_DAYS, check_expiry, check_name
from twinpipe.digest import digest
from twinpipe.errors import Conflict, DatabaseUnavailable, InvalidInput, NotFound
from twinpipe.payloads import check_encoded

LIVING = ("creating", "ready", "running_simulation", "completed")  # states in which a twin stands for its content
# one creation of a content at a time, from the look to the commit
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('twinpipe twin ' || %(content_digest)s, 0))"
# all that a creation has to know, since each question would be a round trip under that lock
LOOK = f"""
    WITH moment AS MATERIALIZED (SELECT coalesce(CAST(%(now)s AS timestamptz), clock_timestamp()) AS now)
    SELECT moment.now, b.id, b.name, b.solar_system_id,
        (SELECT id FROM solar_systems WHERE identifier = %(solar_system)s),
        (SELECT id FROM users WHERE name = %(created_by)s),
        (SELECT id FROM digital_twins WHERE twin_key = %(twin_key)s),
        (SELECT id FROM digital_twins t
            WHERE t.content_digest = %(content_digest)s AND t.deleted_at IS NULL AND t.status IN {LIVING}
                AND (t.expires_at IS NULL OR t.expires_at > moment.now)
            ORDER BY id DESC LIMIT 1)
    FROM moment LEFT JOIN celestial_bodies b ON b.identifier = %(body)s"""
NEW = """
    INSERT INTO digital_twins (twin_key, name, description, celestial_body_id, solar_system_id, created_by_id,
        simulation_parameters, initial_state_snapshot, body_digest, content_digest, expires_at, created_at)
    VALUES (%(twin_key)s, %(name)s, %(description)s, %(celestial_body_id)s, %(solar_system_id)s, %(created_by_id)s,
        CAST(%(simulation_parameters)s AS jsonb), CAST(%(initial_state_snapshot)s AS jsonb), %(body_digest)s,
        %(content_digest)s, %(expires_at)s, %(created_at)s)
    ON CONFLICT (twin_key) DO NOTHING RETURNING id, status, created_at, updated_at, expires_at"""

TWINS = (
    select(
        *(DigitalTwin.id, cast(DigitalTwin.twin_key, Text).label("twin_key"), DigitalTwin.name),
        DigitalTwin.description,
        CelestialBody.identifier.label("body"),
        CelestialBody.name.label("body_name"),
        SolarSystem.identifier.label("solar_system"),
        *(DigitalTwin.status, DigitalTwin.simulation_parameters, DigitalTwin.initial_state_snapshot),
        *(DigitalTwin.body_digest, DigitalTwin.content_digest, DigitalTwin.store_path),
        User.name.label("created_by"),
        *(DigitalTwin.created_at, DigitalTwin.updated_at, DigitalTwin.expires_at, DigitalTwin.deleted_at),
    )
    .join(CelestialBody, CelestialBody.id == DigitalTwin.celestial_body_id)
    .join(SolarSystem, SolarSystem.id == DigitalTwin.solar_system_id)
    .outerjoin(User, User.id == DigitalTwin.created_by_id)
)


@retried
def ensure_body(engine: Engine, identifier: str, name: str, solar_system: str) -> int:
    """Id of the body with that identifier, made with its system when new, renamed when its name changed.

    Raises InvalidInput when the body is already known in another system.
    """
    with transaction(engine) as connection:
        return _ensure_body(connection, identifier, name, solar_system)[0]


def _ensure_body(connection: Connection, identifier: str, name: str, solar_system: str) -> tuple[int, int]:
    system = connection.scalar(select(SolarSystem.id).where(SolarSystem.identifier == solar_system))
    if system is None:
        new = insert(SolarSystem).values(identifier=solar_system, name=solar_system)
        connection.execute(new.on_conflict_do_nothing())
        system = connection.scalars(select(SolarSystem.id).where(SolarSystem.identifier == solar_system)).one()
    found = select(CelestialBody.id, CelestialBody.name, CelestialBody.solar_system_id).where(
        CelestialBody.identifier == identifier
    )
    body = connection.execute(found).one_or_none()
    if body is None:
        row = insert(CelestialBody).values(identifier=identifier, name=name, solar_system_id=system)
        connection.execute(row.on_conflict_do_nothing())
        body = connection.execute(found).one()
    if body.solar_system_id != system:
        raise InvalidInput("solar_system", solar_system, f"body {identifier} is in another system")
    if body.name != name:
        connection.execute(update(CelestialBody).where(CelestialBody.id == body.id).values(name=name))
    return body.id, system


def user_id(connection: Connection, name: str) -> int:
    """Id of the user of that name, made when new."""
    wanted = select(User.id).where(User.name == name)
    found = connection.scalar(wanted)
    if found is None:
        connection.execute(insert(User).values(name=name).on_conflict_do_nothing())
        found = connection.scalars(wanted).one()
    return found


def create_twin(
    engine: Engine,
    *,
    name: str,
    description: str | None,
    body_identifier: str,
    body_name: str,
    solar_system: str,
    body_digest: str,
    simulation_parameters: dict[str, Any],
    initial_state_snapshot: dict[str, Any],
    ttl_days: int | None = None,
    expires_at: datetime | None = None,
    created_by: str = "system",
    now: datetime | None = None,
    again: bool = False,
    key: UUID | None = None,
) -> tuple[TwinRow, bool]:
    """The twin of that content, and whether it is new: then in status creating.

    A new one expires at a time, or ttl_days after now, or never.  The same content is the same twin unless again
    is set, and its expiry stays as it is; one that failed, expired or was deleted does not count.  The same key is
    the same twin, however often it is created.  Raises InvalidInput when a value is not allowed, Conflict when the
    key is that of another twin, DatabaseUnavailable.
    """
    check_name(name)
    if ttl_days is not None and not 0 <= ttl_days <= MAX_TTL_DAYS:
        raise InvalidInput("ttl_days", ttl_days, f"it is 0 (for ever) to {MAX_TTL_DAYS}")
    for field, words in (("name", name), ("description", description), ("created_by", created_by)):
        check_json(words, field)
    payloads = {
        "simulation_parameters": checked_json(simulation_parameters, "simulation_parameters"),
        "initial_state_snapshot": checked_json(initial_state_snapshot, "initial_state_snapshot"),
    }
    for column, encoded in payloads.items():
        check_encoded("digital_twins", column, encoded)
    content = twin_digest(name, description, body_identifier, body_digest, solar_system, simulation_parameters)
    key = key or uuid4()  # minted outside what is retried, so that a repetition finds its own row
    said: dict[str, Any] = {"name": name, "description": description, "body": body_identifier, "body_name": body_name}
    said |= {"solar_system": solar_system, "created_by": created_by, "body_digest": body_digest}
    said |= {"content_digest": content}
    given = said | {"twin_key": key, "now": now} | {column: value.decode() for column, value in payloads.items()}

    @retried
    def create() -> tuple[TwinRow, bool]:
        with transaction(engine) as connection, explained(), driver_cursor(connection, NEW) as cursor:
            cursor.execute(ONE_AT_A_TIME, given)
            seen = cursor.execute(LOOK, given).fetchone()
            assert seen is not None
            moment, body, known_as, body_system, system, user, own, living = seen
            if own is not None:
                return _own(connection, key, content), True
            expires = check_expiry(expires_at, moment)
            if living is not None and not again:
                return _get(connection, living), False
            if body is None or body_system != system or known_as != body_name:
                body, system = _ensure_body(connection, body_identifier, body_name, solar_system)
            row = {
                "celestial_body_id": body,
                "solar_system_id": system,
                "created_by_id": user or user_id(connection, created_by),
                "expires_at": moment + timedelta(days=ttl_days) if expires is None and ttl_days else expires,
                "created_at": moment,
            }
            stored = cursor.execute(NEW, given | row).fetchone()
            if stored is None:  # made this moment, of another content
                return _own(connection, key, content), True
            made = {column: exact_json(encoded) for column, encoded in payloads.items()}
            made |= dict(zip(("id", "status", "created_at", "updated_at", "expires_at"), stored, strict=True))
            return TwinRow(**(said | made), twin_key=str(key), store_path=None, deleted_at=None), True

    return create()


def _own(connection: Connection, key: UUID, content: str) -> TwinRow:
    """The twin of a key; raises Conflict when its content is another."""
    twin = TwinRow.of(connection.execute(TWINS.where(DigitalTwin.twin_key == key)).one())
    if twin.content_digest != content:
        raise Conflict(f"twin_key: {key} is that of twin {twin.id}, which has other content.")
    return twin


def twin_digest(
    name: str,
    description: str | None,
    body: str,
    body_digest: str,
    solar_system: str,
    simulation_parameters: dict[str, Any],
) -> str:
    """Content name of a twin; when it expires is no part of it."""
    return digest(
        {
            "name": name,
            "description": description,
            "body": body,
            "body_digest": body_digest,
            "solar_system": solar_system,
            "simulation_parameters": simulation_parameters,
        }
    )


def mark_twin_ready(engine: Engine, twin_id: int, store_path: str) -> None:
    """From creating to ready, its store being complete; raises NotFound, Conflict."""
    _end_creation(engine, twin_id, "ready", {"store_path": store_path})


def mark_twin_failed(engine: Engine, twin_id: int) -> None:
    """From creating to failed; raises NotFound, Conflict."""
    _end_creation(engine, twin_id, "failed", {})


@retried
def _end_creation(engine: Engine, twin_id: int, status: str, values: dict[str, Any]) -> None:
    with transaction(engine) as connection:
        old = lock_twin(connection, twin_id)
        if old == status:  # a repetition
            return
        if old != "creating":
            raise Conflict(f"twin {twin_id} is {old}, and only one that is being created becomes {status}.")
        set_twin(connection, twin_id, status, **values)


@retried
def list_twins(engine: Engine, limit: int = 50) -> list[TwinRow]:
    """The newest twins that are not deleted."""
    with transaction(engine) as connection:
        newest = TWINS.where(DigitalTwin.deleted_at.is_(None)).order_by(DigitalTwin.id.desc()).limit(limit)
        return [TwinRow.of(row) for row in connection.execute(newest)]


@retried
def get_twin(engine: Engine, twin_id: int) -> TwinRow:
    """The twin, deleted or not; raises NotFound."""
    with transaction(engine) as connection:
        return _get(connection, twin_id)


def _get(connection: Connection, twin_id: int) -> TwinRow:
    row = connection.execute(TWINS.where(DigitalTwin.id == twin_id)).one_or_none()
    if row is None:
        raise NotFound("twin", twin_id)
    return TwinRow.of(row)


def lock_twin(connection: Connection, twin_id: int) -> str:
    """Status of the twin, locked before other rows so that nobody waits in a circle; raises NotFound."""
    wanted = select(DigitalTwin.status).where(DigitalTwin.id == twin_id).with_for_update()
    status = connection.scalar(wanted)
    if status is None:
        raise NotFound("twin", twin_id)
    return status


@contextmanager
def held_twin(engine: Engine, twin_id: int) -> Iterator[Connection]:
    """A transaction that holds a twin's row while bytes of its store are deleted.

    The lock is held until they are gone, since a run begun meanwhile would write into a folder that is being
    removed.  That may take minutes in which the session is idle, so that here no limit ends it.  Raises NotFound,
    DatabaseUnavailable when the session is lost all the same, or the row stays locked by another.
    """
    try:
        with transaction(engine) as connection:
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            lock_twin(connection, twin_id)  # until the bytes are gone: whoever wants the twin waits
            yield connection
    except (DBAPIError, PoolTimeout) as error:
        if not is_transient(error):
            raise
        first = str(getattr(error, "orig", None) or error).strip().splitlines()[0].strip(" .")
        raise DatabaseUnavailable(f"the database went away while twin {twin_id} was held: {first}.") from None


def set_twin(connection: Connection, twin_id: int, status: str, **values: Any) -> None:
    """Set the status of a locked twin, and other columns."""
    connection.execute(update(DigitalTwin).where(DigitalTwin.id == twin_id).values(status=status, **values))


def release_twin(connection: Connection, twin_id: int) -> None:
    """Take a locked twin whose run ended without a result back to what it was before."""
    completed = select(SimulationRun.id).where(
        SimulationRun.digital_twin_id == twin_id, SimulationRun.status == "completed"
    )
    if connection.scalar(select(DigitalTwin.status).where(DigitalTwin.id == twin_id)) == "running_simulation":
        done = connection.scalar(completed.limit(1)) is not None
        set_twin(connection, twin_id, "completed" if done else "ready")
