"""Pages of HTML that need nothing else: templates of this package, with pictures inside."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from twinpipe import durable


def write_page(path: Path, template: str, **values: object) -> Path:
    """Fill a template into a file, whole or not at all; the path.  Raises StoreError when it cannot be written."""
    html = _environment().get_template(template).render(**values)
    with durable.disk(path):
        durable.replace(path, lambda f: f.write(html.encode()))
    return path


def data_uri(picture: Path) -> str:
    """A PNG as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("twinpipe", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
