"""The step as a user of xarray writes it: fields with named dimensions; what has no name there is numpy's."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from tests.bench.yardsticks.job import N_FLOWS, N_MAPS, ZONAL_EVERY, Result
from tests.bench.yardsticks.step_numpy import (
    GAS_CONSTANT,
    LARGEST_SHARE,
    SIGMA,
    inverse_emissivity,
    member_first,
    member_last,
    newton,
    solve_lat,
    solve_lon,
)
from twinpipe.grid import Array
from twinpipe.physics.model import Model
from twinpipe.physics.records import State

Field = xr.DataArray
MEMBER, CELL = ("member",), ("member", "lat", "lon")


def _solved_lat(a: Field, rhs: Field, D: Field, north: Field, south: Field) -> Field:
    """x of (A - L_lat) x = rhs."""

    def solve(a: Array, rhs: Array, D: Array, north: Array, south: Array) -> Array:
        x = solve_lat(np.swapaxes(a, 1, 2), np.swapaxes(rhs, 1, 2), D, north, south)
        return np.swapaxes(x, 1, 2)

    dims: list[Any] = [["lat"], ["lat"], [], ["lat"], ["lat"]]
    x: Field = xr.apply_ufunc(solve, a, rhs, D, north, south, input_core_dims=dims, output_core_dims=[["lat"]])
    return x.transpose(*CELL)


def _solved_lon(a: Field, rhs: Field, e: Field) -> Field:
    """x of (A - L_lon) x = rhs, cyclic."""
    dims: list[Any] = [["lon"], ["lon"], []]
    x: Field = xr.apply_ufunc(solve_lon, a, rhs, e, input_core_dims=dims, output_core_dims=[["lon"]])
    return x


def _newton(stiff: Field, drive: Field, K: Field, T: Field) -> tuple[Field, Field]:
    """T' and OLR of stiff T' + K T'^4 = drive."""
    new, olr, _ = xr.apply_ufunc(newton, stiff, drive, K, T, output_core_dims=[[], [], []])
    return new, olr


