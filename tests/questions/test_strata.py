"""`mmd_test` within strata: against naive loops, and exact without chance."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from given import as_tensor, assert_same_answer, in_order, in_strata, needs
from oracles import assert_exact, mahalanobis, mmd_squared, normal_scores
from scipy import stats

import repdist
from repdist import kernels

COMBINE = pytest.mark.parametrize("combine", ["max", "mean"])
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
BANDWIDTHS = (0.5, 1.0, 3.0)
FIXED = kernels.MultiRBF(BANDWIDTHS)
Z95 = stats.norm.ppf(0.975)


X, IDS_X = in_strata([9, 4, 12], seed=1)
Y, IDS_Y = in_strata([5, 10, 14], seed=2, shift=0.3)
SMALL_X, SMALL_IDS_X = in_strata([2, 3], d=2, seed=3)
SMALL_Y, SMALL_IDS_Y = in_strata([3, 2], d=2, seed=4)
SMALL = (SMALL_X, SMALL_Y, (SMALL_IDS_X, SMALL_IDS_Y))


def answer(first=X, second=Y, ids=(IDS_X, IDS_Y), **options):
    return repdist.mmd_test(first, second, strata=ids, **{"rng": 0, "n_jobs": 1} | options)


# --- the numbers, by loops -----------------------------------------------------------------------


def rbf(bandwidth):
    return lambda x, y: math.exp(-(math.dist(x, y) ** 2) / (2 * bandwidth**2))


def mixture(x, y):
    return math.fsum(rbf(b)(x, y) for b in BANDWIDTHS) / len(BANDWIDTHS)


def split(rows, ids):
    return [rows[ids == s].tolist() for s in np.unique(ids)]


def shares_of(first, second):
    rows = [len(x) + len(y) for x, y in zip(first, second, strict=True)]
    return [count / sum(rows) for count in rows]


def adjusted(k, first, second, estimator="unbiased"):
    """The squared distance of mixed means, one pair of rows at a time."""

    def mean(some, others):
        return math.fsum(k(a, b) for a in some for b in others) / (len(some) * len(others))

    total = 0.0
    shares = shares_of(first, second)
    for s, t in itertools.product(range(len(shares)), repeat=2):
        if s == t:
            between = mmd_squared(k, first[s], second[s], estimator)
        else:
            between = mean(first[s], first[t]) + mean(second[s], second[t])
            between -= mean(first[s], second[t]) + mean(second[s], first[t])
        total += shares[s] * shares[t] * between
    return total


def within(k, first, second, estimator="unbiased"):
    of_strata = [mmd_squared(k, x, y, estimator) for x, y in zip(first, second, strict=True)]
    return float(np.dot(shares_of(first, second), of_strata))


def influences(k, own, other, shares):
    """For each row of `own`, stratum by stratum, what it adds; its own value is left out."""
    for s, rows in enumerate(own):
        found = []
        for i, x in enumerate(rows):
            h = 0.0
            for t, share in enumerate(shares):
                alike = [k(x, z) for j, z in enumerate(own[t]) if (t, j) != (s, i)]
                others = max(len(alike) - (t == s), 1)  # the jackknife leaves one more out
                h += share * (sum(alike) / others - np.mean([k(x, z) for z in other[t]]))
            found.append(shares[s] * h)
        yield np.array(found)


def error_of(k, first, second, shares):
    groups = [*influences(k, first, second, shares), *influences(k, second, first, shares)]
    return math.sqrt(sum(4 * h.var(ddof=1) / len(h) for h in groups))


@ESTIMATORS
@COMBINE
@pytest.mark.parametrize("swap", [False, True])
def test_mmd_squared_components_error_and_strata(estimator, combine, swap):
    samples = (Y, X, (IDS_Y, IDS_X)) if swap else (X, Y, (IDS_X, IDS_Y))
    result = answer(*samples, kernel=FIXED, estimator=estimator, combine=combine)
    first, second = (split(Z, ids) for Z, ids in zip(samples[:2], samples[2], strict=True))
    shares = shares_of(first, second)
    expected = adjusted(mixture, first, second, estimator)
    assert result.mmd_squared == pytest.approx(expected, rel=1e-10)
    assert result.estimate.mmd_squared == pytest.approx(adjusted(mixture, first, second), rel=1e-10)
    error = error_of(mixture, first, second, shares)
    assert result.standard_error == pytest.approx(error, rel=1e-10)
    forms = [adjusted, within] if combine == "max" else [adjusted]
    values = [form(rbf(b), first, second, estimator) for form in forms for b in BANDWIDTHS]
    components = result.components
    np.testing.assert_allclose(components["mmd_squared"], values, rtol=1e-10)
    np.testing.assert_array_equal(components["bandwidth"], BANDWIDTHS * len(forms))
    assert components["form"].tolist() == [form.__name__ for form in forms for _ in BANDWIDTHS]
    table = result.strata
    assert table.index.tolist() == [0, 1, 2]
    assert table["n"].tolist() == list(map(len, first))
    assert table["m"].tolist() == list(map(len, second))
    np.testing.assert_allclose(table["share"], shares, rtol=1e-15)
    of_strata = [mmd_squared(mixture, x, y, "unbiased") for x, y in zip(first, second, strict=True)]
    np.testing.assert_allclose(table["mmd_squared"], of_strata, rtol=1e-10)
    errors = [error_of(mixture, [x], [y], [1.0]) for x, y in zip(first, second, strict=True)]
    np.testing.assert_allclose(table["standard_error"], errors, rtol=1e-10)


def all_relabelings(first, second, ids):
    """The samples under every relabeling inside strata, the observed one first."""
    rows, of = np.concatenate([first, second]), np.concatenate(ids)
    is_first = np.arange(len(rows)) < len(first)
    ways = []
    for s in np.unique(of):
        here = np.flatnonzero(of == s)
        ways.append(list(itertools.combinations(here.tolist(), int(is_first[here].sum()))))
    for chosen in itertools.product(*ways):
        inside = np.zeros(len(rows), bool)
        inside[list(itertools.chain(*chosen))] = True
        yield rows[inside], rows[~inside], (of[inside], of[~inside])


def of_all_relabelings(form, k, estimator):
    """The statistic of every relabeling of the small samples, (100,)."""
    return np.array(
        [
            form(k, split(x, ids[0]), split(y, ids[1]), estimator)
            for x, y, ids in all_relabelings(*SMALL)
        ]
    )


def share_that_reach(values):
    return (values >= values[0] - 1e-12 * np.abs(values).max()).mean()


@ESTIMATORS
def test_one_kernel_by_all_relabelings(estimator):
    """p, the null distribution, and the interval."""
    T = of_all_relabelings(adjusted, rbf(1.0), estimator)
    ours = answer(*SMALL, kernel=kernels.RBF(1.0), estimator=estimator)
    assert ours.exhaustive
    assert ours.n_resamples == 100
    assert ours.statistic_name == "MMD^2"
    assert ours.statistic == pytest.approx(T[0], rel=1e-10)
    assert ours.pvalue == share_that_reach(T)
    np.testing.assert_allclose(np.sort(ours.null_distribution), np.sort(T), rtol=1e-9, atol=1e-13)
    first, second = split(SMALL_X, SMALL_IDS_X), split(SMALL_Y, SMALL_IDS_Y)
    centre = adjusted(rbf(1.0), first, second)
    error = error_of(rbf(1.0), first, second, shares_of(first, second))
    low, high = ours.confidence_interval()
    assert low == pytest.approx(max(0, centre - Z95 * error), rel=1e-8, abs=1e-12)
    v0 = of_all_relabelings(adjusted, rbf(1.0), "unbiased").var()
    assert high == pytest.approx(centre + Z95 * math.sqrt(error**2 + 3 * v0), rel=1e-8)


@ESTIMATORS
@COMBINE
def test_components_by_all_relabelings(estimator, combine):
    """Three of each form for the maximum, with the Mahalanobis length of all six."""
    forms = [adjusted, within] if combine == "max" else [adjusted]
    T = np.stack(
        [of_all_relabelings(form, rbf(b), estimator) for form in forms for b in BANDWIDTHS]
    )
    if combine == "max":
        lengths, count = mahalanobis(T.T)
        together = np.where(count, normal_scores(lengths), -np.inf)
        scores = np.max([*(normal_scores(t) for t in T), together], axis=0)
    else:
        scores = T.mean(axis=0)
    ours = answer(*SMALL, kernel=FIXED, combine=combine, estimator=estimator)
    assert ours.pvalue == share_that_reach(scores)
    assert ours.statistic == pytest.approx(scores[0], rel=1e-7)
    z = (T[:, 0] - T.mean(axis=1)) / T.std(axis=1)
    np.testing.assert_allclose(ours.components["zscore"], z, rtol=1e-8)
    np.testing.assert_array_equal(ours.components["pvalue"], [share_that_reach(t) for t in T])


@pytest.mark.parametrize("n_bins", [2, 7, "rows"])
def test_bins_change_no_estimate(n_bins):
    one, other = answer(kernel=FIXED), answer(kernel=FIXED, n_bins=n_bins, rng=1)
    for name in ("mmd_squared", "standard_error"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-10)
    pd.testing.assert_frame_equal(other.strata, one.strata, rtol=1e-10)


@COMBINE
def test_one_stratum_is_the_test_of_rows(combine):
    """Its MMD^2 and error; and of all relabelings, for one form, its p-value."""
    for first, second in ((X, Y), (Y, X), (X[:5], Y[:6])):
        ids = np.zeros(len(first)), np.zeros(len(second))
        options = {"kernel": FIXED, "combine": combine, "rng": 0}
        one = answer(first, second, ids, **options)
        rows = repdist.mmd_test(first, second, **options)
        assert one.mmd_squared == pytest.approx(rows.mmd_squared, rel=1e-10)
        assert one.standard_error == pytest.approx(rows.standard_error, rel=1e-10)
        assert one.strata["mmd_squared"].item() == pytest.approx(rows.mmd_squared, rel=1e-10)
        np.testing.assert_allclose(
            one.confidence_interval(), rows.confidence_interval(), rtol=1e-9, atol=1e-13
        )
        if one.exhaustive and combine == "mean":
            assert one.pvalue == rows.pvalue


@pytest.mark.parametrize("n", [30, 200])
def test_one_stratum_has_the_pvalue_of_rows_but_for_chance(n, chance_seed):
    """By less than 5 standard errors of 10,000 relabelings each."""
    rng = np.random.default_rng(5)
    first, second = rng.normal(size=(n, 2)), rng.normal(1.2 / n**0.5, 1, size=(n + 4, 2))
    options = {"kernel": kernels.RBF(1.0), "n_bins": "rows", "rng": chance_seed}
    p = repdist.mmd_test(first, second, **options).pvalue
    one = answer(first, second, (["a"] * n, ["a"] * (n + 4)), **options)
    assert 0.001 < p < 0.9
    assert abs(one.pvalue - p) < 5 * math.sqrt(2 * p * (1 - p) / 10_000)


def test_another_mix_is_no_difference_and_what_cancels_is_one():
    rng = np.random.default_rng(0)
    ids = np.repeat([0, 1], [80, 20]), np.repeat([0, 1], [20, 80])
    first, second = (rng.normal(size=(100, 2)) + 3 * some[:, None] for some in ids)
    assert repdist.mmd_test(first, second, rng=0).pvalue < 0.001
    assert answer(first, second, ids).pvalue > 0.05
    both = np.repeat([0, 1], 60)
    first = rng.normal(size=(120, 2))
    second = rng.normal(size=(120, 2)) + np.where(both == 0, 1.0, -1.0)[:, None]
    result = answer(first, second, (both, both))
    assert result.pvalue < 0.001
    least = result.components.groupby("form")["pvalue"].min()
    assert least["within"] < 0.001


# --- exactness without chance --------------------------------------------------------------------
#
# Under the null the data are a random relabeling of fixed rows inside strata. So over all of them,
# at most a share a of the p-values is at most a, for every a.

RNG = np.random.default_rng(6)
KINDS = {
    "continuous": (RNG.normal(size=(5, 2)), RNG.normal(size=(5, 2))),
    "ties": (RNG.integers(0, 2, size=(5, 2)), RNG.integers(0, 2, size=(5, 2))),
    "one column of ties": (RNG.integers(0, 3, size=(5, 1)), RNG.integers(0, 3, size=(5, 1))),
    "float32": tuple(RNG.normal(size=(2, 5, 2)).astype(np.float32)),
    "an outlier": (np.array([[0.0], [0], [1], [50], [2]]), np.array([[1.0], [0], [3], [2], [0]])),
}


# Each kind of rows with each combination, under one of the estimators; each two of these meet.
CASES = [
    (combine, ["unbiased", "biased"][(i + j) % 2], kind)
    for (i, combine), (j, kind) in itertools.product(enumerate(["max", "mean"]), enumerate(KINDS))
]


@pytest.mark.parametrize(("combine", "estimator", "kind"), CASES)
def test_strata_of_two_and_three_rows_over_all_100_relabelings(combine, estimator, kind):
    ids = np.array([0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1])
    results = [
        answer(*samples, kernel=FIXED, combine=combine, estimator=estimator)
        for samples in all_relabelings(*KINDS[kind], ids)
    ]
    assert all(result.exhaustive and result.n_resamples == 100 for result in results)
    pvalues = [result.pvalue for result in results]
    assert_exact(pvalues)
    if kind == "continuous":
        np.testing.assert_allclose(np.sort(pvalues), np.arange(1, 101) / 100, rtol=1e-12)


@COMBINE
@pytest.mark.parametrize("kind", ["continuous", "ties"])
def test_as_many_rows_of_each_sample_over_all_36_relabelings(combine, kind):
    """Swapping the samples is a relabeling, so p-values come in twos."""
    first, second = (Z[:4] for Z in KINDS[kind])
    ids = np.array([0, 1, 0, 1]), np.array([1, 1, 0, 0])
    found = [
        answer(*samples, kernel=FIXED, combine=combine).pvalue
        for samples in all_relabelings(first, second, ids)
    ]
    assert_exact(found)
    if kind == "continuous":
        assert min(found) == pytest.approx(2 / 36)


@pytest.mark.parametrize("kernel", [kernels.MultiRBF(), kernels.Energy(), kernels.Linear()])
def test_other_kernels_which_see_the_pooled_rows_alone(kernel):
    found = [answer(*samples, kernel=kernel).pvalue for samples in all_relabelings(*SMALL)]
    assert_exact(found)


# --- what must change nothing --------------------------------------------------------------------


def exchanged(**options):
    return answer(Y, X, (IDS_Y, IDS_X), **options)


@COMBINE
@ESTIMATORS
def test_exchanging_the_samples_changes_nothing(combine, estimator):
    options = {"combine": combine, "estimator": estimator}
    one, other = answer(**options), exchanged(**options)
    assert_same_answer(other, one, 1e-9)
    pd.testing.assert_frame_equal(
        other.strata.rename(columns={"n": "m", "m": "n"})[one.strata.columns], one.strata
    )
    first, second, ids = SMALL
    small = answer(first, second, ids, **options)
    turned = answer(second, first, ids[::-1], **options)
    assert turned.pvalue == small.pvalue
    assert turned.statistic == pytest.approx(small.statistic, rel=1e-9)
    assert turned.standard_error == pytest.approx(small.standard_error, rel=1e-9)


FORMS = {
    "text": lambda ids: [f"class {i}" for i in ids],
    "tuples": lambda ids: [(int(i), "site") for i in ids],
    "Series": pd.Series,
    "categories": lambda ids: pd.Series(ids, dtype="category"),
    "floats": lambda ids: ids.astype(float),
    "dates": lambda ids: np.datetime64("2020-01-01") + ids,
    "bytes": lambda ids: ids.astype("S3"),
    "tensor": pytest.param(as_tensor, marks=needs("torch")),
}


@pytest.mark.parametrize("form", FORMS.values())
def test_ids_of_any_kind(form):
    got, expected = answer(ids=(form(IDS_X), form(IDS_Y))), answer()
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)
    assert {**got.to_dict(), "strata": 0} == {**expected.to_dict(), "strata": 0}
    np.testing.assert_array_equal(got.strata.to_numpy(), expected.strata.to_numpy())
    json.dumps(got.to_dict(), allow_nan=False)


@COMBINE
def test_strata_in_any_order_give_the_same_numbers(combine):
    first, second, ids = SMALL
    one = answer(first, second, ids, combine=combine)
    other = answer(first, second, [np.where(some == 0, "z", "a") for some in ids], combine=combine)
    assert other.pvalue == one.pvalue
    for name in ("statistic", "mmd_squared", "standard_error"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9)
    assert other.strata.index.tolist() == ["a", "z"]
    np.testing.assert_allclose(other.strata[::-1].to_numpy(), one.strata.to_numpy(), rtol=1e-9)


def test_the_order_of_rows_changes_no_estimate():
    rng = np.random.default_rng(0)
    p, q = rng.permutation(len(X)), rng.permutation(len(Y))
    one, other = answer(), answer(X[p], Y[q], (IDS_X[p], IDS_Y[q]))
    for name in ("mmd_squared", "standard_error"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9)
    pd.testing.assert_frame_equal(other.strata, one.strata, rtol=1e-9)
    first, second, ids = SMALL
    turned = answer(first[::-1], second[::-1], (ids[0][::-1], ids[1][::-1]))
    assert turned.pvalue == answer(*SMALL).pvalue


def large(dtype=np.float64):
    """More rows than are computed row by row, and in float64."""
    first, ids_x = in_strata([200, 90, 150], seed=7)
    second, ids_y = in_strata([100, 160, 130], seed=8, shift=0.1)
    return first.astype(dtype), second.astype(dtype), (ids_x, ids_y)


def small(dtype=np.float64):
    return X.astype(dtype), Y.astype(dtype), (IDS_X, IDS_Y)


BOTH = pytest.mark.parametrize("samples", [small, large])


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_resamples", [99, 2**16 - 1])
def test_threads_change_no_bit(samples, dtype, n_resamples):
    one, *others = [
        answer(*samples(dtype), n_jobs=n_jobs, n_resamples=n_resamples) for n_jobs in (1, 2, 3)
    ]
    for other in others:
        without = [{**each.to_dict(), "memory_bytes": 0} for each in (one, other)]
        assert without[0] == without[1]
        np.testing.assert_array_equal(one.null_distribution, other.null_distribution)


@BOTH
@needs("torch")
def test_torch_gives_the_answer_of_numpy(samples):
    first, second, ids = samples()
    got = answer(as_tensor(first), as_tensor(second), ids, n_resamples=999)
    assert_same_answer(got, answer(first, second, ids, n_resamples=999), 1e-6)


@BOTH
@needs("dask")
def test_dask_gives_the_answer_of_numpy(samples):
    import dask.array as da

    first, second, ids = samples()
    lazy = [da.from_array(Z, chunks=(50, -1)) for Z in (first, second)]
    got = answer(*lazy, ids, n_resamples=999)
    assert_same_answer(got, answer(first, second, ids, n_resamples=999), 1e-6)


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_files_give_the_same_bits(samples, dtype, tmp_path):
    first, second, ids = samples(dtype)
    for name, rows in (("x", first), ("y", second)):
        np.save(tmp_path / f"{name}.npy", rows)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    got, expected = answer(*mapped, ids), answer(first, second, ids)
    assert {**got.to_dict(), "memory_bytes": 0} == {**expected.to_dict(), "memory_bytes": 0}
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)


@pytest.mark.parametrize(("samples", "tolerance"), [(small, 0), (large, 5e-3)])
def test_single_precision_gives_nearly_the_same(samples, tolerance):
    """Up to 256 rows, the same: these are computed in float64."""
    first, second, ids = samples(np.float32)
    single = answer(first, second, ids)
    double = answer(first.astype(float), second.astype(float), ids)
    assert abs(single.pvalue - double.pvalue) <= tolerance
    assert single.mmd_squared == pytest.approx(double.mmd_squared, rel=2e-3 if tolerance else 1e-9)


def test_tables_and_their_columns_of_ids():
    first, second = (pd.DataFrame(Z, columns=list("abc")) for Z in (X, Y))
    got = answer(first, second[["b", "c", "a"]], (pd.Series(IDS_X), pd.Series(IDS_Y)))
    assert_same_answer(got, answer(), 1e-12)
    with pytest.raises(ValueError, match=in_order("`strata[1]`", "the index of the DataFrame")):
        answer(first, second, (IDS_X, pd.Series(IDS_Y).sample(frac=1, random_state=0)))
