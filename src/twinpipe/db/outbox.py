"""The outbox: effects outside Postgres that a transaction owes, each done at least once and proved.

A message is taken under a lease; whoever took it does the effect, which must bear repetition, and settles the
message with what came of it.  One whose taker died comes back when the lease is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from twinpipe.db.models import Outbox
from twinpipe.db.session import check_json, retried, transaction
from twinpipe.db.validations import check_word
from twinpipe.messages import Dropped, RunCompleted, RunPurged, TwinDeleted
from twinpipe.payloads import check_shape

TWIN_DELETED, RUN_PURGED, RUN_COMPLETED = "twin.deleted", "run.purged", "run.completed"
PAYLOADS = {TWIN_DELETED: TwinDeleted, RUN_PURGED: RunPurged, RUN_COMPLETED: RunCompleted}
LEASE = timedelta(minutes=5)
LONGEST_WAIT = timedelta(days=1)


@dataclass(frozen=True)
class Message:
    """An effect that is owed."""

    id: int
    topic: str
    dedup_key: str
    payload: dict[str, Any]
    attempts: int


def dedup_key(topic: str, number: int) -> str:
    """What keeps a message from being owed twice."""
    return f"{topic}:{number}"


def owe(connection: Connection, topic: str, number: int, **payload: Any) -> None:
    """Owe an effect from the moment that this transaction commits; once for a topic and number.

    Raises InvalidInput when the payload is not that of the topic.
    """
    check_owed(topic, payload)
    row = {"topic": topic, "dedup_key": dedup_key(topic, number), "payload": payload}
    connection.execute(insert(Outbox).values(row).on_conflict_do_nothing(index_elements=["dedup_key"]))


def check_owed(topic: str, payload: dict[str, Any]) -> None:
    """Refuse a payload that is not that of the topic; raises InvalidInput."""
    check_word(topic, tuple(PAYLOADS), "topic")
    check_json(payload, "payload")
    check_shape(PAYLOADS[topic], payload, "payload")


@retried
def take(engine: Engine, topics: tuple[str, ...], limit: int = 100, now: datetime | None = None) -> list[Message]:
    """Messages that nobody else holds, oldest first; they are this caller's until the lease is over."""
    o = Outbox
    with transaction(engine) as connection:
        moment = now or connection.scalars(select(func.clock_timestamp())).one()
        owed = select(o.id).where(o.done_at.is_(None), o.topic.in_(topics), o.available_at <= moment)
        chosen = owed.order_by(o.available_at, o.id).limit(limit).with_for_update(skip_locked=True).cte("chosen")
        taken = (
            update(o)
            .where(o.id == chosen.c.id)
            .values(attempts=o.attempts + 1, available_at=moment + LEASE)
            .returning(o.id, o.topic, o.dedup_key, o.payload, o.attempts)
        )
        return sorted((Message(**row._asdict()) for row in connection.execute(taken)), key=lambda m: m.id)


def settle(connection: Connection, message_id: int, **outcome: Any) -> bool:
    """Prove that the effect happened; False when that was proved before.  Raises InvalidInput."""
    check_json(outcome, "outcome")
    check_shape(Dropped, outcome, "outcome")
    done = update(Outbox).where(Outbox.id == message_id, Outbox.done_at.is_(None))
    values = {"done_at": func.clock_timestamp(), "outcome": outcome, "error": None}
    return connection.execute(done.values(values)).rowcount == 1


@retried
def postpone(engine: Engine, message: Message, error: str, now: datetime | None = None) -> None:
    """Note why the effect failed; it is tried again later, ever more rarely but once a day at least."""
    wait = min(timedelta(seconds=30) * 2 ** min(message.attempts, 20), LONGEST_WAIT)
    with transaction(engine) as connection:
        moment = now or connection.scalars(select(func.clock_timestamp())).one()
        owed = update(Outbox).where(Outbox.id == message.id, Outbox.done_at.is_(None))
        values = {"error": error.replace("\0", "")[:4000], "available_at": moment + wait}
        connection.execute(owed.values(values))


@retried
def owed(engine: Engine) -> dict[str, int]:
    """How many messages of each topic are still owed."""
    with transaction(engine) as connection:
        counts = select(Outbox.topic, func.count()).where(Outbox.done_at.is_(None)).group_by(Outbox.topic)
        return {topic: int(number) for topic, number in connection.execute(counts)}


@retried
def forget(engine: Engine, before: datetime, limit: int = 5000) -> int:
    """Delete messages that were settled before a time; how many of at most limit."""
    old = select(Outbox.id).where(Outbox.done_at < before).limit(limit).with_for_update(skip_locked=True).cte("old")
    with transaction(engine) as connection:
        return connection.execute(delete(Outbox).where(Outbox.id == old.c.id)).rowcount
