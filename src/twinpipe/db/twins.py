"""Bodies and twins in the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, Engine, Select, Text, cast, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from twinpipe.db.models import CelestialBody, DigitalTwin, SimulationRun, SolarSystem, User
from twinpipe.db.refusals import explained
from twinpipe.db.rows import TwinRow
from twinpipe.db.session import check_json, is_transient, retried, transaction
from twinpipe.db.validations import MAX_TTL_DAYS, check_expiry, check_name
from twinpipe.digest import digest
from twinpipe.errors import Conflict, DatabaseUnavailable, InvalidInput, NotFound
from twinpipe.payloads import check_payload

ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('twinpipe twin ' || CAST(:content AS text), 0))"
LIVING = ("creating", "ready", "running_simulation", "completed")  # states in which a twin stands for its content


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
    check_json(simulation_parameters, "simulation_parameters")
    check_json(initial_state_snapshot, "initial_state_snapshot")
    check_payload("digital_twins", "simulation_parameters", simulation_parameters)
    check_payload("digital_twins", "initial_state_snapshot", initial_state_snapshot)
    content = twin_digest(name, description, body_identifier, body_digest, solar_system, simulation_parameters)
    key = key or uuid4()  # minted outside what is retried, so that a repetition finds its own row

    @retried
    def create() -> tuple[TwinRow, bool]:
        with transaction(engine) as connection, explained():
            # one creation of a content at a time, from the look to the commit
            connection.execute(text(ONE_AT_A_TIME), {"content": content})
            moment = now or connection.scalars(select(func.clock_timestamp())).one()
            expires = check_expiry(expires_at, moment)
            if expires is None and ttl_days:
                expires = moment + timedelta(days=ttl_days)
            own = connection.execute(_twins().where(DigitalTwin.twin_key == key)).one_or_none()
            if own is None and not again and (found := _living(connection, content, moment)) is not None:
                return found, False
            body, system = _ensure_body(connection, body_identifier, body_name, solar_system)
            values: dict[str, Any] = {
                "twin_key": key,
                "name": name,
                "description": description,
                "celestial_body_id": body,
                "solar_system_id": system,
                "created_by_id": user_id(connection, created_by),
                "simulation_parameters": simulation_parameters,
                "initial_state_snapshot": initial_state_snapshot,
                "body_digest": body_digest,
                "content_digest": content,
                "expires_at": expires,
                "created_at": moment,
            }
            connection.execute(insert(DigitalTwin).values(values).on_conflict_do_nothing(index_elements=["twin_key"]))
            made = TwinRow.of(connection.execute(_twins().where(DigitalTwin.twin_key == key)).one())
            if made.content_digest != content:
                raise Conflict(f"twin_key: {key} is that of twin {made.id}, which has other content.")
            return made, True

    return create()


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


def _living(connection: Connection, content: str, moment: datetime) -> TwinRow | None:
    """The newest twin of a content that is being made or lives, at a moment."""
    t = DigitalTwin
    same = _twins().where(t.content_digest == content, t.deleted_at.is_(None), t.status.in_(LIVING))
    same = same.where(t.expires_at.is_(None) | (t.expires_at > moment))
    row = connection.execute(same.order_by(t.id.desc()).limit(1)).one_or_none()
    return None if row is None else TwinRow.of(row)


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
        newest = (
            _twins()
            .where(DigitalTwin.deleted_at.is_(None))
            .order_by(DigitalTwin.created_at.desc(), DigitalTwin.id.desc())
            .limit(limit)
        )
        return [TwinRow.of(row) for row in connection.execute(newest)]


@retried
def get_twin(engine: Engine, twin_id: int) -> TwinRow:
    """The twin, deleted or not; raises NotFound."""
    with transaction(engine) as connection:
        row = connection.execute(_twins().where(DigitalTwin.id == twin_id)).one_or_none()
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


def _twins() -> Select[Any]:
    t = DigitalTwin
    return (
        select(
            *(t.id, cast(t.twin_key, Text).label("twin_key"), t.name, t.description),
            CelestialBody.identifier.label("body"),
            CelestialBody.name.label("body_name"),
            SolarSystem.identifier.label("solar_system"),
            *(t.status, t.simulation_parameters, t.initial_state_snapshot),
            *(t.body_digest, t.content_digest, t.store_path),
            User.name.label("created_by"),
            *(t.created_at, t.updated_at, t.expires_at, t.deleted_at),
        )
        .join(CelestialBody, CelestialBody.id == t.celestial_body_id)
        .join(SolarSystem, SolarSystem.id == t.solar_system_id)
        .outerjoin(User, User.id == t.created_by_id)
    )
