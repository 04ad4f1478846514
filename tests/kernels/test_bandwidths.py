"""Bandwidths that come from the data: the rules, the rows they are taken on, and quantiles."""

import math

import numpy as np
import pytest

import repdist
from repdist import kernels
from repdist.kernels import _bandwidths


def rows(n, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def pooled_distances(Z):
    return np.array(
        [math.dist(Z[i], Z[j]) for i in range(len(Z)) for j in range(i) if (Z[i] != Z[j]).any()]
    )


def test_median_heuristic_leaves_out_the_diagonal_and_duplicates():
    Z = np.concatenate([rows(20), rows(5)])  # the first five rows twice
    assert repdist.median_heuristic(Z) == pytest.approx(np.median(pooled_distances(Z)), rel=1e-12)
    assert repdist.median_heuristic(Z[:12], Z[12:]) == pytest.approx(
        np.median(pooled_distances(Z)), rel=1e-12
    )


def test_half_zero_distances_do_not_pull_the_median_down():
    """Sparse features: most rows are equal, and their distances must not count."""
    Z = np.concatenate([np.zeros((50, 2)), np.eye(2)])
    assert repdist.median_heuristic(Z) == pytest.approx(1.0, rel=1e-12)


def test_rules_equal_their_formulas():
    Z = rows(40)
    distances = pooled_distances(Z)
    median = np.median(distances)
    assert kernels.RBF().fit(Z).bandwidth == pytest.approx(median, rel=1e-12)
    l1 = [np.abs(Z[i] - Z[j]).sum() for i in range(40) for j in range(i)]
    assert kernels.Laplacian().fit(Z).bandwidth == pytest.approx(np.median(l1), rel=1e-12)
    around = kernels.MultiRBF("median", size=4).fit(Z).bandwidths
    powers = np.array([-1.5, -0.5, 0.5, 1.5])
    np.testing.assert_allclose(around, median * math.sqrt(2) ** powers, rtol=1e-12)
    mean = math.sqrt((distances**2).mean() / 2)
    around = kernels.MultiRBF("mean", size=3).fit(Z).bandwidths
    np.testing.assert_allclose(around, mean * np.array([0.5, 1, 2]) ** 0.5, rtol=1e-12)


def test_mean_rule_counts_zero_distances():
    Z = np.array([[0.0], [0.0], [3.0]])  # squared distances 0, 9, 9
    assert kernels.MultiRBF("mean", size=1).fit(Z).bandwidths[0] == pytest.approx(math.sqrt(3))


@pytest.mark.parametrize(("d", "size"), [(1, 10), (2, 10), (64, 10), (1, 3), (64, 2)])
def test_grid_covers_the_quantiles_with_the_smallest_ratio(d, size):
    Z = rows(60, d=d)
    low, high = np.quantile(pooled_distances(Z), [0.05, 0.95])
    widths = np.array(kernels.MultiRBF(size=size).fit(Z).bandwidths)
    assert 2 <= len(widths) <= size
    assert widths[0] <= low / 2 * (1 + 1e-12)
    assert widths[-1] >= 2 * high * (1 - 1e-12)
    p = 2 * np.log2(widths[1:] / widths[:-1])
    np.testing.assert_allclose(p, round(p[0]), rtol=1e-9)
    span = 2 * math.log2(4 * high / low)
    assert round(p[0]) == 1 or span > (round(p[0]) - 1) * (size - 1)


def test_features_in_64_dimensions_need_about_six_bandwidths():
    assert len(kernels.MultiRBF().fit(rows(500, d=64)).bandwidths) == 6


def test_large_samples_are_fitted_without_regard_to_order():
    Z = rows(5000, d=4)
    shuffled = np.random.default_rng(1).permutation(Z)
    for kernel in (kernels.MultiRBF(), kernels.RBF(), kernels.Laplacian()):
        assert kernel.fit(Z) == kernel.fit(shuffled)
    assert repdist.median_heuristic(Z) == repdist.median_heuristic(shuffled)


def test_large_samples_are_fitted_close_to_all_rows():
    from scipy.spatial.distance import pdist

    Z = rows(3000, d=8)
    assert repdist.median_heuristic(Z) == pytest.approx(np.median(pdist(Z)), rel=0.02)


def test_torch_fits_to_the_same_bandwidths():
    torch = pytest.importorskip("torch")
    for n in (40, 1500):
        Z = rows(n)
        fitted = kernels.MultiRBF().fit(torch.as_tensor(Z)).bandwidths
        np.testing.assert_allclose(fitted, kernels.MultiRBF().fit(Z).bandwidths, rtol=1e-12)


def test_an_offset_does_not_change_the_median():
    Z = rows(60)
    for offset in (1e6, -1e8):
        assert repdist.median_heuristic(Z + offset) == pytest.approx(
            repdist.median_heuristic(Z), rel=1e-6
        )


def test_the_number_of_bandwidths_depends_on_no_row_order():
    """On these lattices the span is a whole number of steps, but for rounding."""
    rng = np.random.default_rng(0)
    for steps in ([2, 2, 0, 1, 0, 0, 0, 2], [0, 1, 0, 2, 0, 2, 2, 2]):
        Z = np.array(steps) * 0.3 + 5.3
        counts = {len(kernels.MultiRBF().fit(rng.permutation(Z)).bandwidths) for _ in range(50)}
        assert len(counts) == 1


@pytest.mark.parametrize("n", [5, 64, 65, 200])
def test_bandwidths_are_fitted_on_the_distances_of_all_pairs(n):
    Z = np.random.default_rng(n).normal(size=(n, 4))
    expected = [np.sqrt(((Z[i] - Z[j]) ** 2).sum()) for i in range(n) for j in range(i)]
    np.testing.assert_allclose(_bandwidths.positive_distances(Z), expected, rtol=1e-10)


@pytest.mark.parametrize("size", [1, 2, 5, 100, 4096, 20_000])
@pytest.mark.parametrize("shape", ["even", "ties", "sorted", "tails"])
def test_quantiles_are_those_of_numpy_to_the_bit(size, shape):
    """Also where the sample that brackets them misses, or all values in the bracket are equal."""
    rng = np.random.default_rng(0)
    values = {
        "even": rng.random(size),
        "ties": rng.integers(3, size=size).astype(float),
        "sorted": np.sort(rng.normal(size=size)),
        "tails": rng.exponential(size=size) ** 5,
    }[shape]
    fractions = [0.0, 0.05, 0.5, 0.95, 1.0]
    expected = np.quantile(values, fractions)
    np.testing.assert_array_equal(_bandwidths.quantiles(values, fractions), expected)


def test_quantiles_hold_where_the_sample_misleads():
    """Every fourth value is small: a sample of each fourth sees nothing else."""
    values = np.random.default_rng(0).random(16_384)
    values[::4] /= 1000
    fractions = [0.05, 0.5, 0.95]
    expected = np.quantile(values, fractions)
    np.testing.assert_array_equal(_bandwidths.quantiles(values, fractions), expected)
