"""What Prefect says of flow runs, asked through its REST API; never believed about a run's state."""

from __future__ import annotations

import base64
import os
import urllib.error
import urllib.request
from collections.abc import Sequence

import orjson

TERMINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PAGE = 200


def flow_states(ids: Sequence[str], seconds: float = 10.0) -> tuple[dict[str, str], str]:
    """State type by flow run, and a sentence on how it was asked: nothing raises when Prefect does not answer."""
    url = os.environ.get("PREFECT_API_URL", "").rstrip("/")
    if not url:
        return {}, "not asked: PREFECT_API_URL is not set"
    found: dict[str, str] = {}
    for first in range(0, len(ids), PAGE):
        part = list(ids[first : first + PAGE])
        body = orjson.dumps({"flow_runs": {"id": {"any_": part}}, "limit": PAGE})
        request = urllib.request.Request(f"{url}/flow_runs/filter", body, _headers())
        try:
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                rows = orjson.loads(answer.read())
            found |= {str(row["id"]): str(row["state_type"]) for row in rows}
        except (OSError, ValueError, KeyError, TypeError) as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            return found, f"did not answer: {reason}"
    unknown = len(ids) - len(found)
    ending = f", of which {unknown} {'is' if unknown == 1 else 'are'} unknown there" if unknown else ""
    return found, f"asked about {len(ids)} flow runs{ending}"


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("PREFECT_API_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    elif login := os.environ.get("PREFECT_API_AUTH_STRING"):
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    return headers
