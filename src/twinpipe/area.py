"""Statistics over the area of a planet that xarray lacks: exact weights of cells, and quantiles of area."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import xarray as xr

from twinpipe.errors import InvalidInput
from twinpipe.grid import Array

Labelled = TypeVar("Labelled", xr.Dataset, xr.DataArray)


def area_weights(field: xr.Dataset | xr.DataArray) -> xr.DataArray:
    """(lat) area of each row over that of the sphere, (sin north edge - sin south edge) / 2, for xarray's weighted().

    Rows may be some of a grid's, two at least.  Raises InvalidInput when they are not equally wide.
    """
    lat = np.asarray(field["lat"].values, dtype=float)
    width = np.diff(lat)
    if lat.size < 2 or not np.allclose(width, width[0], rtol=1e-9) or np.abs(lat).max() + abs(width[0]) / 2 > 90 + 1e-9:
        raise InvalidInput("lat", lat.tolist(), "weights need centres of two rows or more, all equally wide")
    edges = np.radians(np.stack([lat - 0.5 * width[0], lat + 0.5 * width[0]]).clip(-90, 90))
    weights = np.abs(np.sin(edges[1]) - np.sin(edges[0])) / 2
    return xr.DataArray(weights, {"lat": field["lat"]}, ("lat",), "area_weights", {"long_name": "share of the sphere"})


def area_mean(field: Labelled) -> Labelled:
    """Mean over the area, that is over lat and, where there is one, lon; cells without a value do not count."""
    over = [d for d in ("lat", "lon") if d in field.dims]
    mean: Labelled = field.weighted(area_weights(field)).mean(over, keep_attrs=True)
    return mean


def area_quantile(field: xr.DataArray, q: float | list[float]) -> xr.DataArray:
    """The smallest value that the field does not exceed on a share q (0..1) of the area; dimension quantile comes last.

    xarray's weighted quantiles take weights for counts of observations and interpolate; the area is exact.  Cells
    without a value do not count.  Raises InvalidInput when q is out of bounds.
    """
    shares = np.atleast_1d(np.asarray(q, dtype=float))
    if not ((shares >= 0) & (shares <= 1)).all():
        raise InvalidInput("q", q, "it is 0 to 1")
    over = [d for d in ("lat", "lon") if d in field.dims]
    weights = area_weights(field).broadcast_like(field.isel({d: 0 for d in field.dims if d not in over}, drop=True))
    found: xr.DataArray = xr.apply_ufunc(
        lambda a, w: _quantiles(a, w, shares),
        field,
        weights,
        input_core_dims=[over, over],
        output_core_dims=[["quantile"]],
        keep_attrs=True,
    )
    found = found.assign_coords(quantile=shares)
    return found if np.ndim(q) else found.isel(quantile=0)


def _quantiles(values: Array, weights: Array, shares: Array) -> Array:
    """(..., share) of values (..., cells...) with weights (cells...)."""
    flat = values.reshape(*values.shape[: values.ndim - weights.ndim], -1).astype(float)
    order = np.argsort(flat, axis=-1)  # what is no value comes last
    ordered = np.take_along_axis(flat, order, axis=-1)
    area = np.where(np.isnan(ordered), 0.0, weights.ravel()[order]).cumsum(axis=-1)
    total = area[..., -1:]
    result = np.empty((*flat.shape[:-1], shares.size))
    for i, share in enumerate(shares):
        # a hair less, so that rounding of the sum does not take the next value
        first = (area >= share * total * (1 - 1e-12)).argmax(axis=-1)
        result[..., i] = np.take_along_axis(ordered, first[..., None], axis=-1)[..., 0]
    return result
