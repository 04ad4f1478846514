"""Rows in strata under relabelings inside them: how far samples differ in rows of one kind.

With mu the mean feature of a sample in a stratum, and w_s the share of stratum s in the pooled
rows, ``adjusted = ||sum_s w_s (mu_Xs - mu_Ys)||^2`` sees what strata have in common, and
``within = sum_s w_s ||mu_Xs - mu_Ys||^2`` what goes one way in some and another way in others.
Pairs of a row with itself are left out, so both are 0 on average if nothing differs.
"""

import dataclasses
import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block, slices_of
from repdist._designs.strata import StrataUnits
from repdist._inference.centring import without_row_sums
from repdist._inference.combine import Combination, Null, tie_tolerance
from repdist._inference.estimates import (
    Estimate,
    influence_within,
    mmd_squared_from_sums,
    raise_if_negative,
    standard_error,
)
from repdist._inference.findings import Findings
from repdist._inference.two_samples import Relabeled, variance_of_form
from repdist._typing import Estimator, Float64

STRATA = ("stratum", "n", "m", "share", "mmd_squared", "standard_error")


@dataclass(frozen=True)
class StrataSums:
    """The blocks between the strata of two samples, put together.

    Attributes
    ----------
    blocks : (R, U, U)
        Sums over pairs of different rows, one in each unit.
    diagonal : (R, U)
        Sums of k(x, x) over the rows of a unit.
    inside : (N, 2)
        For each row, the sum of the weighted kernel over the other rows of its own sample in its
        stratum, and over those of the other sample there.
    own : (2 S,)
        The sum of k(x, x) over the rows of each stratum of each sample, under the weighted kernel.
    influence : (N,)
        For each row of `X` ``w_s sum_t w_t (mean k(x, X_t) - mean k(x, Y_t))``, its own value left
        out; of `Y` alike.
    magnitude : (R,)
        The largest absolute value over pairs of different rows.
    epsilon : float
        Spacing at 1 of the dtype that the kernel was computed in.
    """

    blocks: Float64
    diagonal: Float64
    inside: Float64
    own: Float64
    influence: Float64
    magnitude: Float64
    epsilon: float

    @classmethod
    def of(cls, blocks: Iterable[Block], units: StrataUnits, weights: Float64) -> "StrataSums":
        """Put together all blocks of a pass over the layout of these units, in any order."""
        total = _Total(units, weights)
        for block in blocks:
            total.add(block)
        return total.finish()


class _Total:
    """Adds the blocks between groups, of which each is a stratum of a sample."""

    def __init__(self, units: StrataUnits, weights: Float64) -> None:
        sizes, U, N = group_sizes(units), len(units.rows), int(units.rows.sum())
        n_components = len(weights)
        self._weights, self._own = weights, np.zeros(len(sizes))
        self._strata, self._sizes = len(units.strata), sizes
        self._rows = slices_of(sizes)
        self._units = slices_of(np.bincount(units.group))
        self._signed = np.tile(units.shares, 2) * np.repeat([1, -1], self._strata)
        self._blocks = np.zeros((n_components, U, U))
        self._diagonal = np.zeros((n_components, U))
        self._inside, self._influence = np.zeros((N, 2)), np.zeros(N)
        self._magnitude, self._epsilon = np.zeros(n_components), 0.0

    def add(self, block: Block) -> None:
        g, h = block.first, block.second
        first, second = self._units[g], self._units[h]
        self._blocks[:, first, second] = block.sums
        self._blocks[:, second, first] = block.sums.transpose(0, 2, 1)
        self._magnitude = np.maximum(self._magnitude, block.magnitude)
        self._epsilon = max(self._epsilon, block.epsilon)
        if g == h:
            self._diagonal[:, first] = block.diagonal
            self._own[g] = self._weights @ block.diagonal.sum(axis=1)
            self._add_rows(g, h, block.rows, int(self._sizes[g]) - 1)
        else:
            self._add_rows(g, h, block.rows, int(self._sizes[h]))
            self._add_rows(h, g, block.columns, int(self._sizes[g]))

    def finish(self) -> StrataSums:
        return StrataSums(
            self._blocks,
            self._diagonal,
            self._inside,
            self._own,
            self._influence,
            self._magnitude,
            self._epsilon,
        )

    def _add_rows(self, g: int, h: int, sums: Float64, others: int) -> None:
        """Add what the rows of group g have with the `others` of group h."""
        rows = self._rows[g]
        self._influence[rows] += self._signed[g] * self._signed[h] / others * sums
        if g % self._strata == h % self._strata:
            self._inside[rows, int(g != h)] = sums