class InXarray:
    """The step with xarray, (member, lat, lon)."""

    def __init__(self, model: Model, start: State) -> None:
        st, m, members, grid = model.static, model.members, model.n_members, model.grid
        self.model, self.step = model, 0

        def cells(a: Array) -> Field:
            return Field(member_first(a, members), dims=CELL)

        def by_member(a: Array) -> Field:
            return Field(a, dims=MEMBER)

        self.altitude, self.ground, self.inertia = (cells(a) for a in (st.altitude, st.ground_albedo, st.inertia))
        self.bottom_heat, self.ice, self.p = cells(st.bottom_heat), cells(start.ice), cells(start.p)
        self.T = Field(np.moveaxis(member_first(start.T, members), 1, 0).copy(), dims=("layer", *CELL))
        self.gas = Field(start.gas.copy(), dims=("gas", "member"))
        self.molar_mass = Field(st.molar_mass, dims="gas")
        self.mean_temperature = by_member(start.mean_temperature.copy())
        self.diffusivity, self.coupling = by_member(m.diffusivity), by_member(m.coupling)
        self.reference_molar_mass, self.half_cover = by_member(m.reference_molar_mass), by_member(m.half_cover)
        self.diurnal, self.sunlight = by_member(m.diurnal_factor * m.solar_constant), by_member(m.solar_constant)
        self.cloud_albedo, self.emissivity_factor = by_member(m.cloud_albedo), by_member(m.emissivity_factor)
        self.weight, self.to_north, self.to_south, self.east = (
            Field(a, dims="lat") for a in (st.weight, st.north, st.south, st.east)
        )
        self.insolation, self.harmonic = (Field(a, dims=("step", "lat")) for a in (st.insolation, st.harmonic))
        self.northern = Field(np.arange(grid.n_lat) >= grid.n_lat // 2, dims="lat")
        two = ("side", "member")
        albedo, emissivity = Field(m.frost_albedo, dims=two), Field(m.frost_emissivity, dims=two)
        self.frost_albedo = albedo.isel(side=1).where(self.northern, albedo.isel(side=0))
        self.frost_emissivity = emissivity.isel(side=1).where(self.northern, emissivity.isel(side=0))
        self.energy = Field(np.zeros((N_FLOWS, members)), dims=("flow", "member"))
        self.condensed = by_member(np.zeros(members))
        self.sums = Field(np.zeros((N_MAPS, *self.ice.shape)), dims=("map", *CELL))
        self.series: list[Field] = []
        self.zonals: list[Field] = []

    def mean(self, field: Field) -> Field:
        """(member) mean over the sphere; cells of a row have one weight."""
        return (field * self.weight).sum(("lat", "lon"))

    def advance(self, n: int) -> None:
        self.series, self.zonals = [], []
        for _ in range(n):
            self._step()
            self.step += 1

    def _step(self) -> None:
        st, o = self.model.static, self.model.options
        T, calendar = self.T.isel(layer=0), self.step % self.insolation.sizes["step"]

        # the mixed air
        mass, moles = self.gas.sum("gas"), (self.gas / self.molar_mass).sum("gas")
        mean_p = mass * o.gravity / o.area
        share = self.gas.isel(gas=0) / st.molar_mass[0] / moles
        excess = 0.05 * (mean_p.clip(max=5e5) / 1e5) ** 0.7
        r = excess / (0.5625 + 0.25 * excess)
        ratio = mean_p / o.reference_pressure
        D = (self.diffusivity * ratio * (self.reference_molar_mass * moles / mass) ** 2).clip(max=1e3)
        coupling = self.coupling * np.sqrt(ratio)
        height = GAS_CONSTANT * self.mean_temperature / (mass / moles * o.gravity)

        # pressure, and what the air's change of mass brings
        scale = mean_p / self.mean(np.exp(-self.altitude / height))  # type: ignore[arg-type]  # stays a DataArray
        log_p = np.log(scale) - self.altitude / height
        p = np.exp(log_p)
        gained = self.mean(o.cp / o.gravity * (p - self.p) * T)
        self.p = p
        capacity = (o.cp / o.gravity * p + st.layer_capacity[0] * self.inertia) / o.dt

        # sunlight
        frost_point = 3182.48 / (23.3494 - (log_p + np.log(share) - np.log(100.0)))
        cover = self.ice / (self.ice + self.half_cover)
        albedo = self.ground + cover * (self.frost_albedo - self.ground)
        emitting = 1 + cover * (self.frost_emissivity - 1)
        coalbedo = 1 - (r + (1 - r) ** 2 * albedo / (1 - r * albedo) + self.cloud_albedo).clip(0, 1)
        absorbed = coalbedo * self.insolation.isel(step=calendar) * self.sunlight

        # longwave, OLR = K T^4
        eps = 1 / xr.apply_ufunc(inverse_emissivity, st.table, log_p + 0.5 * np.log(share), T)
        skin, y = self.inertia * o.skin_root, 4 * SIGMA * eps * T**3
        drive = self.diurnal * np.exp(-mean_p / 2e4) * coalbedo * self.harmonic.isel(step=calendar)
        amplitude2 = np.minimum(drive**2 / (skin**2 + y * (np.sqrt(2) * skin + y)), T**2)
        K = SIGMA * self.emissivity_factor * emitting * eps * (1 + (3 * amplitude2 / T**2).where(self.ice <= 0, 0))

        # soil from below, and the balance without transport
        n = self.T.sizes["layer"]
        beta = {n - 1: st.own[n - 1] * self.T.isel(layer=n - 1) + st.heat[n - 1] * self.bottom_heat}
        for layer in range(n - 2, 0, -1):
            beta[layer] = st.own[layer] * self.T.isel(layer=layer) + st.below[layer] * beta[layer + 1]
        below = st.layer_conductance[0] * self.inertia
        stiff = capacity + below * (1 - st.alpha[1])
        base = capacity * T + below * beta[1] + absorbed
        A = stiff + 4 * K * T**3
        driven = base + 3 * K * T**4
        frosty = (self.ice > 0) | (driven < frost_point * A)
        conducts = np.minimum(coupling, A).where(frosty, coupling * A / (A + coupling))
        target = frost_point.where(frosty, driven / A)

        # transport
        x = _solved_lat(conducts, conducts * target, D, self.to_north, self.to_south)
        up, down = x.shift(lat=-1) - x, x - x.shift(lat=1)
        source = D * (self.to_north * up.fillna(0.0) - self.to_south * down.fillna(0.0))
        e = D * self.east
        x = _solved_lon(conducts, conducts * x, e)
        source = source + e * (x.roll(lon=-1) - 2 * x + x.roll(lon=1))

        # new surface and CO2 ice
        drive = base + source
        new, olr = _newton(stiff, drive, K, T)
        icy = (self.ice > 0) | (new < frost_point)
        held = K * frost_point**4
        freezing = (stiff * frost_point + held - drive) * o.dt / o.latent
        column = p / o.gravity * share
        dm = np.minimum(np.maximum(freezing, -self.ice), LARGEST_SHARE * column).where(icy, 0.0)
        rest = drive + dm * o.latent / o.dt
        slope = 4 * K * frost_point**3
        free, free_olr = _newton(stiff, rest, K, (rest + 0.75 * slope * frost_point) / (stiff + slope))
        cut = dm != freezing
        T = free.where(cut, frost_point).where(icy, new)
        olr = free_olr.where(cut, held).where(icy, olr)
        self.ice = self.ice + dm
        layers = [T]
        for layer in range(1, n):
            layers.append(st.alpha[layer] * layers[-1] + beta[layer])
        self.T = xr.concat(layers, "layer")
        amplitude = np.sqrt(amplitude2).where(self.ice <= 0, 0.0)

        # sums, series and books
        self.sums = self.sums + xr.concat([T, p, self.ice, absorbed, olr, T + amplitude], "map")
        if (self.step + 1) % ZONAL_EVERY == 0:
            self.zonals.append(xr.concat([field.mean("lon") for field in (T, self.ice, amplitude)], "field"))
        asr, out, brought, frozen = (self.mean(a) for a in (absorbed, olr, source, dm))
        none = xr.zeros_like(asr)
        flows = [asr * o.dt, out * o.dt, none + o.geothermal * o.dt, none, gained, brought * o.dt]
        self.energy = self.energy + xr.concat(flows, "flow")
        self.gas = xr.concat([self.gas.isel(gas=[0]) - frozen * o.area, self.gas.isel(gas=slice(1, None))], "gas")
        self.condensed = self.condensed + frozen * o.area
        self.mean_temperature = self.mean(T)
        mean_p = self.gas.sum("gas") * o.gravity / o.area
        parts = self.gas / self.molar_mass
        parts = parts / parts.sum("gas") * mean_p
        ice_north, ice_south = self.mean(self.ice.where(self.northern, 0.0)), self.mean(self.ice * ~self.northern)
        row = [self.mean_temperature, mean_p, ice_north * o.area, ice_south * o.area, asr, out, none]
        row += [parts.isel(gas=2), parts.isel(gas=0), T.min(("lat", "lon"))]
        self.series.append(xr.concat(row, "field"))

    def result(self) -> Result:
        fields = [member_last(a.transpose("member", ..., "lat", "lon").values) for a in (self.T, self.sums)]
        own = (fields[0], member_last(self.ice.values), member_last(self.p.values), self.gas.values)
        books = (self.mean_temperature.values, self.energy.values, self.condensed.values)
        series = xr.concat(self.series, "step").transpose("field", "step", "member")
        zonals = xr.concat(self.zonals, "time").transpose("field", "time", "lat", "member")
        return Result(*own, *books, fields[1], series.values, zonals.values)
