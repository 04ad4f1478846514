"""Adjusted p-values, and what to do where none can be reached."""

import itertools
import re

import numpy as np
import pytest

import repdist
from repdist._designs.relabelings import Relabelings
from repdist._designs.table_cuts import Streams, TableCuts
from repdist._designs.units import Units
from repdist._inference.multiplicity import ADJUSTMENTS, adjusted, unreachable


def groups(sizes=(40, 50, 45), d=3, step=0.3, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return {
        f"g{i}": (rng.normal(size=(n, d)) + step * i).astype(dtype) for i, n in enumerate(sizes)
    }


def cells(result, name):
    table = getattr(result, name)
    return {(a, b): table.loc[a, b] for a, b in itertools.combinations(result.names, 2)}


def test_holm_equals_its_definition():
    result = repdist.pairwise_mmd_test(groups((40, 50, 45, 60)), n_resamples=999, rng=0)
    p = np.array(list(cells(result, "pvalue").values()))
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate((len(p) - np.arange(len(p))) * p[order])
    expected = np.empty_like(p)
    expected[order] = np.minimum(steps, 1)
    np.testing.assert_allclose(list(cells(result, "pvalue_adjusted").values()), expected)


@pytest.mark.parametrize("adjust", ADJUSTMENTS)
def test_every_adjustment_works(adjust):
    result = repdist.pairwise_mmd_test(groups(), n_resamples=199, adjust=adjust, rng=0)
    p, adjusted = (list(cells(result, name).values()) for name in ("pvalue", "pvalue_adjusted"))
    if not adjust.startswith("fdr_ts"):  # two-stage: they estimate how many nulls are true
        assert all(a >= b for a, b in zip(adjusted, p, strict=True))
    assert (adjusted == p) == (adjust == "none")


def test_too_few_rows_for_the_correction_are_a_warning_that_says_how_many():
    with pytest.warns(repdist.RepdistWarning, match="groups of 5 rows would do$") as warned:
        few = repdist.pairwise_mmd_test(groups((4, 4, 4)), rng=0)
    assert few.cautions[0] == str(warned[0].message)
    assert repdist.pairwise_mmd_test(groups((5, 5, 5)), rng=0).cautions == ()


def test_few_relabelings_are_no_warning_as_small_pvalues_get_more():
    """Ten groups: 45 pairs need 900 relabelings under Holm, and get 4,096."""
    given = np.random.default_rng(0).normal(size=(10, 20, 2)) + 9 * np.arange(10)[:, None, None]
    result = repdist.pairwise_mmd_test(given, n_resamples=50, rng=0)
    assert result.cautions == ()
    assert (result.to_frame()["n_resamples"] == 4095).all()
    assert (result.to_frame()["pvalue_adjusted"] <= 0.05).all()


def finest(count, n_resamples):
    """The relabelings of all pairs of so many groups that replace the first at a small p."""
    cuts = TableCuts.of([40] * count, "auto", n_resamples, Streams(0, tuple(range(count))))
    return [cuts.relabelings(*pair)[1] for pair in itertools.combinations(range(count), 2)]


def test_no_pair_of_very_many_groups_can_be_significant():
    """2^18 relabelings, the most that a pair gets, are too few for 13,203 pairs."""
    assert unreachable(finest(162, 50), "holm") == ""
    assert "13203 of 13203 pairs cannot reach" in unreachable(finest(163, 50), "holm")


@pytest.mark.parametrize("adjust", ["holm", "bonferroni", "sidak", "fdr_bh", "none"])
def test_adjusted_pvalues_equal_their_definitions(adjust):
    p = np.array([0.01, 0.04, 0.03, 0.2, 0.005])
    n, ranks = len(p), np.argsort(np.argsort(p))
    steps = np.sort(p)
    expected = {
        "holm": np.maximum.accumulate((n - np.arange(n)) * steps)[ranks],
        "bonferroni": n * p,
        "sidak": 1 - (1 - p) ** n,
        "fdr_bh": np.minimum.accumulate((n / (1 + np.arange(n)) * steps)[::-1])[::-1][ranks],
        "none": p,
    }[adjust]
    np.testing.assert_allclose(adjusted(p, adjust), np.minimum(expected, 1), rtol=1e-12)


def drawn(movable, wanted, count):
    """So many pairs of equal samples of single rows."""
    return [Relabelings(Units(1, (movable, movable), (0, 0)), wanted)] * count


@pytest.mark.parametrize("adjust", ["holm", "bonferroni", "fdr_by", "hommel"])
@pytest.mark.parametrize("count", [1, 3, 45])
def test_the_advice_is_the_least_that_would_do(adjust, count):
    """One relabeling fewer than advised still cannot reach .05."""
    said = unreachable(drawn(40, 5, count), adjust)
    wanted = int(re.search(r"n_resamples=5; (\d+) would do", said)[1])
    assert unreachable(drawn(40, wanted, count), adjust) == ""
    assert unreachable(drawn(40, wanted - 1, count), adjust)
    assert said.startswith(f"{count} of {count} pairs cannot reach")


def test_the_advice_names_rows_and_relabelings_if_both_are_too_few():
    said = unreachable(drawn(2, 15, 1) + drawn(40, 15, 2), "holm")
    assert said.startswith("3 of 3 pairs cannot reach")
    assert "groups of 5 rows would do, or with n_resamples=15; 32 would do" in said


@pytest.mark.parametrize(
    ("movable", "wanted", "count"), [(6, 50, 13_203), (6, 5, 45), (6, 400, 45)]
)
def test_more_relabelings_are_no_advice_where_all_there_are_would_not_do(movable, wanted, count):
    """6 + 6 rows have 924, whatever is asked for."""
    said = unreachable(drawn(movable, wanted, count), "holm")
    assert "rows would do" in said
    assert "n_resamples" not in said


def test_the_least_pvalue_of_few_rows_counts():
    assert "groups of 5 rows would do" in unreachable(drawn(4, 9999, 3), "holm")
    assert unreachable(drawn(5, 9999, 3), "holm") == ""
