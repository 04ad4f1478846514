"""`mmd_test` of clusters within strata: a cluster is a row, inside its stratum."""

import json

import numpy as np
import pandas as pd
import pytest
from given import as_tensor, assert_same_answer, between_clusters, in_order, needs

import repdist
from repdist import kernels

COMBINE = pytest.mark.parametrize("combine", ["max", "mean"])
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
KERNEL = kernels.MultiRBF((0.8, 2.0))


def in_both(counts, most, shift=0.0, seed=0, start=0):
    """Rows with their clusters and strata; so many clusters of each stratum; in any order."""
    rng = np.random.default_rng(seed)
    stratum = np.repeat(np.arange(len(counts)), counts)
    clusters = np.repeat(np.arange(len(stratum)), rng.integers(1, most + 1, size=len(stratum)))
    means = 2 * stratum[:, None] + rng.normal(size=(len(stratum), 2))
    rows = means[clusters] + 0.5 * rng.normal(size=(len(clusters), 2)) + shift
    order = rng.permutation(len(rows))
    return rows[order], clusters[order] + start, stratum[clusters][order]


X, IDS_X, STRATA_X = in_both([5, 3, 4], 4, seed=1)
Y, IDS_Y, STRATA_Y = in_both([3, 6, 4], 5, shift=0.3, seed=2, start=100)
BOTH = (IDS_X, IDS_Y), (STRATA_X, STRATA_Y)


def answer(first=X, second=Y, ids=BOTH, **options):
    clusters, strata = ids
    options = {"kernel": KERNEL, "rng": 0, "n_jobs": 1} | options
    return repdist.mmd_test(first, second, clusters=clusters, strata=strata, **options)


def large():
    """More clusters than move by themselves."""
    first, second = in_both([100, 60], 2, seed=3), in_both([50, 90], 2, 0.1, seed=4, start=1000)
    return first[0], second[0], tuple(zip(first[1:], second[1:], strict=True))


def of_clusters(ids, strata):
    """The stratum of each cluster, in the order of their ids."""
    return strata[np.unique(ids, return_index=True)[1]]


def looked_up(first, second, ids, **options):
    """The test of rows within strata of the kernel between clusters."""
    (ids_x, ids_y), (strata_x, strata_y) = ids
    K = between_clusters(KERNEL, first, second, ids_x, ids_y)
    strata = of_clusters(ids_x, strata_x), of_clusters(ids_y, strata_y)
    numbers = np.arange(len(strata[0])), np.arange(len(strata[0]), len(K))
    kernel = kernels.Precomputed(K)
    return repdist.mmd_test(*numbers, strata=strata, kernel=kernel, rng=0, **options)


@pytest.mark.parametrize("samples", [lambda: (X, Y, BOTH), large], ids=["clusters", "bins"])
@pytest.mark.parametrize("swap", [False, True])
@ESTIMATORS
def test_all_numbers_are_those_of_strata_of_the_kernel_between_clusters(samples, swap, estimator):
    """With the same `rng` the same clusters are in a bin, so p is the same, too."""
    first, second, ids = samples()
    if swap:
        first, second, ids = second, first, tuple(some[::-1] for some in ids)
    options = {"estimator": estimator, "combine": "mean", "n_resamples": 999}
    got, expected = answer(first, second, ids, **options), looked_up(first, second, ids, **options)
    assert got.mmd_squared == pytest.approx(expected.mmd_squared, rel=1e-10)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=1e-10)
    assert got.null.pvalue == expected.pvalue <= got.pvalue
    np.testing.assert_allclose(
        got.confidence_interval(), expected.confidence_interval(), rtol=1e-8, atol=1e-12
    )
    pd.testing.assert_frame_equal(got.strata, expected.strata, rtol=1e-10)


