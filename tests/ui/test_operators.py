"""Laws of `twinpipe up`: what an operator sees and may do in the browser, and that nothing of it stays behind."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import urllib.error
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from playwright.sync_api import BrowserContext, Page, TimeoutError, expect, sync_playwright
from tests.pipeline.terminal import environment
from tests.ui.upstairs import Upstairs, brought_up, come_down, processes, within

from twinpipe.prefect_runs import deployment_ids, post
from twinpipe.shared import shared_folder
from twinpipe.tree import simulate

CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
expect.set_options(timeout=15_000)  # others may use the machine
FLAGS += ["--disable-component-update", "--disable-sync"]
NIGHTS = {"sweep": "01:00 AM", "cleanup": "03:00 AM", "audit": "03:30 AM", "statistics": "04:00 AM"}

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="/proc shows what processes run")


@pytest.fixture(scope="module")
def up(open_folder: Path) -> Iterator[Upstairs]:
    """Everything, up once for all tests of this module; the last of them ends it."""
    simulate("mars", "mars_terraform", years=1, grid="6x8")  # compiles the kernel, if nobody has, before anyone waits
    home = open_folder / "operators"
    with brought_up(home) as upstairs:
        yield upstairs


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser without a past."""
    if CHROMIUM is None:
        pytest.skip("there is no chromium here")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("browser"),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 1400, "height": 1100},
        )
        context.set_default_timeout(30_000)
        yield context
        context.close()


@pytest.fixture
def page(browser: BrowserContext, up: Upstairs) -> Iterator[Page]:
    """A page of which every request goes to this machine."""
    outside: list[str] = []
    opened = browser.new_page()
    opened.on("request", lambda r: None if re.match("http://127.0.0.1|data:|blob:", r.url) else outside.append(r.url))
    yield opened
    opened.close()
    assert outside == []


def open_form(page: Page, up: Upstairs, words: str) -> None:
    page.goto(up.links)
    page.get_by_role("link", name=words).click()
    expect(page.locator("textarea").last).to_have_value("36x72")  # all of the form is there


def submit(page: Page) -> None:
    page.keyboard.press("Tab")  # a field that is left may move the button
    page.wait_for_timeout(500)
    page.get_by_role("button", name="Submit").click()


def open_run(page: Page, up: Upstairs, name: str) -> None:
    found: list[Any] = []

    def named() -> bool:
        found[:] = post(up.api, "flow_runs/filter", {"sort": "EXPECTED_START_TIME_DESC", "limit": 20})
        return any(run["name"] == name for run in found)

    within(60, named, lambda: [(run["name"], run["state"]) for run in found])
    page.goto(f"{up.prefect}/runs")
    page.get_by_text(name, exact=True).first.click()
    expect(page).to_have_url(re.compile("/flow-run/"))


def test_a_form_offers_what_may_be_chosen_and_refuses_the_rest(page: Page, up: Upstairs) -> None:
    open_form(page, up, "Simulate")
    for words in ("Built-in body to clone.", "Julian years of 365.25 days", "factory_rate (kg/s, 0 to 1e+06"):
        expect(page.get_by_text(words)).to_be_visible()
    page.get_by_role("button", name="mars", exact=True).press("ArrowDown")
    for body in ("earth", "europa", "luna", "titan", "venus"):
        expect(page.get_by_text(body, exact=True).last).to_be_visible()
    page.keyboard.press("Escape")
    before = post(up.api, "flow_runs/count", {"flows": {"name": {"any_": ["simulate-twin"]}}})
    page.locator("input[type=number]").fill("2000")
    submit(page)
    refusal = "'params.years'. Failure reason: 2000 is greater than the maximum of 1000"
    expect(page.get_by_text(refusal).first).to_be_visible()
    assert post(up.api, "flow_runs/count", {"flows": {"name": {"any_": ["simulate-twin"]}}}) == before


@pytest.mark.slow  # minutes of a browser and a server, which a busy machine makes many
def test_a_run_is_seen_from_its_form_to_its_pictures(page: Page, up: Upstairs) -> None:
    open_form(page, up, "Simulate")
    page.locator("input[type=number]").fill("12")
    page.locator("textarea").last.fill("6x8")
    for _ in range(5):  # a busy page loses a click now and then; the same request is the same run
        submit(page)
        with suppress(TimeoutError):
            page.wait_for_url(re.compile(r"/deployments/deployment/[0-9a-f-]+(\?|$)"), timeout=5_000)
            break
    open_run(page, up, "mars mars_terraform 12 years")
    expect(page.locator(".state-badge").first).to_have_text(re.compile("Completed"), timeout=60_000)
    for tag in ("mars", "mars_terraform", "simulation"):
        expect(page.get_by_text(tag, exact=True).first).to_be_visible()
    expect(page.get_by_text("block 0: segment 1 of")).to_be_visible()  # said by a worker of Dask
    page.get_by_text("Artifacts", exact=True).last.click()
    for artifact in ("scores-1", "resources-1", "budgets-1", "run-1"):
        expect(page.get_by_text(artifact).first).to_be_visible()
    page.get_by_text("result-1", exact=True).first.click()
    picture = page.locator("img[src^='data:image/png']")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 600
    for words in ("In 12 years Mars", "Scores", "Books", "Key events"):
        expect(page.get_by_text(words).first).to_be_visible()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="The full report").click()
    report = opened.value
    expect(report.get_by_role("heading", name="Mars").first).to_be_visible()
    assert report.url == f"{up.links}reports/run-1/report.html"
    report.close()


