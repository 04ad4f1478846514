"""The memory that a result states is an upper bound of what the test held, whatever the design."""

import functools
import itertools
import tracemalloc

import numpy as np
import pytest

import repdist
from repdist import kernels


def designs(n, m, count):
    """Keywords of each design, of n and m rows in so many clusters or strata of each sample."""
    of_x, of_y = np.arange(n) % count, np.arange(m) % count
    return {
        "rows": {},
        "pairs": {"paired": True},
        "clusters": {"clusters": (of_x, of_y + count)},
        "strata": {"strata": (of_x, of_y)},
        "pairs of clusters": {"paired": True, "clusters": (of_x, of_y)},
        "pairs in strata": {"paired": True, "strata": (np.arange(n) % 3, np.arange(n) % 3)},
        "clusters in strata": {
            "clusters": (of_x, of_y + count), "strata": (of_x % 2, of_y % 2)
        },
    }  # fmt: skip


OPTIONS = [
    (5, 6, 2, {}),
    (20, 30, 3, {}),
    (60, 60, 20, {"n_resamples": 100_000}),
    (30, 200, 3, {"n_resamples": 30_000}),
    (300, 800, 20, {"n_resamples": 999}),
    (600, 700, 4, {"kernel": kernels.Laplacian()}),
    (100, 120, 10, {"kernel": kernels.Polynomial()}),
]
# Each design with all sizes and options, and each of these with both types and numbers of threads.
CASES = [
    (design, *options, dtype, n_jobs)
    for (i, design), (j, options) in itertools.product(
        enumerate(["rows", "pairs", "clusters", "strata"]), enumerate(OPTIONS)
    )
    for dtype, n_jobs in zip(
        [np.float32, np.float64], [1, 2] if (i + j) % 2 else [2, 1], strict=True
    )
]


@pytest.mark.parametrize(("design", "n", "m", "count", "options", "dtype", "n_jobs"), CASES)
def test_the_memory_stated_is_an_upper_bound(design, n, m, count, options, dtype, n_jobs):
    peak, stated = peak_and_stated(design, n, m, count, options, dtype, n_jobs)
    assert peak <= stated


@pytest.mark.parametrize(
    "design", ["clusters", "pairs of clusters", "pairs in strata", "clusters in strata"]
)
@pytest.mark.parametrize(
    ("n", "m", "count", "options"),
    [
        (40, 40, 8, {}),
        (60, 60, 20, {"n_resamples": 100_000}),
        (600, 600, 130, {"n_resamples": 999}),
        (700, 700, 700, {"n_resamples": 99, "kernel": kernels.RBF(1.0)}),
        (700, 700, 700, {"n_resamples": 99, "n_jobs": 2}),
        (400, 900, 400, {"kernel": kernels.RBF(1.0), "n_resamples": 99}),
    ],
)
def test_many_clusters_pairs_and_strata(design, n, m, count, options):
    """More than a pass holds the sums of at a time among them."""
    peak, stated = peak_and_stated(design, n, m, count, options, np.float64, 1)
    assert peak <= stated


@functools.cache
def called_once():
    """Call the test of each design, which imports and keeps some at its first call."""
    rows = np.random.default_rng(0).normal(size=(24, 5))
    for few in designs(12, 12, 4).values():
        repdist.mmd_test(rows[:12], rows[12:], rng=0, **few)


def peak_and_stated(design, n, m, count, options, dtype, n_jobs):
    """The most memory that was held, and what the result says of it."""
    rng = np.random.default_rng(0)
    m = n if design.startswith("pairs") else m
    first, second = rng.normal(size=(n, 5)).astype(dtype), rng.normal(size=(m, 5)).astype(dtype)
    keywords = {"rng": 0, "n_jobs": n_jobs} | options | designs(n, m, count)[design]
    called_once()
    tracemalloc.start()
    try:
        result = repdist.mmd_test(first, second, **keywords)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak, result.memory_bytes
