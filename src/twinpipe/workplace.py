"""The workplace: settings, a ledger at the newest schema and a writable folder of stores, open for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from twinpipe.db import ledger
from twinpipe.db.migrate import migrate, prepare
from twinpipe.db.session import Engine, close, database_url, engine
from twinpipe.durable import check_writable
from twinpipe.place import Place
from twinpipe.settings import Settings, load_settings


@dataclass(frozen=True)
class Workplace:
    """What every verb of the lifecycle needs."""

    settings: Settings
    engine: Engine
    url: str

    @property
    def bodies(self) -> Path:
        """Folder of imported bodies."""
        return self.settings.home / "bodies"

    @property
    def reports(self) -> Path:
        return self.settings.home / "reports"

    def twin_path(self, twin_id: int) -> Place:
        """Place of a twin's store."""
        return self.settings.store_path / f"twin-{twin_id}.zarr"


@contextmanager
def open_workplace(
    settings: Settings | None = None, *, reap: bool = True, migrate_first: bool = False
) -> Iterator[Workplace]:
    """Open the ledger, the embedded one if need be; reap: end the runs of dead processes.

    A new database gets the newest schema, and with migrate_first any other too.  Raises StoreError when the stores
    are not writable, DatabaseUnavailable when Postgres does not answer, Failure when its schema is another.
    """
    settings = settings or load_settings()
    check_writable(settings.store_path)
    with database_url(settings) as url:
        made = engine(url)
        try:
            (migrate if migrate_first else prepare)(url)
            if reap:
                ledger.reap(made)
            yield Workplace(settings, made, url)
        finally:
            close(url)
            made.dispose()  # a workplace that was open at the same time may have closed the newest one only
