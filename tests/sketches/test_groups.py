"""Many groups beside a saved reference: its kernel is the ruler, whoever else is compared."""

import math
import warnings

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist import kernels

RNG = np.random.default_rng(20)
X = RNG.normal(size=(1200, 3))
REFERENCE = repdist.Reference(
    pd.DataFrame(X, columns=list("abc")), rows_per_bin=8, n_landmarks=60, rng=0
)
GROUPS = {
    name: RNG.normal(size=(n, 3)) + shift
    for name, n, shift in (("near", 300, 0.1), ("far", 200, 0.5), ("same", 250, 0.0))
}
QUICK = {"n_resamples": 99, "rng": 0}
NUMBERS = ["mmd_squared", "standard_error", "ci_low", "ci_high", "pvalue", "effect", "noise_floor"]


def compared(groups, **options):
    return repdist.compare_to_reference(REFERENCE, groups, **(QUICK | options))


def frame(groups, **options):
    return compared(groups, **options).to_frame()


def test_another_group_changes_no_number():
    every = frame(GROUPS)
    numbers = [name for name in NUMBERS if name in every]
    assert len(numbers) >= 6, list(every)
    orders = [["near"], ["far"], ["far", "near"], ["same", "far"], ["same", "far", "near"]]
    for names in orders:
        some = frame({name: GROUPS[name] for name in names})
        assert list(some.index) == names
        pd.testing.assert_frame_equal(some[numbers], every.loc[names, numbers], check_exact=True)


def test_sketches_stand_for_groups():
    sketches = {name: REFERENCE.sketch(rows, rng=0) for name, rows in GROUPS.items()}
    every = frame(sketches)
    mixed = frame(sketches | {"near": GROUPS["near"]})
    pd.testing.assert_frame_equal(
        every.loc[["far", "same"], ["mmd_squared", "pvalue"]],
        mixed.loc[["far", "same"], ["mmd_squared", "pvalue"]],
        check_exact=True,
    )
    for name, sketch in sketches.items():
        one = REFERENCE.compare(sketch, **QUICK)
        assert every.loc[name, "mmd_squared"] == one.mmd_squared
        assert every.loc[name, "standard_error"] == one.standard_error
        assert every.loc[name, "effect"] == pytest.approx(one.effect, rel=1e-12)


def test_ways_to_give_groups_are_one():
    expected = frame(GROUPS)
    arrays, names = list(GROUPS.values()), list(GROUPS)
    labels = np.repeat(names, list(map(len, arrays)))
    table = pd.DataFrame(np.concatenate(arrays), columns=list("abc")).assign(group=labels)
    pd.testing.assert_frame_equal(frame(arrays, labels=names), expected)
    for given in (
        (np.concatenate(arrays), labels),
        (table, "group"),
        (table[["group", "c", "a", "b"]], "group"),
    ):
        got = frame(given[0], labels=given[1])  # in the order of labels
        numbers = [name for name in NUMBERS if name in expected]
        pd.testing.assert_frame_equal(
            got.loc[names, numbers], expected[numbers], check_index_type=False
        )


def test_one_sketch_and_lists_of_them():
    sketch = REFERENCE.sketch(GROUPS["near"], rng=0)
    for groups in (sketch, [sketch], (sketch,)):
        assert compared(groups).names == (0,)
    assert compared([sketch, GROUPS["far"]]).names == (0, 1)
    assert compared([sketch, sketch], labels=["u", "v"]).names == ("u", "v")


def test_the_numbers_are_close_to_those_of_rows():
    """A wide kernel, of which landmarks see all, and the rows that made no landmark."""
    kernel = kernels.RBF(2.0)
    reference = repdist.Reference(X, rows_per_bin=8, kernel=kernel, rng=0)
    assert reference.plan.captured[0] > 0.998
    got = repdist.compare_to_reference(reference, GROUPS, rng=0).to_frame()
    exact = repdist.compare_to_reference(X, GROUPS, kernel=kernel, rng=0).to_frame()
    for name in GROUPS:
        error = exact.loc[name, "standard_error"] if "standard_error" in exact else 0.002
        assert got.loc[name, "mmd_squared"] == pytest.approx(
            exact.loc[name, "mmd_squared"], abs=0.7 * error
        )
        assert got.loc[name, "noise_floor"] == pytest.approx(
            exact.loc[name, "noise_floor"], rel=0.3
        )
    assert got.loc["far", "standard_error"] == pytest.approx(
        exact.loc["far", "standard_error"], rel=0.3
    )
    assert got.loc["far", "pvalue"] < 0.001
    assert got.loc["same", "pvalue"] > 0.01


