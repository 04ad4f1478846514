"""Rows that come in clusters: ``python -m benchmarks.evidence.clusters`` (about a minute).

How often a test at .05 rejects where nothing differs, if ten frames of a video are taken for ten
independent rows; and what one row a cluster, or the mean of each, does about it.
"""

import functools
import sys
from collections.abc import Callable

import numpy as np

import repdist
from benchmarks.evidence import rates
from benchmarks.evidence.tasks import LEVEL

REPETITIONS = 400
N_RESAMPLES = 999
CLUSTERS, ROWS, COLUMNS = 12, 10, 8  # clusters of each sample, rows of each cluster
CORRELATIONS = (0.0, 0.1, 0.3)  # of two rows of one cluster, in each column

Samples = tuple[np.ndarray, np.ndarray]
READINGS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "all rows": lambda clusters: clusters.reshape(-1, COLUMNS),
    "one row a cluster": lambda clusters: clusters[:, 0],
    "mean of each cluster": lambda clusters: clusters.mean(axis=1),
}


def main() -> int:
    """Measure, and print a table."""
    print(f"{CLUSTERS} + {CLUSTERS} clusters of {ROWS} rows, {COLUMNS} Gaussian columns.")
    print(f"Nothing differs. {REPETITIONS} tests at {LEVEL:g}, {rates.CONFIDENCE:.0%} intervals:")
    for correlation in CORRELATIONS:
        for reading, hits in rejections(correlation).items():
            low, high = rates.interval(hits, REPETITIONS)
            rate = f"{hits / REPETITIONS:.3f} ({low:.3f} to {high:.3f})"
            print(f"  correlation {correlation:.1f}, {reading:22} rejected {rate}", flush=True)
    return 0


def rejections(correlation: float) -> dict[str, int]:
    """Return how many tests reject, for each way to make rows of clusters."""
    hits = dict.fromkeys(READINGS, 0)
    for seed in range(REPETITIONS):
        X, Y = draw(correlation, np.random.default_rng([seed, 0]))
        for reading, rows in READINGS.items():
            hits[reading] += rejects(rows(X), rows(Y), np.random.default_rng([seed, 1]))
    return hits


def draw(correlation: float, rng: np.random.Generator) -> Samples:
    """Draw two samples of one distribution, each (clusters, rows, columns) of variance 1."""
    sample = functools.partial(_clustered, correlation, rng)
    return sample(), sample()


def _clustered(correlation: float, rng: np.random.Generator) -> np.ndarray:
    centres = rng.normal(size=(CLUSTERS, 1, COLUMNS))
    around = rng.normal(size=(CLUSTERS, ROWS, COLUMNS))
    return np.asarray(np.sqrt(correlation) * centres + np.sqrt(1 - correlation) * around)


def rejects(X: np.ndarray, Y: np.ndarray, rng: np.random.Generator) -> bool:
    """Tell whether the test rejects."""
    result = repdist.mmd_test(X, Y, n_resamples=N_RESAMPLES, rng=rng, n_jobs=1)
    return result.pvalue <= LEVEL


if __name__ == "__main__":
    sys.exit(main())
