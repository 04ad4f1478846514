"""`mmd_test` of rows that come in clusters."""

import json
import pickle

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from given import as_tensor, in_clusters, in_order, needs, of_values, split
from oracles import all_choices, assert_exact, assert_rate_at_most

import repdist
from repdist import kernels

mpl.use("Agg")
COMBINE = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
SIZES = [1, 6, 2, 3, 1, 9, 4]


X, IDS_X = in_clusters([5, 1, 8, 3, 2, 13, 4], seed=1)
Y, IDS_Y = in_clusters([2, 7, 1, 9, 30, 3, 3, 6, 2], seed=2, shift=0.5, start=100)


def answer(first=X, second=Y, ids=(IDS_X, IDS_Y), **options):
    return repdist.mmd_test(first, second, clusters=ids, **{"rng": 0, "n_jobs": 1} | options)


# --- the number, its error, and p ----------------------------------------------------------------


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize("swap", [False, True])
def test_mmd_squared_and_error_are_those_of_the_kernel_between_clusters(estimator, swap):
    """Of `Precomputed(Kbar)`, made by naive loops."""
    kernel = kernels.MultiRBF((0.5, 1.0, 3.0))
    first, second = split(X, IDS_X), split(Y, IDS_Y)
    both = [*second, *first] if swap else [*first, *second]
    n = 9 if swap else 7
    K = np.array([[kernel(a, b).mean() for b in both] for a in both])
    rows = np.arange(16)
    expected = repdist.mmd_test(
        rows[:n], rows[n:], kernel=kernels.Precomputed(K), estimator=estimator, rng=0
    )
    samples = (Y, X, (IDS_Y, IDS_X)) if swap else (X, Y, (IDS_X, IDS_Y))
    got = answer(*samples, kernel=kernel, estimator=estimator)
    assert got.mmd_squared == pytest.approx(expected.mmd_squared, rel=1e-12)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=1e-12)
    for level in (0.5, 0.95, 0.999):
        np.testing.assert_allclose(
            got.confidence_interval(level), expected.confidence_interval(level), rtol=1e-11
        )
    assert (got.n, got.m) == (len(samples[0]), len(samples[1]))
    assert (got.clusters.first, got.clusters.second) == (n, 16 - n)


def test_the_statistic_of_one_kernel_is_the_ratio():
    kernel = kernels.RBF(1.5)
    both = split(X, IDS_X) + split(Y, IDS_Y)
    K = np.array([[kernel(a, b).mean() for b in both] for a in both])

    def centred(B):
        return B - B.mean(axis=0) - B.mean(axis=1, keepdims=True) + B.mean()

    within = [centred(K[:7, :7]), centred(K[7:, 7:])]
    variance = 4 * (centred(K[:7, 7:]) ** 2).sum() / 63**2
    for B in within:
        n = len(B)
        variance += 2 * ((B**2).sum() - (np.diag(B) ** 2).sum()) / (n * (n - 1)) ** 2
    result = answer(kernel=kernel)
    assert result.statistic == pytest.approx(result.mmd_squared / np.sqrt(variance), rel=1e-11)
    assert result.statistic_name == "MMD^2 / sd"
    by_mean = answer(kernel=kernels.MultiRBF((1.5, 1.5)), combine="mean")
    assert by_mean.statistic == pytest.approx(result.statistic, rel=1e-11)


def test_fuse_is_the_log_mean_exponential_of_the_ratios():
    ratios = [answer(kernel=kernels.RBF(b)).statistic for b in (0.5, 1.0, 3.0)]
    result = answer(kernel=kernels.MultiRBF((0.5, 1.0, 3.0)), combine="fuse")
    assert result.statistic == pytest.approx(np.log(np.mean(np.exp(ratios))), rel=1e-11)