def test_differences_and_ranks_come_from_what_is_shared():
    result = compared(GROUPS | {"copy": GROUPS["far"]}, n_resamples=999)
    differences = result.differences()
    assert len(differences) > 0
    assert set(result.closest) <= {"near", "same"}
    assert "closest" in str(result) or "near" in str(result)
    assert math.isfinite(float(result.to_frame()["mmd_squared"].sum()))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kernel", kernels.RBF()),
        ("kernel", kernels.MultiRBF(size=3)),
        ("clusters", ([1] * 1200, [2] * 300)),
        ("clusters", np.arange(4)),
        ("strata", "a"),
        ("matched", True),
        ("estimator", "biased"),
        ("combine", "mean"),
        ("n_bins", 8),
        ("n_bins", "rows"),
        ("method", "landmarks"),
        ("n_landmarks", 100),
    ],
)
def test_options_that_go_with_rows_are_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"^`{name}` must be left out with a Reference, which"):
        compared(GROUPS, **{name: value})


def test_bad_groups():
    other = repdist.Reference(X, rng=1)
    for groups, error, message in (
        ({"a": GROUPS["far"][:50]}, ValueError, r"`groups\['a'\]` must fill 8 bins of 8 rows"),
        ({"a": other.sketch(X)}, ValueError, r"`groups\['a'\]` must be a sketch of this reference"),
        ({"a": X[:, :2]}, ValueError, r"`groups\['a'\]` must have the 3 columns of the reference"),
        ({"a": None}, TypeError, r"`groups\['a'\]` must be an array"),
        ({"a": np.full((99, 3), np.nan)}, ValueError, r"`groups\['a'\]` must hold finite numbers"),
        ({"b": GROUPS["far"], "a": REFERENCE}, TypeError, r"`groups\['a'\]` must be rows or a Sk"),
        ({}, ValueError, r"`groups` must hold at least one group; got none\.$"),
        ([], ValueError, r"`groups` must hold at least one group; got none\.$"),
        ((), ValueError, r"`groups` must hold at least one group; got none\.$"),
        (X, ValueError, "`groups` must be a dict of samples"),
        (REFERENCE, TypeError, "`groups` must be"),
    ):
        with pytest.raises(error, match=message):
            compared(groups)
    table = pd.DataFrame(X, columns=list("abd")).assign(group=np.repeat(["x", "y"], 600))
    with pytest.raises(ValueError, match=r"`groups` must have the columns .* none called 'c'"):
        compared(table, labels="group")


def test_few_relabelings_reach_the_level_or_it_is_said():
    """Either small p-values come from more relabelings, or a warning says that none is small."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = compared(GROUPS, n_resamples=19)
    told = any("cannot reach" in str(warning.message) for warning in caught)
    assert told or result.to_frame().loc["far", "pvalue_adjusted"] < 0.05
    assert told == any("cannot reach" in caution for caution in result.cautions)


def test_labels_of_sketches_are_checked():
    sketch = REFERENCE.sketch(GROUPS["near"], rng=0)
    for labels, error, message in (
        (["u", "u"], ValueError, "different names"),
        ([["u"], ["v"]], ValueError, "different names"),
        (["u"], ValueError, "one name a group; got 1 for 2 groups"),
        (["u", "v", "w"], ValueError, "one name a group; got 3 for 2 groups"),
        ("uv", TypeError, "one name a group; got 'uv'"),
        (3, TypeError, "one name a group; got 3"),
    ):
        with pytest.raises(error, match=rf"^`labels` must .*{message}"):
            compared([sketch, GROUPS["far"]], labels=labels)
    assert compared([sketch, GROUPS["far"]], labels=iter("uv")).names == ("u", "v")


def test_unseen_rows_of_the_reference_count_once():
    rng = np.random.default_rng(0)
    reference = repdist.Reference(
        rng.standard_cauchy(size=(1380, 2)), kernel=repdist.kernels.RBF(1.0), n_landmarks=8, rng=0
    )
    groups = [reference.sketch(rng.standard_cauchy(size=(320, 2)), rng=0) for _ in range(3)]
    own, view = reference.as_sketch(), repdist.compare_to_reference(reference, groups).landmarks
    assert own.unseen > 100
    assert view.unseen == own.unseen + sum(sketch.unseen for sketch in groups)
    assert view.rows == own.n + 960
