"""A user of an embedded server that does nothing: under a guard it outlives who is killed, and leaves last.

    python -m twinpipe.db.keeper HOME/postgres

It must not be the one that starts the server, which would be its guard's to end.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from threading import Event

from twinpipe.db.embedded import EmbeddedPostgres

PATIENCE = 30.0  # seconds in which guards end all other users


def keep(home: Path) -> None:
    """Use the server of a folder until a SIGTERM, and stop it once nobody else does."""
    over = Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    server = EmbeddedPostgres(home)
    server.start()
    over.wait()
    server.stop(PATIENCE)


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
