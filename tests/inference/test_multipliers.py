"""The null of random signs: what was observed, and the variance of signs, from the definitions."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

import repdist
from repdist._designs.strata import StrataUnits
from repdist._designs.units import Units
from repdist._inference.combine import Combination
from repdist._inference.multipliers import differ_in_size, null_of_signs
from repdist._inference.stratified import quadratic_form
from repdist._questions import outcomes


def kernel(n, seed=0):
    Z = np.random.default_rng(seed).normal(size=(n, 2))
    return np.exp(-np.square(Z[:, None] - Z[None]).sum(-1) / 2)


def centred(K, group):
    """In both directions within groups, and as wide as rows are."""
    K = K.copy()
    for g in (0, 1):
        K[group == g] -= K[group == g].mean(axis=0)
        K[:, group == g] -= K[:, group == g].mean(axis=1, keepdims=True)
    n = np.bincount(group)[group]
    return K * np.sqrt(np.outer(n / (n - 1), n / (n - 1)))


@pytest.mark.parametrize(("n", "m"), [(6, 9), (12, 30)])
def test_the_observed_one_is_mmd_squared_and_signs_have_their_variance(n, m):
    """Of 20,000 draws: within 6 %, at the seed here."""
    K, group = kernel(n + m), np.repeat([0, 1], [n, m])
    off = K * (1 - np.eye(n + m))
    null = null_of_signs(
        off[None], np.diagonal(K)[None], Units(1, (n, m), (0, 0)),
        Combination("max", np.ones(1), np.ones(1), n), (20_000, np.random.default_rng(0)),
    )  # fmt: skip
    T = off[:n, :n].sum() / (n * (n - 1)) + off[n:, n:].sum() / (m * (m - 1))
    assert null.statistic == pytest.approx(T - 2 * K[:n, n:].mean(), rel=1e-9)
    weight = np.where(np.equal.outer(group, group), 0, 1 / (n * m))
    weight[:n, :n], weight[n:, n:] = 1 / (n * (n - 1)), 1 / (m * (m - 1))
    F = weight * centred(K, group) * (1 - np.eye(n + m))
    drawn = null.distribution()[1:]
    assert drawn.var() == pytest.approx(2 * np.square(F).sum(), rel=0.06)
    assert abs(drawn.mean()) < 5 * drawn.std() / np.sqrt(20_000)


def test_sizes_differ_by_their_mean_inverse():
    assert not differ_in_size(np.array([3, 3, 3]), np.array([3, 3]))
    assert not differ_in_size(np.array([1, 9]), np.array([9, 1, 1, 9]))
    assert not differ_in_size(np.array([2, 2]), np.array([3, 3]))
    assert differ_in_size(np.array([2, 2]), np.array([4, 4]))
    assert differ_in_size(np.array([1, 9]), np.array([5, 5]))


def test_all_signs_if_there_are_no_more():
    """Those of 3 + 4 clusters, one sign fixed; p does not depend on the generator."""
    K, group = kernel(7), np.repeat([0, 1], [3, 4])
    off = K * (1 - np.eye(7))
    found = [
        null_of_signs(
            off[None], np.diagonal(K)[None], Units(1, (3, 4), (0, 0)),
            Combination("max", np.ones(1), np.ones(1), 3), (99, np.random.default_rng(seed)),
        ).distribution()
        for seed in (0, 1)
    ]  # fmt: skip
    np.testing.assert_array_equal(*found)
    form = np.where(np.equal.outer(group, group), 0, 1 / 12)
    form[:3, :3], form[3:, 3:] = 1 / 6, 1 / 12
    F = form * centred(K, group) * (1 - np.eye(7))
    signs = np.array(list(itertools.product([1, -1], repeat=6)))
    signs = np.column_stack([signs, np.ones(64)])
    expected = np.einsum("bi,ij,bj->b", signs, F, signs)
    np.testing.assert_allclose(np.sort(found[0][1:]), np.sort(expected), atol=1e-12)


def test_in_strata_both_statistics_are_those_of_the_labels():
    units = StrataUnits.of("ab", np.array([[3, 4], [4, 5]]), "rows")
    K = kernel(16)
    off, own = (K * (1 - np.eye(16)))[None], np.diagonal(K)[None]
    S = quadratic_form(off, own, units, "unbiased", both=True)
    first = (units.sample == 0).astype(float)
    adjusted, within = np.einsum("u,uvr,v->r", first, S, first)
    rng = np.random.default_rng(0)
    one = null_of_signs(
        off, own, units, Combination("mean", np.ones(1), np.ones(1), 7), (2000, rng)
    )
    assert one.statistic == pytest.approx(adjusted, rel=1e-9)
    for weights, expected in (([1, 0], adjusted), ([0, 1], within)):
        combination = Combination("mean", np.array(weights, float), np.ones(2), 7)
        both = null_of_signs(off, own, units, combination, (2000, rng), within=True)
        assert both.statistic == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("strata", [None, (np.arange(6) % 2, np.repeat(np.arange(6) % 2, 9))])
@pytest.mark.parametrize("of_signs", [0.987, 1e-4])
def test_p_is_no_less_than_that_of_signs(monkeypatch, strata, of_signs):
    monkeypatch.setattr(outcomes, "null_of_signs", lambda *a, **k: SimpleNamespace(pvalue=of_signs))
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(6, 2)), rng.normal(size=(54, 2)) + 0.2
    ids = np.arange(6), 6 + np.repeat(np.arange(6), 9)
    result = repdist.mmd_test(X, Y, clusters=ids, strata=strata, n_resamples=499, rng=0)
    of_relabelings = result.null.pvalue
    assert 1e-4 < of_relabelings < 0.987
    assert result.pvalue == max(of_signs, of_relabelings)
    assert result.guarded == (of_signs > 0.5)
    assert any("asks for no equal sizes" in caution for caution in result.cautions)
    assert ("random signs" in result.method()) == result.guarded
    assert ("random signs" in str(result)) == result.guarded


def test_clusters_of_like_sizes_need_no_signs(monkeypatch):
    def refused(*_, **__):
        raise AssertionError

    monkeypatch.setattr(outcomes, "null_of_signs", refused)
    rng = np.random.default_rng(3)
    X, Y = rng.normal(size=(18, 2)), rng.normal(size=(24, 2))
    ids = np.arange(18) // 3, 6 + np.arange(24) // 4  # mean inverse sizes 4 : 3
    assert not repdist.mmd_test(X, Y, clusters=ids, n_resamples=99, rng=0).guarded
