"""Servers to break: one that is quick, and one that keeps its promises when it is killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.conftest import engine, server
from twinpipe.db.embedded import EmbeddedPostgres
from twinpipe.db.migrate import migrate
from twinpipe.db.session import close

__all__ = ["engine", "server"]


@pytest.fixture
def durable(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[EmbeddedPostgres]:
    """A server of the test's own with fsync on, else a kill would prove nothing; migrated."""
    made = EmbeddedPostgres(open_folder / f"durable-{abs(hash(request.node.name))}")
    url = made.start()
    migrate(url)
    yield made
    close(url)
    made.stop()
