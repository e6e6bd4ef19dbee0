"""A law of growing past one machine: whose services a run uses changes no bit of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.pipeline.databases import database
from tests.pipeline.external_cluster import Cluster, certificates
from tests.pipeline.s3_endpoint import endpoint
from tests.pipeline.terminal import Terminal

from twinpipe.place import Place, place
from twinpipe.prefect_runs import post
from twinpipe.prefect_server import PrefectServer
from twinpipe.store import RunStore

DEMO = ("demo", "--years", "6", "--grid", "6x8", "--json")
SAME = ("start_state", "end_state", "key_events", "resource_consumption", "success_metrics")


def sealed(store: Place) -> list[tuple[int, int, dict[str, str]]]:
    """Digests of every array of each segment."""
    return [(seal["block"], seal["segment"], seal["digests"]) for seal in RunStore(store).seals.all()]


@pytest.mark.slow
def test_everything_external_gives_what_everything_embedded_gives(
    tmp_path: Path, terminal: Terminal, server_15: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Postgres of the system, Dask with two workers over TLS, a Prefect server, stores in a bucket."""
    here = terminal.spawn(*DEMO).json
    with endpoint() as s3, database(server_15) as url, PrefectServer(tmp_path / "prefect") as prefect:
        for name, value in s3.items():
            monkeypatch.setenv(name, value)
        bucket = place("s3://planets")
        assert not isinstance(bucket, Path)
        bucket.fs.mkdir("planets")
        with Cluster(tmp_path, certificates(tmp_path)) as cluster:
            cluster.join(2)
            there = Terminal(tmp_path / "home", url).spawn(
                *DEMO,
                **cluster.environment,
                TWINPIPE_DATABASE_URL=url,
                TWINPIPE_STORE_URL="s3://planets/stores",
                PREFECT_API_URL=prefect.ready(),
            )
        assert there.code == 0, there.err
        elsewhere: dict[str, Any] = orjson.loads(there.out)  # Prefect's own log goes to standard error
        assert {name: elsewhere[name] == here[name] for name in SAME} == dict.fromkeys(SAME, True)
        ours, theirs = (place(result["performance_data"]["store"]) for result in (here, elsewhere))
        assert str(theirs).startswith("s3://planets/stores/")
        assert sealed(ours) == sealed(theirs)
        flows = post(prefect.url, "flow_runs/filter", {})
        assert [(run["name"], run["state_type"]) for run in flows] == [("mars mars_terraform 6 years", "COMPLETED")]
        assert bucket.fs.find("planets/stores")
        home = {path.name for path in (tmp_path / "home").iterdir()}
        assert home == {"reports"}, home  # neither database nor stores
