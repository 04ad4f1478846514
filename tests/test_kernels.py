"""Kernels against their formulas, their bandwidth rules, and what rounding must not do."""

import inspect
import math
import pickle
import typing

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import FORMULAS, mmd_rbf

import repdist
from repdist import _distances, kernels

CASES = pytest.mark.parametrize(("kernel", "k"), FORMULAS.values(), ids=FORMULAS.keys())


def rows(n, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


@CASES
def test_matrix_equals_the_formula(kernel, k):
    X, Y = rows(5), rows(7, seed=1)
    expected = [[k(x, y) for y in Y.tolist()] for x in X.tolist()]
    np.testing.assert_allclose(kernel(X, Y), expected, rtol=1e-12, atol=1e-15)


@CASES
def test_diagonal_is_exact_when_both_arguments_are_the_same(kernel, k):
    X = rows(5) + 1000
    expected = [k(x, x) for x in X.tolist()]
    np.testing.assert_allclose(np.diagonal(kernel(X, X)), expected, rtol=1e-14)


@CASES
def test_torch_equals_numpy(kernel, k):
    X, Y = rows(5), rows(7, seed=1)
    K = kernel(torch.as_tensor(X), torch.as_tensor(Y))
    assert isinstance(K, torch.Tensor)
    np.testing.assert_allclose(K.numpy(), kernel(X, Y), rtol=1e-12)


@pytest.mark.parametrize("name", [name for name in FORMULAS if name != "polynomial"])
def test_float32_features_around_1000_give_the_float64_answer(name):
    kernel, _ = FORMULAS[name]
    X, Y = rows(300) + 1000, rows(300, seed=1) + 1000.5
    X32, Y32 = X.astype(np.float32), Y.astype(np.float32)
    exact = repdist.mmd_squared(X32.astype(float), Y32.astype(float), kernel=kernel)
    assert repdist.mmd_squared(X32, Y32, kernel=kernel) == pytest.approx(exact, rel=1e-5)


def test_many_squarings_keep_float32_accurate():
    """Bandwidths a factor sqrt(2) apart: without a new exponential now and then, error doubles."""
    widths = tuple(8.0 / math.sqrt(2) ** p for p in range(14))
    X = rows(200, d=8).astype(np.float32)
    wide, narrow = kernels.MultiRBF(widths), kernels.RBF(widths[-1])
    exact = sum(kernels.RBF(b)(X.astype(float), X.astype(float)) for b in widths) / len(widths)
    np.testing.assert_allclose(wide(X, X), exact, atol=2e-6)
    X = X / 10  # so that the narrowest one has values that count
    exact = narrow(X.astype(float), X.astype(float))
    alone = [K for r, K in components(wide, X) if r == 0]
    np.testing.assert_allclose(alone[0], exact, atol=5e-6)


def components(kernel, X):
    from repdist._array import Workspace, centre_row

    left, right = kernel._operands(X, centre_row(X), differences=False)
    work = Workspace(X, 0, reuse=False)
    return list(kernel._components(left, right, True, work))


def test_unfitted_kernels_say_so():
    for kernel in (kernels.RBF(), kernels.MultiRBF(), kernels.Laplacian(), kernels.Matern()):
        with pytest.raises(ValueError, match=r"must be fitted.*kernel\.fit\(Z\)"):
            kernel(rows(3), rows(3))


def test_fit_of_a_fitted_kernel_is_itself():
    for kernel, _ in FORMULAS.values():
        fitted = kernel.fit(rows(5))
        assert fitted.fit(100 * rows(5)) is fitted


def test_kernels_are_values():
    assert kernels.RBF(2) == kernels.RBF(2.0)
    assert hash(kernels.MultiRBF((1, 2))) == hash(kernels.MultiRBF((2.0, 1.0)))
    with pytest.raises(AttributeError):
        kernels.RBF(1.0).bandwidth = 2.0


# --- bandwidth rules -----------------------------------------------------------------------------


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
    for n in (40, 1500):
        Z = rows(n)
        fitted = kernels.MultiRBF().fit(torch.as_tensor(Z)).bandwidths
        np.testing.assert_allclose(fitted, kernels.MultiRBF().fit(Z).bandwidths, rtol=1e-12)


# --- the 2019 kernel -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"kernel_mul": 3.0}, {"kernel_num": 4}, {"fix_sigma": 2.5}], ids=str
)
def test_like_mmd_rbf_reproduces_mmd_rbf(options):
    X, Y = rows(6), rows(6, seed=1) + 0.3
    kernel = kernels.MultiRBF.like_mmd_rbf(**options)
    value = repdist.mmd_squared(X, Y, kernel=kernel, estimator="biased")
    assert value == pytest.approx(mmd_rbf(X, Y, **options), rel=1e-12)


def test_one_against_one_is_a_constant():
    expected = 10 - 2 * sum(math.exp(-e) for e in (4, 2, 1, 0.5, 0.25))
    kernel = kernels.MultiRBF.like_mmd_rbf()
    for seed in range(3):
        X, Y = rows(1, d=64, seed=seed), rows(1, d=64, seed=seed + 10)
        value = repdist.mmd_squared(X, Y, kernel=kernel, estimator="biased")
        assert value == pytest.approx(expected, rel=1e-12)
        assert value == pytest.approx(mmd_rbf(X, Y), rel=1e-12)
    assert expected == pytest.approx(6.1863, abs=5e-5)


# --- properties ----------------------------------------------------------------------------------

POSITIVE_DEFINITE = [name for name in FORMULAS if name != "energy"]


