"""Where tiles lie: strips of rows that end with units, and runs of tiles between them."""

import itertools
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._typing import Array

_EDGE = 1024  # rows of a tile: shorter steps spend their time waiting for the interpreter
_DEVICE_EDGE = 8192  # the same on an accelerator, where a launch costs more than a cache miss
Group = TypeVar("Group")


@dataclass(frozen=True)
class Strip:
    """Consecutive rows that a tile takes: `count` units of equal size, or a piece of one unit."""

    start: int
    stop: int
    unit: int
    count: int
    group: int

    @property
    def rows(self) -> slice:
        return slice(self.start, self.stop)

    @property
    def units(self) -> slice:
        return slice(self.unit, self.unit + self.count)


def cut(
    unit_rows: npt.NDArray[np.intp], unit_group: npt.NDArray[np.intp], edge: int
) -> list[Strip]:
    """Cut the rows into strips of at most `edge` rows, even in length, that end with units.

    Small units are taken several at a time, a unit longer than `edge` in several pieces.
    """
    strips: list[Strip] = []
    starts = np.concatenate([[0], np.cumsum(unit_rows)]).tolist()
    changes = np.flatnonzero(np.diff(unit_rows) | np.diff(unit_group)) + 1
    for units in np.split(np.arange(len(unit_rows)), changes):
        size, group = int(unit_rows[units[0]]), int(unit_group[units[0]])
        if size > edge:
            for unit in units.tolist():
                pieces = np.array_split(np.arange(starts[unit], starts[unit + 1]), -(-size // edge))
                strips += [Strip(int(p[0]), int(p[-1]) + 1, unit, 1, group) for p in pieces]
            continue
        per_strip = edge // size
        for part in np.array_split(units, -(-len(units) // per_strip)):
            first = int(part[0])
            stop = starts[first + len(part)]
            strips.append(Strip(starts[first], stop, first, len(part), group))
    return strips


def joined(strips: list[Strip]) -> Strip:
    """Return strips of one group that follow each other as one."""
    first, last = strips[0], strips[-1]
    return Strip(first.start, last.stop, first.unit, last.units.stop - first.unit, first.group)


def by_group(strips: list[Strip]) -> list[list[Strip]]:
    """Return the strips of each group."""
    return [list(strips) for _, strips in groupby(strips, key=lambda strip: strip.group)]


def pairs_of_groups(groups: list[Group]) -> list[tuple[Group, Group]]:
    """Return the groups whose rows and columns make up each block, in the order of the blocks."""
    return [(g, g) for g in groups] + list(itertools.combinations(groups, 2))


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