@COMBINE
@pytest.mark.parametrize("n_bins", ["auto", 4])
def test_clusters_of_one_row_are_rows_within_strata(combine, n_bins):
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(20, 2)), rng.normal(size=(26, 2)) + 0.3
    strata = np.arange(20) % 3, np.arange(26) % 3
    options = {"combine": combine, "n_bins": n_bins}
    got = answer(first, second, ((np.arange(20), np.arange(26) + 50), strata), **options)
    expected = repdist.mmd_test(
        first, second, strata=strata, kernel=KERNEL, rng=0, n_jobs=1, **options
    )
    assert_same_answer(got, expected, 1e-9)
    pd.testing.assert_frame_equal(got.strata, expected.strata, rtol=1e-10)
    np.testing.assert_allclose(
        got.components.drop(columns="form"), expected.components.drop(columns="form"), rtol=1e-8
    )


def test_one_stratum_has_the_numbers_of_no_strata():
    """Its p is another: MMD^2 over its deviation by label is no quadratic form, and not within."""
    ids = (IDS_X, IDS_Y), (np.zeros(len(X)), np.zeros(len(Y)))
    got, expected = (
        answer(ids=ids),
        repdist.mmd_test(X, Y, clusters=(IDS_X, IDS_Y), kernel=KERNEL, rng=0),
    )
    assert got.mmd_squared == pytest.approx(expected.mmd_squared, rel=1e-10)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=1e-10)
    assert got.strata["mmd_squared"].item() == pytest.approx(expected.mmd_squared, rel=1e-10)


def test_a_difference_in_one_direction_and_one_that_cancels():
    """Clusters of equal sizes: of others p is that of the adjusted distance at the least."""
    first, clusters_x, strata_x = in_both([15, 15], 1, seed=6)
    second, clusters_y, strata_y = in_both([15, 15], 1, seed=7, start=100)
    first, clusters_x, strata_x, second, clusters_y, strata_y = (
        np.repeat(of, 2, axis=0)
        for of in (first, clusters_x, strata_x, second, clusters_y, strata_y)
    )
    ids = (clusters_x, clusters_y), (strata_x, strata_y)
    assert answer(first, second, ids).pvalue > 0.05
    assert answer(first, second + 2, ids).pvalue < 0.001
    apart = second + np.where(strata_y == 0, 2, -2)[:, None]
    result = answer(first, apart, ids)
    assert result.pvalue < 0.001
    least = result.components.groupby("form")["pvalue"].min()
    assert least["within"] < 0.001


# --- what changes nothing ------------------------------------------------------------------------


@COMBINE
def test_the_order_of_rows_and_of_samples_changes_nothing(combine):
    rng = np.random.default_rng(0)
    p, q = rng.permutation(len(X)), rng.permutation(len(Y))
    ids = (IDS_X[p], IDS_Y[q]), (STRATA_X[p], STRATA_Y[q])
    expected = answer(combine=combine)
    assert_same_answer(answer(X[p], Y[q], ids, combine=combine), expected, 1e-9)
    turned = answer(Y, X, tuple(some[::-1] for some in BOTH), combine=combine)
    assert turned.mmd_squared == pytest.approx(expected.mmd_squared, rel=1e-10)
    assert turned.strata["n"].tolist() == expected.strata["m"].tolist() == [3, 6, 4]


@pytest.mark.parametrize("samples", [lambda: (X, Y, BOTH), large], ids=["clusters", "bins"])
def test_the_number_of_threads_changes_no_bit(samples):
    one, two = (answer(*samples(), n_jobs=k) for k in (1, 2))
    assert one.mmd_squared == two.mmd_squared
    np.testing.assert_array_equal(one.null_distribution, two.null_distribution)


@needs("torch")
@pytest.mark.parametrize("n_bins", ["auto", 4])
def test_torch_gives_the_answer_of_numpy(n_bins):
    got = answer(as_tensor(X), as_tensor(Y), n_bins=n_bins, n_resamples=999)
    assert_same_answer(got, answer(n_bins=n_bins, n_resamples=999), 1e-9)


def test_files_give_the_same_bits(tmp_path):
    for name, Z in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", Z)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    got, expected = answer(*mapped), answer()
    assert got.mmd_squared == expected.mmd_squared
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)


def test_columns_of_ids_are_no_features():
    first, second = (
        pd.DataFrame(Z, columns=["a", "b"]).assign(video=ids, site=strata)
        for Z, ids, strata in ((X, IDS_X, STRATA_X), (Y, IDS_Y, STRATA_Y))
    )
    assert_same_answer(answer(first, second, ("video", "site")), answer(), 1e-12)
    mixed = answer(first.drop(columns="site"), second.drop(columns="site"), ("video", BOTH[1]))
    assert_same_answer(mixed, answer(), 1e-12)


