"""How groups are given: every form gives one result, others are refused in words."""

import warnings

import numpy as np
import pandas as pd
import pytest

import repdist


def groups(sizes=(40, 50, 45), d=3, step=0.3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {
        f"g{i}": (rng.normal(size=(n, d)) + step * i).astype(dtype) for i, n in enumerate(sizes)
    }


def test_all_forms_of_input_give_one_result():
    stacked = np.stack(list(groups((30, 30, 30)).values()))
    flat = stacked.reshape(90, 3)
    labels = np.repeat(["a", "b", "c"], 30)
    shuffled = np.random.default_rng(1).permutation(90)
    frame = pd.DataFrame(flat, columns=list("xyz")).assign(kind=labels)
    forms = [
        ({"a": stacked[0], "b": stacked[1], "c": stacked[2]}, None),
        (list(stacked), ["a", "b", "c"]),
        (stacked, ["a", "b", "c"]),
        (flat, labels),
        (flat, list(labels)),
        (flat, pd.Series(labels)),
        (flat, pd.Categorical(labels)),
        (frame, "kind"),
        (frame.drop(columns="kind"), labels),
    ]
    expected = repdist.pairwise_mmd_test(*forms[0], n_resamples=99, rng=0)
    for form, names in forms:
        result = repdist.pairwise_mmd_test(form, names, n_resamples=99, adjust="none", rng=0)
        assert result.names == ("a", "b", "c")
        pd.testing.assert_frame_equal(result.mmd_squared, expected.mmd_squared, rtol=1e-9)
        assert result.pvalue.equals(expected.pvalue)
    by_row = repdist.pairwise_mmd_test(flat[shuffled], labels[shuffled], n_resamples=99, rng=0)
    pd.testing.assert_frame_equal(by_row.mmd_squared, expected.mmd_squared, rtol=1e-9)


def test_the_order_of_labels():
    Z = np.random.default_rng(0).normal(size=(6, 2))

    def names(labels):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", repdist.RepdistWarning)
            return repdist.pairwise_mmd_test(Z, labels, adjust="none", rng=0).names

    assert names([10, 9, 2, 2, 9, 10]) == (2, 9, 10)
    assert names(["b", "a", "c", "c", "a", "b"]) == ("a", "b", "c")
    assert names([1, "a", (2, 3), (2, 3), "a", 1]) == (1, "a", (2, 3))
    category = pd.Categorical(list("bacbac"), categories=["c", "b", "a", "unused"])
    days = np.array(["2020-01-02", "2020-01-01"] * 3, dtype="M8[ns]")
    assert names(days) == (pd.Timestamp("2020-01-01"), pd.Timestamp("2020-01-02"))
    assert names(category) == ("c", "b", "a")
    assert names(pd.Series(category)) == ("c", "b", "a")


def test_tuples_are_names():
    result = repdist.pairwise_mmd_test(
        {("a", 1): groups()["g0"], ("b", 2): groups()["g1"]}, n_resamples=99, rng=0
    )
    assert result.mmd_squared.shape == (2, 2)
    assert result.to_frame()["first"].tolist() == [("a", 1)]


RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(10, 2)), RNG.normal(size=(8, 2))
WITH_NAN = np.where(np.arange(20).reshape(10, 2) == 7, np.nan, A)
BAD = [
    ([A], None, ValueError, "`groups` must hold at least two groups; got 1"),
    ({"a": A}, None, ValueError, "at least two groups"),
    ({"a": A, "b": B[:1]}, None, ValueError, r"`groups\['b'\]` must have at least 2 rows"),
    ({"a": A, "b": B[:, :1]}, None, ValueError, r"`groups\['a'\]` and `groups\['b'\]`.*2 and 1"),
    ([A, B], ["x", "x"], ValueError, "`labels` must name each group once; got 'x' twice"),
    ([A, B], ["x"], ValueError, "one name a group; got 1 names for 2"),
    ([A, B], "xy", TypeError, "`labels` must be a sequence"),
    ({"a": A, "b": B}, ["a", "b"], ValueError, "`labels` must be None if `groups` is a mapping"),
    ({"a": WITH_NAN, "b": B}, None, ValueError, r"`groups\['a'\]`.*nan in row 3, column 1"),
    ([A, "no"], None, TypeError, r"`groups\[1\]` must be an array of real numbers"),
    (A, None, ValueError, "`groups` must be a dict of samples.*or rows with `labels`.*one sample"),
    (
        A,
        B,
        ValueError,
        r"`labels` must be one label.*got a sample of shape \(8, 2\).*one dict.*list.$",
    ),
    ([A], B, ValueError, r"`labels` must be .*got a sample of shape \(8, 2\)"),
    ({"a": A}, B, ValueError, r"`labels` must be .*got a sample of shape \(8, 2\)"),
    (pd.DataFrame(A), pd.DataFrame(B), ValueError, r"got a sample .* Or choose a column of it.$"),
    (A, [0] * 9, ValueError, "got 9 labels for 10 rows"),
    (A, [0] * 10, ValueError, "must name at least two groups; got only 0"),
    (A, [0] * 9 + [1], ValueError, "at least 2 rows in each group; 1 has 1, row 9"),
    (A, [0] * 5 + [None] + [1] * 4, ValueError, "must not be missing; got None in row 5"),
    (A, [0.0] * 5 + [np.nan] * 5, ValueError, "must not be missing; got nan in row 5"),
    (A, [[0]] * 5 + [[1]] * 5, TypeError, "`labels` must be hashable"),
    (A, np.array([[0, 1] * 5]).T, ValueError, r"one dimension; got shape \(10, 1\).*ravel"),
    (A, pd.DataFrame({"y": [0, 1] * 5}), ValueError, r"one dimension.*\(10, 1\). Choose a col"),
    (A[:, 0], None, ValueError, r"`groups` must have shape \(groups, rows, columns\)"),
    (WITH_NAN, [0, 1] * 5, ValueError, "`groups` must hold finite.*row 3"),
    (np.zeros((3, 4, 2)), None, ValueError, "`groups` must not be constant"),
    (None, None, TypeError, "`groups` must be a mapping"),
    (3.0, None, TypeError, "`groups` must be a mapping"),
    ([A, B], [float("nan"), float("nan")], ValueError, "must have names; got a missing one"),
    ([A, B], [1, "1"], ValueError, "once; got 1 twice"),
    (A, [1, "1"] * 5, ValueError, "`labels` must differ when printed"),
    (pd.DataFrame(A), pd.Series([0, 1] * 5, index=range(9, -1, -1)), ValueError, "labels.loc"),
    (pd.DataFrame(np.ones((4, 3)), columns=["x", "l", "l"]), "l", ValueError, "name one column"),
    (pd.DataFrame(A), None, ValueError, "`groups` must be .*its label column, `labels`; got one"),
    (pd.DataFrame(A, columns=["x", "y"]), "z", ValueError, "must be a column of the DataFrame"),
    (pd.DataFrame({"t": list("ab" * 4), "k": [0, 1] * 4}), "k", TypeError, "numeric columns"),
]


