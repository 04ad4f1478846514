"""Rows in strata: labels are shuffled inside each, so that its share of a sample stays the same."""

import itertools
import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from repdist._blocks import Layout
from repdist._designs.relabelings import AT_ONCE, FEW_PAIRS, Drawn, Places, Swaps
from repdist._designs.units import is_small, most_movable, row_order, wanted_size
from repdist._typing import Bins

_BATCH = 512  # relabelings or shuffles at most
_LEAST, _USUAL = 2, 8  # units of the smaller sample in a stratum: of many strata, and of few


@dataclass(frozen=True)
class Stratum:
    """How the rows of one stratum are cut: `movable` units of `size` rows, the rest frozen.

    Attributes
    ----------
    name : hashable
    rows : (int, int)
        Of the first and of the second sample.
    size : int
        Rows in a movable unit.
    movable : (int, int)
        Movable units of the first and of the second sample; either may have more.
    """

    name: Hashable
    rows: tuple[int, int]
    size: int
    movable: tuple[int, int]

    @property
    def frozen(self) -> tuple[int, int]:
        """Rows that keep their label, in each sample."""
        first, second = (n - self.size * u for n, u in zip(self.rows, self.movable, strict=True))
        return first, second

    @property
    def as_rows(self) -> "Stratum":
        """The same with each movable unit as a row: frozen rows make as many as fill one each."""
        first, second = (n // self.size for n in self.rows)
        return Stratum(self.name, (first, second), 1, self.movable)

    @property
    def without_rest(self) -> "Stratum":
        """The same without frozen rows that fill no unit."""
        first, second = (
            n - frozen * (frozen < self.size)
            for n, frozen in zip(self.rows, self.frozen, strict=True)
        )
        return Stratum(self.name, (first, second), self.size, self.movable)


@dataclass(frozen=True)
class StrataUnits:
    """How two samples are cut into units that lie in one stratum each.

    Units are numbered sample by sample, in each stratum by stratum: the movable ones, then the one
    of frozen rows if there are any.

    Attributes
    ----------
    strata : tuple of Stratum
    given_shares : tuple of float, optional
        The shares of the strata, if they are not those of the rows.
    """

    strata: tuple[Stratum, ...]
    given_shares: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        names: Sequence[Hashable],
        rows: npt.NDArray[np.intp],
        n_bins: Bins,
        shares: tuple[float, ...] = (),
    ) -> "StrataUnits":
        """Cut the rows (S, 2) of each stratum in each sample, at least 2 in each.

        Units have one size, but are smaller in strata that would have too few of them.
        """
        n, m = np.sort(rows.sum(axis=0)).tolist()
        usual = wanted_size(n, m, n_bins)
        least = min(_USUAL, max(_LEAST, n // usual // len(rows)))
        sizes = np.clip(rows.min(axis=1) // least, 1, usual)
        movable = rows // sizes[:, None]  # (S, 2)
        if not is_small(n, m):
            small = movable.min(axis=1)
            in_all = int(small.sum())
            most = [most_movable(count, in_all) for count in small.tolist()]
            movable = np.minimum(movable, np.array(most)[:, None])
        return cls(
            tuple(
                Stratum(name, (of_first, of_second), size, (first, second))
                for name, (of_first, of_second), size, (first, second) in zip(
                    names, rows.tolist(), sizes.tolist(), movable.tolist(), strict=True
                )
            ),
            shares,
        )

    @property
    def as_rows(self) -> "StrataUnits":
        """The same with each movable unit as a row; strata keep their shares."""
        shares = tuple(self.shares.tolist())
        return StrataUnits(tuple(stratum.as_rows for stratum in self.strata), shares)

    @property
    def without_rest(self) -> "StrataUnits":
        """The same without frozen rows that fill no unit of their stratum."""
        strata = tuple(stratum.without_rest for stratum in self.strata)
        return StrataUnits(strata, tuple(self.shares.tolist()))

    @property
    def in_rows(self) -> npt.NDArray[np.intp]:
        """How many rows each unit is in `as_rows`, (U,); 0 if it is none."""
        sizes = np.array([stratum.size for stratum in self.strata])
        return np.asarray(self.rows // sizes[self.stratum])

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """Rows of each sample in each stratum, (S, 2)."""
        return np.array([stratum.rows for stratum in self.strata])

    @property
    def shares(self) -> npt.NDArray[np.float64]:
        """The share of each stratum in the pooled rows, (S,)."""
        if self.given_shares:
            return np.array(self.given_shares)
        rows = self.counts.sum(axis=1)
        return np.asarray(rows / rows.sum())

    @property
    def effective(self) -> float:
        """What the adjusted MMD^2 by chance goes with: ``sum_s w_s^2 (1 / n_s + 1 / m_s)``."""
        return float(self.shares**2 @ (1 / self.counts).sum(axis=1))

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """Rows in each unit, (U,)."""
        return self._table[:, 2]

    @property
    def sample(self) -> npt.NDArray[np.intp]:
        """The sample (0 or 1) of each unit, (U,)."""
        return self._table[:, 0]

    @property
    def stratum(self) -> npt.NDArray[np.intp]:
        """The stratum of each unit, (U,)."""
        return self._table[:, 1]

    @property
    def shuffled_within(self) -> npt.NDArray[np.intp]:
        """Units of one number change places with each other, (U,): those of a stratum."""
        return self.stratum

    @property
    def can_move(self) -> npt.NDArray[np.bool_]:
        """Which units a relabeling may move, (U,)."""
        return np.asarray(self._table[:, 3] == 1)

    @property
    def movable(self) -> tuple[int, int]:
        """Movable units in each sample, of all strata."""
        return _in_all([stratum.movable for stratum in self.strata])

    @property
    def frozen(self) -> tuple[int, int]:
        """Rows that keep their label in each sample, of all strata."""
        return _in_all([stratum.frozen for stratum in self.strata])

    @property
    def size(self) -> int:
        """Rows in the largest movable unit."""
        return max(stratum.size for stratum in self.strata)

    @property
    def group(self) -> npt.NDArray[np.intp]:
        """The group of each unit, (U,): the strata of the first sample, then of the second."""
        return self.sample * len(self.strata) + self.stratum

    @property
    def layout(self) -> Layout:
        """How the rows lie: a group for each stratum of each sample."""
        return Layout(self.rows, self.group, is_small(*self.counts.sum(axis=0).tolist()))

    @property
    def n_relabelings(self) -> int:
        """How many distinct relabelings there are, the observed one included."""
        return math.prod(math.comb(sum(s.movable), s.movable[0]) for s in self.strata)

    @property
    def least_pvalue_exhaustive(self) -> float:
        """The least p-value that all relabelings can give.

        Two of them give the same statistic if swapping the samples is itself a relabeling.
        """
        alike = all(first == second for first, second in (s.movable for s in self.strata))
        return (2 if alike and self.frozen == (0, 0) else 1) / self.n_relabelings

    @cached_property
    def _table(self) -> npt.NDArray[np.intp]:
        """Sample, stratum, rows and whether it may move of each unit, (U, 4)."""
        runs = [
            run
            for g in (0, 1)
            for s, stratum in enumerate(self.strata)
            for run in (
                (g, s, stratum.size, 1, stratum.movable[g]),
                (g, s, stratum.frozen[g], 0, int(stratum.frozen[g] > 0)),
            )
        ]
        table = np.array(runs, dtype=np.intp)
        return np.repeat(table[:, :4], table[:, 4], axis=0)


def _in_all(of_strata: list[tuple[int, int]]) -> tuple[int, int]:
    first, second = (sum(counts) for counts in zip(*of_strata, strict=True))
    return first, second


@dataclass(frozen=True)
class StrataRelabelings(Drawn):
    """Relabelings inside strata: all if there are no more, else shuffles with swaps of a code.

    In each stratum every movable unit of the sample that has fewer stands beside one of the other;
    what is left of the other keeps its label under swaps.

    Attributes
    ----------
    units : StrataUnits
    wanted : int
        Random relabelings asked for; at least so many are used.
    called : str
        What lies in strata.
    """

    units: StrataUnits
    wanted: int
    called: str = "rows"

    @cached_property
    def swaps(self) -> Swaps:
        """Of the random relabelings."""
        movable = [stratum.movable for stratum in self.units.strata]
        pairs = sum(map(min, movable))
        found = Swaps.at_least(self.wanted + 1, pairs, sum(map(max, movable)))
        return Swaps(found.total, 0) if pairs <= FEW_PAIRS else found

    @property
    def first_if_left(self) -> npt.NDArray[np.bool_]:
        """Which units lie in the first sample while they stand in no pair, (U,)."""
        units = self.units
        more = np.array([first > second for first, second in (s.movable for s in units.strata)])
        return np.where(units.can_move, more[units.stratum], units.sample == 0)

    def movable_firsts(self, shuffles: Places) -> Places:
        """Return the movable units that shuffles (b, 2, K) put into the first sample, (b, h)."""
        b = len(shuffles)
        left = np.repeat((self.first_if_left & self.units.can_move)[None], b, axis=0)
        np.put_along_axis(left, shuffles.reshape(b, -1), False, axis=1)
        return np.concatenate([shuffles[:, 0], np.nonzero(left)[1].reshape(b, -1)], axis=1)

    def describe(self) -> str:
        """Return in words what may change places, and how often it did."""
        units = self.units
        sizes = sorted({stratum.size for stratum in units.strata})
        least = f"{sizes[0]} to " * (len(sizes) > 1)
        what = self.called
        of = f"single {what}" if units.size == 1 else f"bins of {least}{units.size} {what}"
        frozen = sum(units.frozen)
        kept = f"; {frozen} {what} keep their label" if frozen else ""
        how = "" if self.exhaustive else self.swaps.describe()
        count = f"{'all ' * self.exhaustive}{self.count:,}{' random' * self._shuffled_alone}"
        text = f"{count} relabelings of {of} inside {len(units.strata):,} strata"
        text += f" ({units.movable[0]:,} in the smaller sample{kept})"
        return f"{text}: {how}" if how else text

    def every(self) -> Iterator[Places]:
        """Yield all relabelings in blocks (b, h): the movable units of the first sample."""
        choices = [
            itertools.combinations(units.tolist(), h) for units, h in self._movable_of_strata
        ]
        relabelings = itertools.product(*choices)
        while some := list(itertools.islice(relabelings, _BATCH)):
            yield np.array([list(itertools.chain(*chosen)) for chosen in some])

    def shuffled(self, rng: np.random.Generator) -> Iterator[Places]:
        """Yield shuffles in blocks (b, 2, K): the units in paired places, stratum by stratum."""
        J = self.swaps.shuffles
        step = min(_BATCH, max(1, AT_ONCE >> self.swaps.dimension))
        for start in range(0, J, step):
            count = min(step, J - start)
            of_strata = [
                _paired(units, h, count, start == 0, rng) for units, h in self._movable_of_strata
            ]
            yield np.concatenate(of_strata, axis=2)

    @property
    def _shuffled_alone(self) -> bool:
        return not self.exhaustive and self.swaps.dimension == 0

    @cached_property
    def _movable_of_strata(self) -> list[tuple[Places, int]]:
        """The movable units of each stratum, and how many of these, the first, are of sample 0."""
        units = self.units
        return [
            (np.flatnonzero(units.can_move & (units.stratum == s)), stratum.movable[0])
            for s, stratum in enumerate(units.strata)
        ]


def _paired(units: Places, h: int, count: int, observed: bool, rng: np.random.Generator) -> Places:
    """Return shuffles (count, 2, K) of the units of a stratum, whose first h are in sample 0.

    Of `observed` ones the first leaves all units in their samples, and pairs them at random.
    """
    orders = np.repeat(units[None], count, axis=0)
    if observed:
        orders[0] = np.concatenate([rng.permutation(units[:h]), rng.permutation(units[h:])])
    rng.permuted(orders[observed:], axis=1, out=orders[observed:])
    K = min(h, len(units) - h)
    return np.stack([orders[:, :K], orders[:, h : h + K]], axis=1)


def order_in_strata(
    numbers: npt.NDArray[np.intp], rng: np.random.Generator
) -> npt.NDArray[np.intp]:
    """Return the order in which the rows of a sample, of strata with these numbers, are cut."""
    order = row_order(len(numbers), rng)
    return order[np.argsort(numbers[order], kind="stable")]
