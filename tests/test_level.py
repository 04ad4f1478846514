"""The level without chance: no relabeling of one pooled sample may be favoured.

For a fixed pooled sample, run the test with every relabeling as the observed one. Exactness means
that at most a fraction a of them gets p <= a, for every a. This fails for sure, not by chance, if
anything in the test (a bandwidth, a moment, a tie) treats the observed labels in a special way.
"""

import itertools

import numpy as np
import pytest

import repdist
from repdist import kernels, two_sample

COMBINATIONS = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])

POOLED = {
    "gaussian": np.random.default_rng(0).normal(size=(8, 2)),
    "ties": np.random.default_rng(1).integers(0, 2, size=(8, 2)).astype(float),
    "outlier": np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 50.0])[:, None],
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


def assert_exact(pvalues):
    """`#{p <= a} <= a * total` for every a; it suffices to look at the p-values themselves."""
    pvalues = np.array(pvalues)
    for a in pvalues:
        assert (pvalues <= a + 1e-12).sum() <= len(pvalues) * a + 1e-9


def all_choices(total, chosen):
    for first in itertools.combinations(range(total), chosen):
        yield list(first), [i for i in range(total) if i not in first]


@COMBINATIONS
@ESTIMATORS
@pytest.mark.parametrize("pooled", POOLED.values(), ids=POOLED.keys())
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
def test_single_rows_over_all_70_relabelings(kernel, pooled, combine, estimator):
    results = [
        repdist.mmd_test(
            pooled[first], pooled[second], kernel=kernel, combine=combine, estimator=estimator,
            n_jobs=1,
        )
        for first, second in all_choices(8, 4)
    ]  # fmt: skip
    assert all(result.exhaustive and result.n_resamples == 70 for result in results)
    assert_exact([result.pvalue for result in results])


@COMBINATIONS
@ESTIMATORS
def test_bins_and_frozen_rows_over_all_relabelings_of_the_units(monkeypatch, combine, estimator):
    """Three and four bins of two rows, one frozen row in the first sample and one in the second.

    The rows stand unit by unit and are not shuffled, so the partition stays fixed.
    """
    monkeypatch.setattr(two_sample, "row_order", lambda n, rng: np.arange(n))
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
@COMBINATIONS
@pytest.mark.parametrize(("n", "m"), [(150, 150), (150, 700), (20, 400)])
def test_level_of_random_relabelings(combine, n, m):
    """2,000 null samples in file order of their clusters; the level is .05.

    False failure 1e-4 a case; a level of .08 is rejected with probability .99.
    """
    from oracles import assert_rate_at_most

    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(2000):
        X, Y = (
            np.sort(rng.normal(size=size) + 3 * rng.integers(0, 3, size=size)) for size in (n, m)
        )
        result = repdist.mmd_test(X, Y, combine=combine, n_resamples=199, rng=rng, n_jobs=1)
        hits += result.pvalue <= 0.05
    assert_rate_at_most(hits, 2000, 0.05)