@settings(derandomize=True, deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), name=st.sampled_from(POSITIVE_DEFINITE))
def test_kernel_matrices_are_positive_semidefinite(seed, name):
    X = rows(12, seed=seed)
    K = FORMULAS[name][0](X, X)
    assert np.linalg.eigvalsh(K).min() >= -1e-10 * np.abs(K).max()


def test_energy_is_conditionally_positive_definite():
    X = rows(12)
    C = np.eye(12) - 1 / 12
    assert np.linalg.eigvalsh(C @ kernels.Energy()(X, X) @ C).min() > -1e-12


# --- kernels of users ----------------------------------------------------------------------------


class Cosine(kernels.Kernel):
    def evaluate(self, X, Y):
        xp = torch if isinstance(X, torch.Tensor) else np
        return (X @ Y.T) / xp.outer(xp.linalg.norm(X, axis=1), xp.linalg.norm(Y, axis=1))


def test_a_kernel_of_ones_own_works_everywhere():
    X, Y = rows(20), rows(30, seed=1) + 0.5
    K = Cosine()(np.concatenate([X, Y]), np.concatenate([X, Y]))
    n = 20
    expected = K[:n, :n].mean() + K[n:, n:].mean() - 2 * K[:n, n:].mean()
    value = repdist.mmd_squared(X, Y, kernel=Cosine(), estimator="biased")
    assert value == pytest.approx(expected, rel=1e-12)
    result = repdist.mmd_test(X, Y, kernel=Cosine(), n_resamples=99, rng=0)
    on_torch = repdist.mmd_test(
        torch.as_tensor(X), torch.as_tensor(Y), kernel=Cosine(), n_resamples=99, rng=0
    )
    assert result.pvalue == on_torch.pvalue


def test_precomputed_equals_the_kernel_it_was_computed_from():
    X, Y = rows(20), rows(15, seed=1) + 0.5
    Z = np.concatenate([X, Y])
    rbf = kernels.RBF(1.0)
    computed = repdist.mmd_test(X, Y, kernel=rbf, rng=0)
    looked_up = repdist.mmd_test(
        np.arange(20), np.arange(20, 35), kernel=kernels.Precomputed(rbf(Z, Z)), rng=0
    )
    assert looked_up.pvalue == computed.pvalue
    assert looked_up.mmd_squared == pytest.approx(computed.mmd_squared, rel=1e-12)


def test_an_offset_does_not_change_the_median():
    Z = rows(60)
    for offset in (1e6, -1e8):
        assert repdist.median_heuristic(Z + offset) == pytest.approx(
            repdist.median_heuristic(Z), rel=1e-6
        )


def test_a_bandwidth_that_float32_cannot_hold_is_named():
    X = rows(300).astype(np.float32)
    with pytest.raises(ValueError, match=r"`kernel` must have bandwidths.*1e-20"):
        repdist.mmd_squared(X, X + 1, kernel=kernels.RBF(1e-20))


def test_the_number_of_bandwidths_depends_on_no_row_order():
    """On these lattices the span is a whole number of steps, but for rounding."""
    rng = np.random.default_rng(0)
    for steps in ([2, 2, 0, 1, 0, 0, 0, 2], [0, 1, 0, 2, 0, 2, 2, 2]):
        Z = np.array(steps) * 0.3 + 5.3
        counts = {len(kernels.MultiRBF().fit(rng.permutation(Z)).bandwidths) for _ in range(50)}
        assert len(counts) == 1


def test_equal_rows_of_small_samples_are_at_distance_0():
    """Matrix products would put them about 1e-8 of their norm apart, and break ties."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = rng.normal(size=7), 1e3 * rng.normal(size=7)
        value = repdist.mmd_squared([a, a], [b, b, b], kernel=kernels.Energy())
        assert value == pytest.approx(2 * np.linalg.norm(a - b), rel=1e-14)


@pytest.mark.parametrize("n", [5, 64, 65, 200])
def test_bandwidths_are_fitted_on_the_distances_of_all_pairs(n):
    Z = np.random.default_rng(n).normal(size=(n, 4))
    expected = [np.sqrt(((Z[i] - Z[j]) ** 2).sum()) for i in range(n) for j in range(i)]
    np.testing.assert_allclose(_distances.positive_distances(Z), expected, rtol=1e-10)


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
    np.testing.assert_array_equal(_distances.quantiles(values, fractions), expected)


def test_quantiles_hold_where_the_sample_misleads():
    """Every fourth value is small: a sample of each fourth sees nothing else."""
    values = np.random.default_rng(0).random(16_384)
    values[::4] /= 1000
    fractions = [0.05, 0.5, 0.95]
    expected = np.quantile(values, fractions)
    np.testing.assert_array_equal(_distances.quantiles(values, fractions), expected)


@pytest.mark.parametrize(
    "name", sorted(set(kernels.__all__) - {"Kernel", "Precomputed", "median_heuristic"})
)
def test_a_kernel_prints_before_and_after_it_is_fitted(name):
    kernel = getattr(kernels, name)()
    assert str(kernel) == repr(kernel)
    fitted = kernel.fit(np.arange(12.0).reshape(6, 2))
    assert name in str(fitted)
    assert pickle.loads(pickle.dumps(fitted)) == fitted


@pytest.mark.parametrize("name", kernels.__all__)
def test_the_source_and_the_types_of_a_kernel_can_be_looked_up(name):
    assert name in inspect.getsource(getattr(kernels, name))
    assert typing.get_type_hints(getattr(kernels, name)) is not None