@COMBINE
@pytest.mark.parametrize("kind", ["continuous", "ties", "float32"])
def test_whole_clusters_over_all_35_relabelings(combine, kind):
    """Clusters of 1 to 9 rows, three of them against four: none of the ways to deal is favoured."""
    rng = np.random.default_rng(3)
    rows = [rng.normal(size=(n, 2)) + rng.normal(size=2) for n in SIZES]
    if kind == "ties":
        rows = [rng.integers(0, 2, size=(n, 2)).astype(float) for n in SIZES]
    if kind == "float32":
        rows = [cluster.astype(np.float32) for cluster in rows]
    results = []
    for first, second in all_choices(7, 3):
        samples = [np.concatenate([rows[i] for i in some]) for some in (first, second)]
        ids = [np.repeat(some, [SIZES[i] for i in some]) for some in (first, second)]
        results.append(answer(*samples, ids, combine=combine))
    assert all(result.exhaustive and result.n_resamples == 35 for result in results)
    assert_exact([result.pvalue for result in results])
    pvalues = [result.null.pvalue for result in results]
    assert_exact(pvalues)
    if kind != "ties":
        assert min(pvalues) == 1 / 35


@COMBINE
def test_equal_numbers_of_clusters_over_all_20_relabelings(combine):
    rows = [np.random.default_rng(i).normal(size=(n, 2)) for i, n in enumerate(SIZES[:6])]
    pvalues = []
    for first, second in all_choices(6, 3):
        samples = [np.concatenate([rows[i] for i in some]) for some in (first, second)]
        ids = [np.repeat(some, [SIZES[i] for i in some]) for some in (first, second)]
        result = answer(*samples, ids, combine=combine)
        pvalues.append((result.pvalue, result.null.pvalue))
    told, exact = np.transpose(pvalues)
    assert_exact(told)
    assert_exact(exact)
    assert min(exact) == pytest.approx(2 / 20)


@COMBINE
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_samples_of_which_each_is_one_point(combine, dtype):
    """Nothing varies inside them: the ratio stays finite, and p is the least there is."""
    first, second = np.zeros((160, 2), dtype), np.ones((160, 2), dtype)
    ids = np.repeat(np.arange(5), 32), np.repeat(np.arange(5, 10), 32)
    result = answer(first, second, ids, combine=combine)
    assert np.isfinite(result.statistic)
    assert result.pvalue == pytest.approx(2 / 252)


def test_rows_without_differences_between_clusters():
    """Where all clusters hold the same rows nothing varies: p = 1, and the result says why."""
    rows = np.tile([[0.0, 1.0], [2.0, 0.5]], (8, 1))
    ids = np.repeat(np.arange(8), 2)
    result = answer(rows[:8], rows[8:], (ids[:8], ids[8:]))
    assert result.pvalue == 1
    assert any("so p = 1" in caution for caution in result.cautions)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"), [([10] * 12, [10] * 12), ([1] * 8, [20] * 24), ([3] * 30, [5] * 40)]
)
def test_the_level_of_correlated_rows(first, second, chance_seed):
    """1,000 null samples; rows by themselves reject in more than half of the first.

    False failure 1e-4 a case if the level is .06: sizes that differ are exact in the limit alone.
    A level of .12 is rejected with probability .99.
    """
    rng = np.random.default_rng(chance_seed)
    hits = 0
    for _ in range(1000):
        seeds = rng.integers(2**32, size=2)
        x, ids_x = in_clusters(first, seed=seeds[0])
        y, ids_y = in_clusters(second, seed=seeds[1], start=100)
        hits += answer(x, y, (ids_x, ids_y), n_resamples=199, rng=rng).pvalue <= 0.05
    assert_rate_at_most(hits, 1000, 0.06)


# --- what changes nothing ------------------------------------------------------------------------


def assert_alike(got, expected, rtol=1e-9):
    assert got.pvalue == expected.pvalue
    assert got.mmd_squared == pytest.approx(expected.mmd_squared, rel=rtol)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=rtol)
    np.testing.assert_allclose(got.null_distribution, expected.null_distribution, rtol, rtol)


