"""Numbers that people type, with or without a unit."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from twinpipe.errors import InvalidInput


def quantity(value: float | str, unit: str, field: str) -> float:
    """A number in unit from a number or from text with a unit, such as "125 km"; raises InvalidInput."""
    if isinstance(value, str):
        text = value
        try:
            value = float(text)
        except ValueError:
            return _converted(text, unit, field)
    if value != value or value in (float("inf"), float("-inf")):
        raise InvalidInput(field, value, f"it is a finite number in {unit}")
    return float(value)


@cache
def _units() -> Any:
    import pint  # slow to import, and only needed where a person typed a unit

    return pint.UnitRegistry()


def _converted(text: str, unit: str, field: str) -> float:
    try:
        # a number, then a unit: pint would evaluate any expression
        match = re.fullmatch(r"\s*([+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?)\s*([^0-9\s].*)", text)
        if match is None:
            raise ValueError("it is no number with a unit")
        return quantity(float(_units().Quantity(float(match[1]), match[2]).to(unit).magnitude), unit, field)
    except Exception:  # pint raises errors of its own, of the tokenizer and of Python's arithmetic
        raise InvalidInput(field, text, f"it is a number, with a unit that converts to {unit}") from None
