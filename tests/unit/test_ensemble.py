"""Laws of what a sweep came to: each axis has the indices of its own, for the right variant and crossed values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from twinpipe.body import builtin_body
from twinpipe.db.ledger import Measured
from twinpipe.ensemble import MemberOutcome, differences, sensitivities
from twinpipe.members import values_of_points
from twinpipe.sweep_spec import SweepSpec

MARS = builtin_body("mars")
RATE = {"kind": "loguniform", "name": "factory_rate", "low": 1e4, "high": 1e6}
SHIELD = {"kind": "uniform", "name": "shield_years", "low": 10.0, "high": 50.0}
FLEETS = {"kind": "list", "name": "cyclers_per_year", "values": [10, 20, 40]}
VARIANTS = [{"name": "plan"}, {"name": "more", "parameters": {"mirror_area": 1e12}}]
SLOPES = {  # of temperature by the rate and by the shield, for each variant and number of cyclers
    ("plan", 10): (1.0, 1.0),
    ("plan", 20): (1.0, 2.0),
    ("plan", 40): (4.0, 1.0),
    ("more", 10): (0.0, 1.0),
    ("more", 20): (3.0, 2.0),
    ("more", 40): (1.0, 0.0),
}
Function = Callable[[dict[str, float]], dict[str, float]]


def outcomes(spec: SweepSpec, function: Function, missing: int | None = None) -> list[MemberOutcome]:
    """Made-up members in no order of whom one may have no result; what they do not say is 1."""
    made = []
    for number, values in enumerate(values_of_points(spec, MARS)):
        told = dict.fromkeys(("overall_score", "habitability_score", "cost_gcc", "energy_j"), 1.0)
        told |= {"surface_temperature_k": 1.0, "surface_pressure_pa": 1.0, **function(values)}
        measured = None if number == missing else Measured(run_id=number + 1, **told)
        status = "failed" if number == missing else "completed"
        made.append(MemberOutcome(number, values, number + 1, False, status, None, measured))
    return [made[i] for i in np.random.default_rng(0).permutation(len(made))]


def quantiles(values: dict[str, float]) -> tuple[float, float]:
    """Where a member is on the two axes that are drawn, from 0 to 1."""
    return math.log(values["factory_rate"] / 1e4) / math.log(100), (values["shield_years"] - 10) / 40


def by_place(spec: SweepSpec, values: dict[str, float]) -> dict[str, float]:
    """A temperature that is a sum of both axes, and a pressure that is their product in the second variant alone."""
    rate, shield = quantiles(values)
    a, b = SLOPES[spec.variants[int(values["variant"])].name, int(values["cyclers_per_year"])]
    warmth = 200 + 30 * values["variant"] + values["cyclers_per_year"] + a * rate + b * shield
    return {"surface_temperature_k": warmth, "surface_pressure_pa": 600 + values["variant"] * rate * shield}


@pytest.mark.parametrize(("kind", "points", "tolerance"), [("sobol", 64, 0.02), ("saltelli", 1024, 0.05)])
def test_each_axis_has_its_indices_for_each_variant_and_crossed_value(kind: str, points: int, tolerance: float) -> None:
    axes = [RATE, FLEETS, SHIELD]  # what is crossed between those that are drawn
    design = {"kind": kind, "points": points}
    spec = SweepSpec.model_validate({"axes": axes, "variants": VARIANTS, "design": design})
    last = sum(1 for _ in values_of_points(spec, MARS)) - 1
    found = sensitivities(spec, MARS, outcomes(spec, lambda values: by_place(spec, values), missing=last))
    warmth = [s for s in found if s["measure"] == "surface_temperature_k"]
    assert [(s["variant"], s["at"]["cyclers_per_year"]) for s in warmth] == list(SLOPES)
    for s, (a, b) in zip(warmth, SLOPES.values(), strict=True):
        exact = {"factory_rate": a**2 / (a**2 + b**2), "shield_years": b**2 / (a**2 + b**2)}
        assert list(s["axes"]) == list(exact)
        for name, share in exact.items():  # of a sum, the first-order index is the total one
            assert s["axes"][name]["first_order"] == pytest.approx(share, abs=tolerance)
            assert s["axes"][name]["total"] == pytest.approx(share, abs=tolerance)
    assert [s["points"] for s in warmth] == [points] * 5 + [points - 1]
    pressure = [s for s in found if s["measure"] == "surface_pressure_pa"]
    assert [s["variant"] for s in pressure] == ["more"] * 3  # it is the same everywhere in the first
    for s in pressure:  # V = 7/144, of which 3/144 by each axis alone
        for indices in s["axes"].values():
            assert indices["first_order"] == pytest.approx(3 / 7, abs=tolerance)
            assert indices["total"] == pytest.approx(4 / 7, abs=tolerance)
    assert len(found) == len(warmth) + len(pressure)


@pytest.mark.parametrize("kind", ["sobol", "saltelli"])
def test_what_replicates_differ_by_is_averaged_out(kind: str) -> None:
    sun = {"kind": "uniform", "name": "orbit.solar_constant_w_m2", "low": 580.0, "high": 590.0}
    frost = {"kind": "uniform", "name": "co2_ice.albedo_south", "low": 0.6, "high": 0.7}
    design = {"kind": kind, "points": 64 if kind == "sobol" else 1024, "replicates": 2}
    spec = SweepSpec.model_validate({"base": {"scenario": {}}, "axes": [sun, frost], "design": design})

    def weather(values: dict[str, float]) -> dict[str, float]:
        light, dark = (values["orbit.solar_constant_w_m2"] - 580) / 10, (values["co2_ice.albedo_south"] - 0.6) / 0.1
        chance = 10 * (1 - 2 * values["seed"]) * dark  # as much in one replicate as it is less in the other
        return {"surface_temperature_k": 200 + 2 * light + dark + chance}

    (only,) = sensitivities(spec, MARS, outcomes(spec, weather))
    assert only["axes"]["orbit.solar_constant_w_m2"]["first_order"] == pytest.approx(0.8, abs=0.05)
    assert only["axes"]["co2_ice.albedo_south"]["first_order"] == pytest.approx(0.2, abs=0.05)


def test_a_difference_of_variants_is_that_of_their_pairs() -> None:
    design: dict[str, Any] = {"kind": "sobol", "points": 16}
    spec = SweepSpec.model_validate({"axes": [RATE, FLEETS, SHIELD], "variants": VARIANTS, "design": design})

    def warmer(values: dict[str, float]) -> dict[str, float]:
        rate, shield = quantiles(values)
        own = 3.0 + (rate > 0.5) if values["variant"] else 0.0
        return {"surface_temperature_k": 200 + 50 * rate + 20 * shield + values["cyclers_per_year"] + own}

    found = {d["measure"]: d for d in differences(spec, MARS, outcomes(spec, warmer, missing=0))}
    warmth = found["surface_temperature_k"]
    assert (warmth["variant"], warmth["to"], warmth["pairs"], warmth["higher"]) == ("more", "plan", 47, 1.0)
    assert warmth["mean"] == pytest.approx(3.5, abs=0.02)
    assert 3.2 < warmth["interval"][0] < warmth["mean"] < warmth["interval"][1] < 3.8
