"""Every pair of groups from one pass over the kernel, and what belongs to a group.

Each pair is tested as `repdist._inference.two_samples` tests two samples. Pairs that are cut alike
share their relabelings, whatever their places in the table; which rows are a unit belongs to the
name of each group.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block, Sums, join
from repdist._designs.relabelings import Drawn, Relabelings
from repdist._designs.table_cuts import TableCuts, small_pvalue
from repdist._designs.units import Units
from repdist._inference import two_samples
from repdist._inference.all_groups import WholeSums, WholeTotal
from repdist._inference.combine import Combination, Null
from repdist._inference.estimates import (
    Estimate,
    check_definite,
    component_estimates,
    spread,
    standard_error,
)
from repdist._inference.stratified import StrataTable
from repdist._threads import in_order
from repdist._typing import Combine, Estimator, Float64


@dataclass(frozen=True)
class Comparison:
    """All pairs, and what belongs to single groups.

    Attributes
    ----------
    first, second : (P,)
        The groups of each pair, in the order (0, 1), (0, 2), ..., (1, 2), ....
    quoted : (P,)
        MMD^2 by the estimator asked for.
    estimate : Estimate
        Of all pairs, unbiased.
    statistic, pvalue : (P,)
    relabelings : tuple of Drawn
        Which each pair used.
    varies : (P,)
        Whether some component of the statistic varies beyond rounding.
    spread : (P,)
        ``mean k(x, x) - mean k(x, x')`` under the weighted kernel, the mean of both groups.
    inverse_sizes : (P,)
        What MMD^2 by chance goes with: ``1 / n + 1 / m`` for rows.
    whole : WholeSums or None
        For the global test.
    counts : (P, 2), optional
        How many pairs, clusters or rows of both groups were compared.
    guarded : (P,), optional
        Whether p is that of random signs, as clusters of a pair differ in size.
    floor : (P,), optional
        The noise floor of each pair, if it is not that of its groups.
    strata : tuple of StrataTable
        Of each pair, in the order of its groups; empty without strata.
    """

    first: npt.NDArray[np.intp]
    second: npt.NDArray[np.intp]
    quoted: Float64
    estimate: Estimate
    statistic: Float64
    pvalue: Float64
    relabelings: tuple[Drawn, ...]
    varies: npt.NDArray[np.bool_]
    spread: Float64
    inverse_sizes: Float64
    whole: WholeSums | None
    counts: npt.NDArray[np.intp] | None = None
    guarded: npt.NDArray[np.bool_] | None = None
    floor: Float64 | None = None
    strata: tuple[StrataTable, ...] = ()


class Watcher(Protocol):
    """What gathers sums of its own while blocks pass by."""

    def adding(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield the blocks, and add each."""


@dataclass(frozen=True)
class PairNull:
    """What relabelings say of a pair.

    Attributes
    ----------
    statistic, pvalue : float
    drawn : Relabelings
        Which were used.
    varies : bool
        Whether some component varies beyond rounding.
    """

    statistic: float
    pvalue: float
    drawn: Relabelings
    varies: bool


Nulls = Callable[[int, int], PairNull]  # of two groups


def compare_pairs(  # noqa: PLR0913 (what a comparison is made of)
    blocks: Iterator[Block],
    cuts: TableCuts,
    weights: Float64,
    rules: tuple[Combine, Estimator],
    n_jobs: int,
    watch: Callable[[list[Block]], Watcher] | None = None,
    nulls: Nulls | None = None,
) -> Comparison:
    """Test the pairs of groups from the blocks of one pass, those within groups first.

    `rules` say how components are combined, and which MMD^2 is compared. If all pairs are, sums for
    the global test are gathered; else by what `watch` makes of the blocks within groups. With
    `nulls` the blocks give estimates alone, and there is no global test.

    Memory: the blocks within groups, and one block between groups for each thread.
    """
    within = list(itertools.islice(blocks, len(cuts.sizes)))
    everything = cuts.pairs is None and nulls is None
    whole = WholeTotal(cuts, within, weights) if everything else None
    test = _PairTest(cuts, within, weights, rules, nulls)
    watcher: Watcher | None = whole if watch is None else watch(within)
    passing = blocks if watcher is None else watcher.adding(blocks)
    found = sorted(in_order(test, passing, n_jobs), key=lambda pair: pair[:2])
    first, second, quoted, estimates, tests = zip(*found, strict=True)
    i, j = np.array(first), np.array(second)
    spreads = np.array([spread(block, weights) for block in within])
    inverse = 1 / np.array(cuts.sizes)
    return Comparison(
        first=i,
        second=j,
        quoted=np.array(quoted),
        estimate=Estimate.of_all(estimates),
        statistic=np.array([test.statistic for test in tests]),
        pvalue=np.array([test.pvalue for test in tests]),
        relabelings=tuple(test.drawn for test in tests),
        varies=np.array([test.varies for test in tests]),
        spread=(spreads[i] + spreads[j]) / 2,
        inverse_sizes=inverse[i] + inverse[j],
        whole=None if whole is None else whole.sums(),
    )


class PairRelabelings:
    """The relabelings of pairs: the same for all that are cut alike.

    Parameters
    ----------
    cuts : TableCuts
    weights : (R,)
    rules : (combine, estimator)
    """

    def __init__(self, cuts: TableCuts, weights: Float64, rules: tuple[Combine, Estimator]) -> None:
        self._cuts, self._weights, (self._combine, self._estimator) = cuts, weights, rules
        self._forms = functools.lru_cache(maxsize=8)(self._forms_of)

    def form(self, sums: Sums, units: Units) -> Float64:
        """Return the quadratic form of sums between units."""
        return two_samples.quadratic_form(sums, units, self._estimator)

    def null(self, pair: tuple[int, int], S: Float64, sums: Sums, units: Units) -> PairNull:
        """Return what they say of two groups, in the order of the cuts.

        Parameters
        ----------
        pair : (int, int)
        S : (U, U, R)
            The `form` of the sums.
        sums : Sums
            Between `units`: those of the pair, or these with bins as rows.
        units : Units
        """
        (g, h), n = pair, self._cuts.sizes[pair[0]]
        tolerance = two_samples.tolerance(sums, units, self._estimator)
        combination = Combination(self._combine, self._weights, sums.squares, n)
        drawn, finer = self._cuts.relabelings(g, h)
        null = self._null(S, dataclasses.replace(drawn, units=units), tolerance, combination)
        if null.pvalue <= small_pvalue(drawn) and finer != drawn:
            drawn = finer
            null = self._null(S, dataclasses.replace(drawn, units=units), tolerance, combination)
        return PairNull(null.statistic, null.pvalue, drawn, not bool(null.dropped.all()))

    def _null(
        self, S: Float64, drawn: Relabelings, tolerance: Float64, combination: Combination
    ) -> Null:
        statistics = two_samples.statistics(S, drawn, self._forms(drawn))
        return Null(statistics, tolerance, combination)

    def _forms_of(self, drawn: Relabelings) -> list[two_samples.Form]:
        units = drawn.units
        numbers = units.size, *units.movable, *units.frozen, drawn.total
        rng = self._cuts.streams.shared("relabelings", *numbers)
        return list(two_samples.forms(drawn, rng))


_Pair = tuple[int, int, float, Estimate, PairNull]


class _PairTest:
    """The test of a pair, called with the block between its groups."""

    def __init__(
        self,
        cuts: TableCuts,
        within: list[Block],
        weights: Float64,
        rules: tuple[Combine, Estimator],
        nulls: Nulls | None = None,
    ) -> None:
        self._cuts, self._within, self._weights = cuts, within, weights
        self._estimator, self._nulls = rules[1], nulls
        self._relabelings = PairRelabelings(cuts, weights, rules)

    def __call__(self, block: Block) -> _Pair:
        cuts, weights = self._cuts, self._weights
        g, h = cuts.ordered(block.first, block.second)
        across = block if g == block.first else _transposed(block)
        units = cuts.relabelings(g, h)[0].units
        first, second = units.cuts
        sums = join(
            cuts.reduce(self._within[g], first, first),
            cuts.reduce(self._within[h], second, second),
            cuts.reduce(across, first, second),
        )
        S = self._relabelings.form(sums, units)
        if self._nulls is None:
            test = self._relabelings.null((g, h), S, sums, units)
        else:
            test = self._nulls(block.first, block.second)
        check_definite(sums, units.sample, weights)
        estimate = Estimate(
            float(weights @ component_estimates(sums, units.sample, "unbiased")),
            standard_error(sums.first_rows, sums.second_rows),
            two_samples.null_variance(S, units, weights),
        )
        quoted = float(weights @ component_estimates(sums, units.sample, self._estimator))
        return block.first, block.second, quoted, estimate, test


def _transposed(block: Block) -> Block:
    return dataclasses.replace(
        block,
        first=block.second,
        second=block.first,
        sums=block.sums.transpose(0, 2, 1),
        rows=block.columns,
        columns=block.rows,
    )
