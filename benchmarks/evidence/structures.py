"""Structures that landmarks could miss: narrow, rare or far away, and features of a network."""

import functools
import math
from dataclasses import dataclass

import numpy as np

from benchmarks.evidence.problems import OneByOne, Problem, Samples

FAR = 100.0  # where a far mode lies, in deviations of the rest
TIGHT = 0.1  # deviation of a far mode in each column


@dataclass(frozen=True)
class RareModes(OneByOne):
    """Standard Gaussian rows, of which a share lies in one tight mode far away, in both samples."""

    share: float
    d: int = 2
    family = "rare-modes"

    @property
    def x(self) -> float:
        """The share."""
        return self.share

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (n, d)."""
        return with_mode(rng.normal(size=(n, self.d)), self.share, FAR, rng)


@dataclass(frozen=True)
class NewMode(Problem):
    """Standard Gaussian rows; a share of Y lies in one tight mode far away.

    With `both`, as many of X lie in another one, on the other side.
    """

    share: float
    both: bool = False
    d: int = 16

    @property
    def family(self) -> str:
        """Which samples have one."""
        return "two-modes" if self.both else "new-mode"

    @property
    def x(self) -> float:
        """The share."""
        return self.share

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        X, Y = rng.normal(size=(n, self.d)), rng.normal(size=(m, self.d))
        if self.both:
            X = with_mode(X, self.share, FAR, rng)
        return X, with_mode(Y, self.share, -FAR, rng)


def with_mode(rows: np.ndarray, share: float, at: float, rng: np.random.Generator) -> np.ndarray:
    """Return rows of which each moves, with a chance, to a tight mode along the first column."""
    mode = TIGHT * rng.normal(size=rows.shape)
    mode[:, 0] += at
    return np.where(rng.random(len(rows))[:, None] < share, mode, rows)


@dataclass(frozen=True)
class Waves(Problem):
    """The uniform on [0, 1]^d (X) against ``1 + amplitude prod_j cos(2 pi waves u_j)`` (Y)."""

    amplitude: float
    waves: int = 3
    d: int = 2
    family = "waves"

    @property
    def x(self) -> float:
        """The amplitude."""
        return self.amplitude

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        return rng.random((n, self.d)), self._wavy(m, rng)

    def density(self, u: np.ndarray) -> np.ndarray:
        """Return that of Y at rows u (k, d) of the unit cube."""
        heights = np.cos(2 * math.pi * self.waves * u).prod(axis=1)
        return np.asarray(1 + self.amplitude * heights)

    def _wavy(self, m: int, rng: np.random.Generator) -> np.ndarray:
        """Draw by rejection."""
        kept = np.empty((0, self.d))
        while len(kept) < m:
            u = rng.random((2 * m, self.d))
            kept = np.concatenate(
                [kept, u[rng.random(2 * m) * (1 + self.amplitude) < self.density(u)]]
            )
        return kept[:m]


@dataclass(frozen=True)
class SparseUnits(Problem):
    """Independent ReLU units ``max(0, e - 1.8)``, e Gaussian; 8 of Y's are active more often."""

    more: float
    d: int = 256
    family = "sparse-units"
    changed = 8
    threshold = 1.8

    @property
    def x(self) -> float:
        """By how much the threshold of the 8 is lower."""
        return self.more

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        X, Y = rng.normal(size=(n, self.d)), rng.normal(size=(m, self.d))
        Y[:, : self.changed] += self.more
        return np.maximum(X - self.threshold, 0), np.maximum(Y - self.threshold, 0)


@dataclass(frozen=True)
class Embeddings(Problem):
    """Outputs of a fixed random ReLU network with 8 inputs, and noise; Y's first input is shifted.

    In float32, as networks give them.
    """

    shift: float
    d: int = 768
    family = "embeddings"
    inputs = 8
    hidden = 64
    noise = 0.05

    @property
    def x(self) -> float:
        """The shift."""
        return self.shift

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        return self._rows(n, 0.0, rng), self._rows(m, self.shift, rng)

    def _rows(self, n: int, shift: float, rng: np.random.Generator) -> np.ndarray:
        first, second = network(self.inputs, self.hidden, self.d)
        z = rng.standard_normal((n, self.inputs), dtype=np.float32)
        z[:, 0] += np.float32(shift)
        rows = np.maximum(z @ first, 0) @ second
        rows += np.float32(self.noise) * rng.standard_normal((n, self.d), dtype=np.float32)
        return np.asarray(rows)


@functools.cache
def network(inputs: int, hidden: int, outputs: int) -> Samples:
    """Return the two matrices of the fixed network, in float32."""
    rng = np.random.default_rng(77)
    first = rng.normal(size=(inputs, hidden)) / math.sqrt(inputs)
    second = rng.normal(size=(hidden, outputs)) / math.sqrt(hidden)
    return first.astype(np.float32), second.astype(np.float32)


@dataclass(frozen=True)
class TightClusters(Problem):
    """Rows in tight clusters at fixed places; Y has the shares of half of them changed.

    The first half of the clusters have ``1 + change`` times their share, the others ``1 - change``.
    """

    clusters: int
    change: float = 0.4
    d: int = 16
    family = "tight-clusters"
    apart = 3.0
    within = 0.3

    @property
    def x(self) -> int:
        """How many clusters."""
        return self.clusters

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        half = np.arange(self.clusters) < self.clusters / 2
        shares = np.where(half, 1 + self.change, 1 - self.change)
        of_x = rng.integers(self.clusters, size=n)
        of_y = rng.choice(self.clusters, m, p=shares / shares.sum())
        return self._around(of_x, rng), self._around(of_y, rng)

    def _around(self, of: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        centres = self.apart * np.random.default_rng(5).normal(size=(self.clusters, self.d))
        return np.asarray(centres[of] + self.within * rng.normal(size=(len(of), self.d)))
