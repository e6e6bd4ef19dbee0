"""Tables with open places: "$name" in a pattern's text stands for a value, "2 * $a + $b" for what it comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twinpipe.errors import InvalidInput, NotFound


def filled(template: Any, values: Mapping[str, float]) -> Any:
    """The template with every text that holds a "$" replaced by its number; raises InvalidInput, NotFound."""
    if isinstance(template, Mapping):
        return {key: filled(value, values) for key, value in template.items()}
    if isinstance(template, tuple | list):
        return tuple(filled(value, values) for value in template)
    if isinstance(template, str) and "$" in template:
        try:
            return math.fsum(_product(term, values) for term in template.split("+"))
        except (ValueError, OverflowError):
            raise InvalidInput("value", template, "it is a sum of products of numbers and $names") from None
    return template


def _product(term: str, values: Mapping[str, float]) -> float:
    return math.prod(_factor(factor.strip(), values) for factor in term.split("*"))


def _factor(text: str, values: Mapping[str, float]) -> float:
    if not text.startswith("$"):
        return float(text)
    if text[1:] not in values:
        raise NotFound("value of a pattern", text[1:], sorted(values))
    return values[text[1:]]
