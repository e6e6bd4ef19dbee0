"""The members of a sweep: each point of the design as a run's spec, named by its content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from twinpipe.assembly import body_values
from twinpipe.body import Body
from twinpipe.clock import usual_steps
from twinpipe.design import Values, number_of_points, points
from twinpipe.errors import InvalidInput, NotFound
from twinpipe.game.interventions import expanded
from twinpipe.grid import Grid
from twinpipe.physics.compiled import CODE_FINGERPRINT
from twinpipe.physics.model import build
from twinpipe.refusal import explain
from twinpipe.scenario import Pattern, Scenario, load_pattern, quantity, scenario_of, with_usual_events
from twinpipe.spec import RunSpec
from twinpipe.sweep_spec import SEED, VARIANT, SweepSpec, Value

MOST_MEMBERS = 100_000  # of which each has rows of its own
SMALL = Grid(4, 8)
DEFAULT_PATTERN = "mars_terraform"


@dataclass(frozen=True)
class Member:
    """A run of a sweep: what the design varies by name, the body's numbers among it, and its spec."""

    values: dict[str, float]
    varied: dict[str, float]
    spec: RunSpec


def varied(body: Body, values: Mapping[str, float]) -> Body:
    """The body with other numbers by dotted field; raises NotFound, and InvalidInput where it is none with them."""
    if not values:
        return body
    table = body.model_dump(mode="json")
    for field, value in values.items():
        *path, last = field.split(".")
        at: Any = table
        for key in path:
            at = at.get(key) if isinstance(at, dict) else None
        if not isinstance(at, dict) or not _is_number(at.get(last)):
            raise NotFound(f"number of {body.name}", field, sorted(_numbers(table)))
        at[last] = value
    try:
        return Body.model_validate(table)
    except ValidationError as error:
        raise explain(error, body.name) from None


def spec_of(parameters: Mapping[str, Any], body: Body) -> RunSpec:
    """The spec of a run from its row's parameters and the body of its twin."""
    return RunSpec.model_validate({**parameters["spec"], "body": varied(body, parameters.get("varied", {}))})


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted names of a body's numbers, without those that describe how uncertain they are."""
    for key, value in table.items():
        if isinstance(value, dict) and key != "uncertainty":
            yield from _numbers(value, f"{prefix}{key}.")
        elif _is_number(value):
            yield prefix + key


def expand(spec: SweepSpec, body: Body, grid: str, steps_per_orbit: int = 0) -> tuple[Member, ...]:
    """The members of a sweep on a body in the order of its design, each content once.

    grid: where the base gives none; steps_per_orbit: the usual ones when 0.  Raises InvalidInput and NotFound for
    axes, values, scenarios and numbers of members that cannot be; of one impossible member its number and values.
    """
    if not 1 <= (number := number_of_points(spec)) <= MOST_MEMBERS:
        raise InvalidInput("members", number, f"a sweep has 1 to {MOST_MEMBERS:,}")
    base, pattern = spec.base, _pattern(spec)
    _check_names(spec, body, pattern)
    _check_replicates(spec)
    steps = steps_per_orbit or usual_steps(body.orbit.sidereal_year_s)

    @cache
    def body_of(*values: tuple[str, float]) -> Body:
        return varied(body, dict(values))

    @cache
    def scenario(of_body: tuple[tuple[str, float], ...], seed: int, *values: tuple[str, Value]) -> Scenario:
        own = body_of(*of_body)
        if base.scenario is None:
            return pattern.scenario(own, dict(values), variant=base.variant, force=base.force)
        table = expanded(with_usual_events(base.scenario), years=base.years, seed=seed)
        return scenario_of(table, body_values(own), "base.scenario")

    def member(point: Values) -> Member:
        values = _in_own_units(point, pattern)
        of_body = {n: v for n, v in values.items() if n not in pattern.parameters and n not in (SEED, VARIANT)}
        own = spec.variants[int(values[VARIANT])].parameters if VARIANT in values else {}
        parameters = {**base.parameters, **own, **{n: v for n, v in values.items() if n in pattern.parameters}}
        changed, seed = tuple(of_body.items()), int(values.get(SEED, base.seed))
        made = RunSpec(
            body=body_of(*changed),
            scenario=scenario(changed, seed, *parameters.items()),
            years=base.years,
            grid=base.grid or grid,
            steps_per_orbit=steps,
            output=base.output,
            seed=seed,
            code_fingerprint=CODE_FINGERPRINT,
        )
        return Member(values, of_body, made)

    found: dict[str, Member] = {}
    for point in points(spec, body):
        try:
            made = member(point)
        except InvalidInput as error:
            raise _named(error, spec, len(found), point) from None
        found.setdefault(made.spec.digest, made)
    members = tuple(found.values())
    _check_alike(spec, members)
    return members


