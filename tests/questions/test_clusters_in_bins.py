"""`mmd_test` of so many clusters that bins of them move."""

import numpy as np
import pytest
from given import (
    as_tensor,
    assert_same_answer,
    between_clusters,
    in_clusters,
    in_order,
    needs,
)

import repdist
from repdist import kernels
from repdist._designs import clusters

COMBINE = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
KERNEL = kernels.MultiRBF((0.8, 2.0))
SIZES = np.random.default_rng(0).integers(1, 4, size=580)
X, IDS_X = in_clusters(SIZES[:300], seed=1)
Y, IDS_Y = in_clusters(SIZES[300:], seed=2, shift=0.1)


def first_of_each(n, m):
    """The rows of so many clusters of each sample, and their clusters."""
    x, y = np.isin(IDS_X, np.arange(n)), np.isin(IDS_Y, np.arange(m))
    return X[x], Y[y], (IDS_X[x], IDS_Y[y] + 1000)


def answer(first=X, second=Y, ids=(IDS_X, IDS_Y + 1000), **options):
    options = {"kernel": KERNEL, "n_resamples": 999, "rng": 0, "n_jobs": 1} | options
    return repdist.mmd_test(first, second, clusters=ids, **options)


@pytest.fixture(scope="module")
def kbar():
    """The kernel between all clusters, once."""
    return between_clusters(KERNEL, X, Y, IDS_X, IDS_Y)


# --- the number, its error and interval ----------------------------------------------------------


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize("n_bins", ["auto", "rows", 5])
def test_mmd_squared_and_error_are_those_of_the_kernel_between_clusters(kbar, estimator, n_bins):
    """Whatever moves: 300 and 280 clusters of 1 to 3 rows."""
    n_bins = n_bins if n_bins != "rows" else 250
    rows = np.arange(580)
    expected = repdist.mmd_test(
        rows[:300], rows[300:], kernel=kernels.Precomputed(kbar), estimator=estimator,
        n_resamples=99, rng=0,
    )  # fmt: skip
    got = answer(estimator=estimator, n_bins=n_bins, n_resamples=99)
    assert got.mmd_squared == pytest.approx(expected.mmd_squared, rel=1e-10)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=1e-10)
    assert got.clusters.describe() == "300 + 280 clusters of 1 to 3 rows"


def test_the_interval_is_that_of_the_same_bins_of_the_kernel_between_clusters(kbar):
    """Clusters are shuffled as rows are: with the same `rng` the same ones are in a bin."""
    turned = np.r_[np.arange(300, 580), np.arange(300)]
    K = kbar[np.ix_(turned, turned)]
    expected = repdist.mmd_test(
        np.arange(280), np.arange(280, 580), kernel=kernels.Precomputed(K), rng=0
    )
    got = answer(Y, X, (IDS_Y + 1000, IDS_X))
    np.testing.assert_allclose(got.confidence_interval(), expected.confidence_interval(), rtol=1e-9)


@pytest.mark.parametrize(("n", "m"), [(35, 80), (30, 31)])
@pytest.mark.parametrize("at_a_time", [7, 35])
def test_so_many_clusters_at_a_time_change_nothing_but_rounding(monkeypatch, at_a_time, n, m):
    """Of the last chunk some are left; a unit can lie in two chunks, and a sample in one."""
    some = first_of_each(n, m)
    expected = answer(*some, n_bins=8)
    assert expected.relabelings.bins.size > 2
    monkeypatch.setattr(clusters, "AT_A_TIME", at_a_time)
    assert_same_answer(answer(*some, n_bins=8), expected, 1e-9)


@pytest.mark.parametrize("at_a_time", [3, 10])
def test_so_many_pairs_of_clusters_at_a_time_change_nothing_but_rounding(monkeypatch, at_a_time):
    first, second, (ids_x, ids_y) = first_of_each(20, 20)
    some = first, second, (ids_x, ids_y - 1000)
    expected = answer(*some, paired=True, n_bins=8)
    assert expected.relabelings.units.bins == 10
    monkeypatch.setattr(clusters, "AT_A_TIME", at_a_time)
    assert_same_answer(answer(*some, paired=True, n_bins=8), expected, 1e-9)


