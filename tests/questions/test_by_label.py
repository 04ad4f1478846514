"""Two samples within each label, against single tests of the rows of a label."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest
from given import as_tensor, in_order, needs, read_only

import repdist
from repdist import kernels

OPTIONS = {"n_resamples": 199, "rng": 0}
NUMBERS = ["mmd_squared", "standard_error", "ci_low", "ci_high", "effect", "noise_floor"]


def given(n=90, m=110, labels="abc", d=3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(0.3, 1, size=(m, d))
    of_x, of_y = (np.array(list(labels))[rng.integers(len(labels), size=k)] for k in (n, m))
    Y[of_y == labels[-1]] += 1
    return X.astype(dtype), of_x, Y.astype(dtype), of_y


def by_label(*samples, **options):
    return repdist.compare_by_label(*samples, **OPTIONS | options)


def assert_same(got, expected, rtol=1e-9):
    ours, theirs = got.to_frame(), expected.to_frame()
    numbers = [*NUMBERS, "times_floor"]
    pd.testing.assert_frame_equal(ours[numbers], theirs[numbers], rtol=rtol, atol=rtol)
    assert ours.drop(columns=numbers).equals(theirs.drop(columns=numbers))
    assert got.left_out == expected.left_out


# --- each label is a single test -----------------------------------------------------------------


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("combine", ["max", "fuse"])
def test_labels_equal_single_tests(paired, combine):
    X, of_x, Y, of_y = given()
    if paired:
        Y, of_y = Y[: len(X)], of_x
    result = by_label(X, of_x, Y, of_y, paired=paired, combine=combine, n_resamples=999)
    frame = result.to_frame()
    assert sorted(frame.index) == ["a", "b", "c"]
    for label, row in frame.iterrows():
        first, second = X[of_x == label], Y[of_y == label]
        single = repdist.mmd_test(
            first, second, paired=paired, combine=combine, kernel=result.kernel, rng=0
        )
        assert (row["n"], row["m"]) == (len(first), len(second))
        for number in ("mmd_squared", "standard_error", "effect"):
            assert row[number] == pytest.approx(getattr(single, number), rel=1e-8)
        low, high = single.confidence_interval()
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), rel=1e-6, abs=1e-12)
        p = single.pvalue
        spread = 5 * math.sqrt(p * (1 - p) / 1000 + p * (1 - p) / 10_000) + 2e-3
        assert abs(row["pvalue"] - p) < spread


@pytest.mark.parametrize("paired", [False, True])
def test_exhaustive_pvalues_equal_those_of_single_tests(paired):
    labels = np.repeat(["a", "b"], 7)
    X, _, Y, _ = given(14, 14)
    result = by_label(X, labels, Y, labels, paired=paired, n_resamples=9999)
    for label, row in result.to_frame().iterrows():
        one = labels == label
        single = repdist.mmd_test(X[one], Y[one], paired=paired, kernel=result.kernel)
        assert row["exhaustive"]
        assert row["pvalue"] == single.pvalue


def test_pvalues_are_adjusted_for_the_labels():
    frame = by_label(*given(), adjust="bonferroni").to_frame()
    expected = np.minimum(3 * frame["pvalue"], 1)
    np.testing.assert_allclose(frame["pvalue_adjusted"], expected, rtol=1e-12)


def test_labels_with_few_rows_are_left_out_and_listed():
    X, of_x, Y, of_y = given()
    of_x[of_x == "a"] = "only x"
    of_y[0] = "d"
    of_x[:5] = "d"
    result = by_label(X, of_x.astype("U9"), Y, of_y)
    assert set(result.names) == {"b", "c"}
    counts = {
        name: (int((of_x.astype("U9") == name).sum()), int((of_y == name).sum()))
        for name in result.left_out
    }
    assert result.left_out == counts
    assert "d" in result.left_out
    assert "left out" in str(result)
    assert {row["label"] for row in result.to_dict()["left_out"]} == set(result.left_out)


def test_another_order_of_rows_gives_other_relabelings_of_the_same_rows():
    X, of_x, Y, of_y = given(60, 60)
    first, second = by_label(X, of_x, Y, of_y), by_label(X[::-1], of_x[::-1], Y, of_y)
    ours, theirs = first.to_frame(), second.to_frame().loc[list(first.names)]
    numbers = ["n", "m", "mmd_squared", "standard_error", "ci_low", "effect"]
    pd.testing.assert_frame_equal(ours[numbers], theirs[numbers])
    np.testing.assert_allclose(ours["pvalue"], theirs["pvalue"], atol=0.15)


def test_another_label_changes_no_pvalue_under_a_fitted_kernel():
    """A label's relabelings depend on its name, its rows and `rng`."""
    X, of_x, Y, of_y = given(60, 60)
    few = np.isin(of_x, ["a", "c"]), np.isin(of_y, ["a", "c"])
    samples = X[few[0]], of_x[few[0]], Y[few[1]], of_y[few[1]]
    kernel = kernels.RBF(2.0)
    three, two = (
        by_label(*s, kernel=kernel, n_resamples=1023).to_frame() for s in (given(60, 60), samples)
    )
    assert set(two.index) == {"a", "c"}
    assert two["pvalue"].equals(three["pvalue"].loc[two.index])


def test_a_small_pvalue_gets_more_relabelings_where_many_labels_ask_for_them():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(13), 20)
    X, Y = rng.normal(size=(2, 260, 2))
    Y[labels == 12] += 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", repdist.RepdistWarning)
        frame = by_label(X, labels, Y, labels, n_resamples=99).to_frame()
    assert frame.loc[12, "n_resamples"] > 10 * frame.loc[0, "n_resamples"]
    assert frame.loc[12, "pvalue_adjusted"] <= 0.05


