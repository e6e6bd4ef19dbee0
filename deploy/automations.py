"""Automations of the operators: what Prefect does by itself when a flow run dies, waits too long or fails."""

from __future__ import annotations

from datetime import timedelta

from prefect.automations import Automation
from prefect.client.schemas.objects import StateType
from prefect.events.actions import CancelFlowRun, ChangeFlowRunState, RunDeployment, SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.settings import get_current_settings

OURS = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.twinpipe"}
FLOW_RUNS = {"prefect.resource.id": "prefect.flow-run.*"}
ENDS = {f"prefect.flow-run.{end}" for end in ("Completed", "Failed", "Cancelled", "Crashed", "Skipped")}
MISSED = timedelta(hours=12)  # a run that has waited for so long is not made up for


def silence() -> timedelta:
    """How long a flow run may say nothing: two heartbeats and the time that the second may be late."""
    beat = get_current_settings().flows.heartbeat_frequency or 30
    return timedelta(seconds=2 * beat + 15)


def automations(audit: object, notify: object | None) -> list[Automation]:
    """All of them.  audit: id of the audit's deployment; notify: id of a notification block, if there is one."""
    # armed by Running too: a process that was killed at once never beat
    zombie = Automation(
        name="zombie: a run without a heartbeat has crashed",
        trigger=EventTrigger(
            match=FLOW_RUNS,
            match_related=OURS,
            after={"prefect.flow-run.heartbeat", "prefect.flow-run.Running"},
            expect={"prefect.flow-run.heartbeat", "prefect.flow-run.Paused", "prefect.flow-run.Suspended", *ENDS},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=silence(),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED, message="its process is silent; resume the run by the deployment resume"
            )
        ],
    )
    late = Automation(
        name="late: a run that nobody started is given up",
        trigger=EventTrigger(
            match=FLOW_RUNS,
            match_related=OURS,
            after={"prefect.flow-run.Late"},
            expect={"prefect.flow-run.Pending", "prefect.flow-run.Running", *ENDS},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=MISSED,
        ),
        actions=[CancelFlowRun()],
    )
    crash = Automation(
        name="crash: what a dead run left behind is audited",
        trigger=EventTrigger(
            match=FLOW_RUNS,
            match_related={"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.simulation"},
            expect={"prefect.flow-run.Crashed"},
            for_each={"prefect.resource.id"},
            posture=Posture.Reactive,
            threshold=1,
        ),
        actions=[RunDeployment(source="selected", deployment_id=audit, parameters={"params": {"repair": True}})],
    )
    made = [zombie, late, crash]
    if notify is not None:
        made.append(
            Automation(
                name="failure: somebody is told",
                trigger=EventTrigger(
                    match=FLOW_RUNS,
                    match_related=OURS,
                    expect={"prefect.flow-run.Failed", "prefect.flow-run.Crashed", "prefect.flow-run.Late"},
                    for_each={"prefect.resource.id"},
                    posture=Posture.Reactive,
                    threshold=1,
                ),
                actions=[
                    SendNotification(
                        block_document_id=notify,
                        subject="twinpipe: {{ flow_run.name }} is {{ flow_run.state.name }}",
                        body="{{ flow_run.state.message }}",
                    )
                ],
            )
        )
    return made
