"""`mmd_test` of pairs of clusters: clusters of one id belong together, of any sizes."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from given import as_tensor, assert_same_answer, between_clusters, in_order, needs

import repdist
from repdist import kernels

COMBINE = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
KERNEL = kernels.MultiRBF((0.8, 2.0))


def in_pairs(count, most, shift=0.0, seed=0):
    """Rows of two samples, and the numbers of their clusters, of which all stand in both."""
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(count, 3))
    found = []
    for step in (0.0, shift):
        ids = rng.permutation(np.repeat(np.arange(count), rng.integers(1, most + 1, size=count)))
        found.append((means[ids] + 0.5 * rng.normal(size=(len(ids), 3)) + step, ids))
    return found


(X, IDS_X), (Y, IDS_Y) = in_pairs(11, 5, shift=0.3)


def answer(first=X, second=Y, ids=(IDS_X, IDS_Y), **options):
    options = {"kernel": KERNEL, "rng": 0, "n_jobs": 1} | options
    return repdist.mmd_test(first, second, paired=True, clusters=ids, **options)


@COMBINE
@ESTIMATORS
@pytest.mark.parametrize("count", [11, 300])
def test_all_numbers_are_those_of_pairs_of_the_kernel_between_clusters(combine, estimator, count):
    """Also in bins of pairs: with the same `rng` the same pairs are in a bin."""
    (x, ids_x), (y, ids_y) = in_pairs(count, 3, shift=0.2, seed=1)
    K = between_clusters(KERNEL, x, y, ids_x, ids_y)
    one = kernels.Precomputed(K)
    options = {"estimator": estimator, "n_resamples": 999}
    got = answer(x, y, (ids_x, ids_y), combine=combine, **options)
    numbers = np.arange(count), np.arange(count, 2 * count)
    expected = repdist.mmd_test(*numbers, paired=True, kernel=one, rng=0, **options)
    assert got.mmd_squared == pytest.approx(expected.mmd_squared, rel=1e-10)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=1e-9)
    np.testing.assert_allclose(got.confidence_interval(), expected.confidence_interval(), rtol=1e-8)
    assert (got.n, got.m) == (len(x), len(y))
    assert got.relabelings.units == expected.relabelings.units
    if combine == "mean":
        assert got.pvalue == expected.pvalue
        assert got.statistic == pytest.approx(expected.statistic, rel=1e-9)


@COMBINE
def test_the_pvalue_is_that_of_all_flips(combine):
    """MMD^2 of one kernel under all 1,024 ways to change sides, by H of cluster means."""
    K = between_clusters(kernels.RBF(1.0), X, Y, IDS_X, IDS_Y)
    H = K[:11, :11] + K[11:, 11:] - K[:11, 11:] - K[11:, :11]
    np.fill_diagonal(H, 0)
    signs = np.array([[1, *rest] for rest in itertools.product([1, -1], repeat=10)])
    T = np.einsum("bi,ij,bj->b", signs, H, signs) / 110
    result = answer(kernel=kernels.RBF(1.0), combine=combine)
    assert result.exhaustive
    assert result.pvalue == (T[0] - 1e-13 <= T).mean()
    assert result.mmd_squared == pytest.approx(T[0], rel=1e-10)


@COMBINE
def test_clusters_of_one_row_are_pairs_in_any_order(combine):
    rng = np.random.default_rng(3)
    first = rng.normal(size=(40, 3))
    second = first + 0.3 * rng.normal(size=(40, 3)) + 0.1
    order = rng.permutation(40)
    got = answer(first, second[order], (range(40), order), combine=combine)
    expected = repdist.mmd_test(
        first, second, paired=True, kernel=KERNEL, combine=combine, rng=0, n_jobs=1
    )
    assert_same_answer(got, expected, 1e-9)


# --- what changes nothing ------------------------------------------------------------------------


@COMBINE
def test_the_order_of_rows_and_of_ids_changes_nothing(combine):
    rng = np.random.default_rng(0)
    p, q = rng.permutation(len(X)), rng.permutation(len(Y))
    expected = answer(combine=combine)
    assert_same_answer(answer(X[p], Y[q], (IDS_X[p], IDS_Y[q]), combine=combine), expected, 1e-9)
    turned = answer(ids=(-IDS_X, -IDS_Y), combine=combine)
    assert turned.pvalue == expected.pvalue  # all flips
    assert turned.standard_error == pytest.approx(expected.standard_error, rel=1e-9)


def test_exchanging_the_samples_changes_nothing():
    assert_same_answer(answer(Y, X, (IDS_Y, IDS_X)), answer(), 1e-9)


@pytest.mark.parametrize("count", [11, 300])
def test_the_number_of_threads_changes_no_bit(count):
    (x, ids_x), (y, ids_y) = in_pairs(count, 3)
    one, two = (answer(x, y, (ids_x, ids_y), n_jobs=k) for k in (1, 2))
    assert one.mmd_squared == two.mmd_squared
    np.testing.assert_array_equal(one.null_distribution, two.null_distribution)


@needs("torch")
@pytest.mark.parametrize("count", [11, 150])
def test_torch_gives_the_answer_of_numpy(count):
    (x, ids_x), (y, ids_y) = in_pairs(count, 3)
    got = answer(as_tensor(x), as_tensor(y), (as_tensor(ids_x), ids_y), n_resamples=999)
    assert_same_answer(got, answer(x, y, (ids_x, ids_y), n_resamples=999), 1e-9)


def test_files_give_the_same_bits(tmp_path):
    for name, Z in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", Z)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    got, expected = answer(*mapped), answer()
    assert got.mmd_squared == expected.mmd_squared
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)


def test_a_column_of_ids_is_no_feature():
    first, second = (
        pd.DataFrame(Z, columns=list("abc")).assign(donor=ids)
        for Z, ids in ((X, IDS_X), (Y, IDS_Y))
    )
    got = answer(first, second[["donor", "c", "b", "a"]], "donor")
    assert_same_answer(got, answer(), 1e-12)
    assert got.cautions == answer().cautions


@needs("torch")
def test_small_differences_of_single_precision_are_seen():
    """As those of pairs of rows: computed in float64."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(120, 16)).astype(np.float32)
    second = first + (0.01 * rng.normal(size=first.shape)).astype(np.float32)
    second[:, 0] += np.float32(0.02)
    ids = np.arange(120) // 2
    single, double = (
        answer(first.astype(dtype), second.astype(dtype), (ids, ids), kernel=kernels.MultiRBF())
        for dtype in (np.float32, np.float64)
    )
    assert single.pvalue == double.pvalue == 2**-14
    assert single.mmd_squared == pytest.approx(double.mmd_squared, rel=1e-9)