def test_the_same_rng_gives_the_same_bits_on_any_number_of_threads():
    samples = given(300, 400, dtype=np.float32)
    one, *others = [by_label(*samples, n_jobs=n).to_frame() for n in (1, 2, 8)]
    for other in others:
        pd.testing.assert_frame_equal(one, other, check_exact=True)


# --- forms of the same ---------------------------------------------------------------------------


def test_tables_name_their_column_of_labels():
    X, of_x, Y, of_y = given()
    expected = by_label(X, of_x, Y, of_y)
    first, second = pd.DataFrame(X).rename(columns=str), pd.DataFrame(Y).rename(columns=str)
    got = by_label(first.assign(y=of_x), "y", second.assign(y=of_y), "y")
    assert_same(got, expected)
    assert_same(by_label(first, list(of_x), second, pd.Series(of_y)), expected)
    assert_same(by_label(first.assign(one=of_x), "one", second.assign(two=of_y), "two"), expected)


def test_inputs_are_unchanged():
    samples = given()
    assert_same(by_label(*map(read_only, samples)), by_label(*samples))


@needs("torch")
def test_torch_gives_the_answer_of_numpy():
    X, of_x, Y, of_y = given()
    assert_same(by_label(as_tensor(X), of_x, as_tensor(Y), of_y), by_label(X, of_x, Y, of_y), 1e-8)


def test_files_give_the_same_bits(tmp_path):
    X, of_x, Y, of_y = given(300, 400)
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    first, second = (np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy")
    got, expected = by_label(first, of_x, second, of_y), by_label(X, of_x, Y, of_y)
    pd.testing.assert_frame_equal(got.to_frame(), expected.to_frame(), check_exact=True)


@needs("dask")
def test_dask_gives_the_answer_of_numpy():
    import dask.array as da

    X, of_x, Y, of_y = given()
    lazy = [da.from_array(Z, chunks=(40, -1)) for Z in (X, Y)]
    assert_same(by_label(lazy[0], of_x, lazy[1], of_y), by_label(X, of_x, Y, of_y), 1e-8)
    with pytest.raises(TypeError, match="`paired` must be False for dask arrays"):
        by_label(lazy[0], of_x, lazy[0], of_x, paired=True)


def test_one_kernel_is_fitted_on_all_rows():
    X, of_x, Y, of_y = given()
    result = by_label(X, of_x, Y, of_y, kernel=kernels.RBF())
    assert result.kernel == kernels.RBF().fit(np.concatenate([X, Y]))
    kept = by_label(X, of_x, Y, of_y, kernel=kernels.RBF(2.0))
    assert kept.kernel == kernels.RBF(2.0)


# --- what is refused -----------------------------------------------------------------------------

X, OF_X, Y, OF_Y = given()
REFUSED = {
    "few labels of X": (
        (X, OF_X[:5], Y, OF_Y), {}, ValueError,
        ["`x_labels` must hold one id for each of the 90 rows of `X`; got 5"],
    ),
    "few labels of Y": (
        (X, OF_X, Y, OF_Y[:5]), {}, ValueError,
        ["`y_labels` must hold one id for each of the 110 rows of `Y`; got 5"],
    ),
    "no labels": ((X, None, Y, None), {}, TypeError, ["`x_labels` must be a sequence of labels"]),
    "no label in both": (
        (X, np.zeros(90), Y, np.ones(110)), {}, ValueError,
        ["`x_labels` and `y_labels` must have a label with 2 rows in both samples; got none"],
    ),
    "missing": (
        (X, np.where(np.arange(90) == 1, np.nan, 1), Y, np.ones(110)), {}, ValueError,
        ["`x_labels` must not be missing; got nan in row 1"],
    ),
    "a column of no table": (
        (X, "y", Y, "y"), {}, TypeError, ["`x_labels` must hold one id a row; got 'y' (str)"],
    ),
    "no such column": (
        (pd.DataFrame(X), "q", pd.DataFrame(Y), OF_Y), {}, ValueError,
        ["`x_labels` must be a column", "'q'"],
    ),
    "widths": (
        (X, OF_X, Y[:, :2], OF_Y), {}, ValueError, ["`X` and `Y`", "same number of columns"],
    ),
    "paired, of other sizes": (
        (X, OF_X, Y, OF_Y), {"paired": True}, ValueError,
        ["`X` and `Y` must have as many rows if `paired`", "got 90 and 110"],
    ),
    "paired, of other labels": (
        (X, OF_X, Y[:90], OF_Y[:90]), {"paired": True}, ValueError,
        ["`y_labels` must be those of `x_labels` if `paired`"],
    ),
    "paired": ((X, OF_X, Y, OF_Y), {"paired": 2}, TypeError, ["`paired` must be True or False"]),
    "adjust": ((X, OF_X, Y, OF_Y), {"adjust": "q"}, ValueError, ["`adjust` must be one of"]),
    "level": ((X, OF_X, Y, OF_Y), {"confidence_level": 2}, ValueError, ["`confidence_level`"]),
    "bins": ((X, OF_X, Y, OF_Y), {"n_bins": 99}, ValueError, ["`n_bins` must be at most the"]),
    "constant": (
        (np.ones((4, 2)), [0, 0, 1, 1], np.ones((4, 2)), [0, 0, 1, 1]), {}, ValueError,
        ["`X` and `Y` must not be constant"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("samples", "options", "error", "parts"), REFUSED.values(), ids=REFUSED.keys()
)
def test_what_is_refused(samples, options, error, parts):
    with pytest.raises(error, match=in_order(*parts)):
        by_label(*samples, **options)
