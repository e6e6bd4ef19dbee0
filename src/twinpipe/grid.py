"""The latitude-longitude grid: cell centres off the poles, exact area weights."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twinpipe.errors import InvalidInput

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """n_lat x n_lon cells of equal angles; row 0 is the southernmost, column 0 starts at 180 W."""

    n_lat: int
    n_lon: int

    def __post_init__(self) -> None:
        if not (4 <= self.n_lat <= 720 and 1 <= self.n_lon <= 1440):
            raise InvalidInput("grid", str(self), "it is LATxLON, from 4x1 to 720x1440")

    def __str__(self) -> str:
        return f"{self.n_lat}x{self.n_lon}"

    @classmethod
    def parse(cls, text: str) -> Grid:
        """Grid from text such as "36x72"; raises InvalidInput."""
        match = re.fullmatch(r"\s*(\d{1,4})\s*[x×]\s*(\d{1,4})\s*", text)
        if match is None:
            raise InvalidInput("grid", text, "it is LATxLON, such as 36x72")
        return cls(int(match[1]), int(match[2]))

    @property
    def n_cells(self) -> int:
        return self.n_lat * self.n_lon

    @cached_property
    def latitude_edges(self) -> Array:
        """(n_lat + 1) radians, -pi/2 .. pi/2."""
        return np.linspace(-np.pi / 2, np.pi / 2, self.n_lat + 1)

    @cached_property
    def latitude(self) -> Array:
        """(n_lat) radians of cell centres."""
        return 0.5 * (self.latitude_edges[1:] + self.latitude_edges[:-1])

    @cached_property
    def longitude(self) -> Array:
        """(n_lon) radians of cell centres, east, -pi .. pi."""
        return -np.pi + (np.arange(self.n_lon) + 0.5) * 2 * np.pi / self.n_lon

    @cached_property
    def row_weight(self) -> Array:
        """(n_lat) area of one cell of each row over the area of the sphere; B0."""
        edge = np.sin(self.latitude_edges)
        edge[0], edge[-1] = -1.0, 1.0
        return (edge[1:] - edge[:-1]) / (2 * self.n_lon)

    @cached_property
    def area_weight(self) -> Array:
        """(n_lat, n_lon) area of each cell over the area of the sphere; they sum to 1."""
        return np.repeat(self.row_weight[:, None], self.n_lon, axis=1)

    def mean(self, field: Array) -> Array:
        """Area mean over the last two axes (lat, lon)."""
        return np.asarray(np.einsum("...ij,i->...", field, self.row_weight))
