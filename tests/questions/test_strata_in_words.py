"""`mmd_test` within strata: what the result says, its picture, and what is refused."""

import json
import pickle

import matplotlib as mpl
import numpy as np
import pytest
from given import as_tensor, in_order, in_strata, needs

import repdist

mpl.use("Agg")
COMBINE = pytest.mark.parametrize("combine", ["max", "mean"])


X, IDS_X = in_strata([9, 4, 12], seed=1)
Y, IDS_Y = in_strata([5, 10, 14], seed=2, shift=0.3)
SMALL_X, SMALL_IDS_X = in_strata([2, 3], d=2, seed=3)
SMALL_Y, SMALL_IDS_Y = in_strata([3, 2], d=2, seed=4)
SMALL = (SMALL_X, SMALL_Y, (SMALL_IDS_X, SMALL_IDS_Y))


def answer(first=X, second=Y, ids=(IDS_X, IDS_Y), **options):
    return repdist.mmd_test(first, second, strata=ids, **{"rng": 0, "n_jobs": 1} | options)


def large():
    """More rows than move by themselves."""
    first, ids_x = in_strata([200, 90, 150], seed=7)
    second, ids_y = in_strata([100, 160, 130], seed=8, shift=0.1)
    return first, second, (ids_x, ids_y)


def small():
    return X, Y, (IDS_X, IDS_Y)


# --- what is said --------------------------------------------------------------------------------


@COMBINE
@pytest.mark.parametrize("samples", [small, large, lambda: SMALL])
def test_the_result_speaks_of_strata(combine, samples, tmp_path):
    first, second, ids = samples()
    count = len(np.unique(ids[0]))
    result = answer(first, second, ids, combine=combine, n_resamples=999)
    title = f"Two-sample MMD test: {len(first)} rows against {len(second)}, within {count} strata"
    assert str(result).splitlines()[0] == title
    assert f"inside {count} strata" in result.summary()
    assert result.method().startswith(
        f"Two samples of {len(first)} and {len(second)} rows in {count} strata, adjusted for these"
    )
    record = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert record["strata"] == result.strata.reset_index().to_dict("records")
    again = pickle.loads(pickle.dumps(result))
    assert again.to_dict() == result.to_dict()
    assert str(again) == str(result)
    np.testing.assert_array_equal(again.null_distribution, result.null_distribution)
    result.plot()
    mpl.pyplot.close("all")
    result.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert title in page
    assert result._repr_html_() in page


@pytest.mark.parametrize("samples", [small, large, lambda: SMALL])
@pytest.mark.parametrize(
    "options",
    [{}, {"combine": "mean"}, {"n_bins": 4, "estimator": "biased"}, {"n_bins": "rows"}],
    ids=str,
)
def test_the_call_repeats_the_result(samples, options):
    first, second, (ids_x, ids_y) = samples()
    result = answer(first, second, (ids_x, ids_y), n_resamples=299, **options)
    call = result.call()
    assert call.startswith("repdist.mmd_test(X, Y, strata=(strata_x, strata_y), kernel=")
    names = {"repdist": repdist, "X": first, "Y": second, "strata_x": ids_x, "strata_y": ids_y}
    again = eval(call.replace(")  # and the rng that was used", ", rng=0, n_jobs=1)"), names)
    assert again.to_dict() == result.to_dict()
    np.testing.assert_array_equal(again.null_distribution, result.null_distribution)


def test_rows_by_themselves_have_no_strata():
    result = repdist.mmd_test(X, Y, rng=0)
    assert result.strata.empty
    assert result.to_dict()["strata"] == []
    assert "form" not in result.components


@pytest.mark.parametrize(("of_most", "said"), [(40, False), (41, True), (47, True)])
def test_a_stratum_of_most_rows_is_told(of_most, said):
    sizes = [50 - of_most, of_most]
    (first, ids_x), (second, ids_y) = (in_strata(sizes, seed=seed) for seed in (1, 2))
    names = np.array(["few", "most"])
    cautions = answer(first, second, (names[ids_x], names[ids_y]), n_resamples=99).cautions
    words = f"stratum 'most' holds {of_most / 50:.0%} of the rows"
    assert any(words in caution for caution in cautions) == said
    assert any("stratum" in caution for caution in cautions) == said


def test_one_stratum_alone_is_no_caution():
    ids = np.zeros(len(X)), np.zeros(len(Y))
    assert not any("stratum" in caution for caution in answer(ids=ids).cautions)


# --- what is refused -----------------------------------------------------------------------------

