"""The verbs rollback and import: the ledger, and the stores of the twins in it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twinpipe.db.restore import import_ledger
from twinpipe.db.rollback import rollback_ledger
from twinpipe.db.session import close, database_url
from twinpipe.errors import StoreError
from twinpipe.ownership import is_own_store
from twinpipe.place import place
from twinpipe.settings import Settings
from twinpipe.store import drop


def roll_back(settings: Settings, target: str, folder: Path | None, *, keep_stores: bool = False) -> dict[str, Any]:
    """Stop jobs, export rows, reverse migrations, clear the stores of twins whose rows went, look for orphans.

    Raises what rollback_ledger raises; a store that cannot be deleted is in the report.
    """
    folder = folder or settings.home / "exports" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with database_url(settings) as url:
        try:
            done = rollback_ledger(url, target, folder.absolute())
        finally:
            close(url)
    cleared, left = 0, []
    for twin, key, recorded in () if keep_stores else done.twins:
        path = place(recorded) if recorded else settings.store_path / f"twin-{twin}.zarr"
        if not is_own_store(path, key, recorded):
            continue
        existed = path.exists()
        try:
            drop(path)
            cleared += existed
        except StoreError as error:
            left.append(str(error))
    return {
        "from": done.manifest.revision,
        "to": done.revision,
        "export": str(folder.absolute()),
        "cancelled_runs": list(done.cancelled),
        "ended_connections": done.ended_connections,
        "dropped_tables": list(done.dropped_tables),
        "fingerprints": {name: asdict(f) for name, f in done.manifest.fingerprints.items()},
        "cleared_stores": cleared,
        "stores_left": left,
        "orphans": done.orphans,
    }


def bring_back(settings: Settings, folder: Path) -> dict[str, Any]:
    """Bring an export back; raises what import_ledger raises."""
    with database_url(settings) as url:
        try:
            manifest = import_ledger(url, folder.absolute())
        finally:
            close(url)
    return {
        "import": str(folder.absolute()),
        "exported_at": manifest.exported_at,
        "revision": manifest.revision,
        "fingerprints": {name: asdict(f) for name, f in manifest.fingerprints.items()},
    }
