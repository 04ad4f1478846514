"""`mmd_test` of pairs within strata: each pair may change sides, and strata are weighted."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from given import as_tensor, assert_same_answer, in_order, needs
from oracles import mahalanobis, normal_scores
from scipy import stats

import repdist
from repdist import kernels

COMBINE = pytest.mark.parametrize("combine", ["max", "mean"])
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
BANDWIDTHS = (0.8, 2.0)
KERNEL = kernels.MultiRBF(BANDWIDTHS)
STRATA = np.array([0, 2, 1, 1, 0, 2, 2, 0, 2])
RNG = np.random.default_rng(0)
X = RNG.normal(size=(9, 2)) + 2 * STRATA[:, None]
Y = X + 0.5 * RNG.normal(size=(9, 2)) + 0.3
Z95 = stats.norm.ppf(0.975)


def answer(first=X, second=Y, strata=(STRATA, STRATA), **options):
    options = {"kernel": KERNEL, "rng": 0, "n_jobs": 1} | options
    return repdist.mmd_test(first, second, paired=True, strata=strata, **options)


def large(count=300, seed=1):
    """More pairs than move by themselves."""
    rng = np.random.default_rng(seed)
    strata = rng.integers(3, size=count)
    first = rng.normal(size=(count, 2)) + strata[:, None]
    return first, first + 0.5 * rng.normal(size=(count, 2)) + 0.05, (strata, strata)


# --- the numbers, by H ---------------------------------------------------------------------------


def H_of(kernel, first=X, second=Y):
    """What every two pairs have with each other."""
    within = kernel(first, first) + kernel(second, second)
    across = kernel(first, second)
    return within - across - across.T


def weights_of(strata, form, estimator):
    """What the element of each two pairs counts in a statistic, (n, n)."""
    n = np.array([(strata == s).sum() for s in strata])
    share, same = n / len(strata), strata[:, None] == strata
    inside = n * n if estimator == "biased" else n * (n - 1)
    if form == "within":
        W = same * (share / inside)[:, None]
    else:
        W = np.where(same, (share**2 / inside)[:, None], 1 / len(strata) ** 2)
    return W if estimator == "biased" else W * (1 - np.eye(len(strata)))


def of_flips(H, strata, form, estimator):
    """The statistic of all flips of which the first pair keeps its sides, the observed first."""
    M = H * weights_of(strata, form, estimator)
    signs = [[1, *rest] for rest in itertools.product([1, -1], repeat=len(H) - 1)]
    return np.einsum("bi,ij,bj->b", signs, M, signs)


def error_of(H, strata):
    """From the influence of each pair, its own value left out."""
    h = (H * weights_of(strata, "adjusted", "unbiased")).sum(axis=1)
    n = np.array([(strata == s).sum() for s in strata])
    of_strata = [(h * n)[strata == s] for s in np.unique(strata)]
    return math.sqrt(sum(4 * np.var(some, ddof=1) / len(some) for some in of_strata))


def share_that_reach(values):
    return (values >= values[0] - 1e-12 * np.abs(values).max()).mean()


@ESTIMATORS
@COMBINE
def test_components_error_interval_and_pvalue_by_all_256_flips(estimator, combine):
    forms = ["adjusted", "within"] if combine == "max" else ["adjusted"]
    of_each = [H_of(kernels.RBF(b)) for b in BANDWIDTHS]
    T = np.stack([of_flips(H, STRATA, form, estimator) for form in forms for H in of_each])
    result = answer(combine=combine, estimator=estimator)
    assert (result.exhaustive, result.n_resamples) == (True, 256)
    assert result.components["form"].tolist() == [form for form in forms for _ in BANDWIDTHS]
    np.testing.assert_allclose(result.components["mmd_squared"], T[:, 0], rtol=1e-9, atol=1e-14)
    assert result.mmd_squared == pytest.approx(T[:2, 0].mean(), rel=1e-9)
    np.testing.assert_array_equal(result.components["pvalue"], [share_that_reach(t) for t in T])
    if combine == "max":
        lengths, count = mahalanobis(T.T)
        together = np.where(count, normal_scores(lengths), -np.inf)
        scores = np.max([*(normal_scores(t) for t in T), together], axis=0)
    else:
        scores = T.mean(axis=0)
    assert result.pvalue == share_that_reach(scores)
    assert result.statistic == pytest.approx(scores[0], rel=1e-7)
    H = H_of(KERNEL)
    centre = of_flips(H, STRATA, "adjusted", "unbiased")[0]
    assert result.estimate.mmd_squared == pytest.approx(centre, rel=1e-9)
    error = error_of(H, STRATA)
    assert result.standard_error == pytest.approx(error, rel=1e-9)
    v0 = of_flips(H, STRATA, "adjusted", "unbiased").var()
    low, high = result.confidence_interval()
    assert low == pytest.approx(max(0, centre - Z95 * error), rel=1e-7, abs=1e-12)
    assert high == pytest.approx(centre + Z95 * math.sqrt(error**2 + 3 * v0), rel=1e-7)


@pytest.mark.parametrize("samples", [lambda: (X, Y, (STRATA, STRATA)), large])
def test_the_table_has_the_pairs_of_each_stratum_by_themselves(samples):
    first, second, (strata, _) = samples()
    table = answer(first, second, (strata, strata)).strata
    assert table.index.tolist() == [0, 1, 2]
    for s, row in table.iterrows():
        here = strata == s
        alone = repdist.mmd_test(first[here], second[here], paired=True, kernel=KERNEL, rng=0)
        assert row["n"] == row["m"] == here.sum()
        assert row["share"] == pytest.approx(here.mean(), rel=1e-12)
        assert row["mmd_squared"] == pytest.approx(alone.mmd_squared, rel=1e-9)
        assert row["standard_error"] == pytest.approx(alone.standard_error, rel=1e-8)


@pytest.mark.parametrize("n_bins", ["auto", "rows", 5])
def test_bins_change_no_estimate(n_bins):
    first, second, (strata, _) = large()
    H = H_of(KERNEL, first, second)
    result = answer(first, second, (strata, strata), n_bins=n_bins, n_resamples=99)
    expected = (H * weights_of(strata, "adjusted", "unbiased")).sum()
    assert result.mmd_squared == pytest.approx(expected, rel=1e-9)
    assert result.standard_error == pytest.approx(error_of(H, strata), rel=1e-9)


@COMBINE
@ESTIMATORS
@pytest.mark.parametrize("count", [9, 300])
def test_one_stratum_is_the_test_of_pairs(combine, estimator, count):
    """For one form its p-value, too, if all flips are enumerated."""
    first, second, _ = large(count)
    options = {"combine": combine, "estimator": estimator, "n_resamples": 999}
    got = answer(first, second, (["a"] * count, ["a"] * count), **options)
    expected = repdist.mmd_test(first, second, paired=True, kernel=KERNEL, rng=0, **options)
    assert got.mmd_squared == pytest.approx(expected.mmd_squared, rel=1e-9)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=1e-9)
    if count == 9:
        np.testing.assert_allclose(
            got.confidence_interval(), expected.confidence_interval(), rtol=1e-7
        )
        assert combine == "max" or got.pvalue == expected.pvalue


def test_pairs_see_what_rows_do_not():
    first, second, strata = large(90)
    assert answer(first, second + 0.15, strata).pvalue < 0.001
    assert repdist.mmd_test(first, second + 0.15, strata=strata, rng=0).pvalue > 0.05
    cancels = second + np.where(strata[0] == 0, 0.6, -0.3)[:, None]
    least = answer(first, cancels, strata).components.groupby("form")["pvalue"].min()
    assert least["within"] < 0.001


# --- what changes nothing ------------------------------------------------------------------------


@COMBINE
def test_the_order_of_pairs_and_of_samples_changes_nothing(combine):
    order = np.random.default_rng(0).permutation(9)
    one = answer(combine=combine)
    shuffled = answer(X[order], Y[order], (STRATA[order], STRATA[order]), combine=combine)
    for other in (shuffled, answer(Y, X, combine=combine)):
        assert other.pvalue == one.pvalue
        for name in ("statistic", "mmd_squared", "standard_error"):
            assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9)
        pd.testing.assert_frame_equal(other.strata, one.strata, rtol=1e-8)


@pytest.mark.parametrize("count", [9, 300])
def test_the_number_of_threads_changes_no_bit(count):
    one, two = (answer(*large(count), n_jobs=k) for k in (1, 2))
    assert one.mmd_squared == two.mmd_squared
    np.testing.assert_array_equal(one.null_distribution, two.null_distribution)


@needs("torch")
@pytest.mark.parametrize("count", [9, 150])
def test_torch_gives_the_answer_of_numpy(count):
    first, second, strata = large(count)
    got = answer(as_tensor(first), as_tensor(second), strata, n_resamples=999)
    assert_same_answer(got, answer(first, second, strata, n_resamples=999), 1e-9)


def test_files_and_tables_give_the_same(tmp_path):
    first, second, (strata, _) = large(60)
    for name, Z in (("x", first), ("y", second)):
        np.save(tmp_path / f"{name}.npy", Z)
    mapped = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    expected = answer(first, second, (strata, strata))
    got = answer(*mapped, (strata, strata))
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)
    tables = [pd.DataFrame(Z, columns=["a", "b"]).assign(s=strata) for Z in (first, second)]
    assert_same_answer(answer(*tables, "s"), expected, 1e-12)


# --- what is said and refused --------------------------------------------------------------------


def test_the_result_speaks_of_pairs_and_strata(tmp_path):
    result = answer()
    assert str(result).splitlines()[0] == "Paired MMD test: 9 pairs of rows, within 3 strata"
    assert "all 256 ways to change sides within 9 pairs inside 3 strata" in str(result)
    assert result.method().startswith("The two sides of 9 pairs of rows in 3 strata, adjusted for")
    assert "paired=True, strata=(strata_x, strata_y), " in result.call()
    json.dumps(result.to_dict(), allow_nan=False)
    result.to_html(tmp_path / "page.html")
    in_bins = answer(*large())
    names = {"repdist": repdist, "strata_x": large()[2][0], "strata_y": large()[2][1]}
    names |= dict(zip("XY", large()[:2], strict=True))
    again = eval(in_bins.call().partition("#")[0].rstrip()[:-1] + ", rng=0)", names)
    np.testing.assert_array_equal(again.null_distribution, in_bins.null_distribution)


def test_pairs_between_two_strata_are_refused():
    other = STRATA.copy()
    other[[3, 5]] = 0
    with pytest.raises(ValueError, match=in_order("same for both rows of a pair", "row 3 (2 such")):
        answer(strata=(STRATA, other))


def test_strata_of_one_pair_are_refused_or_left_out():
    strata = np.where(np.arange(9) == 3, 7, STRATA)
    with pytest.raises(ValueError, match=in_order("`strata` must have at least 2 pairs", "in 1")):
        answer(strata=(strata, strata))
    got, kept = answer(strata=(strata, strata), unmatched="drop"), STRATA != 1
    expected = answer(X[kept], Y[kept], (STRATA[kept], STRATA[kept]))
    np.testing.assert_array_equal(got.null_distribution, expected.null_distribution)
    assert got.cautions[0].startswith("left out: 2 rows of X and 2 of Y, in strata")
    assert got.cautions[1:] == expected.cautions
    with pytest.raises(ValueError, match=in_order("at least 2 pairs")):
        answer(strata=(np.arange(9), np.arange(9)), unmatched="drop")


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ({"combine": "fuse"}, ["`combine`", "`strata`"]),
        ({"n_bins": 10}, ["`n_bins`", "9 pairs"]),
        ({"second": Y[:8], "strata": (STRATA, STRATA[:8])}, ["as many rows if `paired`"]),
    ],
)
def test_bad_options(options, parts):
    with pytest.raises(ValueError, match=in_order(*parts)):
        answer(**options)