LONE, SINGLE = IDS_X.copy(), IDS_X.copy()
LONE[0] = 7
SINGLE[IDS_X == 1], SINGLE[np.flatnonzero(IDS_X == 1)[0]] = 0, 1
BAD = {
    "fuse": ({"combine": "fuse"}, ["`combine`", "`strata`", "fuse"]),
    "paired and clusters": (
        {"paired": True, "second": X, "ids": (IDS_X, IDS_X), "clusters": (IDS_X, IDS_X)},
        ["`strata`", "None for `paired` `clusters`", "all three"],
    ),
    "strata that are clusters": (
        {"clusters": (IDS_X, IDS_Y + 9)},
        ["`strata`", "2 clusters of each sample", "1 cluster of `X` and 1 of `Y` in 0"],
    ),
    "alone": ({"ids": (LONE, IDS_Y)}, ["`strata`", "1 row of `X` and 0 of `Y` in 7"]),
    "one row": ({"ids": (SINGLE, IDS_Y)}, ["`strata`", "1 row of `X` and 10 of `Y` in 1"]),
    "too few": ({"ids": (IDS_X[1:], IDS_Y)}, ["`strata[0]`", "25 rows of `X`", "got 24"]),
    "too many": ({"ids": (IDS_X, [*IDS_Y, 0])}, ["`strata[1]`", "29 rows of `Y`", "got 30"]),
    "empty": ({"ids": ([], [])}, ["`strata[0]`", "25 rows of `X`", "got 0"]),
    "NaN": ({"ids": (IDS_X, np.full(29, np.nan))}, ["`strata[1]`", "nan in row 0 (29 in all)"]),
    "masked": (
        {"ids": (np.ma.array(IDS_X, mask=True), IDS_Y)},
        ["`strata[0]`", "missing", "None in row 0 (25 in all)"],
    ),
    "kinds": ({"ids": (IDS_X, IDS_Y.astype(float))}, ["`strata`", "of one kind"]),
    "columns": ({"ids": (IDS_X[:, None], IDS_Y)}, ["`strata[0]`", "one dimension", "(25, 1)"]),
    "no dimension": ({"ids": (np.array(1), IDS_Y)}, ["`strata[0]`", "one dimension", "()"]),
}


@pytest.mark.parametrize(("options", "parts"), BAD.values(), ids=BAD.keys())
def test_bad_strata(options, parts):
    with pytest.raises(ValueError, match=in_order(*parts)):
        answer(**options)


def each(ids):
    return (some for some in ids)


WRONG = {
    "array": (np.concatenate([IDS_X, IDS_Y]), ["`strata`", "a pair"]),
    "a column": ("label", ["`strata`", "one id a row", "goes with a table", "`X` is none"]),
    "columns": (("label", "label"), ["`strata[0]`", "'label'"]),
    "mapping": ({"x": IDS_X, "y": IDS_Y}, ["`strata`", "a pair"]),
    "mappings": (tuple(dict(enumerate(ids)) for ids in (IDS_X, IDS_Y)), ["`strata[0]`", "dict"]),
    "sets": ((set(range(25)), set(range(29))), ["`strata[0]`", "sequence", "set"]),
    "generators": ((each(IDS_X), each(IDS_Y)), ["`strata[0]`", "generator"]),
    "None": ((IDS_X, None), ["`strata[1]`", "None"]),
    "three": ((IDS_X, IDS_Y, IDS_Y), ["`strata`", "a pair", "3"]),
    "lists": (([[i] for i in IDS_X], IDS_Y), ["`strata[0]`", "hashable"]),
}


@pytest.mark.parametrize(("ids", "parts"), WRONG.values(), ids=WRONG.keys())
def test_strata_of_the_wrong_kind(ids, parts):
    with pytest.raises(TypeError, match=in_order(*parts)):
        answer(ids=ids)


@needs("torch")
def test_sparse_tensors_of_ids_are_refused():
    with pytest.raises(TypeError, match=in_order("`strata[0]`", "dense")):
        answer(ids=(as_tensor(IDS_X).to_sparse(), IDS_Y))


@pytest.mark.parametrize("ids", [dict.fromkeys, set], ids=["mapping", "set"])
def test_ids_without_the_order_of_rows_are_no_clusters(ids):
    """A mapping from rows to clusters would make each row a cluster of its own."""
    names = [ids(f"{s}{i}" for i in range(len(Z))) for s, Z in (("x", X), ("y", Y))]
    with pytest.raises(TypeError, match=in_order("`clusters[0]`", "sequence", "order of the rows")):
        repdist.mmd_test(X, Y, clusters=tuple(names), rng=0)


def test_the_picture_draws_each_form_by_itself():
    """One line over both would go back from the widest bandwidth to the narrowest."""
    import matplotlib.pyplot as plt

    rng = np.random.default_rng(0)
    X, Y, ids = rng.normal(size=(30, 2)), rng.normal(size=(40, 2)), np.arange(40) % 2
    result = repdist.mmd_test(X, Y, strata=(ids[:30], ids), n_resamples=99, rng=0)
    figure = result.plot().figure
    lines = [line for line in figure.axes[1].get_lines() if len(line.get_xdata()) > 2]
    assert [line.get_label() for line in lines] == ["adjusted", "within"]
    for line, (_, of_form) in zip(lines, result.components.groupby("form"), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), of_form["bandwidth"])
        np.testing.assert_array_equal(line.get_ydata(), of_form["zscore"])
    plt.close(figure)
