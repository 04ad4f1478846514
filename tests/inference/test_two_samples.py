"""The statistics of relabelings: against direct labels, rows by rows, and their variance."""

import functools
import math

import numpy as np
import pytest
from oracles import FORMULAS, mmd_squared

from repdist._blocks import Layout, Sums, join
from repdist._designs.relabelings import Relabelings
from repdist._designs.units import Units
from repdist._inference.combine import tie_tolerance
from repdist._inference.transform import columns
from repdist._inference.two_samples import (
    forms,
    null_variance,
    quadratic_form,
    statistics,
    tolerance,
)
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers, in_order
from repdist.kernels._plan import plan

ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])


def matrices(N, R, seed=0):
    """Gaussian kernels of N rows, (R, N, N); the diagonals are not all alike."""
    rng = np.random.default_rng(seed)
    Z = rng.normal(size=(N, 2))
    D = np.square(Z[:, None] - Z[None]).sum(-1)
    own = np.diag(rng.random(N))
    return np.stack([np.exp(-D / 2 ** (2 * r)) + own for r in range(R)])


def sums_of(K, units):
    """Sums between units of the matrices K (R, N, N)."""
    N, n = K.shape[1], units.rows[units.sample == 0].sum()
    of_unit = np.repeat(np.eye(len(units.rows)), units.rows, axis=0)  # (N, U)
    diagonal = np.diagonal(K, axis1=1, axis2=2)
    off = K * (1 - np.eye(N))
    return Sums(
        of_unit.T @ off @ of_unit, diagonal @ of_unit, np.zeros((n, 2)), np.zeros((N - n, 2)),
        np.square(off).sum(axis=(1, 2)), np.abs(off).max(axis=(1, 2)), 2.0**-52,
    )  # fmt: skip


@functools.cache
def swapped(pairs, k):
    """Which pairs each pattern swaps, (2^k, pairs)."""
    both = np.arange(1 << k)[:, None] & columns(pairs, k)
    found = np.array([[bin(x).count("1") % 2 == 1 for x in row] for row in both.tolist()])
    found.flags.writeable = False
    return found


def of_swaps(shuffles, k):
    """The units of the first sample under all swaps of these shuffles, (B, K)."""
    return [np.where(pattern, y, x) for x, y in shuffles for pattern in swapped(len(x), k)]


def labels_of(units, chosen):
    """Which rows are in the first sample if these movable units are, (B, N)."""
    stay = (units.sample == 0) & ~units.can_move
    labels = np.repeat(stay[None], len(chosen), axis=0)
    np.put_along_axis(labels, np.array(chosen), True, axis=1)
    return np.repeat(labels, units.rows, axis=1)


def labelings(drawn, rng):
    """Which rows each relabeling puts into the first sample, (B, N)."""
    if drawn.exhaustive:
        return labels_of(drawn.units, np.concatenate(list(drawn.every())))
    shuffles = np.concatenate(list(drawn.shuffled(rng)))
    return labels_of(drawn.units, of_swaps(shuffles, drawn.swaps.dimension))


def direct(K, labels, estimator):
    """MMD^2 of every labeling from the rows' matrices, (R, B)."""
    if estimator == "unbiased":
        K = K * (1 - np.eye(K.shape[1]))
    first = labels.astype(float)
    second = 1 - first

    def total(a, b):
        return np.einsum("rbi,bi->rb", a @ K, b)

    n, m = first[0].sum(), second[0].sum()
    of_n, of_m = (n * n, m * m) if estimator == "biased" else (n * (n - 1), m * (m - 1))
    return (
        total(first, first) / of_n
        + total(second, second) / of_m
        - 2 * total(first, second) / (n * m)
    )


def assert_close(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-14)


