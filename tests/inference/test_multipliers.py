"""The null of random signs: what was observed, and the variance of signs, from the definitions."""

import numpy as np
import pytest

from repdist._designs.units import Units
from repdist._inference.combine import Combination
from repdist._inference.multipliers import differ_in_size, null_of_signs


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
    assert differ_in_size(np.array([2, 2]), np.array([3, 3]))
    assert differ_in_size(np.array([1, 9]), np.array([5, 5]))