# --- clusters without a partner ------------------------------------------------------------------


def test_clusters_without_a_partner_are_refused_or_left_out():
    lone_x, lone_y = IDS_X == 4, np.isin(IDS_Y, [2, 7])
    ids = np.where(lone_x, 100, IDS_X), np.where(lone_y, IDS_Y + 200, IDS_Y)
    with pytest.raises(ValueError, match=in_order("`clusters` must have rows in both", "paired")):
        answer(ids=ids)
    got = answer(ids=ids, unmatched="drop")
    x, y = ~np.isin(IDS_X, [2, 4, 7]), ~np.isin(IDS_Y, [2, 4, 7])
    expected = answer(X[x], Y[y], (IDS_X[x], IDS_Y[y]))
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)
    assert (got.n, got.m, got.clusters.first) == (x.sum(), y.sum(), 8)
    caution = f"left out: {(~x).sum()} rows of X and {(~y).sum()} of Y, in no pair of clusters"
    assert got.cautions == (caution, *expected.cautions)


def test_what_is_refused():
    apart = IDS_X, IDS_Y + 100
    with pytest.raises(ValueError, match="No other is left"):
        answer(ids=apart, unmatched="drop")
    one = np.where(IDS_X == 0, 0, IDS_X + 100), np.where(IDS_Y == 0, 0, IDS_Y + 200)
    with pytest.raises(ValueError, match="at least two"):
        answer(ids=one, unmatched="drop")
    with pytest.raises(ValueError, match=in_order("`strata`", "all three")):
        answer(strata=(IDS_X, IDS_Y))
    with pytest.raises(ValueError, match=in_order("`n_bins`", "11 pairs of clusters")):
        answer(n_bins=12)


# --- what is said --------------------------------------------------------------------------------


def test_the_result_speaks_of_pairs_of_clusters(tmp_path):
    result = answer()
    words = "11 pairs of clusters of 1 to 5 rows"
    assert str(result).splitlines()[0] == f"Paired MMD test: {words}"
    assert f"all 1,024 ways to change sides within {words}" in str(result)
    assert result.method().startswith(f"The two sides of {words} were compared")
    assert "paired=True, clusters=(ids_x, ids_y), " in result.call()
    assert "standard deviation by label" not in result.method()
    assert result.statistic_name == "largest normal score"
    json.dumps(result.to_dict(), allow_nan=False)
    result.to_html(tmp_path / "page.html")
    names = {"repdist": repdist, "X": X, "Y": Y, "ids_x": IDS_X, "ids_y": IDS_Y}
    again = eval(result.call().partition("#")[0].rstrip()[:-1] + ", rng=0)", names)
    np.testing.assert_array_equal(again.null_distribution, result.null_distribution)


def test_clusters_that_differ_in_size_raise_no_caution():
    """A pair that changes sides takes its sizes along: nothing is wrong with it."""
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(9), 3), np.repeat(np.arange(9), 20)
    samples = [rng.normal(size=(len(some), 3)) for some in ids]
    assert not any("size" in caution for caution in answer(*samples, ids).cautions)
