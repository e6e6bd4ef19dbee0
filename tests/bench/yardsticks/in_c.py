"""The step in C: step.c built for this machine, and called through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.bench.yardsticks.job import N_FLOWS, N_MAPS, N_SERIES, ZONAL_EVERY, Result
from twinpipe.physics import emissivity
from twinpipe.physics.model import Model
from twinpipe.physics.records import State
from twinpipe.simulation import LANES

FLAGS = ("-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math", "-Wno-psabi", "-shared", "-fPIC")
N_FIELDS, N_LINES = 9, 15  # of scratch in step.c
_INTEGERS = ("n_lat", "n_lon", "orbit", "zonal_every")
_NUMBERS = ("dt", "area", "gravity", "cp", "skin_root", "geothermal", "latent", "reference_pressure")


@cache
def library(source: str) -> ctypes.CDLL:
    """A C file of this folder, compiled and loaded.  Raises FileNotFoundError where there is no gcc."""
    if shutil.which("gcc") is None:
        raise FileNotFoundError("the yardsticks in C need gcc")
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "built.so"
        subprocess.run(["gcc", *FLAGS, "-o", built, Path(__file__).parent / source, "-lm"], check=True)
        return ctypes.CDLL(str(built))


def aligned(values: NDArray[Any]) -> NDArray[Any]:
    """A copy that starts on a line of the cache, as vectors want it."""
    size = values.size * values.itemsize
    room = np.zeros(size + 64, dtype=np.uint8)
    start = -room.ctypes.data % 64
    made = room[start : start + size].view(values.dtype).reshape(values.shape)
    made[...] = values
    return made


class InC:
    """The step in C for eight members."""

    def __init__(self, model: Model, start: State) -> None:
        if model.n_members != LANES:
            raise ValueError(f"step.c is for {LANES} members")
        self.model, self.step, self.advance_ = model, 0, library("step.c").advance
        st, o, m, grid = model.static, model.options, model.members, model.grid
        row = (grid.n_lat, grid.n_lon * LANES)
        none = np.zeros(LANES)
        names = ("weight", "north", "south", "east", "insolation", "harmonic", "table", "alpha", "own", "below", "heat")
        self.arrays: dict[str, NDArray[Any]] = {
            **{name: getattr(st, name) for name in names},
            **{"capacity": st.layer_capacity, "conductance": st.layer_conductance, "albedo": st.ground_albedo},
            **{name: getattr(st, name) for name in ("altitude", "inertia", "bottom_heat", "molar_mass")},
            **{name: getattr(m, name) for name in ("diffusivity", "coupling", "emissivity_factor", "diurnal_factor")},
            **{name: getattr(m, name) for name in ("solar_constant", "half_cover", "frost_albedo", "frost_emissivity")},
            **{"depth": none, "aerosol_albedo": m.cloud_albedo, "reference_molar_mass": m.reference_molar_mass},
            **{name: getattr(start, name) for name in ("T", "ice", "p", "gas", "mean_temperature")},
            **{"energy": np.zeros((N_FLOWS, LANES)), "condensed": none, "sums": np.zeros((N_MAPS, *row))},
            **{"fields": np.zeros((N_FIELDS, *row)), "lines": np.zeros((N_LINES, row[1]))},
            "place": np.array([emissivity.LOG_PRESSURE_NODES, emissivity.TEMPERATURE_NODES], dtype=np.int64),
            "grid": np.array([emissivity.LOG_PRESSURE_0, emissivity.LOG_PRESSURE_STEP, emissivity.TEMPERATURE_0]),
        }
        self.arrays = {name: aligned(values) for name, values in self.arrays.items()}
        self.numbers = {name: getattr(o, name) for name in _NUMBERS}
        integers = (grid.n_lat, grid.n_lon, model.clock.steps_per_orbit, ZONAL_EVERY)
        self.numbers |= dict(zip(_INTEGERS, integers, strict=True))
        self.zonals, self.series = np.zeros((0, 3, grid.n_lat, LANES)), np.zeros((0, N_SERIES, LANES))

    def advance(self, n: int) -> None:
        times = (self.step + n) // ZONAL_EVERY - self.step // ZONAL_EVERY
        self.zonals = aligned(np.zeros((times, 3, self.model.grid.n_lat, LANES)))
        self.series = aligned(np.zeros((n, N_SERIES, LANES)))
        job = _Job()
        for name, *kind in _Job._fields_:
            if kind != [ctypes.c_void_p]:
                setattr(job, name, self.numbers.get(name, len(self.arrays["gas"])))
            else:
                arrays = self.arrays | {"zonals": self.zonals, "series": self.series}
                setattr(job, name, arrays[name].ctypes.data)
        if self.advance_(ctypes.byref(job), ctypes.c_long(self.step), ctypes.c_long(n)) != 0:
            raise ArithmeticError("a cell gave more heat than it had: step.c does not mend that")
        self.step += n

    def result(self) -> Result:
        a = self.arrays
        own = (a["T"], a["ice"], a["p"], a["gas"], a["mean_temperature"], a["energy"], a["condensed"], a["sums"])
        return Result(*own, self.series.transpose(1, 0, 2), self.zonals.transpose(1, 0, 2, 3))


def _fields(*names: str) -> list[tuple[str, Any]]:
    return [(name, ctypes.c_void_p) for name in names]


class _Job(ctypes.Structure):
    """struct job of step.c."""

    _fields_ = [
        *((name, ctypes.c_long) for name in _INTEGERS),
        *((name, ctypes.c_double) for name in _NUMBERS),
        *_fields("weight", "north", "south", "east", "insolation", "harmonic", "table"),
        *_fields("capacity", "conductance", "alpha", "own", "below", "heat"),
        *_fields("altitude", "albedo", "inertia", "bottom_heat"),
        *_fields("diffusivity", "coupling", "emissivity_factor", "diurnal_factor", "solar_constant", "half_cover"),
        *_fields("frost_albedo", "frost_emissivity", "depth", "aerosol_albedo", "reference_molar_mass", "molar_mass"),
        ("n_gases", ctypes.c_long),
        *_fields("T", "ice", "p", "gas", "mean_temperature", "energy", "condensed", "sums", "zonals", "series"),
        *_fields("fields", "lines", "place", "grid"),
    ]
