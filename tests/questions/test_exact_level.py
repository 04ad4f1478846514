"""The level without chance: no relabeling of one pooled sample may be favoured.

For a fixed pooled sample, run the test with every relabeling as the observed one. Exactness means
that at most a fraction a of them gets p <= a, for every a. This fails for sure, not by chance, if
anything in the test (a bandwidth, a moment, a tie) treats the observed labels in a special way.
"""

import itertools

import numpy as np
import pytest
from oracles import all_choices, assert_exact

import repdist
from repdist import kernels
from repdist._questions import outcomes

COMBINATIONS = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])

POOLED = {
    "gaussian": np.random.default_rng(0).normal(size=(8, 2)),
    "ties": np.random.default_rng(1).integers(0, 2, size=(8, 2)).astype(float),
    "outlier": np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 50.0])[:, None],
    "two far clusters": np.array([0.0, 0.1, 0.2, 0.3, 50.0, 50.1, 50.2, 50.3])[:, None],
    "float32": np.random.default_rng(2).normal(size=(8, 3)).astype(np.float32),
}
KERNELS = {
    "multi-rbf": kernels.MultiRBF(),
    "three bandwidths": kernels.MultiRBF("median", size=3),
    "mmd_rbf": kernels.MultiRBF.like_mmd_rbf(),
    "rbf": kernels.RBF(),
    "laplacian": kernels.Laplacian(),
    "energy": kernels.Energy(),
}
# Two of the six combinations and estimators for each sample and kernel, so that each kernel, and
# each sample, has all six.
CASES = [
    (kernel, pooled, combine, estimator)
    for (i, kernel), (j, pooled) in itertools.product(enumerate(KERNELS), enumerate(POOLED))
    for place, (combine, estimator) in enumerate(
        itertools.product(["max", "mean", "fuse"], ["unbiased", "biased"])
    )
    if (i + j + place) % 3 == 0
]


@pytest.mark.parametrize(("kernel", "pooled", "combine", "estimator"), CASES)
def test_single_rows_over_all_70_relabelings(kernel, pooled, combine, estimator):
    rows, options = POOLED[pooled], {"combine": combine, "estimator": estimator, "n_jobs": 1}
    results = [
        repdist.mmd_test(rows[first], rows[second], kernel=KERNELS[kernel], **options)
        for first, second in all_choices(8, 4)
    ]
    assert all(result.exhaustive and result.n_resamples == 70 for result in results)
    assert_exact([result.pvalue for result in results])
    assert_exact([result.null.lower_pvalue() for result in results])


@COMBINATIONS
@ESTIMATORS
def test_bins_and_frozen_rows_over_all_relabelings_of_the_units(monkeypatch, combine, estimator):
    """Three and four bins of two rows, one frozen row in the first sample and one in the second.

    The rows stand unit by unit and are not shuffled, so the partition stays fixed.
    """
    monkeypatch.setattr(outcomes, "row_order", lambda n, rng: np.arange(n))
    Z = np.random.default_rng(3).normal(size=(16, 2))
    bins, frozen = Z[:14].reshape(7, 2, 2), Z[14:]
    pvalues = []
    for first, second in all_choices(7, 3):
        X = np.concatenate([*bins[first], frozen[:1]])
        Y = np.concatenate([*bins[second], frozen[1:]])
        result = repdist.mmd_test(
            X, Y, n_bins=3, combine=combine, estimator=estimator, rng=0, n_jobs=1
        )
        assert (result.n_bins, result.n_resamples, result.exhaustive) == (3, 35, True)
        pvalues.append(result.pvalue)
    assert_exact(pvalues)
    assert min(pvalues) == 1 / 35


@COMBINATIONS
def test_the_smallest_and_the_largest_pvalue_are_reached(combine):
    """The bound above is not met by p-values that are simply too large."""
    pvalues = [
        repdist.mmd_test(POOLED["gaussian"][a], POOLED["gaussian"][b], combine=combine).pvalue
        for a, b in all_choices(8, 4)
    ]
    assert min(pvalues) == pytest.approx(2 / 70)
    np.testing.assert_allclose(np.sort(pvalues)[::2], np.arange(1, 36) / 35)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("combine", "n", "m"),
    [
        ("max", 150, 150),
        ("mean", 150, 150),
        ("fuse", 150, 150),
        ("max", 150, 700),
        ("max", 20, 400),
    ],
)
def test_level_of_random_relabelings(combine, n, m, chance_seed):
    """1,000 null samples in file order of their clusters; the level is .05.

    False failure 1e-4 a case; a level of .10 is rejected with probability .99.
    """
    from oracles import assert_rate_at_most

    rng = np.random.default_rng(chance_seed)
    hits = 0
    for _ in range(1000):
        X, Y = (
            np.sort(rng.normal(size=size) + 3 * rng.integers(0, 3, size=size)) for size in (n, m)
        )
        result = repdist.mmd_test(X, Y, combine=combine, n_resamples=199, rng=rng, n_jobs=1)
        hits += result.pvalue <= 0.05
    assert_rate_at_most(hits, 1000, 0.05)


# --- samples that once broke the level, or lost ties to rounding ---------------------------------


@COMBINATIONS
def test_a_lattice_on_which_the_number_of_bandwidths_could_depend_on_the_order(combine):
    """The quantiles' ratio is a whole power of sqrt(2): rounding must not add a bandwidth."""
    Z = np.array([0, 2, 1, 1, 0, 0, 0, 1]) / 3
    pvalues = [
        repdist.mmd_test(Z[first], Z[second], combine=combine, n_jobs=1).pvalue
        for first, second in all_choices(8, 3)
    ]
    assert_exact(pvalues)


@pytest.mark.parametrize("bandwidth", [0.1, 0.2, 0.3])
@ESTIMATORS
def test_a_kernel_that_is_nearly_0_off_the_diagonal(bandwidth, estimator):
    """Biased sums round k(x, x) = 1, not the small values beside it."""
    Z = np.arange(8.0)
    kernel = kernels.RBF(bandwidth)
    pvalues = [
        repdist.mmd_test(Z[a], Z[b], kernel=kernel, estimator=estimator, n_jobs=1).pvalue
        for a, b in all_choices(8, 4)
    ]
    assert_exact(pvalues)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n", "m", "n_bins"), [(15, 15, 5), (18, 18, 6), (140, 150, "auto")])
def test_ties_survive_float32(n, m, n_bins, seed):
    """Binary data: samples, and kernel matrices, in float32 and float64 give one p-value."""
    rng = np.random.default_rng(seed)
    Z = rng.integers(0, 2, size=(n + m, 2)).astype(float)
    kernel = kernels.RBF(1.0)
    K = kernel(Z, Z)
    first, second = np.arange(n), np.arange(n, n + m)
    expected = repdist.mmd_test(Z[:n], Z[n:], kernel=kernel, n_bins=n_bins, rng=0).pvalue
    for values in (K, K.astype(np.float32)):
        looked_up = kernels.Precomputed(values)
        got = repdist.mmd_test(first, second, kernel=looked_up, n_bins=n_bins, rng=0)
        assert got.pvalue == expected
    single = Z.astype(np.float32)
    got = repdist.mmd_test(single[:n], single[n:], kernel=kernel, n_bins=n_bins, rng=0)
    assert got.pvalue == expected
