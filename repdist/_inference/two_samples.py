"""The statistics of two samples under relabelings: from their sums, units and relabelings.

A two-sample test is a quadratic form in labels. With S the block sums of the kernel between units,
less what changes no MMD^2, and a the 0/1 labels, ``MMD^2 = a' S a``.
"""

import functools
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from repdist._blocks import Sums
from repdist._designs.paired import PairedUnits
from repdist._designs.relabelings import Drawn, Places
from repdist._designs.strata import StrataUnits
from repdist._designs.units import Units
from repdist._inference.centring import centred_blocks
from repdist._inference.combine import Combination, Null, Statistics, tie_tolerance
from repdist._inference.estimates import (
    Estimate,
    check_definite,
    component_estimates,
    mean_spread,
    mmd_squared_from_sums,
    own_values,
    standard_error,
)
from repdist._inference.findings import Findings
from repdist._inference.transform import FormsOfSwaps
from repdist._typing import Estimator, Float64

Form = Callable[[Float64], Float64]  # of S (U, U, R): its values (R, b) under some relabelings
Relabeled = Callable[[Float64], Statistics]  # of S: `statistics` with all else given
Mapper = Callable[[Callable[[Form], Float64], Iterable[Form]], Iterable[Float64]]

_FEW = 8  # times the square of the units of a sample: below all units, their pairs are gathered


def quadratic_form(sums: Sums, units: Units, estimator: Estimator) -> Float64:
    """Return S (U, U, R) with ``a' S a = MMD^2`` for labels a; its rows sum to 0."""
    centred = centred_blocks(sums, units.rows, estimator)
    S = np.ascontiguousarray(centred.transpose(1, 2, 0))
    S *= mmd_squared_from_sums(1.0, -1.0, 1.0, sums.sizes, estimator)
    return S


def forms(drawn: Drawn, rng: np.random.Generator) -> Iterator[Form]:
    """Yield what the relabelings, in blocks, make of any S of their units."""
    if drawn.exhaustive:
        for chosen in drawn.every():
            yield functools.partial(_form, units=drawn.units, chosen=chosen)
        return
    for shuffles in drawn.shuffled(rng):
        if drawn.swaps.dimension == 0:
            chosen = drawn.movable_firsts(shuffles)
            yield functools.partial(_form, units=drawn.units, chosen=chosen)
        else:
            yield FormOfSwaps(drawn, shuffles)


def statistics(
    S: Float64, drawn: Drawn, of_blocks: Iterable[Form], run: Mapper = map
) -> Statistics:
    """Return MMD^2 of every relabeling of the units of two samples; the first is the observed one.

    S is that of `quadratic_form`, and `of_blocks` those of `forms`. ``O(R J (U^2 + 2^k 2^(k/2)))``
    time for J shuffles of U units, each with 2^k swaps. `run` maps a function over them in order.
    """
    values, start = np.empty((S.shape[2], drawn.total)), 0
    for block in run(lambda form: form(S), of_blocks):
        values[:, start : start + block.shape[1]] = block
        start += block.shape[1]
    return Statistics.of(values)


def findings(
    sums: Sums,
    units: Units,
    combination: Combination,
    estimator: Estimator,
    relabeled: Relabeled,
) -> Findings:
    """Test two samples of independent rows from the sums between their units."""
    S, weights = quadratic_form(sums, units, estimator), combination.weights
    null = Null(relabeled(S), tolerance(sums, units, estimator), combination)
    check_definite(sums, units.sample, weights)
    components = component_estimates(sums, units.sample, estimator)
    unbiased = component_estimates(sums, units.sample, "unbiased")
    error = standard_error(sums.first_rows, sums.second_rows)
    S = S if estimator == "unbiased" else quadratic_form(sums, units, "unbiased")
    estimate = Estimate(float(unbiased @ weights), error, null_variance(S, units, weights))
    spread = mean_spread(sums, own_values(sums, units.sample, weights))
    return Findings(null, components, float(components @ weights), estimate, spread)


