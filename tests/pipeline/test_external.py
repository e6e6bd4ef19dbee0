"""A law of growing past one machine: whose services a run uses changes no bit of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.databases import database
from tests.pipeline.external_cluster import Cluster, certificates
from tests.pipeline.s3_endpoint import endpoint
from tests.pipeline.terminal import Terminal

from twinpipe.place import place
from twinpipe.prefect_runs import post
from twinpipe.prefect_server import PrefectServer

DEMO = ("demo", "--years", "6", "--grid", "6x8", "--json")
SAME = ("start_state", "end_state", "key_events", "resource_consumption", "success_metrics")


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
        elsewhere: dict[str, Any] = there.json
        assert {name: elsewhere[name] == here[name] for name in SAME} == dict.fromkeys(SAME, True)
        performance = elsewhere["performance_data"]
        assert performance["seal_digest"] == here["performance_data"]["seal_digest"]
        assert performance["store"].startswith("s3://planets/stores/")
        flows = post(prefect.url, "flow_runs/filter", {})
        assert [(run["name"], run["state_type"]) for run in flows] == [("mars mars_terraform 6 years", "COMPLETED")]
        assert bucket.fs.find("planets/stores")
        home = {path.name for path in (tmp_path / "home").iterdir()}
        assert home == {"reports"}, home  # neither database nor stores