LAID_OUT = {
    "single rows": (Units(1, (20, 20), (0, 0)), 2000),
    "one code": (Units(1, (8, 9), (0, 0)), 60),
    "far more pairs than columns": (Units(1, (40, 40), (0, 0)), 30),
    "unequal": (Units(1, (7, 60), (0, 0)), 500),
    "bins": (Units(3, (12, 15), (0, 0)), 1000),
    "bins and rows that are frozen in both": (Units(2, (15, 30), (1, 3)), 1000),
    "rows that are frozen in the first": (Units(4, (6, 6), (3, 0)), 500),
    "shuffles alone": (Units(1, (5, 60), (0, 7)), 500),
    "shuffles alone, of a bin": (Units(2, (2, 60), (1, 0)), 500),
    "all": (Units(2, (3, 4), (1, 1)), 99),
    "all of few beside many": (Units(1, (2, 40), (0, 3)), 999),
}
EACH = pytest.mark.parametrize(("units", "wanted"), LAID_OUT.values(), ids=LAID_OUT.keys())


@EACH
@ESTIMATORS
@pytest.mark.parametrize("R", [1, 2, 3])
def test_every_relabeling_has_the_mmd_of_its_labels(units, wanted, estimator, R):
    """By means over the rows that it puts into each sample; the observed one is the first."""
    drawn = Relabelings(units, wanted)
    K = matrices(units.rows.sum(), R)
    S = quadratic_form(sums_of(K, units), units, estimator)
    found = statistics(S, drawn, forms(drawn, np.random.default_rng(3)))
    labels = labelings(drawn, np.random.default_rng(3))
    expected = direct(K, labels, estimator)
    assert (labels.sum(axis=1) == labels[0].sum()).all()
    assert_close(found.deviations + found.mean[:, None], expected)
    assert_close(found.mean, expected.mean(axis=1))
    np.testing.assert_allclose(found.deviations.mean(axis=1), 0, atol=1e-15)
    observed = np.repeat(units.sample == 0, units.rows)[None]
    assert_close(found.deviations[:, 0] + found.mean, direct(K, observed, estimator)[:, 0])


@ESTIMATORS
@pytest.mark.parametrize("name", ["multi-rbf", "energy", "polynomial"])
def test_every_relabeling_has_the_mmd_of_its_rows(name, estimator):
    """From the pass over the kernel to the definition, one pair of rows at a time."""
    kernel, k = FORMULAS[name]
    units = Units(2, (2, 3), (1, 2))
    Z = np.random.default_rng(0).normal(size=(13, 3))
    layout = Layout(units.rows, units.sample, ties_matter=False)
    sums = join(*kernel_blocks(plan(kernel), Z, layout, Workers(), squares=True))
    drawn = Relabelings(units, 10)
    S = quadratic_form(sums, units, estimator)
    found = statistics(S, drawn, forms(drawn, np.random.default_rng(0)))
    T = np.array(plan(kernel).weights) @ (found.deviations + found.mean[:, None])
    for value, row in zip(T, labelings(drawn, None), strict=True):
        expected = mmd_squared(k, Z[row], Z[~row], estimator)
        assert value == pytest.approx(expected, rel=1e-10, abs=1e-12)