# --- what is said and refused --------------------------------------------------------------------


def test_the_result_speaks_of_both(tmp_path):
    result = answer()
    assert str(result).splitlines()[0] == (
        "Two-sample MMD test: 12 + 13 clusters of 1 to 5 rows, within 3 strata"
    )
    assert "single clusters inside 3 strata" in result.summary()
    assert "in clusters each of which counts as one, in 3 strata" in result.method()
    call = result.call()
    assert "clusters=(ids_x, ids_y), strata=(strata_x, strata_y), " in call
    json.dumps(result.to_dict(), allow_nan=False)
    result.to_html(tmp_path / "page.html")
    names = {"repdist": repdist, "X": X, "Y": Y, "ids_x": IDS_X, "ids_y": IDS_Y,
             "strata_x": STRATA_X, "strata_y": STRATA_Y}  # fmt: skip
    again = eval(call.partition("#")[0].rstrip()[:-1] + ", rng=0)", names)
    np.testing.assert_array_equal(again.null_distribution, result.null_distribution)


def test_clusters_that_differ_in_size_raise_a_caution():
    """MMD^2 by itself is the statistic within strata: it rejects too often then."""
    rng = np.random.default_rng(0)
    ids = np.repeat(np.arange(16), 2), np.repeat(np.arange(16) + 100, 12)
    samples = [rng.normal(size=(len(some), 2)) for some in ids]
    result = answer(*samples, (ids, tuple(some % 2 for some in ids)))
    assert any("medians 2 and 12 rows" in caution for caution in result.cautions)


def strayed():
    """A cluster of which a row lies in another stratum."""
    strata, row = STRATA_X.copy(), np.flatnonzero(IDS_X == 0)[0]
    assert (IDS_X == 0).sum() > 1
    strata[row] = 1
    return {"ids": ((IDS_X, IDS_Y), (strata, STRATA_Y))}


def with_one_cluster():
    """A stratum of which X has one cluster, of several rows; Y has two."""
    strata_x = np.where(IDS_X == 0, 9, STRATA_X)
    return {"ids": ((IDS_X, IDS_Y), (strata_x, np.where(IDS_Y > 110, 9, STRATA_Y)))}


BAD = {
    "two strata": (strayed, ["`clusters` must each lie in one of the `strata`", "0 in", "and"]),
    "one cluster": (
        with_one_cluster,
        ["`strata` must have at least 2 clusters of each sample", "1 cluster of `X` and 2", "in 9"],
    ),
    "fuse": (lambda: {"combine": "fuse"}, ["`combine`", "`strata`", "fuse"]),
    "bins": (lambda: {"n_bins": 13}, ["`n_bins`", "12 clusters", "got 13"]),
    "in both samples": (
        lambda: {"ids": ((IDS_X, IDS_Y - 100), BOTH[1])},
        ["`clusters` must each have all of their rows in one sample"],
    ),
}


@pytest.mark.parametrize(("options", "parts"), BAD.values(), ids=BAD.keys())
def test_bad_clusters_and_strata(options, parts):
    with pytest.raises(ValueError, match=in_order(*parts)):
        answer(**options())


def test_strata_of_one_cluster_can_be_left_out():
    options = with_one_cluster()
    (_, _), (strata_x, strata_y) = options["ids"]
    got = answer(**options, unmatched="drop")
    x, y = strata_x != 9, strata_y != 9
    ids = (IDS_X[x], IDS_Y[y]), (strata_x[x], strata_y[y])
    expected = answer(X[x], Y[y], ids)
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)
    assert got.cautions[0].startswith(
        f"left out: {(~x).sum()} rows of X and {(~y).sum()} of Y, in strata with fewer than two"
    )
    assert got.cautions[1:] == expected.cautions


def test_too_many_clusters_in_a_stratum(monkeypatch):
    monkeypatch.setattr("repdist._questions.memory._MOST_BYTES", 2**10)
    with pytest.raises(ValueError, match=in_order("`strata`", "clusters in each")):
        answer()
