"""What watches a stream.

A watcher is started with the rows of a reference, and gives a score a batch, which is large where
the batch looks unlike the reference; where it reaches a level, that is an alarm.
"""

import math
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

import repdist
from benchmarks.evidence.streams import ROWS_PER_BIN
from repdist import kernels

N_LANDMARKS = 32


class Watcher(Protocol):
    """What a stream is given to.

    Attributes
    ----------
    pvalue : float
        Of the last batch; not a number for a rule without p-values.
    """

    pvalue: float

    def __call__(self, batch: np.ndarray) -> float:
        """Return the score of the next batch."""


@dataclass(frozen=True)
class Looks:
    """How the library looks at rows, in all of these studies.

    Attributes
    ----------
    kernel : str
        ``grid``: that of the default; ``median``: one bandwidth, which is faster.
    n_resamples : int
    max_bins : int
        That are relabeled: fewer are faster.
    """

    kernel: Literal["grid", "median"]
    n_resamples: int
    max_bins: int = 64

    def reference(self, rows: np.ndarray, seed: int) -> repdist.Reference:
        """Fit a reference."""
        kernel = kernels.MultiRBF() if self.kernel == "grid" else kernels.RBF()
        return repdist.Reference(
            rows, kernel=kernel, max_bins=self.max_bins, n_landmarks=N_LANDMARKS,
            rows_per_bin=ROWS_PER_BIN, rng=seed, n_jobs=1,
        )  # fmt: skip


class Monitored:
    """The monitor. A score of 1 is an alarm; `pvalue` is that of the last batch."""

    def __init__(self, rows: np.ndarray, looks: Looks, every: float, seed: int) -> None:
        reference = looks.reference(rows, seed)
        self._monitor = repdist.Monitor(
            reference, alarm_every=every, n_resamples=looks.n_resamples, rng=seed
        )
        self.pvalue = 1.0

    def __call__(self, batch: np.ndarray) -> float:
        """Update."""
        step = self._monitor.update(batch, n_jobs=1)
        self.pvalue = step.pvalue
        return float(step.alarm)


class Weekly:
    """A test of each batch against the one reference; the score is -p."""

    def __init__(self, rows: np.ndarray, looks: Looks, seed: int) -> None:
        self._reference = looks.reference(rows, seed)
        self._looks, self._rng = looks, np.random.default_rng([seed, 1])
        self.pvalue = 1.0

    def __call__(self, batch: np.ndarray) -> float:
        """Test."""
        self.pvalue = self._reference.compare(
            batch, n_resamples=self._looks.n_resamples, rng=self._rng, n_jobs=1
        ).pvalue
        return -self.pvalue


class Columns:
    """The rule of evidently for more than 1,000 rows of numbers, done again here.

    A column has drifted if its Wasserstein distance to the reference, over the standard deviation
    of the reference, is .1 or more; data have if half of their columns have. So the score is the
    distance that half of the columns reach, and .1 the level of its defaults.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self._rows = rows
        self._scale = np.maximum(rows.std(axis=0), 0.001)
        self.pvalue = math.nan

    def __call__(self, batch: np.ndarray) -> float:
        """Return the distance that half of the columns reach."""
        found = np.sort(wasserstein(self._rows, batch) / self._scale)
        return float(found[len(found) // 2])


def wasserstein(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return the first Wasserstein distance of each column, (d,): the area between two CDFs."""
    Z = np.concatenate([X, Y])
    order = np.argsort(Z, axis=0)
    steps = np.where(order < len(X), 1 / len(X), -1 / len(Y))
    widths = np.diff(np.take_along_axis(Z, order, axis=0), axis=0)
    return np.asarray((np.abs(np.cumsum(steps, axis=0)[:-1]) * widths).sum(axis=0))
