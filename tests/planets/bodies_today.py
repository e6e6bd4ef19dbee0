"""Venus, Titan, Europa, Earth and Luna, settled in the whole model, beside published numbers; C2.6 and C2.8."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from tests.planets.mars_today import Row, drift_rows
from tests.planets.worlds import Course, World, course, drift_of, with_climate, with_gas, world
from twinpipe.body import Start, builtin_body
from twinpipe.constants import MOLAR_MASS
from twinpipe.physics.model import first_guess
from twinpipe.physics.orbit import solar_longitude
from twinpipe.physics.records import Forcing
from twinpipe.physics.substances import GASES

ZONAL_GRID = "36x1"  # these bodies are the same all along a row
CRITICAL_POINT_K = 304.13  # of CO2: warmer, it has no liquid; B8
SANDBOX_SHADE = {0.90: 141.0, 0.97: 34.0}  # share of shade on Venus -> degrees C; C2.8 [S35]
PRE_INDUSTRIAL_PPM = 280.0  # of CO2; C2.6


def near(
    quantity: str, target: float, ours: float, band: float, unit: str, models: str, digits: int = 1, why: str = ""
) -> Row:
    """Ours within a band around a target."""
    return Row(quantity, unit, f"{target:g}", f"{ours:.{digits}f}", abs(ours - target), band, models, why)


def within(quantity: str, low: float, high: float, ours: float, unit: str, models: str, digits: int = 1) -> Row:
    """Ours between two published values; the error is from their middle."""
    middle = 0.5 * (low + high)
    return Row(
        quantity, unit, f"{low:g}..{high:g}", f"{ours:.{digits}f}", abs(ours - middle), 0.5 * (high - low), models
    )


def below(quantity: str, limit: float, ours: float, unit: str, models: str, digits: int = 1, why: str = "") -> Row:
    """Ours at most a limit."""
    return Row(quantity, unit, f"< {limit:g}", f"{ours:.{digits}f}", ours, limit, models, why)


def contrast(w: World, c: Course | None = None) -> float:
    """Largest difference (K) between the equator and either pole: of the annual means, or at any time of a course."""
    t = w.annual[None] if c is None else c.zonal_temperature
    middle = 0.5 * (t[:, w.grid.n_lat // 2] + t[:, (w.grid.n_lat - 1) // 2])
    return float(max(np.abs(middle - t[:, 0]).max(), np.abs(middle - t[:, -1]).max()))


def pressure_of(w: World) -> float:
    return w.mean("global_surface_pressure")


def drifts(name: str, years: int = 1000) -> list[Row]:
    """The untouched body holds its climate."""
    return list(drift_rows(drift_of(builtin_body(name), years)))


def shaded(share: float) -> Callable[[Forcing], None]:
    """Forcing that keeps a share of the sunlight away."""

    def force(f: Forcing) -> None:
        f.shade[:] = share

    return force


def venus_rows(grid: str = ZONAL_GRID, steps: int = 96) -> Iterator[Row]:
    """Today's climate, and what shade does to it; C2.8."""
    w = world("venus", grid, steps)
    yield near("mean surface temperature", 737, w.mean("global_surface_temperature"), 10, "K", "peers disagree by 50 K")
    yield below("equator to pole", 5, contrast(w), "K", "observed < 1")
    yield near("surface pressure", 92, pressure_of(w) / 1e5, 1, "bar", "-")
    yield within(
        "outgoing longwave radiation", 157, 164, w.mean("global_outgoing_longwave_flux"), "W m-2", "[S3] 163.7"
    )
    half = course(w, w.state(), 400, shaded(0.5))
    t = half.of("global_surface_temperature")
    yield below("half shade for 246 years: steps in which T rises", 0, float((np.diff(t) >= 0).sum()), "1", "-", 0)
    yield near("half shade: T after 246 years", 620, float(t[-1]), 10, "K", "737 x 0.5^0.25, all else equal", 0)
    yield near("half shade: CO2 condensed", 0, _frozen(half)[-1], 0, "kg", "-", 0)
    for share, celsius in SANDBOX_SHADE.items():
        dim = w.body.orbit.model_copy(update={"solar_constant_w_m2": (1 - share) * w.body.orbit.solar_constant_w_m2})
        kelvin = world(w.body.model_copy(update={"orbit": dim}), grid, steps, 60).mean("global_surface_temperature")
        yield near(
            f"{100 * share:.0f} % shade for good: T", 273.15 + celsius, kelvin, 10, "K", "[S35]; peers 50 K apart"
        )
    first, warmest = first_liquid(grid, steps)
    yield below(
        "99 % shade from 320 K: T where CO2 first condenses", CRITICAL_POINT_K, first, "K", "[S35] 307 K at 97 %", 2
    )
    yield near("99 % shade from 320 K: T that liquid holds", CRITICAL_POINT_K, warmest, 0.1, "K", "-", 2)


def first_liquid(grid: str = ZONAL_GRID, steps: int = 96) -> tuple[float, float]:
    """Temperature (K) of the coldest place when CO2 first lies on a shaded Venus, of the warmest 100 years later."""
    venus = with_climate(builtin_body("venus"), start=Start(mean_k=320.0))
    calm = world("venus", grid, steps)
    w = World(venus, calm.grid, calm.clock, calm.climate)
    c = course(w, first_guess(w.model), 500, shaded(0.99))
    frozen = _frozen(c)
    k = int(np.argmax(frozen > 0))
    assert frozen[k] > 0
    later = min(k + round(100 * 365.25 * 86400 / w.clock.step_seconds), len(frozen) - 1)
    return float(c.zonal_temperature[k].min()), float(c.zonal_temperature[later].max())


