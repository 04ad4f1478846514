"""The statistics of two samples under relabelings: from their sums, units and relabelings.

A two-sample test is a quadratic form in labels. With S the block sums of the kernel between units,
less what changes no MMD^2, and a the 0/1 labels, ``MMD^2 = a' S a``.
"""

from collections.abc import Callable, Iterable

import numpy as np

from repdist._blocks import Sums
from repdist._designs.relabelings import Places, Relabelings
from repdist._designs.units import Units
from repdist._inference.centring import centred_blocks
from repdist._inference.combine import Statistics, tie_tolerance
from repdist._inference.estimates import mmd_squared_from_sums
from repdist._inference.transform import forms_of_swaps
from repdist._typing import Estimator, Float64

Mapper = Callable[[Callable[[Places], "Pieces"], Iterable[Places]], Iterable["Pieces"]]
Pieces = list[tuple[Float64, Float64]]  # of each shuffle: values (R, 2^k) less their mean (R,)

_FEW = 8  # times the square of the units of a sample: below all units, their pairs are gathered


def quadratic_form(sums: Sums, units: Units, estimator: Estimator) -> Float64:
    """Return S (U, U, R) with ``a' S a = MMD^2`` for labels a; its rows sum to 0."""
    S = centred_blocks(sums, units.rows, estimator)
    S *= mmd_squared_from_sums(1.0, -1.0, 1.0, sums.sizes, estimator)
    return S


def statistics(
    S: Float64, drawn: Relabelings, rng: np.random.Generator, run: Mapper = map
) -> Statistics:
    """Return MMD^2 of every relabeling of the units of two samples; the first is the observed one.

    S is that of `quadratic_form`. ``O(R J (U^2 + 2^k 2^(k/2)))`` time for J shuffles of U units,
    each with 2^k swaps. `run` maps a function over blocks of shuffles in their order.
    """
    values, start = np.empty((S.shape[2], drawn.total)), 0
    if drawn.exhaustive or drawn.swaps.dimension == 0:
        some = (pairs[:, 0] for pairs in drawn.shuffled(rng))
        for chosen in drawn.every() if drawn.exhaustive else some:
            values[:, start : start + len(chosen)] = _form(S, drawn.units, chosen).T
            start += len(chosen)
    else:
        for block in run(_FormOfSwaps(S, drawn), drawn.shuffled(rng)):
            for deviations, own in block:
                stop = start + deviations.shape[1]
                np.add(deviations, own[:, None], out=values[:, start:stop])
                start = stop
    return Statistics.of(values)


def null_variance(S: Float64, units: Units, weights: Float64) -> float:
    """Return the variance over all relabelings of MMD^2 of the weighted kernel.

    It is that of ``sum_{u != v} A_uv a_u a_v + sum_u d_u a_u`` over the movable units, h of M in
    the first sample; constants in A and d change nothing, so both have mean 0 here.
    """
    A = S @ weights  # (U, U)
    can_move = units.can_move
    d = np.diagonal(A).copy()
    if not can_move.all():
        fixed = (units.sample == 0) & ~can_move
        d = (d + 2 * A[:, fixed].sum(axis=1))[can_move]
        A = A[np.ix_(can_move, can_move)]
    d -= d.mean()
    M, h = len(A), units.movable[0]
    np.fill_diagonal(A, 0)
    A -= A.sum() / (M * (M - 1))
    np.fill_diagonal(A, 0)
    # the chances that one, two, three and four given units are in the first sample
    one, two, three, four = np.cumprod([max(h - i, 0) / max(M - i, 1) for i in range(4)])
    r, F = A.sum(axis=1), float(np.vdot(A, A))
    shared = float(r @ r) - F  # over two pairs that share a unit
    variance = 2 * (two - four) * F + 4 * (three - four) * shared
    variance += 4 * (two - three) * float(r @ d) + (one - two) * float(d @ d)
    return max(0.0, float(variance))


def tolerance(sums: Sums, units: Units, estimator: Estimator) -> Float64:
    """Return how far rounding may move the MMD^2 of a component, (R,)."""
    magnitude = sums.magnitude
    if estimator == "biased":  # k(x, x) counts, too
        diagonal = np.abs(sums.diagonal / units.rows).max(axis=1)
        magnitude = np.maximum(magnitude, diagonal)
    return tie_tolerance(magnitude, sums.epsilon, *sums.sizes)


def _form(S: Float64, units: Units, chosen: Places) -> Float64:
    """Return ``a' S a`` (b, R) for the movable units (b, K) of the first sample."""
    U, _, R = S.shape
    fixed = np.flatnonzero((units.sample == 0) & ~units.can_move)
    first = np.concatenate([chosen, np.repeat(fixed[None], len(chosen), axis=0)], axis=1)
    if _FEW * first.shape[1] ** 2 < U:
        pairs = U * first[:, :, None] + first[:, None, :]
        return np.asarray(S.reshape(U * U, R)[pairs.reshape(len(first), -1)].sum(axis=1))
    A = np.zeros((len(first), U))
    np.put_along_axis(A, first, 1, axis=1)
    return np.asarray(np.einsum("bur,bu->br", (A @ S.reshape(U, -1)).reshape(-1, U, R), A))


class _FormOfSwaps:
    """``a' S a`` for blocks of shuffles, each followed by all swaps of a code.

    With a0 = 1/2 for units in pairs and the label for all others, and s_i = 1 or -1,
    ``a = a0 + sum_i s_i (e_xi - e_yi) / 2``.
    """

    def __init__(self, S: Float64, drawn: Relabelings) -> None:
        units = drawn.units
        self._half, self._k = S / 2, drawn.swaps.dimension
        self._fixed = np.where((units.sample == 0) & ~units.can_move, 1.0, 0.0)

    def __call__(self, shuffles: Places) -> Pieces:
        """Return the values and means of shuffles (b, 2, K)."""
        half = self._half
        U, _, R = half.shape
        base = np.repeat(self._fixed[None], len(shuffles), axis=0)
        np.put_along_axis(base, shuffles.reshape(len(base), -1), 0.5, axis=1)
        products = 2 * (base @ half.reshape(U, -1)).reshape(-1, U, R)
        constants = np.einsum("bu,bur->br", base, products)
        pieces = []
        for (x, y), product, constant in zip(shuffles, products, constants, strict=True):
            values, mean = forms_of_swaps(self._differences(x, y), product[x] - product[y], self._k)
            of_pairs = half[x, x] + half[y, y] - 2 * half[x, y]
            pieces.append((values, mean + constant + of_pairs.sum(axis=0) / 2))
        return pieces

    def _differences(self, x: Places, y: Places) -> Callable[[Places, Places], Float64]:
        """Return the function from i < j to ``(S_xx + S_yy - S_xy - S_yx) / 2``, (P, R)."""
        U, _, R = self._half.shape
        flat = self._half.reshape(U * U, R)
        rows, others = U * x, U * y

        def differences(i: Places, j: Places) -> Float64:
            xi, yi, xj, yj = rows[i], others[i], x[j], y[j]
            C: Float64 = flat.take(xi + xj, axis=0)
            C += flat.take(yi + yj, axis=0)
            yj += xi
            C -= flat.take(yj, axis=0)
            xj += yi
            C -= flat.take(xj, axis=0)
            return C

        return differences
