"""Relabelings of units: all of them, or some drawn uniformly."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist._designs.units import Units
from repdist._typing import Labels

_BATCH = 2048  # relabelings made at a time


@dataclass(frozen=True)
class Relabelings:
    """Which relabelings of units are used: all of them if there are at most `wanted`, else random.

    Attributes
    ----------
    units : Units
    wanted : int
        Random relabelings asked for.
    """

    units: Units
    wanted: int

    @property
    def exhaustive(self) -> bool:
        """Whether all distinct relabelings are enumerated."""
        return self.units.n_relabelings <= self.wanted

    @property
    def count(self) -> int:
        """How many are used, the observed one left out unless all are enumerated."""
        return self.units.n_relabelings if self.exhaustive else self.wanted

    @property
    def least_pvalue(self) -> float:
        """The smallest p-value that they can give."""
        if self.exhaustive:
            return self.units.least_pvalue_exhaustive
        return 1 / (self.wanted + 1)

    def describe(self) -> str:
        """Return in words what may change places, and how often it did."""
        how = "" if self.exhaustive else "random "
        of = "single rows" if self.units.size == 1 else f"bins of {self.units.size} rows"
        frozen = sum(self.units.frozen)
        kept = f"; {frozen} rows keep their label" if frozen else ""
        every = "all " if self.exhaustive else ""
        return (
            f"{every}{self.count:,} {how}relabelings of {of} "
            f"({self.units.movable[0]} in the smaller sample{kept})"
        )

    def labels(self, rng: np.random.Generator) -> Iterator[Labels]:
        """Yield them in blocks (rows, U): 1 marks the first sample; row 0 is the observed one.

        Those that are not enumerated are drawn independently and uniformly.
        """
        observed = (self.units.sample == 0).astype(np.int8)
        movable = np.flatnonzero(self.units.can_move)
        if self.exhaustive:
            moves = _all_moves(*self.units.movable)
        else:
            moves = _drawn_moves(observed[movable], self.wanted, rng)
        for block in moves:
            labels = np.repeat(observed[None], len(block), axis=0)
            labels[:, movable] = block
            yield labels


def shared_moves(
    first: int, second: int, n_resamples: int, rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Draw how many of the first sample's units keep its label, (B + 1,); row 0 keeps all.

    Given these numbers, which units of a sample they are can be drawn for each sample by itself:
    the relabelings of a pair are uniform, and those of several pairs share their halves.
    """
    kept = rng.hypergeometric(first, second, first, size=n_resamples + 1)
    kept[0] = first
    return kept


def half_labels(ones: npt.NDArray[np.intp], units: int, rng: np.random.Generator) -> Labels:
    """Draw which movable units of one sample have label 1, (B + 1, units), `ones[b]` of them.

    Row 0 has its ones first.
    """
    first = (np.arange(units) < ones[0]).astype(np.int8)
    return np.concatenate([first[None], _subsets(ones[1:], units, rng)])


def _drawn_moves(observed: Labels, n_resamples: int, rng: np.random.Generator) -> Iterator[Labels]:
    for start in range(0, n_resamples + 1, _BATCH):
        stop = min(start + _BATCH, n_resamples + 1)
        ones = np.full(stop - max(start, 1), observed.sum())
        drawn = _subsets(ones, len(observed), rng)
        yield drawn if start else np.concatenate([observed[None], drawn])


def _subsets(ones: npt.NDArray[np.intp], units: int, rng: np.random.Generator) -> Labels:
    """Draw labels (b, units) with `ones[b]` ones each, uniformly among all such rows.

    Independent labels first; where a row has too many of a kind, one of these, at random, changes,
    until none has. No step prefers a unit, so all rows with equal numbers of ones are equally
    likely; it takes a fifth of the time of shuffling.
    """
    share = np.minimum(np.rint(256 * ones / units), 255).astype(np.uint8)
    bits = rng.integers(256, size=(len(ones), units), dtype=np.uint8) < share[:, None]
    labels = bits.view(np.int8)
    excess = labels.sum(axis=1, dtype=np.intp) - ones
    rows = np.flatnonzero(excess)
    too_many, left = (excess[rows] > 0).astype(np.int8), np.abs(excess[rows])
    flat = labels.reshape(-1)
    while len(rows):
        places = rows * units + rng.integers(units, size=len(rows))
        hit = flat[places] == too_many
        flat[places[hit]] ^= 1
        left = left - hit
        unfinished = left > 0
        rows, too_many, left = rows[unfinished], too_many[unfinished], left[unfinished]
    return labels


def _all_moves(first: int, second: int) -> Iterator[Labels]:
    """Yield every choice of `first` units among all; the first choice is the observed one."""
    choices = itertools.combinations(range(first + second), first)
    while chosen := list(itertools.islice(choices, _BATCH)):
        block = np.zeros((len(chosen), first + second), dtype=np.int8)
        np.put_along_axis(block, np.array(chosen), 1, axis=1)
        yield block