def findings(
    sums: StrataSums,
    units: StrataUnits,
    combination: Combination,
    estimator: Estimator,
    relabeled: Relabeled,
) -> Findings:
    """Test two samples in strata from the sums between their units.

    ``"max"`` over the components of a kernel takes both statistics of each, R adjusted ones before
    R within; what else there is takes adjusted ones alone. MMD^2 is the adjusted one.
    """
    weights = combination.weights
    R, both = len(weights), takes_both(combination)
    S = quadratic_form(sums.blocks, sums.diagonal, units, estimator, both=both)
    statistics = relabeled(S)
    check_definite(sums, units, weights)
    components = statistics.observed
    rounding = tolerance(sums, units, estimator)
    if estimator == "biased":
        S = quadratic_form(sums.blocks, sums.diagonal, units, "unbiased", both=False)
    return Findings(
        Null(statistics, rounding if both else rounding[:R], combination),
        components,
        float(weights @ components[:R]),
        _estimate(sums, units, null_variance(S[..., :R] @ weights, units)),
        mean_spread(sums, units),
    )


def mean_spread(sums: StrataSums, units: StrataUnits) -> float:
    """Return ``sum_s w_s (mean k(x, x) - mean k(x, x'))`` over stratum s, the mean of both."""
    sizes = group_sizes(units)
    inside = np.array([sums.inside[rows, 0].sum() for rows in slices_of(sizes)])
    spread = sums.own / sizes - inside / (sizes * (sizes - 1))
    return float(np.tile(units.shares, 2) @ spread) / 2


def takes_both(combination: Combination) -> bool:
    """Tell whether `within` statistics stand beside `adjusted` ones."""
    return combination.rule == "max" and len(combination.weights) > 1


def forms(combination: Combination) -> tuple[str, ...]:
    """Return the statistics that each component has, by name."""
    return ("adjusted", "within") if takes_both(combination) else ("adjusted",)


def quadratic_form(
    blocks: Float64, diagonal: Float64, units: StrataUnits, estimator: Estimator, *, both: bool
) -> Float64:
    """Return S (U, U, R or 2 R) with ``a' S a`` the statistics for labels a.

    R adjusted ones, then R within if both are wanted. Inside each stratum and between every two,
    rows of S sum to 0. ``O(R U^2)`` time and memory.
    """
    R, U = diagonal.shape
    S = np.zeros((1 + both, R, U, U))
    S[0] = _between_strata(blocks, units)
    biased = estimator == "biased"
    for s, share in enumerate(units.shares.tolist()):
        here = np.flatnonzero(units.stratum == s)
        own = blocks[:, here[:, None], here]  # (R, u, u)
        if biased:
            own[:, range(len(here)), range(len(here))] += diagonal[:, here]
        own = without_row_sums(own, units.rows[here], with_diagonal=biased)
        own *= mmd_squared_from_sums(1.0, -1.0, 1.0, units.strata[s].rows, estimator)
        for form, factor in zip(S, (share**2, share), strict=False):
            form[:, here[:, None], here] = factor * own
    return np.ascontiguousarray(S.reshape(-1, U, U).transpose(1, 2, 0))


def tolerance(sums: StrataSums, units: StrataUnits, estimator: Estimator) -> Float64:
    """Return how far rounding may move each component, R adjusted and R within, (2 R,).

    Rounding of kernel values adds up as in two samples that are as large in effect.
    """
    magnitude = sums.magnitude
    if estimator == "biased":  # k(x, x) counts, too
        magnitude = np.maximum(magnitude, np.abs(sums.diagonal / units.rows).max(axis=1))
    shares, inverse = units.shares, (1 / units.counts).sum(axis=1)
    in_effect = (
        float(shares**2 @ inverse),
        math.sqrt(float((shares * inverse) @ (shares * inverse))),
    )
    return np.concatenate(
        [tie_tolerance(magnitude, sums.epsilon, 2 / each, 2 / each) for each in in_effect]
    )


def null_variance(A: Float64, units: StrataUnits) -> float:
    """Return the variance of ``a' A a`` over all relabelings inside strata; A is (U, U).

    With e the labels less their means, strata by strata independent, it is the sum of that of the
    form of each stratum, with all others at their means, and of ``2 e_s' A_st e_t``. The labels of
    a stratum have the covariance ``c (I - 1/M)`` with ``c = h (M - h) / (M (M - 1))``, for h of M.
    """
    variance, moves = 0.0, units.can_move
    mean = (units.sample == 0).astype(np.float64)
    scale, share = np.zeros((2, len(mean)))
    of_strata = [np.flatnonzero(moves & (units.stratum == s)) for s in range(len(units.strata))]
    for here, stratum in zip(of_strata, units.strata, strict=True):
        h, M = stratum.movable[0], len(here)
        mean[here], share[here] = h / M, 1 / M
        scale[here] = h * (M - h) / (M * (M - 1))
    for here, stratum in zip(of_strata, units.strata, strict=True):
        others = mean.copy()
        others[here] = 0
        rows = A[here]
        d = np.diagonal(A)[here] + 2 * rows @ others
        variance += variance_of_form(rows[:, here], d, stratum.movable[0])
    numbers = units.stratum[moves]
    C = _centred_by_stratum(A[np.ix_(moves, moves)][None], numbers, share[moves])[0]
    C[numbers[:, None] == numbers] = 0
    return variance + 2 * float(scale[moves] @ np.square(C) @ scale[moves])