def null_variance(S: Float64, units: Units, weights: Float64) -> float:
    """Return the variance over all relabelings of MMD^2 of the weighted kernel."""
    A = S @ weights  # (U, U)
    can_move = units.can_move
    d = np.diagonal(A)
    if not can_move.all():
        fixed = (units.sample == 0) & ~can_move
        d = (d + 2 * A[:, fixed].sum(axis=1))[can_move]
        A = A[np.ix_(can_move, can_move)]
    return variance_of_form(A, d, units.movable[0])


def variance_of_form(A: Float64, d: Float64, h: int) -> float:
    """Return the variance of ``sum_{u != v} A_uv a_u a_v + sum_u d_u a_u`` over all labels.

    Each has h ones, in any places. Constants in A and d change nothing, so both have mean 0 here.
    """
    M = len(A)
    d, own = d - d.mean(), np.diagonal(A)
    r = A.sum(axis=1) - own
    mean = r.sum() / (M * (M - 1))
    F = float(np.vdot(A, A) - own @ own) - M * (M - 1) * mean**2
    r -= (M - 1) * mean
    # the chances that one, two, three and four given units are in the first sample
    one, two, three, four = np.cumprod([max(h - i, 0) / max(M - i, 1) for i in range(4)])
    shared = float(r @ r) - F  # over two pairs that share a unit
    variance = 2 * (two - four) * F + 4 * (three - four) * shared
    variance += 4 * (two - three) * float(r @ d) + (one - two) * float(d @ d)
    return max(0.0, float(variance))


def tolerance(sums: Sums, units: Units | PairedUnits, estimator: Estimator) -> Float64:
    """Return how far rounding may move the MMD^2 of a component, (R,)."""
    magnitude = sums.magnitude
    if estimator == "biased":  # k(x, x) counts, too
        diagonal = np.abs(sums.diagonal / units.rows).max(axis=1)
        magnitude = np.maximum(magnitude, diagonal)
    return tie_tolerance(magnitude, sums.epsilon, *sums.sizes)


def _form(S: Float64, units: Units | PairedUnits | StrataUnits, chosen: Places) -> Float64:
    """Return ``a' S a`` (R, b) for the movable units (b, K) of the first sample."""
    U, _, R = S.shape
    fixed = np.flatnonzero((units.sample == 0) & ~units.can_move)
    first = np.concatenate([chosen, np.repeat(fixed[None], len(chosen), axis=0)], axis=1)
    if _FEW * first.shape[1] ** 2 < U:
        pairs = U * first[:, :, None] + first[:, None, :]
        return np.asarray(S.reshape(U * U, R)[pairs.reshape(len(first), -1)].sum(axis=1).T)
    A = np.zeros((len(first), U))
    np.put_along_axis(A, first, 1, axis=1)
    return np.asarray(np.einsum("bur,bu->rb", (A @ S.reshape(U, -1)).reshape(-1, U, R), A))


class FormOfSwaps:
    """``a' S a`` after each of some shuffles (J, 2, K), under all swaps of a code.

    ``a = 1/2 + a0 + sum_i s_i (e_xi - e_yi) / 2``, with s_i = 1 or -1, and a0 = 0 for units in
    pairs, 1/2 or -1/2 for all others. Rows of S sum to 0, and the constant 1/2 adds nothing.
    """

    def __init__(self, drawn: Drawn, shuffles: Places) -> None:
        label = np.where(drawn.first_if_left, 0.5, -0.5)
        rest = np.repeat(label[None], len(shuffles), axis=0)
        np.put_along_axis(rest, shuffles.reshape(len(rest), -1), 0.0, axis=1)
        self._shuffles = shuffles
        self._rest = rest if rest.any() else None
        self._forms = FormsOfSwaps(shuffles, len(label), drawn.swaps.dimension)

    def __call__(self, S: Float64) -> Float64:
        """Return the values (R, J 2^k)."""
        U, _, R = S.shape
        if self._rest is None:
            values, mean = self._forms(S)
        else:
            products = (self._rest @ S.reshape(U, -1)).reshape(-1, U, R)
            shuffle = np.arange(len(products))[:, None]
            x, y = self._shuffles.transpose(1, 0, 2)  # (J, K)
            values, mean = self._forms(S, products[shuffle, x] - products[shuffle, y])
            mean += np.einsum("ju,jur->rj", self._rest, products)
        values += mean[..., None]
        return values.reshape(R, -1)
