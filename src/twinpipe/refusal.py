"""What pydantic refuses, as one sentence for the person who wrote the value."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from twinpipe.errors import InvalidInput


def explain(error: ValidationError, prefix: str = "") -> InvalidInput:
    """The first complaint of pydantic as one sentence that names field, value and what is allowed."""
    first = error.errors()[0]
    path, value, context = [*map(str, first["loc"])], first.get("input"), first.get("ctx", {})
    message = first["msg"][0].lower() + first["msg"][1:]
    match first["type"]:
        case "missing":  # the value is the table around it
            value, message = None, "it must be given"
        case "union_tag_not_found":
            path, value, message = [*path, context["discriminator"].strip("'")], None, "it must be given"
        case "union_tag_invalid":
            path, value = [*path, context["discriminator"].strip("'")], context["tag"]
            message = f"it is one of {context['expected_tags'].replace(chr(39), '')}"
        case "dict_type" | "model_type" | "model_attributes_type":
            message = "it must be a table"
    return InvalidInput(".".join([prefix, *path] if prefix else path) or "file", _shown(value), message)


def _shown(value: Any) -> Any:
    return "(a table)" if isinstance(value, dict) else "(a list)" if isinstance(value, list) else value
