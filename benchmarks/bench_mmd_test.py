"""Time `mmd_test` at its defaults, and its two parts: kernel sums and null distribution.

Run with `make bench`. Prints a table; nothing is asserted. Each figure is the median of several
runs in one process, after one that is not counted.
"""

import os
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import threadpoolctl

import repdist
from repdist import two_sample

SIZES = [300, 1000, 10_240]
D = 64


def main() -> None:
    """Print one row a sample size."""
    blas = threadpoolctl.threadpool_info()[0]
    print(
        f"repdist {repdist.__version__}, NumPy {np.__version__}, Python "
        f"{platform.python_version()}, {len(os.sched_getaffinity(0))} cores, "
        f"{blas['internal_api']} {blas['version']} ({blas['architecture']})"
    )
    print(f"mmd_test at its defaults, n = m, d = {D}, float32, seconds\n")
    print(f"{'n':>7} {'whole':>8} {'sums':>8} {'null':>8} {'rest':>8} {'components':>11}")
    for n in SIZES:
        rng = np.random.default_rng(0)
        X, Y = (rng.normal(size=(n, D)).astype(np.float32) for _ in range(2))
        repetitions = 9 if n <= 1000 else 5
        whole, sums, null = measure(X, Y, repetitions)
        components = len(repdist.mmd_test(X, Y, n_resamples=9).components)
        rest = whole - sums - null
        print(f"{n:7,} {whole:8.3f} {sums:8.3f} {null:8.3f} {rest:8.3f} {components:11}")


def measure(X: np.ndarray, Y: np.ndarray, repetitions: int) -> tuple[float, float, float]:
    """Return the median seconds of a test, of its kernel sums, and of its null distribution."""
    rows = []
    for _ in range(repetitions + 1):
        parts = {"_sums_of": 0.0, "_statistics_of": 0.0}
        originals = {name: getattr(two_sample, name) for name in parts}
        for name in parts:
            setattr(two_sample, name, timed(originals[name], name, parts))
        start = time.perf_counter()
        repdist.mmd_test(X, Y, rng=0)
        rows.append((time.perf_counter() - start, *parts.values()))
        for name, original in originals.items():
            setattr(two_sample, name, original)
    return tuple(statistics.median(column) for column in zip(*rows[1:], strict=True))


def timed(function: Callable, name: str, into: dict[str, float]) -> Callable:
    """Return `function`, adding the seconds of each call to `into[name]`."""

    def wrapper(*args, **kwargs):
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            into[name] += time.perf_counter() - start

    return wrapper


if __name__ == "__main__":
    main()