@dataclass(frozen=True)
class StrataTable:
    """What differs inside each stratum, under the weighted kernel.

    Attributes
    ----------
    names : tuple
    rows : (S, 2)
        Of the first and the second sample.
    shares : (S,)
        Of the stratum in the pooled rows.
    mmd_squared, standard_error : (S,)
        Unbiased MMD^2 of the stratum.
    """

    names: tuple[Hashable, ...]
    rows: npt.NDArray[np.intp]
    shares: Float64
    mmd_squared: Float64
    standard_error: Float64

    def records(self) -> list[dict[str, Any]]:
        """Return one row a stratum, by the names in `STRATA`."""
        columns = (
            self.names,
            *self.rows.T.tolist(),
            self.shares.tolist(),
            self.mmd_squared.tolist(),
            self.standard_error.tolist(),
        )
        return [dict(zip(STRATA, row, strict=True)) for row in zip(*columns, strict=True)]

    def turned(self) -> "StrataTable":
        """Return the same with the samples in the other order."""
        return dataclasses.replace(self, rows=self.rows[:, ::-1])


def strata_table(sums: StrataSums, units: StrataUnits) -> StrataTable:
    """Return MMD^2 of each stratum by itself."""
    rows, strata = slices_of(group_sizes(units)), len(units.strata)
    found = []
    for s, stratum in enumerate(units.strata):
        first, second = sums.inside[rows[s]], sums.inside[rows[s + strata]]
        (own, across), (other, _) = first.sum(axis=0), second.sum(axis=0)
        mmd_squared = mmd_squared_from_sums(own, across, other, stratum.rows)
        found.append((mmd_squared, standard_error(first, second)))
    mmd_squared, error = np.array(found).T
    names = tuple(stratum.name for stratum in units.strata)
    return StrataTable(names, units.counts, units.shares, mmd_squared, error)


def influences(sums: StrataSums, units: StrataUnits) -> Float64:
    """Return those of all rows, (N,), with the deviations of the jackknife inside each stratum."""
    h = sums.influence.copy()
    for rows, share in zip(slices_of(group_sizes(units)), np.tile(units.shares, 2), strict=True):
        own = sums.inside[rows, 0]
        h[rows] += share**2 * (influence_within(own) - own / (len(own) - 1))
    return h


def _estimate(sums: StrataSums, units: StrataUnits, null_variance: float) -> Estimate:
    """Return the unbiased adjusted MMD^2 with its error: ``se^2 = sum 4 var(h) / rows``."""
    h = influences(sums, units)
    groups = [h[rows] for rows in slices_of(group_sizes(units))]
    mmd_squared = sum(float(h.mean()) for h in groups)
    error = math.sqrt(sum(4 * float(h.var(ddof=1)) / len(h) for h in groups))
    return Estimate(mmd_squared, error, null_variance)


def _between_strata(blocks: Float64, units: StrataUnits) -> Float64:
    """Return centred blocks of strata s, t, times ``w_s w_t (1/n_s + 1/m_s) (1/n_t + 1/m_t)``."""
    counts, stratum = units.counts, units.stratum
    S = _centred_by_stratum(blocks, stratum, units.rows / counts.sum(axis=1)[stratum])
    factor = (units.shares * (1 / counts).sum(axis=1))[stratum]
    S *= factor[:, None]
    S *= factor
    return S


def _centred_by_stratum(S: Float64, stratum: npt.NDArray[np.intp], share: Float64) -> Float64:
    """Return S (R, U, U) less what makes rows and columns of every block of strata sum to 0.

    `share` (U,) is what each unit takes of the sums of its stratum, 1 in all.
    """
    of_stratum = (stratum[:, None] == np.arange(stratum.max() + 1)).astype(np.float64)  # (U, S)
    spread = (of_stratum * share[:, None]).T  # (S, U)
    S = S - S @ of_stratum @ spread
    S -= spread.T @ (of_stratum.T @ S)
    return S


def check_definite(sums: StrataSums, units: StrataUnits, weights: Float64) -> None:
    """Raise if the biased adjusted MMD^2 is below 0 by more than rounding."""
    alpha = units.shares[units.stratum] / group_sizes(units)[units.group]
    alpha = np.where(units.sample == 0, alpha, -alpha)  # (U,)
    form = weights @ (sums.blocks @ alpha @ alpha + sums.diagonal @ alpha**2)
    raise_if_negative(float(form), float(sums.magnitude @ np.abs(weights)), sums.epsilon)


def group_sizes(units: StrataUnits) -> npt.NDArray[np.intp]:
    """Return the rows of each stratum of the first sample, then of the second, (2 S,)."""
    return units.counts.T.ravel()
