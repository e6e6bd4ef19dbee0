"""What flows share: ends in one sentence, phases and progress that people see, logs of workers."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast
from uuid import UUID

from prefect import get_client, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.runtime import deployment, flow_run
from prefect.states import Cancelled, Completed, Failed, Running

from twinpipe import errors

P = ParamSpec("P")
R = TypeVar("R")


def one_sentence(function: Callable[P, R]) -> Callable[P, R]:
    """A flow that, run by a worker, ends with the sentence of what it was refused instead of a traceback."""

    @wraps(function)
    def told(*args: P.args, **kwargs: P.kwargs) -> Any:
        try:
            return function(*args, **kwargs)
        except errors.TwinpipeError as error:
            if deployment.get_id() is None:  # somebody called it, who gets what was raised
                raise
            return (Cancelled if isinstance(error, errors.Cancelled) else Failed)(message=str(error))

    return cast(Callable[P, R], _typed(told, function))  # Prefect takes a state for the end that it says


def coarse_task(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A task that keeps nothing, and whose refusals its flow gets as they are, without a traceback in the logs."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def told(*args: P.args, **kwargs: P.kwargs) -> Any:
            try:
                return function(*args, **kwargs)
            except errors.TwinpipeError as error:
                get_run_logger().error("%s", error)
                return Failed(message=str(error), data=error)

        made = task(name=name, cache_policy=NO_CACHE, persist_result=False)(_typed(told, function))

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            ended = cast(Any, made)(*args, **kwargs, return_state=True)
            return cast(R, ended.result())

        return call

    return decorate


def _typed(told: Callable[P, Any], function: Callable[P, Any]) -> Callable[P, Any]:
    """With the types themselves: Prefect would look their names up in this module."""
    told.__annotations__ = inspect.get_annotations(function, eval_str=True)
    told.__signature__ = inspect.signature(function, eval_str=True)  # type: ignore[attr-defined]  # of functions
    return told


def ended_badly(what: str, error: BaseException, remedy: str) -> None:
    """Show what ended a flow, and what to do, as an artifact."""
    sentence = str(error) if isinstance(error, errors.TwinpipeError) else f"{type(error).__name__}: {error}"
    text = f"# {what} did not finish\n\n{sentence}\n\n**What to do:** {remedy}\n"
    _try(lambda: create_markdown_artifact(markdown=text, key="what-went-wrong", description=sentence[:200]))


def phase(name: str) -> None:
    """Show the phase of this flow as its state, which the pages of Prefect follow while it runs."""
    run = flow_run.get_id()

    def show() -> None:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(UUID(run), Running(name=name), force=False)

    if run is not None and deployment.get_id() is not None:
        _try(show)


def given() -> dict[str, Any]:
    """What the form of this flow run was filled in with, unchecked, for its name."""
    params = flow_run.get_parameters().get("params") or {}
    return params if isinstance(params, dict) else cast(dict[str, Any], params.model_dump())


def tag(*tags: str) -> None:
    """Add tags to this flow run."""
    run = flow_run.get_id()

    def add() -> None:
        with get_client(sync_client=True) as client:
            client._client.patch(f"/flow_runs/{run}", json={"tags": sorted({*flow_run.get_tags(), *tags})})

    if run is not None and deployment.get_id() is not None:
        _try(add)


class Progress:
    """A progress artifact that follows a fraction 0..1 once a second, and the phase every ten seconds.

    It is shown by a thread of its own: a server that is away for a while holds nothing up.
    """

    def __init__(self, key: str, description: str, doing: str) -> None:
        self._key, self._description, self._doing = key, description, doing
        self._artifact: UUID | None = None
        self._last, self._phase = 0.0, 0.0
        self._shown: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, "progress")

    def __call__(self, fraction: float) -> None:
        """Show the fraction, unless one is just being shown."""
        now = time.monotonic()
        if fraction < 1.0 and (now - self._last < 1.0 or (self._shown is not None and not self._shown.done())):
            return
        self._last = now
        self._shown = self._thread.submit(copy_context().run, _try, lambda: self._show(fraction))
        if fraction >= 1.0:
            self._thread.shutdown(wait=False)
            with suppress(TimeoutError):
                self._shown.result(timeout=5.0)

    def _show(self, fraction: float) -> None:
        if self._artifact is None:
            made = create_progress_artifact(progress=0.0, key=self._key, description=self._description)
            self._artifact = made if isinstance(made, UUID) else UUID(str(made))
        update_progress_artifact(artifact_id=self._artifact, progress=100 * fraction)
        if time.monotonic() - self._phase > 10.0 and fraction < 1.0:
            self._phase = time.monotonic()
            phase(f"{self._doing}, {100 * fraction:.0f} %")


@contextmanager
def logs_shown(level: int = logging.INFO) -> Iterator[None]:
    """Show what twinpipe says meanwhile, in whatever thread, in the logs of this flow run, if a worker runs it."""
    if deployment.get_id() is None:
        yield
        return
    ours, handler = logging.getLogger("twinpipe"), _Relay(get_run_logger())
    before, passes = ours.level, ours.propagate
    ours.addHandler(handler)
    ours.setLevel(level)
    ours.propagate = False  # the root's handlers may be Prefect's
    try:
        yield
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before)
        ours.propagate = passes


class _Relay(logging.Handler):
    def __init__(self, run: logging.Logger | logging.LoggerAdapter[logging.Logger]) -> None:
        super().__init__()
        self._run = run

    def emit(self, record: logging.LogRecord) -> None:
        self._run.log(record.levelno, "%s", record.getMessage())


def scheduled() -> bool:
    """Whether a schedule began this flow run, not somebody."""
    return deployment.get_id() is not None and any(t.startswith("auto-scheduled") for t in flow_run.get_tags())


def replaced() -> State[Any] | None:
    """The end of a scheduled run that a newer one of its schedule has replaced: missed nights are not made up for."""
    own, due = deployment.get_id(), flow_run.get_scheduled_start_time()
    if own is None or not scheduled():
        return None
    with get_client(sync_client=True) as client:
        schedule = _schedule(client.read_flow_run(UUID(flow_run.get_id())))
        newer = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[UUID(own)])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
                expected_start_time=FlowRunFilterExpectedStartTime(after_=due, before_=datetime.now(UTC)),
            ),
        )
    # by hand somebody may have asked for something else, and another schedule of the deployment may
    newer = [run for run in newer if run.auto_scheduled and _schedule(run) == schedule]
    if any(run.expected_start_time and run.expected_start_time > due for run in newer):
        return Completed(name="Skipped", message="a newer run of this schedule is due, which does the same")
    return None


def _schedule(run: FlowRun) -> UUID | None:
    """What made a flow run, if Prefect knows."""
    return run.created_by.id if run.created_by else None


def _try(show: Callable[[], object]) -> None:
    """Prefect only shows what happens: whatever ails it must not end the work."""
    try:
        show()
    except Exception as error:
        get_run_logger().warning("this is not shown: %s", error)
