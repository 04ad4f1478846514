"""How many groups are cut: the units of every pair, and random streams that belong to names."""

import dataclasses
import hashlib
import itertools
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block, Layout
from repdist._designs.relabelings import Relabelings
from repdist._designs.units import Cut, is_small, two_sample_units
from repdist._typing import Bins, Float64


class Streams:
    """Random streams that belong to a group's name and a purpose, not to an order of calls."""

    def __init__(self, root: int, names: tuple[Hashable, ...]) -> None:
        self._root = root
        self._digests = [
            int.from_bytes(hashlib.sha256(f"{type(n).__name__} {n!r}".encode()).digest()[:8])
            for n in names
        ]

    @property
    def order(self) -> list[int]:
        """The groups in an order that their names alone give."""
        return sorted(range(len(self._digests)), key=self._digests.__getitem__)

    def group(self, group: int, purpose: str, *numbers: int) -> np.random.Generator:
        return self._stream(self._digests[group], purpose, *numbers)

    def shared(self, purpose: str, *numbers: int) -> np.random.Generator:
        return self._stream(0, purpose, *numbers)

    def _stream(self, digest: int, purpose: str, *numbers: int) -> np.random.Generator:
        code = int.from_bytes(purpose.encode())
        return np.random.default_rng([self._root, digest, code, *numbers])


@dataclass(frozen=True)
class TableCuts:
    """The units of every pair, and edges in each group of which all of them are made.

    Unit sizes are powers of two, so that larger units are made of smaller ones.
    """

    sizes: list[int]
    n_resamples: int
    streams: Streams
    relabelings: dict[tuple[int, int], Relabelings]  # by pair (g, h), g < h; the smaller first
    whole_cuts: list[Cut]
    edges: list[npt.NDArray[np.intp]]

    @classmethod
    def of(cls, sizes: list[int], n_bins: Bins, n_resamples: int, streams: Streams) -> "TableCuts":
        relabelings = {}
        for g, h in itertools.combinations(range(len(sizes)), 2):
            n, m = sorted((sizes[g], sizes[h]))
            units = two_sample_units(n, m, n_bins, nested=True)
            relabelings[g, h] = Relabelings(units, n_resamples)
        wholes = _whole_cuts(sizes)
        cuts = [{whole} for whole in wholes]
        for pair, drawn in relabelings.items():
            for g, cut in zip(_ordered(pair, sizes), drawn.units.cuts, strict=True):
                cuts[g].add(cut)
        edges = [
            np.unique(np.concatenate([cut.edges(n) for cut in group]))
            for group, n in zip(cuts, sizes, strict=True)
        ]
        return cls(sizes, n_resamples, streams, relabelings, wholes, edges)

    @property
    def layout(self) -> Layout:
        """How the rows of all groups lie."""
        counts = [len(edges) - 1 for edges in self.edges]
        rows = np.concatenate([np.diff(edges) for edges in self.edges])
        return Layout(rows, np.repeat(np.arange(len(counts)), counts), self.small)

    @property
    def small(self) -> bool:
        """Whether ties matter in every pair."""
        return is_small(*sorted(self.sizes)[-2:])

    def ordered(self, pair: tuple[int, int]) -> tuple[int, int]:
        """Return the pair with the smaller group first."""
        return _ordered(pair, self.sizes)

    def reduce(self, block: Block, first: Cut, second: Cut) -> Block:
        """Return the block with its units joined to those of the cuts."""
        sums = np.add.reduceat(block.sums, self._starts(block.first, first), axis=1)
        sums = np.add.reduceat(sums, self._starts(block.second, second), axis=2)
        diagonal = self.joined(block.diagonal, block.first, first)
        return dataclasses.replace(block, sums=sums, diagonal=diagonal)

    def joined(self, of_units: Float64, group: int, cut: Cut) -> Float64:
        """Return sums over units of a group, (R, U), with its units joined to those of the cut."""
        return np.asarray(np.add.reduceat(of_units, self._starts(group, cut), axis=1))

    def _starts(self, group: int, cut: Cut) -> npt.NDArray[np.intp]:
        return np.searchsorted(self.edges[group], cut.edges(self.sizes[group])[:-1])


def _ordered(pair: tuple[int, int], sizes: list[int]) -> tuple[int, int]:
    g, h = pair
    return (g, h) if sizes[g] <= sizes[h] else (h, g)


def _whole_cuts(sizes: list[int]) -> list[Cut]:
    """Cut all groups into units of one size, 8 to 31 in the smallest group."""
    size = 1 << (max(1, min(sizes) // 16) - 1).bit_length()
    most = 8 * (min(sizes) // size)
    return [Cut(size, min(n // size, most)) for n in sizes]
