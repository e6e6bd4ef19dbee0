"""Places: where stores are, a folder of a file system or a prefix of a bucket, both with pathlib's words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from upath import UPath

Place: TypeAlias = "Path | UPath"

# Others write there too, and a remembered listing would not show it; and a read is one request, not two.
BUCKET_OPTIONS: dict[str, Any] = {"use_listings_cache": False, "max_concurrency": 1}


def place(text: str | Place) -> Place:
    """The place that a path or URL names.

    The endpoint of a bucket and the keys to it are where every S3 client finds them: in AWS_ENDPOINT_URL,
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or a profile, so that no row and no task carries them.
    """
    if not isinstance(text, str):
        return text
    if "://" in text.removeprefix("file://"):
        from upath import UPath

        bucket: UPath = UPath(text, **BUCKET_OPTIONS)
        return bucket
    return Path(text.removeprefix("file://")).absolute()
