"""Laws of the page of links: it shows reports and nothing else, and asks for the login that Prefect asks for."""

from __future__ import annotations

import os
import re
from base64 import b64encode
from http.client import HTTPConnection
from pathlib import Path

import pytest

from twinpipe.errors import InvalidInput
from twinpipe.links import served
from twinpipe.services import free_port
from twinpipe.up import check_host

LOGIN = "planner:red planet"


def status(port: int, path: str, login: str | None = None, method: str = "GET") -> int:
    headers = {} if login is None else {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def content(port: int, path: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_who_lacks_the_login_sees_nothing(tmp_path: Path, method: str) -> None:
    reports, port = tmp_path / "reports", free_port()
    (tmp_path / "secret.txt").write_text("not a report")
    with served("<p>links</p>", reports, "127.0.0.1", port, LOGIN):
        (reports / "report.html").write_text("<p>a report</p>")
        for path in ("/", "/reports/", "/reports/report.html"):
            assert status(port, path, method=method) == 401, path
            assert status(port, path, "planner:blue planet", method) == 401, path
        assert status(port, "/reports/report.html", LOGIN) == 200
        assert status(port, "/", LOGIN) == 200
        for path in ("/reports/../secret.txt", "/secret.txt", "/reports/%2e%2e/secret.txt"):
            assert status(port, path, LOGIN) == 404, path


def test_without_a_login_the_page_is_open_on_loopback(tmp_path: Path) -> None:
    port = free_port()
    with served("<p>links</p>", tmp_path / "reports", "127.0.0.1", port):
        assert status(port, "/") == 200


def test_a_host_that_is_not_here_or_that_others_reach_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_SERVER_API_AUTH_STRING", raising=False)
    with pytest.raises(InvalidInput, match="asks for a name and a password"):
        check_host("0.0.0.0")
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", LOGIN)
    check_host("0.0.0.0")
    with pytest.raises(InvalidInput, match="an address of this machine"):
        check_host("203.0.113.7")


def test_reports_are_listed_newest_first_and_found_in_one_step(tmp_path: Path) -> None:
    reports, port = tmp_path / "reports", free_port()
    with served("<p>links</p>", reports, "127.0.0.1", port):
        assert "There are none yet" in content(port, "/reports/")
        for age, name in ((50, "run-1"), (10, "sweep-<2>")):
            (reports / name).mkdir()
            (reports / name / "report.html").write_text("<p>a report</p>")
            os.utime(reports / name, (1e9 - age, 1e9 - age))
        listed = content(port, "/reports/")
        assert re.findall('href="([^"]+html)"', listed) == ["sweep-%3C2%3E/report.html", "run-1/report.html"]
        assert "sweep-&lt;2&gt;" in listed
        assert content(port, "/reports/sweep-%3C2%3E/report.html") == "<p>a report</p>"
        assert "report.html" in content(port, "/reports/run-1/")