def _named(error: InvalidInput, spec: SweepSpec, number: int, values: Mapping[str, float | str]) -> InvalidInput:
    """The error with the number of the member that it is of, and with what makes it that member."""
    told = [
        f"{name} {spec.variants[int(v)].name if name == VARIANT else v if isinstance(v, str) else f'{v:.6g}'}"
        for name, v in values.items()
    ]
    of = f"{error.field} of member {number} ({', '.join(told)})" if told else error.field
    return InvalidInput(of, error.value, error.allowed)


def values_of_points(spec: SweepSpec, body: Body) -> Iterator[dict[str, float]]:
    """The values of each point of a sweep's design, in the pattern's units; equal members keep those of the first."""
    pattern = _pattern(spec)
    return (_in_own_units(point, pattern) for point in points(spec, body))


def _pattern(spec: SweepSpec) -> Pattern:
    """The pattern whose parameters axes may name; with a scenario one that has none."""
    return load_pattern("custom" if spec.base.scenario is not None else spec.base.pattern or DEFAULT_PATTERN)


def _check_names(spec: SweepSpec, body: Body, pattern: Pattern) -> None:
    """NotFound for an axis that is no parameter of the pattern and no number of the body."""
    for axis in spec.axes:
        if axis.name not in pattern.parameters and "." not in axis.name:
            known = [*sorted(pattern.parameters), *sorted(body.uncertainty), "or any other number of the body"]
            raise NotFound("axis", axis.name, known)
    given = [*spec.base.parameters, *(name for v in spec.variants for name in v.parameters)]
    for name in given:
        if name not in pattern.parameters:
            raise NotFound(f"parameter of pattern {pattern.name}", name, sorted(pattern.parameters))


def _check_replicates(spec: SweepSpec) -> None:
    """InvalidInput for replicates of a base whose disasters, if it has any, strike alike by all of their seeds."""
    base, number = spec.base, spec.design.replicates
    if number == 1:
        return
    if base.scenario is not None:
        seeds = range(base.seed, base.seed + number)
        made = (expanded(base.scenario, years=base.years, seed=seed) for seed in seeds)
        if any(a != b for a, b in pairwise(made)):
            return
    allowed = "nothing in the base follows from the seed, as disasters per_century do, so that they would be copies"
    raise InvalidInput("design.replicates", number, allowed)


def _in_own_units(point: Values, pattern: Pattern) -> dict[str, float]:
    return {
        name: quantity(value, pattern.parameters[name].unit if name in pattern.parameters else "", name)
        for name, value in point.items()
    }


def _check_alike(spec: SweepSpec, members: tuple[Member, ...]) -> None:
    """InvalidInput for a number of the body in which members of a sweep cannot differ, such as its radius."""
    first = members[0]
    seen: set[str] = set()
    for number, member in enumerate(members[1:], 1):
        new = {name for name, value in member.varied.items() if value != first.varied[name]} - seen
        if not new:
            continue
        seen |= new
        refused = InvalidInput(
            ", ".join(sorted(new)), member.varied[min(new)], "the members of a sweep have it in common"
        )
        if member.spec.clock != first.spec.clock:
            raise _named(refused, spec, number, member.values)
        pair = (first.spec, member.spec)
        try:
            build(tuple(s.body for s in pair), tuple(s.scenario for s in pair), SMALL, first.spec.clock)
        except InvalidInput as error:
            why = InvalidInput(refused.field, refused.value, f"{refused.allowed}: {error.allowed}")
            raise _named(why, spec, number, member.values) from None
