"""Laws of results read by content."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, event, text
from tests.factories import make_result

from twinpipe.db.cache import Contents, contents, read_result
from twinpipe.db.ledger import get_result
from twinpipe.errors import NotFound


@pytest.fixture(autouse=True)
def empty() -> None:
    contents.clear()


@pytest.fixture
def asked(engine: Engine) -> Iterator[list[str]]:
    """Statements that ask for payloads."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *others: object) -> None:
        if "start_state" in statement:
            seen.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def test_who_has_the_content_is_not_sent_it_again(engine: Engine, asked: list[str]) -> None:
    made = make_result(engine)
    asked.clear()
    first = read_result(engine, made.run_id)
    assert first.row == get_result(engine, made.run_id)
    assert first.etag == made.payload_sha256
    asked.clear()
    for etag in (first.etag, f'"{first.etag}"', f'W/"{first.etag}"'):
        assert read_result(engine, made.run_id, etag).row is None
    assert read_result(engine, made.run_id, "0" * 64).row == first.row
    assert read_result(engine, made.run_id).row == first.row
    assert not asked


def test_equal_contents_are_kept_once_and_are_not_those_of_another_run(engine: Engine, asked: list[str]) -> None:
    one, other = make_result(engine), make_result(engine)
    asked.clear()
    rows = [read_result(engine, made.run_id).row for made in (one, other)]
    assert len(asked) == len(contents) == 1
    assert [row and row.run_id for row in rows] == [one.run_id, other.run_id]


def test_what_a_reader_does_to_a_result_stays_with_him(engine: Engine) -> None:
    made = make_result(engine)
    row = read_result(engine, made.run_id).row
    assert row is not None
    row.end_state.clear()
    assert read_result(engine, made.run_id).row == made


def test_a_result_that_is_gone_is_not_found_though_it_is_kept(engine: Engine) -> None:
    made = make_result(engine)
    etag = read_result(engine, made.run_id).etag
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM simulation_results"))
    for given in (None, etag):
        with pytest.raises(NotFound):
            read_result(engine, made.run_id, given)


def test_the_oldest_contents_make_room() -> None:
    kept = Contents(largest=30)
    for name in "abc":
        kept.put(name, {"x": "123"})  # 11 bytes
        assert kept.get("a") is not None
    assert [kept.get(name) is not None for name in "abc"] == [True, False, True]
    kept.put("large", {"x": "1" * 100})
    assert len(kept) == 0