@pytest.mark.slow  # minutes of a browser and a server, which a busy machine makes many
def test_a_run_that_is_cancelled_in_the_browser_stops_and_keeps_what_is_sealed(page: Page, up: Upstairs) -> None:
    number = up.start("simulate", years=1000, grid="36x72", name="to be cancelled")
    up.until_simulating(number)
    page.goto(f"{up.prefect}/runs/flow-run/{number}")
    expect(page.locator(".state-badge").first).to_have_text(re.compile(r"Simulating, \d+ %"))
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Confirm").click()
    up.until(number, "Cancelled", seconds=40)
    expect(page.locator(".state-badge").first).to_have_text(re.compile("Cancelled"), timeout=20_000)
    [run] = [r for r in up.command("run", "list") if r["duration_years"] == 1000]
    assert run["status"] == "cancelled"
    assert 0 < run["progress"] < 1
    seals = up.home.glob(f"stores/twin-{run['twin_id']}.zarr/**/seals/*")
    assert len(list(seals)) > 1


@pytest.mark.slow  # minutes of a browser and a server, which a busy machine makes many
def test_the_nights_are_scheduled_and_do_what_they_say(page: Page, up: Upstairs) -> None:
    page.goto(f"{up.prefect}/deployments")
    for night, at in NIGHTS.items():
        row = page.get_by_role("row").filter(has=page.get_by_text(night, exact=True).first)
        expect(row.get_by_text(f"At {at} every day")).to_be_visible()
    for night in ("cleanup", "audit"):  # their time has come
        number = up.start(night)
        assert up.until(number, "Completed", "Failed", "Crashed")["state_name"] == "Completed"
    page.goto(f"{up.prefect}/artifacts/key/audit")
    page.get_by_text("audit", exact=True).first.wait_for()
    page.goto(f"{up.prefect}/automations")
    for automation in ("zombie", "late", "crash"):
        expect(page.get_by_text(re.compile(f"^{automation}: "))).to_be_visible()


def test_a_refused_request_ends_with_its_sentence(up: Upstairs) -> None:
    number = up.start("simulate", body="luna", years=1, grid="6x8")
    ended = up.until(number, "Completed", "Failed", "Crashed")
    assert ended["state_name"] == "Failed"
    assert ended["state"]["message"].startswith("body: 'Luna' is not allowed; pattern mars_terraform needs")
    content = {"artifacts": {"key": {"any_": ["what-went-wrong"]}}, "sort": "CREATED_DESC"}
    told = post(up.api, "artifacts/filter", content)[0]["data"]
    assert "**What to do:**" in told
    logs = post(up.api, "logs/filter", {"logs": {"flow_run_id": {"any_": [number]}}, "limit": 200})
    assert [line["message"] for line in logs if "Traceback" in line["message"]] == []


@pytest.mark.parametrize("variable", ["command", "env", "working_dir", "stream_output"])
def test_no_job_variable_runs_a_shell(up: Upstairs, variable: str) -> None:
    proof = up.home / f"shell-{variable}"
    shell = f"sh -c 'touch {proof}'"
    tries = {"command": shell, "env": {"PYTHONSTARTUP": shell, "BASH_ENV": shell}, "working_dir": f"$({shell})"}
    try:
        number = up.start("export", {variable: tries.get(variable, shell)})
    except urllib.error.HTTPError as refused:
        refusal: int | None = refused.code
    else:
        up.until(number, "Completed", "Failed", "Crashed")
        refusal = None
    assert refusal in (None, 409, 422)
    assert not proof.exists()


def test_applying_the_deployments_again_changes_nothing(up: Upstairs) -> None:
    def what_is_there() -> tuple[dict[str, str], list[str]]:
        automations = post(up.api, "automations/filter", {})
        return deployment_ids(up.api), sorted(f"{a['id']} {a['trigger']} {a['actions']}" for a in automations)

    before = what_is_there()
    subprocess.run(
        [sys.executable, shared_folder("deploy") / "apply.py"],
        env=environment(up.home, PREFECT_API_URL=up.api, PREFECT_FLOWS_HEARTBEAT_FREQUENCY="30"),
        check=True,
        capture_output=True,
    )
    assert what_is_there() == before


@pytest.mark.slow  # minutes of a browser and a server, which a busy machine makes many
def test_a_run_whose_worker_is_killed_goes_on_and_an_end_in_its_middle_leaves_nothing(up: Upstairs) -> None:
    number = up.start("simulate", years=1000, grid="36x72", name="to lose its worker")
    up.until_simulating(number)
    [worker] = [p for p, c in processes(up.home).items() if " -m prefect worker" in c and "guard.py" not in c]
    psutil.Process(worker).send_signal(signal.SIGKILL)
    up.until(number, "Crashed", seconds=60)
    newest: dict[str, Any] = {}

    def ended() -> bool:
        newest.update(up.command("run", "list", "--limit", "1")[0])
        return bool(newest["status"] != "running")

    within(60, ended, lambda: newest)  # two heartbeats
    up.until_simulating(up.start("resume", run=newest["id"]))
    assert come_down(up) == 0
    within(10, lambda: not processes(up.home), lambda: processes(up.home))
    resumed = up.command("run", "list", "--limit", "1")[0]
    assert resumed["id"] == newest["id"] + 1
    assert resumed["status"] == "cancelled"
