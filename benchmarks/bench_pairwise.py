"""Time the table of groups, and a loop of alibi-detect's MMDDrift over the same pairs.

Run with `make bench`. alibi-detect is timed if it is installed beside repdist (it is not a
dependency): `pip install alibi-detect "torch==2.13.0"`. Nothing is asserted.
"""

import importlib.util
import itertools
import resource
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import repdist
from repdist import kernels


def main() -> None:
    """Print one row a setting."""
    print(f"repdist {repdist.__version__}, pairwise_mmd_test, float32, 9,999 relabelings\n")
    features = samples(10, 300)
    row("10 x 300 x 64, 45 pairs, defaults", lambda: repdist.pairwise_mmd_test(features, rng=0))
    ten = kernels.MultiRBF("median", size=10)
    row(
        "10 x 300 x 64, 45 pairs, ten components",
        lambda: repdist.pairwise_mmd_test(features, kernel=ten, rng=0),
    )
    many = samples(100, 100)
    row(
        "100 x 100 x 64, 4,950 pairs, defaults",
        lambda: repdist.pairwise_mmd_test(many, rng=0),
        repetitions=1,
    )
    if importlib.util.find_spec("alibi_detect"):
        row(
            "10 x 300 x 64, alibi-detect, one component, 1,000 permutations",
            lambda: alibi_loop(features),
            repetitions=1,
        )
    else:
        print("alibi-detect is not installed: not timed")


def samples(k: int, n: int) -> np.ndarray:
    """Return k groups of n rows and 64 columns, each a little farther off."""
    rng = np.random.default_rng(0)
    shift = 0.03 * np.arange(k)[:, None, None]
    return (rng.normal(size=(k, n, 64)) + shift).astype(np.float32)


def row(name: str, call: Callable[[], Any], repetitions: int = 5) -> None:
    """Print the median seconds of some calls after a first, and the growth of peak memory."""
    before = peak()
    seconds = []
    for _ in range(repetitions + (repetitions > 1)):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    median = statistics.median(seconds[repetitions > 1 :])
    print(f"{name:64} {median:8.2f} s {peak() - before:6.0f} MB more at the peak", flush=True)


def peak() -> float:
    """Return the peak resident memory of the process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def alibi_loop(features: np.ndarray) -> None:
    """Test all pairs with alibi-detect, one after another."""
    from alibi_detect.cd import MMDDrift

    for i, j in itertools.combinations(range(len(features)), 2):
        MMDDrift(features[i], backend="pytorch", n_permutations=1000).predict(features[j])


if __name__ == "__main__":
    main()
