"""Make a Prefect server what the operators need: pool, queues, limits, deployments, schedules, automations.

    PREFECT_API_URL=http://127.0.0.1:4200/api python deploy/apply.py

Applying it again changes nothing.  TWINPIPE_SHARE is the folder that holds flows/, where the workers are; the one
beside this file when not set.  TWINPIPE_POOL_TYPE is process (default) or kubernetes, TWINPIPE_FLOWS_AT_ONCE the
pool's limit (4), TWINPIPE_NOTIFY_URL a place for news of failures, such as slack:// or mailto:// of Apprise.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.automations import Automation
from prefect.blocks.notifications import AppriseNotificationBlock
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.exceptions import ObjectNotFound

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))  # automations.py lies beside, wherever that is

from automations import automations  # noqa: E402  (after its folder is known)

POOL = "twinpipe"
QUEUES = {"by-hand": (1, None), "nightly": (2, 1)}  # priority, and how many at once


def main() -> int:
    """Apply all of it."""
    if not os.environ.get("PREFECT_API_URL"):
        print("apply: PREFECT_API_URL is not set, so that nobody would see what is applied.", file=sys.stderr)
        return 2
    with get_client(sync_client=True) as client:
        apply_pool(client)
        apply_deployments()
        apply_automations(client)
    return 0


def job_template() -> dict[str, Any]:
    """What a worker runs: the same for every flow run, since it has no variable for anybody to set."""
    file = os.environ.get("TWINPIPE_JOB_TEMPLATE", HERE / f"{pool_type()}-job.json")
    template: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
    return template


def pool_type() -> str:
    """The kind of workers."""
    return os.environ.get("TWINPIPE_POOL_TYPE", "process")


def apply_pool(client: SyncPrefectClient) -> None:
    """The pool with its job template and limit, and its queues."""
    limit = int(os.environ.get("TWINPIPE_FLOWS_AT_ONCE", "4"))
    try:
        client.read_work_pool(POOL)
        client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=job_template(), concurrency_limit=limit))
    except ObjectNotFound:
        made = WorkPoolCreate(name=POOL, type=pool_type(), base_job_template=job_template(), concurrency_limit=limit)
        client.create_work_pool(made)
    there = {queue.name: queue for queue in client.read_work_queues(work_pool_name=POOL)}
    for name, (priority, at_once) in QUEUES.items():
        queue = there.get(name) or client.create_work_queue(name=name, work_pool_name=POOL)
        client.update_work_queue(queue.id, priority=priority, concurrency_limit=at_once)


def apply_deployments() -> None:
    """What prefect.yaml says."""
    share = Path(os.environ.get("TWINPIPE_SHARE") or HERE.parent)
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file"]
    subprocess.run(
        [*command, str(HERE / "prefect.yaml")],
        cwd=HERE.parent,
        env={**os.environ, "TWINPIPE_SHARE": str(share), "PYTHONPATH": _path(HERE.parent)},
        check=True,
    )


def _path(folder: Path) -> str:
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


def apply_automations(client: SyncPrefectClient) -> None:
    """Make the automations, or make them again what they should be; others are left alone."""
    audit = client.read_deployment_by_name("audit/audit").id
    there = {a.name: a for a in client.read_automations()}
    for automation in automations(audit, notification_block()):
        if (old := there.get(automation.name)) is None:
            automation.create()
        elif _meaning(old) != _meaning(automation):
            Automation(**{**automation.model_dump(), "id": old.id, "enabled": old.enabled}).update()


def _meaning(automation: Any) -> Any:
    """What an automation does, without the ids of its parts; one that is made again forgets what it has seen."""
    content = automation.model_dump(mode="json", include={"trigger", "actions", "description"})
    return json.dumps(_sorted(content), sort_keys=True)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _sorted(v) for k, v in value.items() if k != "id" and v is not None}
    return sorted((_sorted(v) for v in value), key=str) if isinstance(value, list) else value


def notification_block() -> UUID | None:
    """The place that news of failures go to, if one is set."""
    url = os.environ.get("TWINPIPE_NOTIFY_URL")
    if not url:
        return None
    block = AppriseNotificationBlock(url=url)
    return UUID(str(block.save("twinpipe-news", overwrite=True)))


if __name__ == "__main__":
    sys.exit(main())
