"""Some pairs of groups alone: the values of the whole table, adjusted for these."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from given import as_tensor, in_order, needs

import repdist

NUMBERS = ["mmd_squared", "standard_error", "ci_low", "ci_high", "effect", "noise_floor"]
SOME = [("d", "b"), ("a", "c"), ("a", "b")]
OPTIONS = {"n_resamples": 199, "rng": 0}


def groups(sizes=(40, 50, 45, 60), step=0.3, dtype=np.float64):
    rng = np.random.default_rng(0)
    return {
        name: rng.normal(step * i, 1, size=(n, 3)).astype(dtype)
        for i, (name, n) in enumerate(zip("abcdefghijkl", sizes, strict=False))
    }


def table(given, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", repdist.RepdistWarning)
        return repdist.pairwise_mmd_test(given, **OPTIONS | options)


def by_pair(result):
    frame = result.to_frame()
    frame.index = [frozenset(pair) for pair in zip(frame["first"], frame["second"], strict=True)]
    return frame


@pytest.mark.parametrize("sizes", [(40, 50, 45, 60), (4, 5, 6, 5), (300, 300, 300, 300)], ids=str)
def test_values_are_those_of_the_whole_table(sizes):
    given = groups(sizes)
    some, all_of_them = (table(given, comparisons=c) for c in (SOME, None))
    assert some.kernel == all_of_them.kernel
    ours, theirs = by_pair(some), by_pair(all_of_them)
    assert set(ours.index) == {frozenset(pair) for pair in SOME}
    theirs = theirs.loc[ours.index]
    exact = ["mmd_squared", "standard_error", "ci_low", "effect", "noise_floor"]
    pd.testing.assert_frame_equal(ours[exact], theirs[exact], rtol=1e-8)
    if max(sizes) < 10:
        assert ours["exhaustive"].all()
        assert ours["pvalue"].equals(theirs["pvalue"])
    np.testing.assert_allclose(ours["pvalue"], theirs["pvalue"], atol=0.25)


def test_pvalues_are_adjusted_for_these_alone():
    frame = table(groups(), comparisons=SOME, adjust="bonferroni").to_frame()
    expected = np.minimum(3 * frame["pvalue"], 1)
    np.testing.assert_allclose(frame["pvalue_adjusted"], expected, rtol=1e-12)


def test_all_pairs_asked_for_are_all_pairs():
    given = groups()
    pairs = list(itertools.combinations(given, 2))
    result = table(given, comparisons=pairs)
    assert result.complete
    assert len(result.to_frame()) == 6
    assert not table(given, comparisons=SOME).complete


def test_the_order_of_pairs_and_of_their_names_changes_nothing():
    given = groups()
    turned = [(b, a) for a, b in SOME[::-1]] + [SOME[0]]
    first, second = (table(given, comparisons=c).to_frame() for c in (SOME, turned))
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_what_was_not_compared_has_no_number():
    result = table(groups(), comparisons=SOME)
    compared = {frozenset(pair) for pair in SOME}
    for name in [*NUMBERS, "pvalue", "pvalue_adjusted", "times_floor"]:
        cells = getattr(result, name)
        for a, b in itertools.combinations(result.names, 2):
            known = np.isfinite(cells.loc[a, b])
            assert known == (frozenset((a, b)) in compared), (name, a, b)
    assert "0.0000" not in result.to_latex()


def test_the_result_says_which_pairs():
    result = table(groups(), comparisons=SOME)
    assert "3 pairs" in str(result)
    assert "for 3 comparisons" in result.method()
    assert "Every pair" not in result.method()
    assert "comparisons=" in result.call()
    assert len(result.to_dict()["pairs"]) == 3


@pytest.mark.parametrize("name", ["dendrogram", "embed", "global_test"])
def test_what_needs_all_pairs_is_refused(name):
    result = table(groups(), comparisons=SOME)
    with pytest.raises(ValueError, match="needs all pairs"):
        getattr(result, name)()
    with pytest.raises(ValueError, match="needs all pairs"):
        result.plot(order="clustered")


def test_the_page_shows_what_was_compared(tmp_path):
    result = table(groups(), comparisons=SOME)
    result.to_html(tmp_path / "some.html")
    page = (tmp_path / "some.html").read_text(encoding="utf-8")
    assert page.count("<img") == 1
    assert page.count("<tr") == 1 + len(SOME)


def test_more_relabelings_are_for_so_many_pairs():
    """Of twelve groups 66 pairs ask for more where p is small, and two do not."""
    given = groups((30,) * 12, step=2)
    few, many = (table(given, comparisons=c, n_resamples=255) for c in (SOME[1:], None))
    used = [by_pair(t)["n_resamples"][[frozenset("ac")]].item() for t in (few, many)]
    assert used[0] < 1000
    assert used[1] > 2000


@pytest.mark.parametrize("strata", [False, True])
def test_no_warning_where_more_relabelings_will_do(strata):
    """Of 15 pairs, 255 relabelings give no adjusted p of .05, and the more of a small p do."""
    given = groups((12,) * 7, step=0)
    pairs = list(itertools.combinations(given, 2))[:15]
    ids = {"strata": {name: np.arange(12) % 2 for name in given}} if strata else {}
    result = repdist.pairwise_mmd_test(given, comparisons=pairs, n_resamples=255, rng=0, **ids)
    assert not any("cannot reach" in caution for caution in result.cautions)


@needs("torch")
def test_torch_gives_the_answer_of_numpy():
    given = groups()
    tensors = {name: as_tensor(rows) for name, rows in given.items()}
    ours, theirs = (table(g, comparisons=SOME).to_frame() for g in (tensors, given))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-8)


@needs("dask")
def test_dask_gives_the_answer_of_numpy():
    import dask.array as da

    given = groups((140, 50, 300, 60))
    lazy = {name: da.from_array(rows, chunks=(40, -1)) for name, rows in given.items()}
    ours, theirs = (table(g, comparisons=SOME).to_frame() for g in (lazy, given))
    pd.testing.assert_frame_equal(ours, theirs, rtol=1e-8)


def test_threads_change_no_bit():
    given = groups((140, 50, 300, 260), dtype=np.float32)
    one, *others = [table(given, comparisons=SOME, n_jobs=n).to_frame() for n in (1, 2, 4)]
    for other in others:
        pd.testing.assert_frame_equal(one, other, check_exact=True)


@pytest.mark.parametrize("design", ["paired", "clusters", "strata"])
def test_designs_compare_these_pairs_alone(design):
    given = groups((40,) * 4)
    ids = {
        "paired": True,
        "clusters": {name: [f"{name}{i // 4}" for i in range(40)] for name in given},
        "strata": {name: np.arange(40) % 2 for name in given},
    }[design]
    options = {design: ids, "n_resamples": 1023}  # enough for all pairs
    some, all_of_them = (table(given, comparisons=c, **options) for c in (SOME, None))
    ours, theirs = by_pair(some), by_pair(all_of_them)
    exact = ["mmd_squared", "standard_error", "ci_low", "effect"]
    pd.testing.assert_frame_equal(ours[exact], theirs.loc[ours.index, exact], rtol=1e-8)
    assert ours["pvalue"].equals(theirs.loc[ours.index, "pvalue"])


REFUSED = {
    "an unknown name": ([("a", "z")], ValueError, ["must name groups; got 'z', there are 'a'"]),
    "a name that is none": ([("a", ["b"])], ValueError, ["must name groups; got ['b']"]),
    "one group": ([("a", "a")], ValueError, ["must be of two groups; got 'a' twice"]),
    "none": ([], ValueError, ["must hold at least one pair of names; got none"]),
    "text": ("ab", TypeError, ["must be a list of pairs of names; got 'ab'"]),
    "a number": (3, TypeError, ["must be a list of pairs of names; got 3"]),
    "no pair": (["ab"], TypeError, ["must be pairs of names; got 'ab'"]),
    "three": ([("a", "b", "c")], TypeError, ["must be pairs of names"]),
}


@pytest.mark.parametrize(("comparisons", "error", "parts"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(comparisons, error, parts):
    with pytest.raises(error, match=in_order("`comparisons` ", *parts)):
        table(groups(), comparisons=comparisons)
