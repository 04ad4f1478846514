"""Where tiles lie: strips of rows that end with units, and runs of tiles between them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._typing import Array

_EDGE = 1024  # rows of a tile: shorter steps spend their time waiting for the interpreter
_DEVICE_EDGE = 8192  # the same on an accelerator, where a launch costs more than a cache miss
_MOST_RUNS = 8  # of units of one size in a group: if there are more, and shorter than
_LONG_RUN = 256  # rows, strips hold units of several sizes
Group = TypeVar("Group")
Between = Sequence[tuple[int, int]] | None  # groups whose blocks are wanted; None for all


@dataclass(frozen=True)
class Strip:
    """Consecutive rows that a tile takes: `count` units, or a piece of one unit.

    The units have equal sizes unless `sizes` gives those of each.
    """

    start: int
    stop: int
    unit: int
    count: int
    group: int
    sizes: tuple[int, ...] = ()

    @property
    def rows(self) -> slice:
        return slice(self.start, self.stop)

    @property
    def units(self) -> slice:
        return slice(self.unit, self.unit + self.count)

    @property
    def unit_starts(self) -> npt.NDArray[np.intp]:
        """Where each unit starts among the rows of the strip, (count,)."""
        if self.sizes:
            return np.cumsum((0, *self.sizes[:-1]))
        return np.arange(self.count) * ((self.stop - self.start) // self.count)


def cut(
    unit_rows: npt.NDArray[np.intp], unit_group: npt.NDArray[np.intp], edge: int
) -> list[Strip]:
    """Cut the rows into strips of at most `edge` rows, even in length, that end with units.

    Small units are taken several at a time, those of one size together unless sizes change very
    often; a unit longer than `edge` in several pieces.
    """
    starts = np.concatenate([[0], np.cumsum(unit_rows)])
    edges = [0, *(np.flatnonzero(np.diff(unit_group)) + 1).tolist(), len(unit_rows)]
    strips: list[Strip] = []
    for first, stop in itertools.pairwise(edges):
        units, group = np.arange(first, stop), int(unit_group[first])
        runs = np.split(units, np.flatnonzero(np.diff(unit_rows[first:stop])) + 1)
        if len(runs) > _MOST_RUNS and starts[stop] - starts[first] < len(runs) * _LONG_RUN:
            strips += _strips_of_many_sizes(units, starts, group, edge)
        else:
            strips += [strip for run in runs for strip in _strips(run, starts, group, edge)]
    return strips


def _strips(
    units: npt.NDArray[np.intp], starts: npt.NDArray[np.intp], group: int, edge: int
) -> list[Strip]:
    """Cut units of one size."""
    size = int(starts[units[0] + 1] - starts[units[0]])
    if size > edge:
        return [piece for unit in units.tolist() for piece in _pieces(unit, starts, group, edge)]
    parts = np.array_split(units, -(-len(units) // (edge // size)))
    return [
        Strip(int(starts[p[0]]), int(starts[p[-1] + 1]), int(p[0]), len(p), group) for p in parts
    ]


def _strips_of_many_sizes(
    units: npt.NDArray[np.intp], starts: npt.NDArray[np.intp], group: int, edge: int
) -> list[Strip]:
    """Cut units of any sizes: as many as fit."""
    strips: list[Strip] = []
    sizes = np.diff(starts).tolist()
    first, last = int(units[0]), int(units[-1])
    while first <= last:
        stop = min(int(np.searchsorted(starts, starts[first] + edge, side="right")) - 1, last + 1)
        if stop == first:  # one unit is longer
            strips += _pieces(first, starts, group, edge)
            first += 1
            continue
        ends = int(starts[first]), int(starts[stop])
        strips.append(Strip(*ends, first, stop - first, group, tuple(sizes[first:stop])))
        first = stop
    return strips


def _pieces(unit: int, starts: npt.NDArray[np.intp], group: int, edge: int) -> list[Strip]:
    """Cut one long unit."""
    rows = np.arange(starts[unit], starts[unit + 1])
    pieces = np.array_split(rows, -(-len(rows) // edge))
    return [Strip(int(p[0]), int(p[-1]) + 1, unit, 1, group) for p in pieces]


def joined(strips: list[Strip]) -> Strip:
    """Return strips of one group that follow each other as one."""
    first, last = strips[0], strips[-1]
    return Strip(first.start, last.stop, first.unit, last.units.stop - first.unit, first.group)


def by_group(strips: list[Strip]) -> list[list[Strip]]:
    """Return the strips of each group."""
    return [list(strips) for _, strips in groupby(strips, key=lambda strip: strip.group)]


def pairs_of_groups(groups: list[Group], between: Between = None) -> list[tuple[Group, Group]]:
    """Return the groups whose rows and columns make up each block, in the order of the blocks."""
    within = [(g, g) for g in groups]
    if between is None:
        return within + list(itertools.combinations(groups, 2))
    return within + [(groups[g], groups[h]) for g, h in between]


def tile_edge(Z: Array) -> int:
    """Return the most rows of a tile."""
    return min(_EDGE if _arrays.on_cpu(Z) else _DEVICE_EDGE, len(Z))


@dataclass(frozen=True)
class Tiles:
    """A run of tiles: one strip of rows against some strips of columns."""

    row: Strip
    columns: list[Strip]


def tiles_between(rows: list[Strip], columns: list[Strip], size: int) -> list[Tiles]:
    """Return runs of at most `size` tiles; those on and above the diagonal if both are the same."""
    return [
        Tiles(P, run[j : j + size])
        for i, P in enumerate(rows)
        for run in [columns[i:] if rows is columns else columns]
        for j in range(0, len(run), size)
    ]
