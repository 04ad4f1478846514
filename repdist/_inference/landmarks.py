"""Tests that look through landmarks: bins of rows are their rows.

Each row has features, of which the products make a kernel that is close to the one asked for. What
is known of a unit of rows is the sum of its features. So a unit counts as one row, that of the mean
features, and what it has with itself is left out.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from repdist._blocks import Sums
from repdist._designs.paired import PairedUnits
from repdist._designs.strata import StrataUnits
from repdist._designs.table_cuts import TableCuts
from repdist._designs.units import Units
from repdist._inference import paired, stratified, two_samples
from repdist._inference.combine import Combination, Null
from repdist._inference.pairs import PairNull, PairRelabelings
from repdist._inference.stratified import StrataSums
from repdist._inference.two_samples import Relabeled
from repdist._typing import Combine, Estimator, Float64

_LARGEST = 1.0  # value of a kernel that landmarks suit
_NO_ROWS: Any = np.empty((0, 0))


def bins_as_rows(
    features: Sequence[Float64],
    units: Units | PairedUnits | StrataUnits,
    epsilon: float,
    squares: Float64,
) -> Sums:
    """Return sums over the units of `units.as_rows`; rows by themselves are not in them.

    Parameters
    ----------
    features : R arrays (U, k_r)
        The sums of the features of each component over the rows of each unit.
    units : Units, PairedUnits or StrataUnits
    epsilon : float
        Spacing at 1 of the dtype that the features were computed in.
    squares : (R,)
        The mean of the squared kernel over pairs of different rows.
    """
    counts = units.in_rows
    kept = np.flatnonzero(counts)
    scale = (counts / units.rows)[kept, None]
    blocks, own = np.empty((len(features), len(kept), len(kept))), []
    every = np.arange(len(kept))
    for S, of_component in zip(blocks, features, strict=True):
        means = of_component[kept] * scale
        np.matmul(means, means.T, out=S)
        own.append(S[every, every] / counts[kept])
        S[every, every] -= own[-1]
    sample = units.sample[kept]
    sizes = np.bincount(sample, counts[kept], 2).astype(np.intp)
    first, second = (np.empty((n, 0)) for n in sizes)
    largest = np.full(len(features), _LARGEST)
    in_a_row = epsilon * float((counts / units.rows)[units.can_move].max())
    N = int(units.rows.sum())
    in_all = squares * (N * (N - 1))
    return Sums(blocks, np.array(own), first, second, in_all, largest, in_a_row)


class PairsOfBins:
    """The tests of pairs of groups, called with their numbers.

    Parameters
    ----------
    features : list of R arrays (U, k_r) for each group
        Sums over the rows of each unit of the layout of the cuts.
    cuts : TableCuts
        Of the rows of all groups.
    weights : (R,)
    squares : (R,)
        The mean of the squared kernel over pairs of different rows, for ``"fuse"``.
    rules : (combine, estimator)
    epsilon : float
        See `bins_as_rows`.
    """

    def __init__(  # noqa: PLR0913 (what a comparison is made of)
        self,
        features: Sequence[Sequence[Float64]],
        cuts: TableCuts,
        weights: Float64,
        squares: Float64,
        rules: tuple[Combine, Estimator],
        epsilon: float,
    ) -> None:
        self._features, self._cuts, self._epsilon = features, cuts, epsilon
        self._squares = squares
        self._relabelings = PairRelabelings(cuts, weights, rules)

    def __call__(self, g: int, h: int) -> PairNull:
        cuts = self._cuts
        pair = cuts.ordered(g, h)
        units = cuts.relabelings(*pair)[0].units
        of_pair = [
            np.concatenate(of_component)
            for of_component in zip(
                *(
                    cuts.reduce_features(group, self._features[group], cut)
                    for group, cut in zip(pair, units.cuts, strict=True)
                ),
                strict=True,
            )
        ]
        sums = bins_as_rows(of_pair, units, self._epsilon, self._squares)
        S = self._relabelings.form(sums, units.as_rows)
        return self._relabelings.null(pair, S, sums, units.as_rows)


def null(
    sums: Sums,
    units: Units | PairedUnits | StrataUnits,
    combination: Combination,
    estimator: Estimator,
    relabeled: Relabeled,
) -> Null:
    """Return the null distribution from sums over units whose rows are bins: `units.as_rows`."""
    if isinstance(units, StrataUnits):
        return _null_in_strata(sums, units, combination, estimator, relabeled)
    if isinstance(units, PairedUnits):
        pairs = np.arange(units.bins)
        beside = sums.blocks[:, pairs, pairs + units.bins]
        S = paired.form(paired.PairedSums(sums, beside), units, estimator)
    else:
        S = two_samples.quadratic_form(sums, units, estimator)
    return Null(relabeled(S), two_samples.tolerance(sums, units, estimator), combination)


def _null_in_strata(
    sums: Sums,
    units: StrataUnits,
    combination: Combination,
    estimator: Estimator,
    relabeled: Relabeled,
) -> Null:
    both = stratified.takes_both(combination)
    S = stratified.quadratic_form(sums.blocks, sums.diagonal, units, estimator, both=both)
    between = StrataSums(
        sums.blocks, sums.diagonal, _NO_ROWS, _NO_ROWS, _NO_ROWS, sums.magnitude, sums.epsilon
    )
    rounding = stratified.tolerance(between, units, estimator)
    return Null(relabeled(S), rounding[: S.shape[2]], combination)