@ESTIMATORS
def test_rows_of_the_form_sum_to_0(estimator):
    units = Units(2, (3, 4), (1, 1))
    S = quadratic_form(sums_of(matrices(16, 3), units), units, estimator)
    np.testing.assert_allclose(S.sum(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(S, S.transpose(1, 0, 2), atol=1e-15)


@pytest.mark.parametrize("R", [1, 2])
@ESTIMATORS
def test_sums_and_forms_are_not_changed(estimator, R):
    """Sums of one component lie in memory as the form does, and a copy must be asked for."""
    for units, wanted in LAID_OUT.values():
        sums = sums_of(matrices(units.rows.sum(), R), units)
        blocks, diagonal = sums.blocks.copy(), sums.diagonal.copy()
        S = quadratic_form(sums, units, estimator)
        form = S.copy()
        drawn = Relabelings(units, wanted)
        statistics(S, drawn, forms(drawn, np.random.default_rng(0)))
        null_variance(S, units, np.ones(R))
        tolerance(sums, units, estimator)
        np.testing.assert_array_equal(sums.blocks, blocks)
        np.testing.assert_array_equal(sums.diagonal, diagonal)
        np.testing.assert_array_equal(S, form)


def test_threads_change_neither_a_bit_nor_the_order():
    """Of several blocks of shuffles: the first and the last are where they belong."""
    units, K = Units(1, (20, 25), (0, 0)), matrices(45, 2)
    drawn = Relabelings(units, 2**16 - 1)
    k = drawn.swaps.dimension
    S = quadratic_form(sums_of(K, units), units, "unbiased")
    one, two = (
        statistics(
            S,
            drawn,
            forms(drawn, np.random.default_rng(0)),
            functools.partial(in_order, n_jobs=jobs),
        )
        for jobs in (1, 2)
    )
    np.testing.assert_array_equal(one.deviations, two.deviations)
    np.testing.assert_array_equal(one.mean, two.mean)
    blocks = list(drawn.shuffled(np.random.default_rng(0)))
    assert len(blocks) > 2
    ends = of_swaps([blocks[0][0], blocks[-1][-1]], k)
    found = one.deviations.reshape(2, -1, 1 << k)[:, [0, -1]].reshape(2, -1)
    assert_close(found + one.mean[:, None], direct(K, labels_of(units, ends), "unbiased"))


def test_rounding_is_that_of_all_values_that_count():
    """Those on the diagonal in the biased estimate alone."""
    units = Units(2, (3, 3), (0, 1))
    K = matrices(13, 2)
    K[1] += 7 * np.eye(13)
    sums = sums_of(K, units)
    n, m = sums.sizes
    unbiased = tie_tolerance(sums.magnitude, sums.epsilon, n, m)
    np.testing.assert_allclose(tolerance(sums, units, "unbiased"), unbiased, rtol=1e-12)
    largest = np.maximum(sums.magnitude, (sums.diagonal / units.rows).max(axis=1))
    assert largest[1] > 7
    biased = tie_tolerance(largest, sums.epsilon, n, m)
    np.testing.assert_allclose(tolerance(sums, units, "biased"), biased, rtol=1e-12)


# --- the variance over all relabelings -----------------------------------------------------------

SMALL = [
    Units(1, (1, 1), (1, 1)),
    Units(1, (1, 2), (1, 0)),
    Units(1, (2, 2), (0, 0)),
    Units(3, (1, 6), (1, 0)),
    Units(1, (2, 6), (0, 2)),
    Units(2, (3, 5), (1, 1)),
    Units(1, (4, 5), (0, 0)),
    Units(2, (4, 4), (0, 0)),
    Units(5, (5, 5), (3, 4)),
]


@pytest.mark.parametrize("units", SMALL, ids=str)
@ESTIMATORS
def test_variance_over_all_relabelings_is_that_of_their_enumeration(units, estimator):
    weights = np.array([0.5, 2.0])
    K = matrices(units.rows.sum(), 2)
    drawn = Relabelings(units, 999)
    assert drawn.exhaustive
    T = weights @ direct(K, labelings(drawn, None), estimator)
    S = quadratic_form(sums_of(K, units), units, estimator)
    assert null_variance(S, units, weights) == pytest.approx(T.var(), rel=1e-10)


@pytest.mark.parametrize("units", [Units(1, (40, 50), (0, 0)), Units(3, (20, 60), (2, 1))], ids=str)
def test_variance_is_near_that_of_many_random_relabelings(units, chance_seed):
    """Within 4 standard errors of 20,000 labelings' variance: false failure 1e-4.

    The standard error is about 2.5 %: a factor of 1.25 is seen with probability above .99.
    """
    rng = np.random.default_rng(chance_seed)
    K = matrices(units.rows.sum(), 1)
    labels = np.repeat((units.sample == 0)[None], 20_000, axis=0)
    labels[:, units.can_move] = rng.permuted(labels[:, units.can_move], axis=1)
    T = direct(K, np.repeat(labels, units.rows, axis=1), "unbiased")[0]
    squared = (T - T.mean()) ** 2
    S = quadratic_form(sums_of(K, units), units, "unbiased")
    error = squared.std() / math.sqrt(len(T))
    assert abs(null_variance(S, units, np.ones(1)) - squared.mean()) < 4 * error
    assert error < 0.04 * squared.mean()


def test_variance_of_a_constant_kernel_is_0():
    units = Units(2, (4, 5), (1, 0))
    S = quadratic_form(sums_of(np.ones((1, 19, 19)), units), units, "unbiased")
    assert null_variance(S, units, np.ones(1)) == pytest.approx(0, abs=1e-30)
