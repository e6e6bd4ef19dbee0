"""The page of links of the operators, served on loopback with the reports beside it."""

from __future__ import annotations

import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from hmac import compare_digest
from html import escape
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

REPORT = "report.html"
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem;color:#1b1f24}
h1{font-size:1.6rem}h2{font-size:1.1rem;margin-top:2rem}a{color:#0b5cad}td{padding:.2rem 1.2rem .2rem 0;
vertical-align:top}code{background:#f1f3f5;padding:.1rem .3rem;border-radius:3px}p{color:#57606a}"""


def links_page(parts: dict[str, dict[str, str]], commands: dict[str, str]) -> str:
    """HTML of links by heading and of commands by what they do; it asks nobody for anything."""
    body = ["<h1>twinpipe</h1>"]
    for heading, links in parts.items():
        rows = [f'<tr><td><a href="{escape(url)}">{escape(text)}</a></td></tr>' for text, url in links.items()]
        body.append(f"<h2>{escape(heading)}</h2><table>{''.join(rows)}</table>")
    rows = [f"<tr><td><code>{escape(c)}</code></td><td>{escape(what)}</td></tr>" for what, c in commands.items()]
    body.append(f"<h2>In a terminal</h2><table>{''.join(rows)}</table>")
    return _page("".join(body))


def _page(body: str) -> str:
    head = f'<meta charset="utf-8"><title>twinpipe</title><link rel="icon" href="data:,"><style>{STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>{body}</body></html>'


def _row(found: Path, when: datetime) -> str:
    name, report = quote(found.name), found / REPORT
    links = {name: found.name} if not report.is_file() else {f"{name}/{REPORT}": found.name, f"{name}/": "pictures"}
    cells = [f'<td><a href="{url}">{escape(text)}</a></td>' for url, text in links.items()]
    return f"<tr>{''.join(cells)}<td>{when:%Y-%m-%d %H:%M}</td></tr>"


class _Pages(SimpleHTTPRequestHandler):
    """The page of links at /, and reports below /reports; nothing else, and nothing is written."""

    def __init__(self, *arguments: Any, page: bytes, reports: Path, login: str | None) -> None:
        self._page = page
        self._authorization = None if login is None else f"Basic {b64encode(login.encode()).decode()}"
        super().__init__(*arguments, directory=str(reports))

    def _known(self) -> bool:
        """Whether it is one who may look, as those who may see Prefect's pages; asks for name and password if not."""
        given = self.headers.get("Authorization", "")
        if self._authorization is None or compare_digest(given.encode(), self._authorization.encode()):
            return True
        self.send_response(HTTPStatus.UNAUTHORIZED)
        self.send_header("WWW-Authenticate", 'Basic realm="twinpipe"')
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def do_HEAD(self) -> None:
        """Answer as do_GET does, for reports alone and without them."""
        if self._known():
            super().do_HEAD()

    def do_GET(self) -> None:
        """Answer with the page or a report."""
        if not self._known():
            return
        if self.path == "/":
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(self._page)))
            self.end_headers()
            self.wfile.write(self._page)
        elif self.path == "/reports" or self.path.startswith("/reports/"):
            self.path = self.path.removeprefix("/reports") or "/"
            super().do_GET()
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def list_directory(self, path: str | PathLike[str]) -> BytesIO:
        """What is there, newest first; a folder with a report leads to it."""
        there = [(p.stat().st_mtime, p) for p in Path(path).iterdir() if not p.name.startswith(".")]
        rows = [_row(found, datetime.fromtimestamp(when)) for when, found in sorted(there, reverse=True)]
        body = f"<h1>Reports</h1><table>{''.join(rows) or '<tr><td>There are none yet.</td></tr>'}</table>"
        page = _page(body).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        return BytesIO(page)

    def end_headers(self) -> None:
        """A report may change when its run is drawn again."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads who looked at what."""


@contextmanager
def served(page: str, reports: Path, host: str, port: int, login: str | None = None) -> Iterator[None]:
    """Serve the page and the reports meanwhile; login: the name:password that is asked for."""
    reports.mkdir(parents=True, exist_ok=True)
    with ThreadingHTTPServer((host, port), partial(_Pages, page=page.encode(), reports=reports, login=login)) as server:
        thread = threading.Thread(target=server.serve_forever, name="links", daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
