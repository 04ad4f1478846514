"""Pairs under relabelings: against H made by hand, direct flips, and their variance."""

import itertools
import math

import numpy as np
import pytest

from repdist._blocks import Sums
from repdist._designs.paired import Flips, PairedUnits
from repdist._inference import paired as of_pairs
from repdist._inference.combine import Combination
from repdist._inference.paired import PairedSums, findings, null_variance
from repdist._inference.transform import columns
from repdist._inference.two_samples import forms, statistics, tolerance

ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
LAID_OUT = {
    "two pairs": (PairedUnits(2, 2), 99),
    "all of few": (PairedUnits(7, 7), 99),
    "all of few bins": (PairedUnits(17, 5), 99),
    "random": (PairedUnits(20, 20), 2000),
    "random bins of two sizes": (PairedUnits(45, 20), 500),
    "one code": (PairedUnits(12, 12), 15),
    "few random ones": (PairedUnits(8, 8), 40),
    "more pairs than columns": (PairedUnits(70, 70), 30),
}
EACH = pytest.mark.parametrize(("units", "wanted"), LAID_OUT.values(), ids=LAID_OUT.keys())


def matrices(n, R, seed=0):
    """Gaussian kernels of n pairs of rows that are alike, (R, 2 n, 2 n); diagonals differ."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    Z = np.concatenate([X, X + 0.5 * rng.normal(size=(n, 2))])
    D = np.square(Z[:, None] - Z[None]).sum(-1)
    own = np.diag(rng.random(2 * n))
    return np.stack([np.exp(-D / 2 ** (2 * r)) + own for r in range(R)])


def sums_of(K, units, weights=None):
    """What a pass gives of the matrices K (R, 2 n, 2 n): sums between units, and k(x_i, y_i)."""
    n, R = units.pairs, len(K)
    weights = np.ones(R) if weights is None else weights
    of_unit = np.repeat(np.eye(2 * units.bins), units.rows, axis=0)  # (2 n, U)
    diagonal = np.diagonal(K, axis1=1, axis2=2)
    off = K * (1 - np.eye(2 * n))
    whole = np.tensordot(weights, off, 1)
    within, across = [whole[:n, :n], whole[n:, n:]], [whole[:n, n:], whole[n:, :n]]
    first, second = (
        np.stack([own.sum(axis=1), other.sum(axis=1)], axis=1)
        for own, other in zip(within, across, strict=True)
    )
    sums = Sums(
        of_unit.T @ off @ of_unit, diagonal @ of_unit, first, second,
        np.square(off).sum(axis=(1, 2)), np.abs(off).max(axis=(1, 2)), 2.0**-52,
    )  # fmt: skip
    return PairedSums(sums, np.diagonal(K[:, :n, n:], axis1=1, axis2=2).copy())


def form_of(paired, units, estimator):
    """The form of MMD^2: the mean over pairs of pairs."""
    sums, n = paired.sums, units.pairs
    S = of_pairs.quadratic_form(sums.blocks, sums.diagonal, paired.beside, units, estimator)
    return S / (n * n if estimator == "biased" else n * (n - 1))


def H_of(K):
    """By its definition, (R, n, n)."""
    n = K.shape[1] // 2
    return K[:, :n, :n] + K[:, n:, n:] - K[:, :n, n:] - K[:, n:, :n]


def direct(K, signs, estimator):
    """MMD^2 under signs (B, n): the mean of ``e_i e_j H_ij``, (R, B)."""
    H, n = H_of(K), signs.shape[1]
    if estimator == "unbiased":
        H = H * (1 - np.eye(n))
    found = np.einsum("bi,rij,bj->rb", signs, H, signs, optimize=True)
    return found / (n * n if estimator == "biased" else n * (n - 1))


def signs_of(drawn, rng):
    """The sign of every pair under each relabeling, (B, n)."""
    K = drawn.units.bins
    if drawn.exhaustive:
        flipped = np.concatenate(list(drawn.every())) // K
    else:
        shuffles = np.concatenate(list(drawn.shuffled(rng)))[:, 0] // K  # (J, K)
        k = drawn.swaps.dimension
        both = np.arange(1 << k)[:, None] & columns(K, k)
        swapped = np.array([[bin(x).count("1") % 2 for x in row] for row in both.tolist()])
        flipped = (shuffles[:, None] ^ swapped).reshape(-1, K)
    return np.repeat(1 - 2 * flipped, drawn.units.in_bins, axis=1)


def all_signs(units):
    patterns = np.array(list(itertools.product([1, -1], repeat=units.bins)))
    return np.repeat(patterns, units.in_bins, axis=1)


def labels_of(units, signs):
    """0/1 labels of the units, (B, 2 U), of which one of each pair is 1."""
    starts = np.cumsum(units.in_bins) - units.in_bins
    first = (1 + signs[:, starts]) / 2
    return np.concatenate([first, 1 - first], axis=1)


def assert_close(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-15)


# --- the quadratic form --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "units", [PairedUnits(2, 2), PairedUnits(6, 6), PairedUnits(13, 5)], ids=str
)
@ESTIMATORS
@pytest.mark.parametrize("R", [1, 3])
def test_the_form_of_labels_is_that_of_signs(units, estimator, R):
    """Under all flips; what a pair shows of itself counts in the biased estimate alone."""
    K, signs = matrices(units.pairs, R), all_signs(units)
    S = form_of(sums_of(K, units), units, estimator)
    a = labels_of(units, signs)
    found = np.einsum("bu,uvr,bv->rb", a, S, a, optimize=True)
    assert_close(found, direct(K, signs, estimator))


@pytest.mark.parametrize("units", [PairedUnits(6, 6), PairedUnits(13, 5)], ids=str)
@ESTIMATORS
def test_rows_of_the_form_sum_to_0(units, estimator):
    S = form_of(sums_of(matrices(units.pairs, 3), units), units, estimator)
    np.testing.assert_allclose(S.sum(axis=1), 0, atol=1e-14)
    np.testing.assert_allclose(S, S.transpose(1, 0, 2), atol=1e-15)


def test_k_of_a_pair_itself_does_not_matter():
    """Nor does the kernel of a row with itself, to the unbiased estimate."""
    units, K = PairedUnits(9, 4), matrices(9, 2)
    other, n = K.copy(), 9
    other[:, np.arange(n), np.arange(n) + n] += 0.1
    other[:, np.arange(n) + n, np.arange(n)] += 0.1
    other += 3 * np.eye(2 * n)
    one, two = (form_of(sums_of(each, units), units, "unbiased") for each in (K, other))
    differences = [S[:4] - S[4:] for S in (one, two)]
    assert_close(*[D[:, :4] - D[:, 4:] for D in differences])


# --- relabelings ---------------------------------------------------------------------------------


@EACH
@ESTIMATORS
@pytest.mark.parametrize("R", [1, 2])
def test_every_relabeling_has_the_mmd_of_its_signs(units, wanted, estimator, R):
    """The observed one is the first."""
    drawn = Flips(units, wanted)
    K = matrices(units.pairs, R)
    S = form_of(sums_of(K, units), units, estimator)
    found = statistics(S, drawn, forms(drawn, np.random.default_rng(3)))
    signs = signs_of(drawn, np.random.default_rng(3))
    assert len(signs) == drawn.total
    assert (signs[0] == 1).all()
    values = found.deviations + found.mean[:, None]
    assert_close(values, direct(K, signs, estimator))
    assert_close(found.observed, values[:, 0])


def test_random_flips_are_all_of_their_cosets():
    """No two of one shuffle are the same or opposite."""
    drawn = Flips(PairedUnits(12, 12), 200)
    signs = signs_of(drawn, np.random.default_rng(0))
    cosets = signs.reshape(drawn.swaps.shuffles, 1 << drawn.swaps.dimension, 12)
    for coset in cosets:
        up_to_sign = coset * coset[:, :1]
        assert len(np.unique(up_to_sign, axis=0)) == len(coset)


@EACH
@pytest.mark.parametrize("R", [1, 2])
@ESTIMATORS
def test_sums_and_forms_are_not_changed(units, wanted, estimator, R):
    """Sums of one component lie in memory as the form does, and a copy must be asked for."""
    weights, drawn = np.ones(R), Flips(units, wanted)
    paired = sums_of(matrices(units.pairs, R), units)
    before = [np.copy(part) for part in (*vars(paired.sums).values(), paired.beside)]
    S = form_of(paired, units, estimator)
    form = S.copy()
    statistics(S, drawn, forms(drawn, np.random.default_rng(0)))
    null_variance(S, weights)
    np.testing.assert_array_equal(S, form)
    found(paired, drawn, estimator, weights)
    for part, was in zip((*vars(paired.sums).values(), paired.beside), before, strict=True):
        np.testing.assert_array_equal(part, was)


# --- the variance over all flips -----------------------------------------------------------------


@pytest.mark.parametrize(
    "units",
    [PairedUnits(2, 2), PairedUnits(3, 2), PairedUnits(8, 8), PairedUnits(20, 6)],
    ids=str,
)
@ESTIMATORS
def test_variance_is_that_of_all_flips(units, estimator):
    weights, K = np.array([0.5, 2.0]), matrices(units.pairs, 2)
    T = weights @ direct(K, all_signs(units), estimator)
    S = form_of(sums_of(K, units), units, estimator)
    assert null_variance(S, weights) == pytest.approx(T.var(), rel=1e-10)


@pytest.mark.parametrize("n", [2, 9, 60])
def test_variance_of_single_pairs_is_the_sum_of_squares(n):
    """``2 sum_{i != j} H_ij^2 / (n (n - 1))^2``, and their mean is 0."""
    weights, units, K = np.array([0.5, 2.0]), PairedUnits(n, n), matrices(n, 2)
    H = np.tensordot(weights, H_of(K), 1) * (1 - np.eye(n))
    S = form_of(sums_of(K, units), units, "unbiased")
    expected = 2 * np.square(H).sum() / (n * (n - 1)) ** 2
    assert null_variance(S, weights) == pytest.approx(expected, rel=1e-10)
    if n < 12:
        mean = direct(K, all_signs(units), "unbiased").mean(axis=1)
        np.testing.assert_allclose(mean, 0, atol=1e-16)


def test_variance_of_partners_that_are_copies_is_0():
    X = matrices(9, 2)[:, :9, :9]
    K, units = np.block([[X, X], [X, X]]), PairedUnits(9, 4)
    S = form_of(sums_of(K, units), units, "unbiased")
    np.testing.assert_allclose(null_variance(S, np.ones(2)), 0, atol=1e-30)


# --- what is found -------------------------------------------------------------------------------


def found(paired, drawn, estimator, weights, combine="mean"):
    how = Combination(combine, weights, paired.sums.squares, drawn.units.pairs)
    return findings(
        paired,
        drawn.units,
        how,
        estimator,
        lambda S: statistics(S, drawn, forms(drawn, np.random.default_rng(0))),
    )


@EACH
@ESTIMATORS
def test_the_estimate_is_that_of_influences_made_by_hand(units, wanted, estimator):
    """Unbiased, whatever the estimator; its error is that of a mean over pairs."""
    weights, n = np.array([0.5, 2.0]), units.pairs
    K = matrices(n, 2)
    ours = found(sums_of(K, units, weights), Flips(units, wanted), estimator, weights)
    H = np.tensordot(weights, H_of(K), 1)
    influence = [math.fsum(H[i, j] for j in range(n) if j != i) / (n - 1) for i in range(n)]
    centre = math.fsum(influence) / n
    variance = math.fsum((h - centre) ** 2 for h in influence) / (n - 1)
    assert ours.estimate.mmd_squared == pytest.approx(centre, rel=1e-10)
    assert ours.estimate.standard_error == pytest.approx(math.sqrt(4 * variance / n), rel=1e-10)
    S = form_of(sums_of(K, units), units, "unbiased")
    assert ours.estimate.null_variance == pytest.approx(null_variance(S, weights), rel=1e-12)


@EACH
@ESTIMATORS
def test_components_and_mmd_are_by_the_estimator_asked_for(units, wanted, estimator):
    weights, K = np.array([0.5, 2.0]), matrices(units.pairs, 2)
    ours = found(sums_of(K, units, weights), Flips(units, wanted), estimator, weights)
    expected = direct(K, np.ones((1, units.pairs)), estimator)[:, 0]
    np.testing.assert_allclose(ours.components, expected, rtol=1e-11)
    assert ours.mmd_squared == pytest.approx(weights @ expected, rel=1e-11)
    assert ours.null.statistic == pytest.approx(weights @ expected, rel=1e-11)


@EACH
@ESTIMATORS
def test_the_pvalue_counts_flips_that_reach_the_observed_one(units, wanted, estimator):
    weights, K = np.array([0.5, 2.0]), matrices(units.pairs, 2)
    drawn = Flips(units, wanted)
    ours = found(sums_of(K, units, weights), drawn, estimator, weights)
    T = weights @ direct(K, signs_of(drawn, np.random.default_rng(0)), estimator)
    assert ours.null.pvalue == (T[0] - 1e-13 <= T).mean()


def test_rounding_is_that_of_all_values_that_count():
    """As of two samples: those on the diagonal in the biased estimate alone."""
    units, K = PairedUnits(13, 5), matrices(13, 2)
    larger = K + 7 * np.eye(26)
    one, two = sums_of(K, units).sums, sums_of(larger, units).sums
    np.testing.assert_array_equal(*(tolerance(sums, units, "unbiased") for sums in (one, two)))
    first, second = (tolerance(sums, units, "biased") for sums in (one, two))
    assert (second > 3 * first).all()
    assert (second < 1e-12).all()


def test_a_kernel_whose_squared_distance_is_negative_is_refused():
    units, K = PairedUnits(9, 9), -matrices(9, 1)
    with pytest.raises(ValueError, match=r"`kernel` must be .*positive definite"):
        found(sums_of(K, units), Flips(units, 99), "unbiased", np.ones(1))
