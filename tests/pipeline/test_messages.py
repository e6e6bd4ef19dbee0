"""Laws of outbox and audit log: what is written is of the shape of its topic or action, whoever writes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from tests.factories import a_payload, make_ready_twin, make_result, make_running

from twinpipe.db import ledger
from twinpipe.db.census import give_up_outputs, note_repair
from twinpipe.db.deletion import expire_twins
from twinpipe.db.outbox import PAYLOADS, owe, settle, take
from twinpipe.db.retention import Limits, in_batches, purge
from twinpipe.db.session import transaction
from twinpipe.db.trail import DETAILS, note, note_export
from twinpipe.errors import InvalidInput
from twinpipe.payloads import check_shape

DAY = timedelta(days=1)
OWED: dict[str, dict[str, Any]] = {
    "twin.deleted": {"twin_id": 7, "store": None},
    "run.purged": {"run_id": 12, "twin_id": 7, "store": "stores/twin-7.zarr", "folder": "runs/x.zarr"},
    "run.completed": {"run_id": 12, "twin_id": 7, "result_id": 3},
}
DONE: dict[str, list[dict[str, Any]]] = {
    "export": [{"what": "manifest", "sha256": 64 * "0"}],
    "delete": [{"was": "ready"}],
    "expire": [{}, {"count": 2, "first": 1, "last": 9}],
    "purge": [{"deleted": 1, "scrubbed": 0, "first": 1, "last": 1}],
    "repair": [{"kind": "ghost_row", "subject": "twin 7", "done": "drop the folder"}],
    "give up outputs": [{"reason": "they are gone"}],
}


def wrong(value: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A value with one thing wrong, and where."""
    yield "unknown", value | {"unknown": 1}
    for key, item in value.items():
        yield key, {k: v for k, v in value.items() if k != key}
        yield key, value | {key: -1 if isinstance(item, int) else 5}


def written(engine: Engine, query: str) -> list[tuple[str, Any]]:
    with transaction(engine) as connection:
        return [(str(word), value) for word, value in connection.execute(text(query))]


@pytest.mark.parametrize("topic", PAYLOADS)
def test_a_message_is_of_its_topic_or_refused_by_name(engine: Engine, topic: str) -> None:
    with transaction(engine) as connection:
        owe(connection, topic, 7, **OWED[topic])
        for key, payload in wrong(OWED[topic]):
            with pytest.raises(InvalidInput, match=rf"payload.*\b{key}\b"):
                owe(connection, topic, 8, **payload)
    assert [message.payload for message in take(engine, (topic,))] == [OWED[topic]]


@pytest.mark.parametrize("action", DETAILS)
def test_a_deed_is_noted_as_its_action_wants_or_refused_by_name(engine: Engine, action: str) -> None:
    with transaction(engine) as connection:
        for detail in DONE[action]:
            note(connection, "ann", action, "digital_twins", 7, **detail)
            for key, other in wrong(detail):
                with pytest.raises(InvalidInput, match=rf"detail.*\b({key}|first)\b"):
                    note(connection, "ann", action, "digital_twins", 7, **other)
    assert [detail for _, detail in written(engine, "SELECT action, detail FROM audit_log ORDER BY id")] == DONE[action]


def test_unknown_topics_actions_and_proofs_are_refused(engine: Engine) -> None:
    with transaction(engine) as connection:
        with pytest.raises(InvalidInput, match=r"topic: 'twin\.sold'"):
            owe(connection, "twin.sold", 7, twin_id=7)
        with pytest.raises(InvalidInput, match="action: 'sell'"):
            note(connection, "ann", "sell", "digital_twins", 7)
        owe(connection, "twin.deleted", 7, twin_id=7, store=None)
    (message,) = take(engine, ("twin.deleted",))
    for key, outcome in wrong(a_payload("outbox", "outcome")):
        with transaction(engine) as connection, pytest.raises(InvalidInput, match=rf"outcome\.{key}"):
            settle(connection, message.id, **outcome)
    with transaction(engine) as connection:
        assert settle(connection, message.id, **a_payload("outbox", "outcome"))


def test_whatever_the_ledger_writes_is_of_the_declared_shape(engine: Engine) -> None:
    kept = make_result(engine, make_running(engine, make_ready_twin(engine, ttl_days=0)))
    by_hand, expired, of_age = (make_ready_twin(engine) for _ in range(3))
    assert ledger.delete_twin(engine, by_hand.id)
    assert ledger.expire_twin(engine, expired.id)
    give_up_outputs(engine, kept.run_id, "they are gone")
    note_export(engine, "result", kept.run_id, 64 * "0")
    note_repair(engine, "ghost_row", f"twin {kept.twin_id}", "write the twin's store again from its snapshot")
    later = datetime.now(UTC) + 400 * DAY
    assert {twin.twin_id for twin in expire_twins(in_batches(engine), later, 730 * DAY)} == {expired.id, of_age.id}
    purge(in_batches(engine), later, Limits())
    owed = written(engine, "SELECT topic, payload FROM outbox")
    assert {topic for topic, _ in owed} == PAYLOADS.keys()
    for topic, payload in owed:
        check_shape(PAYLOADS[topic], payload, "payload")
    noted = written(engine, "SELECT action, detail FROM audit_log")
    assert {action for action, _ in noted} == DETAILS.keys()
    for action, detail in noted:
        check_shape(DETAILS[action], detail, "detail")
