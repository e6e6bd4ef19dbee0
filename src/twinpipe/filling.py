"""Tables with open places: "$name" in a pattern's text stands for a value, "2 * $a + $b" for what it comes to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twinpipe.errors import NotFound


def filled(template: Any, values: Mapping[str, float]) -> Any:
    """The template with every text that holds a "$" replaced by its number; raises NotFound for an unknown name."""
    if isinstance(template, Mapping):
        return {key: filled(value, values) for key, value in template.items()}
    if isinstance(template, tuple | list):
        return tuple(filled(value, values) for value in template)
    if isinstance(template, str) and "$" in template:
        return math.fsum(_product(term, values) for term in template.split("+"))
    return template


def _product(term: str, values: Mapping[str, float]) -> float:
    return math.prod(_factor(factor.strip(), values) for factor in term.split("*"))


def _factor(text: str, values: Mapping[str, float]) -> float:
    if not text.startswith("$"):
        return float(text)
    if text[1:] not in values:
        raise NotFound("value of a pattern", text[1:], sorted(values))
    return values[text[1:]]
