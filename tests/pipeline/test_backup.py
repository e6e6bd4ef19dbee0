"""Laws of a backup: by the commands of the operations page all that was in the ledger comes back with its outputs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from sqlalchemy import create_engine, text
from tests.pipeline.auditing import a_completed_run, a_run, a_sweep, a_twin, later, workplace
from tests.pipeline.conftest import FIFTEEN

from twinpipe import sweeping
from twinpipe.audit import GRACE, Action, Kind, audit
from twinpipe.db import ledger
from twinpipe.db.migrate import migrate
from twinpipe.db.session import close
from twinpipe.engine import Serial
from twinpipe.shared import shared_folder

PAGE = (shared_folder("deploy") / "README.md").read_text(encoding="utf-8")
DUMP = 'pg_dump --format=custom --file=ledger.dump "$TWINPIPE_DATABASE_URL"'
RESTORE = 'pg_restore --exit-on-error --no-owner --dbname="$TWINPIPE_DATABASE_URL" ledger.dump'


def of_the_page(command: str, folder: Path, url: str) -> None:
    """Run a command that the operations page tells to run."""
    assert f"\n{command}\n" in PAGE
    surroundings = {"PATH": f"{FIFTEEN}:/usr/bin:/bin", "TWINPIPE_DATABASE_URL": url.replace("+psycopg", "")}
    surroundings["TWINPIPE_HOME"] = str(folder / "home")
    done = subprocess.run(
        command, shell=True, cwd=folder, env=surroundings, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_backed_up_comes_back_with_its_outputs(server_15: str, tmp_path: Path) -> None:
    migrate(server_15)
    home = tmp_path / "home"
    w = workplace(home, server_15)
    twin = a_twin(w)
    a_completed_run(w, twin)
    sweep = a_sweep(w, twin).id
    sweeping.simulate_sweep(w, sweep, Serial())
    running = a_run(w, twin, 5).id
    ledger.claim_run(w.engine, running, 0.1)
    before = [r.as_dict() for r in ledger.list_runs(w.engine)]

    of_the_page(DUMP, tmp_path, server_15)
    ledger.cancel_run(w.engine, running)
    younger = a_twin(w, "younger")  # between the two copies
    a_completed_run(w, younger)
    (tmp_path / "backup").mkdir()
    of_the_page('cp -a "$TWINPIPE_HOME/stores" backup/', tmp_path, server_15)

    shutil.rmtree(home / "stores")
    w.engine.dispose()
    admin = create_engine(server_15, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE restored"))
    admin.dispose()
    url = server_15.replace("/twinpipe?", "/restored?")
    of_the_page('cp -a backup/stores "$TWINPIPE_HOME/"', tmp_path, url)
    of_the_page(RESTORE, tmp_path, url)

    again = workplace(home, url)
    assert [r.as_dict() for r in ledger.list_runs(again.engine)] == before
    assert ledger.reap(again.engine) == [running]
    [drift] = audit(again, now=later(GRACE * 2)).drifts
    assert (drift.kind, drift.repair) == (Kind.ORPHAN_STORE, Action.NONE)
    assert drift.path == str(again.twin_path(younger.id))
    for run in ledger.list_runs(again.engine):
        if run.status == "completed" and run.sweep_id is None:
            assert ledger.get_result(again.engine, run.id).run_id == run.id
    assert ledger.get_sweep(again.engine, sweep).status == "completed"
    shutil.rmtree(drift.path)  # as the page says: its number is the next twin's
    assert a_twin(again, "new").id == younger.id  # sequences are back too
    assert audit(again).drifts == ()
    again.engine.dispose()
    close(url)
