"""Samples, calls and kernels that tests of what goes in and comes out share."""

import importlib.util
import re

import numpy as np
import pytest

import repdist
from repdist import kernels

RNG = np.random.default_rng(20)
X = RNG.normal(size=(12, 3))
Y = RNG.normal(size=(10, 3)) + 0.5
RELABELINGS = 99
INTEGERS = RNG.integers(0, 5, size=(12, 3)), RNG.integers(0, 7, size=(10, 3))
GRAM = X @ X.T


def as_tensor(array):
    import torch

    return torch.as_tensor(array)


def needs(library):
    """Skip a test, or a case of it, where this library is not installed."""
    return pytest.mark.skipif(importlib.util.find_spec(library) is None, reason=f"needs {library}")


LIBRARIES = pytest.mark.parametrize(
    "library", [np.asarray, pytest.param(as_tensor, marks=needs("torch"))], ids=["NumPy", "torch"]
)


def with_value(value, row, column):
    changed = X.copy()
    changed[row, column] = value
    return changed


def in_order(*parts):
    """Return a pattern that finds these texts in this order."""
    return ".*".join(map(re.escape, parts))


def message_or(call):
    """Return what the call returns, or the message of its refusal."""
    try:
        return call()
    except (TypeError, ValueError) as error:
        return str(error)


def result_of(*samples, **options):
    return repdist.mmd_test(*samples, n_resamples=RELABELINGS, rng=0, **options)


CALLS = {
    "mmd_test": result_of,
    "mmd_squared": repdist.mmd_squared,
    "median_heuristic": repdist.median_heuristic,
}


def parametrize_cases(cases):
    return pytest.mark.parametrize(("bad", "error", "parts"), list(cases.values()), ids=list(cases))


ALL_KERNELS = [
    kernels.MultiRBF(),
    kernels.MultiRBF("median", size=3),
    kernels.MultiRBF("mean", size=3),
    kernels.MultiRBF.like_mmd_rbf(),
    kernels.RBF(),
    kernels.Laplacian(),
    kernels.RationalQuadratic(),
    kernels.Matern(nu=0.5),
    kernels.Matern(nu=1.5),
    kernels.Matern(nu=2.5),
    kernels.Energy(),
    kernels.Linear(),
    kernels.Polynomial(),
]
ONE_OF_EACH_KIND = [
    kernels.MultiRBF(),
    kernels.Laplacian(),
    kernels.Energy(),
    kernels.Linear(),
    kernels.Polynomial(),
]
HAVE_BANDWIDTH = [kernels.RBF, kernels.Laplacian, kernels.Matern, kernels.RationalQuadratic]
FREE_OF_SCALE = ALL_KERNELS[:10]
SCALES = [(1e30, "f4"), (1e-30, "f4"), (1e-30, "f8"), (1e145, "f8"), (1e-145, "f8")]
BEYOND_SQUARES = [(1e160, "f8"), (1e-160, "f8")]  # where a squared distance leaves float64


def of_values(function):
    """Return a user's kernel that gives `function(X, Y)`."""

    class OfValues(kernels.Kernel):
        def evaluate(self, X, Y):
            return function(X, Y)

    return OfValues()


def strided(array):
    wide = np.zeros((2 * len(array), 3 * array.shape[1]), dtype=array.dtype)
    wide[::2, ::3] = array
    return wide[::2, ::3]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


def in_clusters(sizes, d=3, correlation=0.3, shift=0.0, seed=0, start=0):
    """Rows, and the numbers of their clusters; rows stand in any order."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(len(sizes)), sizes)
    means = np.sqrt(correlation) * rng.normal(size=(len(sizes), d))
    rows = means[ids] + np.sqrt(1 - correlation) * rng.normal(size=(len(ids), d)) + shift
    order = rng.permutation(len(ids))
    return rows[order], ids[order] + start


def in_strata(sizes, d=3, shift=0.0, seed=0):
    """Rows, and the numbers of their strata, which lie apart; rows stand in any order."""
    rng = np.random.default_rng(seed)
    ids = np.repeat(np.arange(len(sizes)), sizes)
    rows = rng.normal(size=(len(ids), d)) + 2 * ids[:, None] + shift
    order = rng.permutation(len(ids))
    return rows[order], ids[order]


def split(rows, ids):
    """Return the rows of each id, in the order of ids."""
    return [rows[ids == i] for i in np.unique(ids)]


def between_clusters(kernel, X, Y, ids_x, ids_y):
    """Return the mean of the kernel over the rows of every two clusters, those of X first."""
    rows = np.concatenate([X, Y])
    of = [(np.equal.outer(np.unique(ids), ids) / 1.0) for ids in (ids_x, ids_y)]
    A = np.zeros((sum(map(len, of)), len(rows)))
    A[: len(of[0]), : len(X)], A[len(of[0]) :, len(X) :] = of
    A /= A.sum(axis=1, keepdims=True)
    return A @ kernel(rows, rows) @ A.T


def assert_same_answer(got, expected, rtol):
    """The relabelings are the same, so the p-values are unless rounding moves a near tie."""
    assert got.pvalue == expected.pvalue
    assert got.mmd_squared == pytest.approx(expected.mmd_squared, rel=rtol)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=rtol)
    np.testing.assert_allclose(got.null_distribution, expected.null_distribution, rtol, rtol)