def _frozen(c: Course) -> np.typing.NDArray[np.float64]:
    return np.asarray(c.of("co2_ice_mass_north") + c.of("co2_ice_mass_south"))


def titan_rows(grid: str = ZONAL_GRID, steps: int = 96) -> Iterator[Row]:
    """Today's climate: mean, contrast in every season, north and south as Cassini saw them near the equinox; C2.8."""
    w = world("titan", grid, steps)
    yield near("mean surface temperature", 94, w.mean("global_surface_temperature"), 2, "K", "+-1 [S27]")
    yield near("surface pressure", 1467, pressure_of(w) / 100, 1.5, "mbar", "-")
    year = course(w, w.state(), 1)
    yield below("equator to pole, largest in the year", 4, contrast(w, year), "K", "observed 1-3")
    ls = (
        np.degrees(solar_longitude(w.body.orbit, np.arange(1, steps + 1, dtype=np.float64) * w.clock.step_seconds))
        % 360
    )
    at_equinox = year.zonal_temperature[int(np.argmin(np.abs((ls - 350 + 180) % 360 - 180)))]
    latitude = np.degrees(w.grid.latitude)
    south, equator, north = np.interp([-60, 0, 60], latitude, at_equinox)
    yield near("60 S against the equator, Ls 350", -1, float(south - equator), 2, "K", "observed +-1")
    yield near("60 N against the equator, Ls 350", -3, float(north - equator), 2, "K", "observed +-1")


def europa_rows(grid: str = "90x1", steps: int = 96) -> Iterator[Row]:
    """Surface temperature with 0.05 W m-2 from below; C2.8 [S26].  Rows of 2 degrees: the pole's own is cold."""
    w = world("europa", grid, steps)
    pole = 0.5 * float(w.annual[0] + w.annual[-1])
    yield near("equator, annual mean", 96, w.at(0), 3, "K", "earlier version 101.6")
    yield near("poles, annual mean", 46, pole, 5, "K", "earlier version 52.7")
    yield near("mean surface temperature", 90, w.mean("global_surface_temperature"), 3, "K", "earlier version 94.7")


def luna_rows(grid: str = ZONAL_GRID, steps: int = 96) -> Iterator[Row]:
    """Between the surface's own mean and that of the warmer ground a metre below, which today's Moon differs by."""
    w = world("luna", grid, steps)
    yield within(
        "equator, mean over the day", 206, 256, w.at(0), "K", "surface 216 (Diviner), ground at 1 m 250 (Apollo)"
    )
    yield within(
        "85 degrees, annual mean", 94, 150, 0.5 * (w.at(-85) + w.at(85)), "K", "104, shadows included (Diviner)"
    )


def earth_rows(grid: str = ZONAL_GRID, steps: int = 96) -> Iterator[Row]:
    """Today's climate, the tuned benchmark of FILLET at 280 ppm, and twice the CO2; C2.6, C2.8."""
    today = world("earth", grid, steps)
    yield near("mean surface temperature", 288, today.mean("global_surface_temperature"), 2, "K", "tuned, 287.2-288.1")
    yield near(
        "outgoing longwave radiation", 237, today.mean("global_outgoing_longwave_flux"), 3.6, "W m-2", "233.6-263.9"
    )
    moles = sum(m / MOLAR_MASS[g] for g, m in today.body.atmosphere.mass_kg.items() if g != "CO2")
    co2 = 1e-6 * PRE_INDUSTRIAL_PPM * moles * MOLAR_MASS["CO2"]
    before, doubled = (world(with_gas(today.body, CO2=n * co2), grid, steps) for n in (1, 2))
    mean = before.mean("global_surface_temperature")
    yield within("Ben1: mean surface temperature", 286.5, 289, mean, "K", "287.2-288.1")
    yield within("Ben1: equator", 297, 306, before.at(0), "K", "298.7-305.1")
    yield within("Ben1: 85 N", 245, 266, before.at(85), "K", "248.2-264.1")
    yield within("Ben1: northern ice line", 50, 73, ice_line(before), "°", "codes differ by 20")
    yield within("twice the CO2: forcing", 3.7, 3.83, doubling_forcing(before), "W m-2", "3.7-4", 2)
    rise = doubled.mean("global_surface_temperature") - mean
    yield within("twice the CO2: warming", 1.5, 4.5, rise, "K", "1.5-4.5", 2)


def ice_line(w: World) -> float:
    """Northern latitude (degree) from which on more than half of the surface is ice in the annual mean, at 266.2 K."""
    half_k = 273.15 + 10 * np.log(0.5)
    half = w.grid.n_lat // 2
    return float(np.interp(-half_k, -w.annual[half:], np.degrees(w.grid.latitude)[half:]))


def doubling_forcing(w: World) -> float:
    """Fall of the outgoing radiation (W m-2) in the step in which CO2 doubles, before the climate follows."""
    doubled = w.state()
    doubled.gas[GASES.index("CO2")] *= 2
    flux = (course(w, s, 1).of("global_outgoing_longwave_flux")[0] for s in (w.state(), doubled))
    return float(next(flux) - next(flux))
