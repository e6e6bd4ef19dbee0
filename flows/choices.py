"""Fields of forms: what may be chosen is in their schema, so that the server refuses the rest."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from twinpipe.body import builtin_names
from twinpipe.errors import InvalidInput
from twinpipe.refusal import explain
from twinpipe.scenario import load_pattern, pattern_names

Form = TypeVar("Form", bound=BaseModel)


def filled(form: type[Form], values: Form | dict[str, object]) -> Form:
    """A form as it was filled in; raises InvalidInput for what its schema alone did not refuse."""
    if isinstance(values, form):
        return values
    try:
        return form.model_validate(values)
    except ValidationError as error:
        raise explain(error, "form") from None


def check_one_named(run: int | None, sweep: int | None) -> None:
    """Refuse a form that names neither a run nor a sweep, or both."""
    if (run is None) == (sweep is None):
        raise InvalidInput("run", run, "either a run or a sweep is named")


def _one_of(names: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in names:
            raise ValueError(f"it is one of {', '.join(names)}")
        return value

    return AfterValidator(check)


BodyName = Annotated[str, _one_of(builtin_names()), Field(json_schema_extra={"enum": list(builtin_names())})]
PatternName = Annotated[str, _one_of(pattern_names()), Field(json_schema_extra={"enum": list(pattern_names())})]
# a name in a folder that is known, so that a form reads no other file of the worker's machine
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}\.(toml|yaml|yml|json)$")]
# that of any body, which no path is: `/` is none of its letters, and files end in small ones
IDENTIFIER = r"[A-Z0-9][A-Z0-9_.-]{1,63}"
ImportedName = Annotated[str, Field(pattern=rf"^({IDENTIFIER})?$")]
Number = Annotated[int, Field(ge=1, le=2**53)]
GridText = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$")]


def _variants() -> tuple[str, ...]:
    return ("", *sorted({v for name in pattern_names() for v in load_pattern(name).variants}))


VariantName = Annotated[str, _one_of(_variants()), Field(json_schema_extra={"enum": list(_variants())})]


def variants_told() -> str:
    """Every pattern's variants, in prose."""
    told = [
        f"{name}: {key} ({variant.title})"
        for name in pattern_names()
        for key, variant in load_pattern(name).variants.items()
    ]
    return f"Named set of the pattern's parameters; none when empty. {'; '.join(told)}."


def imported_name(body: str, imported: str) -> str:
    """The body that a form means."""
    return imported.strip() or body


def parameters_told() -> str:
    """Every pattern's parameters with units, ranges and defaults, as a list in Markdown."""
    told = ["Of the pattern that is chosen: numbers in the unit given here, or text with another unit."]
    for name in pattern_names():
        parts = [
            f"`{key}` ({'' if p.unit == '1' else f'`{p.unit}`, '}{p.minimum:g} to {p.maximum:g}, default {p.default:g})"
            for key, p in load_pattern(name).parameters.items()
        ]
        told.append(f"- **{name}**: {', '.join(parts) or 'none'}")
    return "\n\n".join(told)  # the forms take single breaks for spaces
