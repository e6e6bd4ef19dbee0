"""The plan of a run or sweep: blocks of members, segments of steps, windows of maps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from twinpipe.clock import Clock
from twinpipe.errors import InvalidInput
from twinpipe.grid import Grid
from twinpipe.physics.processes import UNDIVIDED, processes
from twinpipe.spec import RunSpec
from twinpipe.sweep_spec import StopRule

BLOCKS_PER_THREAD = 2  # open at once: one that runs, and one that waits so that no thread does
CELLS_OF_A_BAND = 2**17  # at most
CELL_STEPS_OF_A_TASK = 1e8  # which take a core some seconds


@dataclass(frozen=True)
class Segment:
    """Steps [first, last) and the records that end in them, as ranges on the output axes."""

    index: int
    steps: tuple[int, int]
    maps: tuple[int, int]
    zonals: tuple[int, int]


@dataclass(frozen=True)
class Block:
    """A slab of members [first, last), and on large grids a band of its rows: what is advanced and sealed as one."""

    index: int
    members: tuple[int, int]
    band: int
    rows: tuple[int, int]


@dataclass(frozen=True)
class Plan:
    """Members that share grid, clock, years and output policy, cut into blocks and segments."""

    specs: tuple[RunSpec, ...]
    members_per_block: int
    orbits_per_segment: int
    rows_per_band: int
    stops: tuple[StopRule, ...] = ()  # by any of which a member is lost, and ends early

    def __post_init__(self) -> None:
        first = self.specs[0]
        if self.n_steps == 0:
            step = self.clock.year_of_step(1)
            raise InvalidInput("years", first.years, f"{first.body.name} is simulated in steps of {step:.3g} years")
        for spec in self.specs:
            if (spec.grid, spec.years, spec.clock, spec.output) != (first.grid, first.years, first.clock, first.output):
                raise InvalidInput("members", "mixed", "they share grid, years, steps, orbit and output policy")
        every = first.output.zonal_every_steps
        if self.clock.steps_per_orbit % every:
            allowed = f"it divides the {self.clock.steps_per_orbit} steps of an orbit"
            raise InvalidInput("zonal_every_steps", every, allowed)

    @property
    def grid(self) -> Grid:
        return self.specs[0].grid_shape

    @property
    def clock(self) -> Clock:
        return self.specs[0].clock

    @cached_property
    def processes(self) -> frozenset[str]:
        """The processes that run in any member, which decide the fields that are stored."""
        return frozenset(p for spec in self.specs for p in processes(spec.body, spec.scenario))

    @cached_property
    def n_steps(self) -> int:
        return self.clock.step_at_year(self.specs[0].years)

    @property
    def n_members(self) -> int:
        return len(self.specs)

    @property
    def cell_steps(self) -> int:
        """Cells times steps of all members, and of the orbits that bring each body among them to its climate."""
        spun_up = sum(orbits for _, orbits in {(s.body.digest, s.spin_up_orbits) for s in self.specs})
        return (self.n_members * self.n_steps + spun_up * self.clock.steps_per_orbit) * self.grid.n_cells

    @cached_property
    def windows(self) -> tuple[tuple[int, int], ...]:
        """Step ranges of the maps, each at most one orbit; the last one ends with the run."""
        orbit = self.clock.steps_per_orbit
        interval = orbit * self.specs[0].output.maps_every_orbits
        ends = list(range(interval, self.n_steps + 1, interval))
        if not ends or ends[-1] != self.n_steps:
            ends.append(self.n_steps)
        return tuple((max(0, end - orbit), end) for end in ends)

    @property
    def steps_per_segment(self) -> int:
        return self.orbits_per_segment * self.clock.steps_per_orbit

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        every = self.specs[0].output.zonal_every_steps
        result, record = [], 0
        for index, (a, b) in enumerate(self.clock.segments(0, self.n_steps, self.orbits_per_segment)):
            done = sum(a < end <= b for _, end in self.windows)
            result.append(Segment(index, (a, b), (record, record + done), (a // every, b // every)))
            record += done
        return tuple(result)

    @cached_property
    def shareable_segments(self) -> int:
        """Segments that a run of more years begins with too: whole ones, before the last window of maps opens."""
        return max(0, self.n_steps - self.clock.steps_per_orbit) // self.steps_per_segment

    @cached_property
    def bands(self) -> tuple[tuple[int, int], ...]:
        """The rows of each band, from the south on."""
        n, size = self.grid.n_lat, self.rows_per_band
        return tuple((a, min(a + size, n)) for a in range(0, n, size))

    @cached_property
    def slabs(self) -> tuple[tuple[Block, ...], ...]:
        """The blocks by the members that they hold: the bands of one planet, which advance together."""
        size, n = self.members_per_block, len(self.bands)
        cuts = [(a, min(a + size, self.n_members)) for a in range(0, self.n_members, size)]
        return tuple(
            tuple(Block(i * n + band, members, band, rows) for band, rows in enumerate(self.bands))
            for i, members in enumerate(cuts)
        )

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        return tuple(block for slab in self.slabs for block in slab)

    @property
    def n_zonals(self) -> int:
        return self.n_steps // self.specs[0].output.zonal_every_steps


def rows_per_band(grid: Grid) -> int:
    """Rows of the bands of a grid: one band up to CELLS_OF_A_BAND cells, else as many as it takes, of equal height."""
    return -(-grid.n_lat // -(-grid.n_cells // CELLS_OF_A_BAND))


def make_plan(
    specs: tuple[RunSpec, ...],
    members_per_block: int = 16,
    orbits_per_segment: int = 0,
    rows: int = 0,
    stops: tuple[StopRule, ...] = (),
) -> Plan:
    """Plan with segments of orbits_per_segment orbits, a multiple of the map interval, and bands of some rows.

    0 chooses orbits: as many as take seconds, but at most 5 for few members, so that a run can tell how far it is,
    and 20 for many; and rows: by the grid alone, so that the bits do not depend on who computes them.  A planet with
    a process that needs all its rows is one band.
    """
    first = specs[0]
    every = first.output.maps_every_orbits
    if orbits_per_segment == 0:
        members = min(members_per_block, len(specs))
        seconds = CELL_STEPS_OF_A_TASK / (members * first.grid_shape.n_cells * first.steps_per_orbit)
        orbits_per_segment = every * max(1, round(min(20 if members >= 8 else 5, seconds) / every))
    elif orbits_per_segment % every:
        allowed = f"it is a multiple of maps_every_orbits ({every})"
        raise InvalidInput("orbits_per_segment", orbits_per_segment, allowed)
    whole = Plan(specs, members_per_block, orbits_per_segment, first.grid_shape.n_lat, stops)
    return whole if whole.processes & UNDIVIDED else replace(whole, rows_per_band=rows or rows_per_band(whole.grid))
