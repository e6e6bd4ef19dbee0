"""Laws of deploy/ that need no cluster: names that are used are there, and nothing in a job is anybody's to set."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from twinpipe.cluster import QUIET
from twinpipe.settings import Settings
from twinpipe.shared import shared_folder

DEPLOY = shared_folder("deploy")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
K8S_DASK: dict[str, Any] = yaml.safe_load((DEPLOY / "k8s" / "dask.yaml").read_text())
PREFECT: dict[str, Any] = yaml.safe_load((DEPLOY / "prefect.yaml").read_text())
EXAMPLE = re.findall(r"^(\w+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE)


def test_every_flow_is_deployed_and_every_deployment_is_a_flow() -> None:
    helpers = {"__init__", "choices", "showing"}
    flows = {f"flows/{p.name}:{p.stem}" for p in shared_folder("flows").glob("*.py") if p.stem not in helpers}
    assert {d["entrypoint"] for d in PREFECT["deployments"]} == flows


def test_a_schedule_never_runs_twice_at_once_and_stays_paused() -> None:
    scheduled = [d for d in PREFECT["deployments"] if "schedules" in d]
    assert {d["name"] for d in scheduled} == {"sweep", "cleanup", "audit", "statistics", "verify"}
    for deployment in scheduled:
        others = "ENQUEUE" if deployment["name"] == "sweep" else "CANCEL_NEW"  # sweeps are begun by hand too
        assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": others}
        for schedule in deployment["schedules"]:
            assert {"cron", "timezone", "slug"} <= set(schedule) <= {"cron", "timezone", "slug", "parameters"}


@pytest.mark.parametrize("kind", ["process", "kubernetes"])
def test_nothing_in_a_job_is_anybodys_to_set(kind: str) -> None:
    template = json.loads((DEPLOY / f"{kind}-job.json").read_text())
    assert template["variables"] == {"type": "object", "properties": {}, "additionalProperties": False}
    assert not re.search(r"{{(?! *ctx\.)", json.dumps(template["job_configuration"]))


def test_the_job_on_kubernetes_has_what_its_worker_asks_for() -> None:
    job = json.loads((DEPLOY / "kubernetes-job.json").read_text())["job_configuration"]["job_manifest"]["spec"]
    pod = job["template"]["spec"]
    assert (pod["parallelism"], pod["completions"], pod["restartPolicy"]) == (1, 1, "Never")
    (container,) = pod["containers"]
    assert container["name"] == "prefect-job"
    assert container["command"] == ["/usr/bin/env"]  # the image begins with twinpipe, and the worker's with prefect
    (home,) = [v for v in pod["volumes"] if v["name"] == "home"]
    claim = yaml.safe_load((DEPLOY / "k8s" / "home.yaml").read_text())
    assert home["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]  # exports outlive the pod


def test_no_scheduler_parts_blocks_from_their_states() -> None:
    told = {
        "compose.yaml": COMPOSE["services"]["dask-scheduler"]["environment"],
        "k8s": {e["name"]: e["value"] for e in K8S_DASK["scheduler"]["env"]},
    }
    for where, environment in told.items():
        assert environment["DASK_DISTRIBUTED__SCHEDULER__WORK_STEALING"] == "False", where
        failures = int(environment["DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES"])
        assert failures == QUIET["distributed.scheduler.allowed-failures"], where


def test_the_containers_use_what_there_is() -> None:
    services, volumes = COMPOSE["services"], COMPOSE["volumes"]
    known = {f"TWINPIPE_{name.upper()}" for name in Settings.model_fields}
    known |= {"TWINPIPE_FLOWS_AT_ONCE", "TWINPIPE_NOTIFY_URL"}  # of apply.py
    for service in services.values():
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in volumes or (DEPLOY / source).exists(), volume
        assert {name for name in service.get("environment", {}) if name.startswith("TWINPIPE_")} <= known
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    asked = set(re.findall(r"(?<!\$)\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    assert asked == set(EXAMPLE)


@pytest.mark.parametrize("file", sorted((DEPLOY / "k8s").glob("*.yaml")), ids=lambda p: p.name)
def test_the_files_of_kubernetes_name_no_secret_that_the_example_lacks(file: Path) -> None:
    documents = list(yaml.safe_load_all(file.read_text()))
    assert all(documents)
    elsewhere = {"AWS_ENDPOINT_URL", "PREFECT_SERVER_DATABASE_CONNECTION_URL"}  # compose knows them itself
    keys = re.findall(r"secretKeyRef: { name: twinpipe, key: (\w+)", file.read_text())
    assert set(keys) <= set(EXAMPLE) | elsewhere


def test_the_certificates_are_good_for_both_sides(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("certificates", DEPLOY / "certificates.py")
    assert spec is not None
    assert spec.loader is not None
    certificates = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(certificates)
    certificates.make(tmp_path, ["dask-scheduler"])
    command = ["openssl", "verify", "-CAfile", f"{tmp_path}/ca.pem", "-verify_hostname", "dask-scheduler"]
    done = subprocess.run([*command, f"{tmp_path}/cert.pem"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    before = (tmp_path / "ca.pem").read_bytes()
    certificates.make(tmp_path, ["dask-scheduler"])
    assert (tmp_path / "ca.pem").read_bytes() == before
