"""What the requirement demands of single values, refused before the database is asked."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from twinpipe.errors import InvalidInput

MAX_NAME = 200
MAX_YEARS = 1000
MAX_TTL_DAYS = 36_525


def check_name(value: Any, field: str = "name") -> str:
    """A name of 1 to 200 characters that is not blank; raises InvalidInput."""
    if not isinstance(value, str) or not 1 <= len(value.strip(" ")) <= MAX_NAME or not value.strip() or "\0" in value:
        shown = f"{value[:20]}... ({len(value)} characters)" if isinstance(value, str) and len(value) > 40 else value
        raise InvalidInput(field, shown, f"it has 1 to {MAX_NAME} characters")
    return value


def check_word(value: Any, words: tuple[str, ...], field: str) -> str:
    """A word of a vocabulary; raises InvalidInput."""
    if value not in words:
        raise InvalidInput(field, value, f"it is one of {', '.join(words)}")
    return str(value)


def check_duration(value: Any, field: str = "duration_years") -> int:
    """A duration in whole years, 1 to 1000; raises InvalidInput."""
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_YEARS:
        raise InvalidInput(field, value, f"it is a whole number of years from 1 to {MAX_YEARS}")
    return value


def check_share(value: Any, field: str) -> float:
    """A number from 0 to 1, not NaN; raises InvalidInput."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise InvalidInput(field, value, "it is a number from 0 to 1")
    return value


def check_expiry(value: datetime | None, now: datetime, field: str = "expires_at") -> datetime | None:
    """A time to come, or none; raises InvalidInput."""
    if value is not None and value.tzinfo is None:
        raise InvalidInput(field, value.isoformat(), "it is a time with a time zone")
    if value is not None and value <= now:
        raise InvalidInput(field, value.isoformat(), f"it lies in the future (now is {now:%Y-%m-%d %H:%M})")
    return value
