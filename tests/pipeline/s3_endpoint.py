"""`python -m tests.pipeline.s3_endpoint [deaf]`: moto's S3 on loopback, in a process of its own; prints its port.

deaf: the endpoint ignores conditions, as some servers that speak S3 do.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from moto.server import DomainDispatcherApplication, create_backend_app  # type: ignore[attr-defined]  # its own command does the same
from werkzeug.serving import make_server


def _serve(deaf: bool) -> None:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    s3 = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start: Any) -> Any:
        if deaf:
            environ.pop("HTTP_IF_NONE_MATCH", None)
        return s3(environ, start)

    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(server.port, flush=True)
    server.serve_forever()


@contextmanager
def endpoint(deaf: bool = False) -> Iterator[dict[str, str]]:
    """An S3 endpoint, as the environment variables that lead a client to it."""
    command = [sys.executable, "-m", "tests.pipeline.s3_endpoint", *(["deaf"] if deaf else [])]
    keys = {"AWS_ACCESS_KEY_ID": "planner", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | keys) as server:
        try:
            assert server.stdout is not None
            yield keys | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{int(server.stdout.readline())}"}
        finally:
            server.kill()


if __name__ == "__main__":
    _serve("deaf" in sys.argv[1:])
