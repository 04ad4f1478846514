"""Relabelings of units: all of them, or random shuffles, each followed by all swaps of a code.

`repdist._inference.transform` has the swaps. Shuffle 0 leaves every unit in its place, the others
are drawn uniformly. Under the null the data are a random element of their orbit under the group of
all shuffles, so each shuffle gives a uniform coset of the group of swaps, and the observed
relabeling is a uniform member of its own: it is exchangeable with all others.
"""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._designs.units import Units

Places = npt.NDArray[np.intp]

AT_ONCE = 2**14  # relabelings made by one thread at a time, in blocks of
_BATCH = 512  # subsets or shuffles at most
_SHUFFLES_LOG2 = 5  # 32 shuffles of many pairs; the more, the fewer pairs there are
_LEAST, _MOST, _MOST_OF_MANY = 4, 10, 12  # dimensions of a code; the last for over 2^16 relabelings
_MANY_LOG2 = 6  # 64 pairs are many
FEW_PAIRS = 5  # whose swaps are too few to be worth it


def random_total(wanted: int) -> int:
    """Return how many random relabelings are used for so many wanted, the observed one included."""
    return 1 << max(1, wanted.bit_length())


@dataclass(frozen=True)
class Swaps:
    """How many shuffles there are, and the dimension k of the code whose 2^k swaps follow each.

    Attributes
    ----------
    shuffles, dimension : int
    """

    shuffles: int
    dimension: int

    @classmethod
    def at_least(cls, count: int, pairs: int, others: int) -> "Swaps":
        """Return a power of two of relabelings, at least `count`.

        So many pairs are swapped, between as many places and `others`. One dimension less than
        pairs: not all pairs are swapped, which would change nothing where samples are of one size.
        """
        bits = random_total(count - 1).bit_length() - 1
        most = min(bits, _MOST if bits <= 16 else _MOST_OF_MANY, pairs - 1)
        few = _MANY_LOG2 + 1 - pairs.bit_length()
        unequal = (others // pairs).bit_length() - 1  # each shuffle shows a part of the larger
        shuffles = _SHUFFLES_LOG2 + max(0, few, unequal)
        dimension = min(max(_LEAST, bits - shuffles), most)
        return cls(1 << (bits - dimension), dimension)

    @property
    def total(self) -> int:
        """Relabelings in all, the observed one among them."""
        return self.shuffles << self.dimension

    def describe(self) -> str:
        """Return both numbers in words, the empty text for shuffles alone."""
        if self.dimension == 0:
            return ""
        shuffles = f"{self.shuffles:,} shuffle{'s, each' * (self.shuffles > 1)}"
        return f"{shuffles} with {1 << self.dimension:,} swaps"


class Drawn(ABC):
    """Which relabelings are used: all of them if there are no more, else random ones.

    Attributes
    ----------
    units : Units, PairedUnits or StrataUnits
        What changes places as a whole.
    wanted : int
        Random relabelings asked for; at least so many are used.
    """

    units: Any
    wanted: int

    @property
    @abstractmethod
    def swaps(self) -> Swaps:
        """Of the random relabelings."""

    @abstractmethod
    def describe(self) -> str:
        """Return in words what may change places, and how often it did."""

    @abstractmethod
    def every(self) -> Iterator[Places]:
        """Yield all relabelings in blocks (b, K): the movable units of the first sample.

        The observed one is the first.
        """

    @abstractmethod
    def shuffled(self, rng: np.random.Generator) -> Iterator[Places]:
        """Yield shuffles in blocks (b, 2, K): the units in places that may change sides in pairs.

        In the first of each pair is a unit of the first sample. The first shuffle leaves all units
        where they are.
        """

    @property
    def first_if_left(self) -> npt.NDArray[np.bool_]:
        """Which units lie in the first sample while they stand in no pair, (U,)."""
        return np.asarray((self.units.sample == 0) & ~self.units.can_move)

    def movable_firsts(self, shuffles: Places) -> Places:
        """Return the movable units that shuffles (b, 2, K) put into the first sample, (b, h)."""
        return shuffles[:, 0]

    @property
    def exhaustive(self) -> bool:
        """Whether all distinct relabelings are enumerated."""
        return bool(self.units.n_relabelings <= self.swaps.total)

    @property
    def total(self) -> int:
        """How many there are, the observed one among them."""
        return int(self.units.n_relabelings) if self.exhaustive else self.swaps.total

    @property
    def count(self) -> int:
        """How many are used, the observed one left out unless all are enumerated."""
        return self.total if self.exhaustive else self.total - 1

    @property
    def least_pvalue(self) -> float:
        """The smallest p-value that they can give."""
        if self.exhaustive:
            return float(self.units.least_pvalue_exhaustive)
        return 1 / self.total

    def attainable(self, alpha: float) -> float:
        """Return the largest level up to alpha at which they can reject."""
        return math.floor(alpha / self.least_pvalue * (1 + 1e-9)) * self.least_pvalue


@dataclass(frozen=True)
class Relabelings(Drawn):
    """Relabelings of units that may lie in either of two samples.

    Attributes
    ----------
    units : Units
    wanted : int
        Random relabelings asked for; at least so many are used.
    """

    units: Units
    wanted: int

    @cached_property
    def swaps(self) -> Swaps:
        """Of the random relabelings."""
        pairs, others = self.units.movable
        found = Swaps.at_least(self.wanted + 1, pairs, others)
        return Swaps(found.total, 0) if pairs <= FEW_PAIRS else found

    def describe(self) -> str:
        """Return in words what may change places, and how often it did."""
        of = "single rows" if self.units.size == 1 else f"bins of {self.units.size} rows"
        frozen = sum(self.units.frozen)
        kept = f"; {frozen} rows keep their label" if frozen else ""
        how = "" if self.exhaustive else self.swaps.describe()
        count = (
            f"all {self.count:,}" if self.exhaustive else f"{self.count:,}{' random' * (not how)}"
        )
        text = f"{count} relabelings of {of} ({self.units.movable[0]} in the smaller sample{kept})"
        return f"{text}: {how}" if how else text

    def every(self) -> Iterator[Places]:
        """Yield all relabelings in blocks (b, K): the movable units of the first sample.

        The observed one is the first.
        """
        movable = np.flatnonzero(self.units.can_move)
        choices = itertools.combinations(movable.tolist(), self.units.movable[0])
        while chosen := list(itertools.islice(choices, _BATCH)):
            yield np.array(chosen)

    def shuffled(self, rng: np.random.Generator) -> Iterator[Places]:
        """Yield shuffles in blocks (b, 2, K): the units in places that may change sides in pairs.

        Each of the K movable places of the first sample stands beside one of the second; what is
        left of the second keeps its label. The first shuffle pairs units where they are.
        """
        K = self.units.movable[0]
        movable = np.flatnonzero(self.units.can_move)
        step = min(_BATCH, AT_ONCE >> self.swaps.dimension)
        for start in range(0, self.swaps.shuffles, step):
            orders = np.repeat(movable[None], min(step, self.swaps.shuffles - start), axis=0)
            first = 0
            if start == 0:
                orders[0, K:] = rng.permutation(movable[K:])
                first = 1
            rng.permuted(orders[first:], axis=1, out=orders[first:])
            yield orders[:, : 2 * K].reshape(-1, 2, K)
