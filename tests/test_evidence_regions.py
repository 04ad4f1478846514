"""The study of regions: what a clump is, and whose p-value counts."""

import numpy as np
import pytest

from benchmarks.evidence import regions, runner
from benchmarks.evidence.grouped import InClump, parted
from benchmarks.evidence.problems import HeavyTails
from benchmarks.evidence.tasks import Measured, Scope, Task


def task(problem, methods, n=300, m=300):
    return Task("regions", problem, n, m, methods, 1, 1023)


@pytest.mark.parametrize("correlation", [0.0, 0.5])
def test_moments_of_a_clump(correlation):
    problem = InClump(0.1, 2.5, correlation)
    (X, Y), (of_x, of_y) = parted(*problem(30_000, 60_000, np.random.default_rng(0)))
    assert not of_x.any()
    assert of_y.mean() == pytest.approx(0.1, abs=0.01)
    clump, others = Y[of_y == 1], Y[of_y == 0]
    np.testing.assert_allclose(clump.mean(axis=0), 2.5 / np.sqrt(8), atol=0.02)
    np.testing.assert_allclose(np.cov(clump.T), 0.09 * np.eye(8), atol=0.01)
    expected = correlation + (1 - correlation) * np.eye(8)
    for rows in (X, others):
        np.testing.assert_allclose(rows.mean(axis=0), 0, atol=0.03)
        np.testing.assert_allclose(np.cov(rows.T), expected, atol=0.04)


def test_names_of_problems_are_different():
    tasks = regions.tasks(Scope(0.05))
    assert len({task.name for task in tasks}) == len(tasks) == 16
    names = [InClump().name, InClump(correlation=0.5).name, InClump(0.05, 3.0).name]
    assert names == ["equal-independent", "equal-correlated", "clump-0.05-at-3-independent"]


def test_a_clear_clump_is_found_and_is_not_elsewhere():
    found = runner.one(task(InClump(0.3, 12.0), regions.CLUMP), 0)
    assert found["clump"] == found["any"] < 0.01
    assert found["mmd_test"] < 0.01
    assert found["many"] < 0.01
    assert found["elsewhere"] > found["clump"]


def test_where_nothing_differs_all_regions_are_elsewhere():
    for problem in (InClump(), HeavyTails()):
        found = runner.one(task(problem, regions.NULL, 40, 50), 0)
        assert found["elsewhere"] == found["any"]
        assert found["clump"] == 1
        assert not {"many", "mmd_test"} & set(found)
        assert (found["any"] * 1024) % 1 == pytest.approx(0, abs=1e-6)


def test_what_is_told():
    pvalues = dict.fromkeys(("any", *regions.CLUMP), np.arange(1, 101) / 100)
    pvalues["flagged"] = np.repeat([0.0, 0.5], [90, 10])
    null = task(InClump(), regions.NULL)
    told = regions.extra(Measured(null, "any", pvalues, 1))
    assert told["alarm"] == ""
    assert "uniform_pvalue" not in told
    clump = task(InClump(0.1, 2.5), regions.CLUMP)
    assert regions.extra(Measured(clump, "elsewhere", pvalues, 1)) == {"flagged": 0.05}
    assert regions.extra(Measured(clump, "clump", pvalues, 1)) == {}
    assert {*told, "flagged", "uniform_pvalue"} == set(regions.COLUMNS)