def test_the_statistic_of_bins_is_the_ratio_of_bins_as_rows(monkeypatch, kbar):
    """Four clusters a bin, by loops: a bin is a row whose kernel is the mean over its clusters."""
    monkeypatch.setattr(clusters, "row_order", lambda n, rng: np.arange(n))
    kernel = kernels.Precomputed(kbar)
    first, second = np.arange(22), np.arange(300, 329)  # 5 bins and 2 clusters; 7 and 1
    result = repdist.mmd_test(
        first, second, clusters=(first, second), kernel=kernel, n_bins=5, n_resamples=99, rng=0
    )
    assert (result.n_bins, result.relabelings.bins.size) == (5, 4)
    bins = [*first[:20].reshape(5, 4), *second[:28].reshape(7, 4)]
    B = np.array([[kbar[np.ix_(a, b)].mean() for b in bins] for a in bins])

    def centred(part):
        return part - part.mean(axis=0) - part.mean(axis=1, keepdims=True) + part.mean()

    off = B * (1 - np.eye(12))
    T = off[:5, :5].sum() / 20 + off[5:, 5:].sum() / 42 - 2 * off[:5, 5:].mean()
    variance = 4 * (centred(B[:5, 5:]) ** 2).sum() / 35**2
    for part in (centred(B[:5, :5]), centred(B[5:, 5:])):
        n = len(part)
        variance += 2 * ((part**2).sum() - (np.diag(part) ** 2).sum()) / (n * (n - 1)) ** 2
    assert result.statistic == pytest.approx(T / np.sqrt(variance), rel=1e-10)


def test_bins_see_a_difference_and_none():
    shifted = answer(Y + 0.2, X, (IDS_Y + 1000, IDS_X))
    assert shifted.pvalue == shifted.relabelings.least_pvalue
    rng = np.random.default_rng(0)
    order = rng.permutation(300)  # of the clusters of X themselves
    left, right = np.isin(IDS_X, order[:150]), np.isin(IDS_X, order[150:])
    same = answer(X[left], X[right], (IDS_X[left], IDS_X[right]))
    assert 0.05 < same.pvalue < 0.99


# --- what changes nothing ------------------------------------------------------------------------


@COMBINE
def test_the_number_of_threads_changes_no_bit(combine):
    one, two = (answer(combine=combine, n_jobs=k, n_resamples=9999) for k in (1, 2))
    assert (one.statistic, one.mmd_squared) == (two.statistic, two.mmd_squared)
    np.testing.assert_array_equal(one.null_distribution, two.null_distribution)


@needs("torch")
def test_torch_gives_the_answer_of_numpy():
    first, second, (ids_x, ids_y) = first_of_each(60, 50)
    got = answer(as_tensor(first), as_tensor(second), (ids_x, as_tensor(ids_y)), n_bins=10)
    assert_same_answer(got, answer(first, second, (ids_x, ids_y), n_bins=10), 1e-9)


def test_files_give_the_same_bits(tmp_path):
    for name, Z in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", Z)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    got, expected = answer(*mapped), answer()
    assert got.mmd_squared == expected.mmd_squared
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)


def test_single_precision_gives_nearly_the_same():
    single = answer(X.astype(np.float32), Y.astype(np.float32))
    assert single.mmd_squared == pytest.approx(answer().mmd_squared, rel=1e-3)
    assert single.pvalue == pytest.approx(answer().pvalue, abs=5e-3)


# --- what is said --------------------------------------------------------------------------------


def test_the_result_speaks_of_bins():
    result = answer()
    assert (result.n_bins, result.relabelings.bins.movable) == (70, (70, 75))
    assert "bins of 4 clusters, of 300 + 280 clusters of 1 to 3 rows" in result.summary()
    left = answer(*first_of_each(150, 140), n_bins=9)
    assert left.relabelings.bins.size == 15
    assert "(5 clusters in no bin)" in left.summary()
    names = {"repdist": repdist, "X": X, "Y": Y, "ids_x": IDS_X, "ids_y": IDS_Y + 1000}
    call = result.call().partition("#")[0].rstrip()[:-1] + ", rng=0)"
    np.testing.assert_array_equal(eval(call, names).null_distribution, result.null_distribution)


def test_every_cluster_by_itself_if_asked_for_and_if_they_are_few():
    result = answer(*first_of_each(150, 140), n_bins="rows")
    assert (result.n_bins, result.relabelings.bins.size) == (140, 1)
    assert "bins" not in result.summary()
    assert answer(*first_of_each(130, 126)).relabelings.bins.size == 1
    assert answer(*first_of_each(130, 127)).relabelings.bins.size == 1  # 127 // 64
    assert answer(*first_of_each(130, 128)).relabelings.bins.size == 2


def test_more_bins_than_clusters_are_refused():
    with pytest.raises(ValueError, match=in_order("`n_bins`", "280 clusters", "got 281")):
        answer(n_bins=281)
