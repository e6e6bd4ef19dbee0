"""Factories: valid payloads, specs and rows by default, with overrides; strategies generate whole spaces of them."""

from tests.factories.payloads import a_payload, a_result, merged, run_parameters, simulation_parameters, sweep_design
from tests.factories.rows import (
    make_ready_twin,
    make_result,
    make_run,
    make_running,
    make_running_sweep,
    make_sweep,
    make_twin,
)
from tests.factories.specs import a_body, a_run_spec, a_scenario

__all__ = [
    "a_body",
    "a_payload",
    "a_result",
    "a_run_spec",
    "a_scenario",
    "make_ready_twin",
    "make_result",
    "make_run",
    "make_running",
    "make_running_sweep",
    "make_sweep",
    "make_twin",
    "merged",
    "run_parameters",
    "simulation_parameters",
    "sweep_design",
]