@COMBINE
def test_the_order_of_rows_changes_nothing(combine):
    rng = np.random.default_rng(0)
    p, q = rng.permutation(len(X)), rng.permutation(len(Y))
    assert_alike(answer(X[p], Y[q], (IDS_X[p], IDS_Y[q]), combine=combine), answer(combine=combine))


@pytest.mark.parametrize(
    "form",
    [
        lambda ids: [f"video {i:03}" for i in ids],
        lambda ids: pd.Series(ids),
        lambda ids: [(int(i), "frame") for i in ids],
        lambda ids: ids.astype(float),
        pytest.param(as_tensor, marks=needs("torch")),
    ],
)
def test_ids_of_any_kind(form):
    got, expected = answer(ids=(form(IDS_X), form(IDS_Y))), answer()
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)
    assert got.to_dict() == expected.to_dict()


@COMBINE
@pytest.mark.parametrize("n_resamples", [99, 9999])
def test_the_number_of_threads_changes_no_bit(combine, n_resamples):
    one, four = (answer(combine=combine, n_resamples=n_resamples, n_jobs=k) for k in (1, 4))
    assert one.statistic == four.statistic
    np.testing.assert_array_equal(one.null_distribution, four.null_distribution)


@needs("torch")
@pytest.mark.parametrize("repeat", [1, 6])
def test_torch_gives_the_answer_of_numpy(repeat):
    """Also with more than 256 rows, where sums over many sizes are products for torch."""
    samples = [np.repeat(Z, repeat, axis=0) for Z in (X, Y)]
    samples = [Z + 0.1 * np.random.default_rng(0).normal(size=Z.shape) for Z in samples]
    ids = tuple(np.repeat(some, repeat) for some in (IDS_X, IDS_Y))
    assert_alike(answer(*map(as_tensor, samples), ids), answer(*samples, ids))


def test_files_give_the_same_bits(tmp_path):
    for name, Z in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", Z)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    got, expected = answer(*mapped), answer()
    assert got.pvalue == expected.pvalue
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)


def test_tables_and_their_columns_of_ids():
    first, second = (pd.DataFrame(Z, columns=list("abc")) for Z in (X, Y))
    got = answer(first, second, (pd.Series(IDS_X), pd.Series(IDS_Y)))
    assert got.pvalue == answer().pvalue
    with pytest.raises(ValueError, match="must have the index"):
        answer(first, second, (pd.Series(IDS_X).sample(frac=1, random_state=0), IDS_Y))


@pytest.mark.parametrize(
    "kernel",
    [kernels.Energy(), kernels.Linear(), kernels.Laplacian(), of_values(lambda x, y: x @ y.T)],
)
def test_other_kernels(kernel):
    result = answer(kernel=kernel)
    assert 0 < result.pvalue <= 1
    rows = np.concatenate([X, Y])
    K = kernel.fit(rows)(rows, rows) if not isinstance(kernel, kernels.Linear) else rows @ rows.T
    numbers = np.arange(len(X)), np.arange(len(X), len(rows))
    looked_up = answer(*numbers, kernel=kernels.Precomputed(K))
    assert looked_up.mmd_squared == pytest.approx(result.mmd_squared, rel=1e-9)
    assert looked_up.pvalue == result.pvalue


def test_many_clusters_of_many_sizes_and_one_that_is_longer_than_a_tile():
    """Sums of rows as units of their own, added up, agree."""
    sizes = [*range(1, 40), 1500]
    first, ids = in_clusters(sizes, seed=5)
    kernel = kernels.RBF(1.0)
    result = answer(first, Y, (ids, IDS_Y + 1000), kernel=kernel, n_resamples=19)
    clusters = split(first, ids) + split(Y, IDS_Y)
    K = np.array([[kernel(a, b).mean() for b in clusters] for a in clusters])
    rows = np.arange(49)
    expected = repdist.mmd_test(rows[:40], rows[40:], kernel=kernels.Precomputed(K), rng=0)
    assert result.mmd_squared == pytest.approx(expected.mmd_squared, rel=1e-10)
    assert result.standard_error == pytest.approx(expected.standard_error, rel=1e-10)