@pytest.mark.parametrize(("given", "labels", "error", "message"), BAD)
def test_bad_groups(given, labels, error, message):
    with pytest.raises(error, match=message):
        repdist.pairwise_mmd_test(given, labels)


def test_groups_of_tensors():
    torch = pytest.importorskip("torch")
    stacked, names = np.stack(list(groups((30, 30, 30)).values())), ["a", "b", "c"]
    expected = repdist.pairwise_mmd_test(stacked, names, n_resamples=99, rng=0)
    forms = [
        (torch.as_tensor(stacked), names),
        (torch.as_tensor(stacked.reshape(90, 3)), np.repeat(names, 30)),
    ]
    for form, labels in forms:
        result = repdist.pairwise_mmd_test(form, labels, n_resamples=99, rng=0)
        pd.testing.assert_frame_equal(result.mmd_squared, expected.mmd_squared, rtol=1e-9)
        assert result.pvalue.equals(expected.pvalue)
    with pytest.raises(TypeError, match=r"`labels` must hold data.*meta device"):
        repdist.pairwise_mmd_test(A, torch.zeros(10, device="meta"))
    with pytest.raises(TypeError, match="one array library"):
        repdist.pairwise_mmd_test([A, torch.as_tensor(B)])


def test_labels_on_a_cluster_are_refused():
    lazy = pytest.importorskip("dask.array")
    with pytest.raises(TypeError, match=r"`labels` must lie in memory.*dask.*compute"):
        repdist.pairwise_mmd_test(A, lazy.zeros(10))


def test_iris_as_a_data_frame_gives_the_answer_that_is_known():
    data = pytest.importorskip("sklearn.datasets").load_iris(as_frame=True)
    frame = data.frame.assign(species=data.target_names[data.target]).drop(columns="target")
    result = repdist.pairwise_mmd_test(frame, "species", n_resamples=999, rng=0)
    assert result.names == ("setosa", "versicolor", "virginica")
    effect = result.effect
    assert effect.loc["versicolor", "virginica"] < effect.loc["setosa", "versicolor"]
    assert effect.loc["setosa", "versicolor"] < effect.loc["setosa", "virginica"]
    assert (result.to_frame()["pvalue_adjusted"] == 3 / 1024).all()
    assert (result.to_frame()["times_floor"] > 10).all()


@pytest.mark.parametrize("name", [None, float("nan")])
def test_a_mapping_with_a_missing_name_is_refused(name):
    rows = np.arange(10.0)[:, None]
    with pytest.raises(ValueError, match="`groups` must have names"):
        repdist.pairwise_mmd_test({name: rows, "a": rows + 1})


@pytest.mark.parametrize(
    "pair",
    [
        ("\u00e9", "e\u0301"),
        ("a b", "a\xa0b"),
        ("a  b", "a b"),
        ("a\nb", "a b"),
        ("\ufeffcat", "cat"),
        ("a\u200b", "a"),
        ("a\xad", "a"),
        ("\u200fa", "a"),
        ("a\0", "a"),
        ("\ufb01t", "fit"),
    ],
)
def test_names_that_look_alike_are_refused(pair):
    rows = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match="must differ when printed"):
        repdist.pairwise_mmd_test(dict.fromkeys(pair, rows), rng=0)
    with pytest.raises(ValueError, match="must differ when printed"):
        repdist.pairwise_mmd_test(rows, list(pair) * 10, rng=0)