# --- what the result says ------------------------------------------------------------------------


@COMBINE
def test_the_result_speaks_of_clusters(combine, tmp_path):
    result = answer(combine=combine)
    words = "7 + 9 clusters of 1 to 30 rows"
    assert result.summary().startswith(f"Two-sample MMD test: {words}\n")
    assert f"relabelings of {words}" in result.summary()
    assert words in result.method()
    assert "standard deviation by label" in result.method()
    assert "clusters=(ids_x, ids_y), " in result.call()
    assert result.to_dict()["clusters"] == {"first": 7, "second": 9, "least": 1, "most": 30}
    json.dumps(result.to_dict())
    assert len(result.components) == len(result.component_columns["bandwidth"])
    again = pickle.loads(pickle.dumps(result))
    np.testing.assert_array_equal(again.null_distribution, result.null_distribution)
    result.plot()
    mpl.pyplot.close("all")
    result.to_html(tmp_path / "page.html")


def test_the_call_repeats_the_result():
    result = answer()
    names = {"repdist": repdist, "X": X, "Y": Y, "ids_x": IDS_X, "ids_y": IDS_Y}
    again = eval(result.call().partition("#")[0].rstrip()[:-1] + ", rng=0)", names)
    np.testing.assert_array_equal(again.null_distribution, result.null_distribution)


def test_rows_by_themselves_have_no_clusters():
    result = repdist.mmd_test(X, Y, rng=0)
    assert result.clusters is None
    assert result.to_dict()["clusters"] is None


def test_cautions():
    def cautions(first, second):
        x, ids_x = in_clusters(first, seed=7)
        y, ids_y = in_clusters(second, seed=8, start=100)
        return "; ".join(answer(x, y, (ids_x, ids_y)).cautions)

    assert cautions([4] * 9, [4] * 9) == ""
    assert cautions([1, 30, 4, 2, 9, 3], [2, 1, 25, 5, 3, 8]) == ""
    assert "medians 3 and 20 rows" in cautions([3] * 9, [20] * 9)
    assert "no p-value below 0.1" in cautions([3] * 3, [3] * 3)


def test_rows_that_repeat_inside_clusters_raise_no_caution():
    first, second = np.repeat(X, 3, axis=0), np.repeat(Y, 3, axis=0)
    assert answer(first, second, (np.repeat(IDS_X, 3), np.repeat(IDS_Y, 3))).cautions == ()


# --- what is refused -----------------------------------------------------------------------------

BAD = {
    "shared": (
        {"ids": (IDS_X, IDS_Y - 100)},
        ["rows of 0 in `X` and `Y` (7 ", "paired=True", "strata"],
    ),
    "one in X": ({"ids": (np.zeros(36), IDS_Y)}, ["at least two", "1 in `X`"]),
    "one in Y": ({"ids": (IDS_X, np.full(63, -1))}, ["at least two", "1 in `Y`"]),
    "too few ids": ({"ids": (IDS_X[1:], IDS_Y)}, ["`clusters[0]`", "36 rows of `X`", "got 35"]),
    "bins": ({"n_bins": 8}, ["`n_bins` must be at most the 7 clusters", "got 8", '"rows"']),
    "missing": ({"ids": ([None] * 36, IDS_Y)}, ["`clusters[0]`", "row 0 (36 in all)"]),
}


@pytest.mark.parametrize(("options", "parts"), BAD.values(), ids=BAD.keys())
def test_bad_clusters(options, parts):
    with pytest.raises(ValueError, match=in_order(*parts)):
        answer(**options)


def test_an_array_is_no_pair():
    with pytest.raises(TypeError, match="must be a pair"):
        answer(ids=np.concatenate([IDS_X, IDS_Y]))


@needs("dask")
def test_dask_arrays_are_refused():
    import dask.array as da

    with pytest.raises(TypeError, match="must be None for dask arrays"):
        answer(da.from_array(X), da.from_array(Y))
