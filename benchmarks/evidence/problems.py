"""Where the samples come from: frozen objects, called with n, m and a generator for X and Y.

A problem has a `family`, a value `x` of what varies in it, `d` columns, and a `pool` of images if
it draws from one. The null problems draw X and Y from one distribution.
"""

import abc
import functools
import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

Samples = tuple[np.ndarray, np.ndarray]


class Problem(abc.ABC):
    """What X and Y are drawn from."""

    d: int
    continuous: ClassVar[bool] = True  # no two rows are equal, so relabelings do not tie

    @property
    @abc.abstractmethod
    def family(self) -> str:
        """What kind of difference, or of null, it is."""

    @property
    def pool(self) -> str:
        """What images there are to draw from, if it draws from any."""
        return ""

    @property
    @abc.abstractmethod
    def x(self) -> float | str:
        """What varies within the family."""

    @property
    def name(self) -> str:
        """Family and value."""
        x = self.x
        return f"{self.family}-{x if isinstance(x, str) else f'{x:g}'}"

    @abc.abstractmethod
    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X (n, d) and Y (m, d)."""


class Null(Problem):
    """A problem whose samples come from one distribution."""

    @property
    def x(self) -> float | str:
        """The columns."""
        return self.d


class OneByOne(Null):
    """A null whose samples are drawn one after the other, by `rows`."""

    @abc.abstractmethod
    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (n, d)."""

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y one after the other."""
        return self.rows(n, rng), self.rows(m, rng)


# --- published problems --------------------------------------------------------------------------


@dataclass(frozen=True)
class Mixture(Problem):
    """Four Gaussians in the plane with means (+-20, +-20); in Y the last one has another spread.

    Each row picks its mode at random; all standard deviations are 1 but that of Y's fourth mode,
    `sd`. From the MMD-FUSE paper (Biggs, Schrab, Gretton, NeurIPS 2023, section 5) and its
    repository antoninschrab/mmdfuse-paper, which draws X first.
    """

    sd: float
    d = 2
    family = "mixture"

    @property
    def x(self) -> float:
        """The standard deviation of the fourth mode."""
        return self.sd

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        return self._rows(n, 1.0, rng), self._rows(m, self.sd, rng)

    @staticmethod
    def _rows(n: int, sd: float, rng: np.random.Generator) -> np.ndarray:
        mode = rng.integers(4, size=n)
        means = 20.0 * np.stack([1 - 2 * (mode % 2), 1 - 2 * (mode // 2)], axis=1)  # (n, 2)
        scale = np.where(mode == 3, sd, 1.0)[:, None]
        return np.asarray(means + scale * rng.normal(size=(n, 2)))


@dataclass(frozen=True)
class PerturbedUniform(Problem):
    """The uniform on [0, 1]^d (Y) against the same with smooth bumps (X).

    ``f(u) = 1 + amplitude e^d sum_{nu in {1..P}^d} theta_nu prod_i G(P u_i - nu_i)``, with
    ``G(t) = exp(-1 / (1 - (4 t + 3)^2))`` on (-1, -1/2), ``-exp(-1 / (1 - (4 t + 1)^2))`` on
    (-1/2, 0), 0 elsewhere, and signs ``theta_nu`` = +-1 drawn anew each time. From Schrab, Kim,
    Albert, Laurent, Guedj, Gretton, "MMD aggregated two-sample test", JMLR 24(194), 2023, eq. 17,
    whose factor ``c_d P^-s`` is here ``amplitude e^d``: as max |G| = 1/e, an amplitude of 1 lets
    the density touch 0. So does antoninschrab/mmdfuse-paper (``sampler_perturbations``), which has
    P = 2 for d = 1 and for d = 2, and a new seed for the signs in each repetition.
    """

    d: int
    amplitude: float
    bumps: int = 2

    family = "perturbed"

    @property
    def x(self) -> float:
        """The amplitude."""
        return self.amplitude

    @property
    def name(self) -> str:
        """With the dimension."""
        return f"{self.family}-d{self.d}-{self.amplitude:g}"

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        return self._perturbed(n, rng), rng.random((m, self.d))

    def signs(self, rng: np.random.Generator) -> np.ndarray:
        """Draw theta, (P, ..., P)."""
        return rng.choice([-1.0, 1.0], size=(self.bumps,) * self.d)

    def density(self, u: np.ndarray, signs: np.ndarray) -> np.ndarray:
        """Return f at rows u (k, d) of the unit cube."""
        scaled = self.bumps * u
        cell = np.minimum(scaled.astype(int), self.bumps - 1)  # nu - 1, (k, d)
        heights = np.prod(bump(scaled - cell - 1), axis=1)
        bumps = signs[tuple(cell.T)] * heights
        return np.asarray(1 + self.amplitude * math.exp(self.d) * bumps)

    def _perturbed(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n rows by rejection: f is at most 1 + amplitude."""
        signs = self.signs(rng)
        kept = np.empty((0, self.d))
        while len(kept) < n:
            u = rng.random((2 * n, self.d))
            accepted = rng.random(2 * n) * (1 + self.amplitude) < self.density(u, signs)
            kept = np.concatenate([kept, u[accepted]])
        return kept[:n]


def bump(t: np.ndarray) -> np.ndarray:
    """Return G, a smooth hill on (-1, -1/2) and the same upside down on (-1/2, 0)."""
    first = t < -0.5
    inside = 1 - np.square(4 * t + np.where(first, 3, 1))
    height = np.exp(-1 / np.maximum(inside, 1e-300)) * ((t > -1) & (t < 0))
    return np.asarray(np.where(first, height, -height))


# Digits in Y; X has all ten. As in antoninschrab/mmdagg-paper (mnist.py), after Kuebler,
# Jitkrittum, Schoelkopf, Muandet, "Learning kernel tests without data splitting", NeurIPS 2020.
DIGITS = {
    "Q1": (1, 3, 5, 7, 9),
    "Q2": (0, 1, 3, 5, 7, 9),
    "Q3": (0, 1, 2, 3, 5, 7, 9),
    "Q4": (0, 1, 2, 3, 4, 5, 7, 9),
    "Q5": (0, 1, 2, 3, 4, 5, 6, 7, 9),
}


@dataclass(frozen=True)
class PooledDigits(Problem):
    """MNIST averaged over squares of 4 x 4, to 7 x 7: all digits against those of a set Q1 to Q5.

    Images are drawn without replacement, and none is in both samples. `path` is a folder with the
    four raw files of MNIST (70,000 images), or None for the subset in this repository.
    """

    digits: str
    path: str | None = None
    d = 49
    family = "mnist"

    @property
    def x(self) -> str:
        """The set of digits in Y."""
        return self.digits

    @property
    def pool(self) -> str:
        """How many images there are to draw from."""
        return f"{len(pooled_digits(self.path)[1])} images"

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        images, labels = pooled_digits(self.path)
        first = rng.choice(len(labels), n, replace=False)
        allowed = np.isin(labels, DIGITS[self.digits])
        allowed[first] = False
        second = rng.choice(np.flatnonzero(allowed), m, replace=False)
        return images[first], images[second]


@functools.cache
def pooled_digits(path: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return images (N, 49) from 0 to 1, and labels (N,)."""
    from experiments.lenet_gap.data import load_digits

    parts = load_digits(path)
    images = np.concatenate([part.images for part in parts])
    tiles = images.reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)) / 255  # (N, 7, 7)
    return tiles.reshape(-1, 49), np.concatenate([part.labels for part in parts])


# --- differences in many columns -----------------------------------------------------------------


@dataclass(frozen=True)
class Shift(Problem):
    """Standard Gaussians; Y is moved by `by`, along one column or spread evenly over all.

    Every kernel of the Euclidean distance sees the two alike; one of the L1 distance does not.
    """

    d: int
    by: float
    spread: bool = False

    @property
    def family(self) -> str:
        """Which columns are moved."""
        return "shift-all" if self.spread else "shift-one"

    @property
    def x(self) -> int:
        """The columns."""
        return self.d

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        X, Y = rng.normal(size=(n, self.d)), rng.normal(size=(m, self.d))
        if self.spread:
            Y += self.by / math.sqrt(self.d)
        else:
            Y[:, 0] += self.by
        return X, Y


@dataclass(frozen=True)
class Scale(Problem):
    """Standard Gaussians; Y is multiplied by `factor`."""

    d: int
    factor: float
    family = "scale"

    @property
    def x(self) -> int:
        """The columns."""
        return self.d

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        return rng.normal(size=(n, self.d)), self.factor * rng.normal(size=(m, self.d))


@dataclass(frozen=True)
class Rare(Problem):
    """Standard Gaussians; some rows of Y are moved far away in every column."""

    rows: int
    by: float = 6.0
    d = 8
    family = "rare"

    @property
    def x(self) -> int:
        """How many."""
        return self.rows

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        X, Y = rng.normal(size=(n, self.d)), rng.normal(size=(m, self.d))
        Y[: self.rows] += self.by
        return X, Y


# --- pairs ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pairs(Problem):
    """Row i of Y belongs to row i of X: ``y = shift + scale (c x + sqrt(1 - c^2) e)``.

    x and e are standard Gaussians, so c is the correlation of a column of X with that of Y. If
    `turned`, column j of Y goes with column j - 1 of X instead: with no shift and no scale X and Y
    still have one distribution, but the two rows of a pair are not exchangeable.
    """

    correlation: float
    shift: float = 0.0
    scale: float = 1.0
    turned: bool = False
    d = 5

    @property
    def family(self) -> str:
        """What differs, or why pairs are not exchangeable."""
        kinds = {"turned": self.turned, "shift": self.shift != 0, "scale": self.scale != 1}
        return "-".join(["pairs", *(kind for kind, present in kinds.items() if present)])

    @property
    def x(self) -> float:
        """The correlation."""
        return self.correlation

    @property
    def exchangeable(self) -> bool:
        """Whether exchanging the rows of a pair changes no probability."""
        return not self.turned and self.shift == 0 and self.scale == 1

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y, of n = m rows."""
        X, noise = rng.normal(size=(n, self.d)), rng.normal(size=(m, self.d))
        Y = self.correlation * X + math.sqrt(1 - self.correlation**2) * noise
        Y = np.roll(Y, self.turned, axis=1)
        return X, self.shift + self.scale * Y

    def mmd_squared(self, bandwidth: float) -> float:
        """Return MMD^2 of X and Y under the kernel ``RBF(bandwidth)``."""
        return mmd_of_gaussians(bandwidth, self.d, shift=self.shift, variance=self.scale**2)


def mmd_of_gaussians(bandwidth: float, d: int, *, shift: float, variance: float) -> float:
    """Return MMD^2 under ``RBF(bandwidth)`` of standard Gaussian rows and of others.

    These have `shift` as the mean and `variance` as the variance of each of d columns.
    """
    across = mean_rbf(bandwidth, d, 1 + variance, d * shift**2)
    alike = mean_rbf(bandwidth, d, 2.0) + mean_rbf(bandwidth, d, 2 * variance)
    return float(alike - 2 * across)


def mean_rbf(
    bandwidth: float, d: int, variances: float, squared_step: float | np.ndarray = 0.0
) -> np.ndarray:
    """Return E k of two independent Gaussian rows under ``RBF(bandwidth)``.

    `variances` is the sum of theirs in each column, `squared_step` what lies between their means.
    """
    total = bandwidth**2 + variances
    height = math.sqrt(bandwidth**2 / total) ** d
    return np.asarray(height * np.exp(-np.asarray(squared_step) / (2 * total)))


# --- null distributions --------------------------------------------------------------------------


@dataclass(frozen=True)
class Gaussian(OneByOne):
    """Independent standard Gaussian columns."""

    d: int
    family = "gaussian"

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (n, d)."""
        return rng.normal(size=(n, self.d))


@dataclass(frozen=True)
class SparseFeatures(Null):
    """Features as a layer of ReLU units gives them: most are 0, and half of the units are dead."""

    d: int = 64
    family = "sparse-relu"

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw a layer, then X and Y by it."""
        weights = rng.normal(size=(8, self.d)) * (np.arange(self.d) % 2)  # (8, d)
        Z = np.maximum(rng.normal(size=(n + m, 8)) @ weights - 1.5, 0)
        return Z[:n], Z[n:]


@dataclass(frozen=True)
class Lattice(OneByOne):
    """Few distinct rows, so that many relabelings tie: columns of 0, 1, 2."""

    d: int = 2
    family = "ties"
    continuous: ClassVar[bool] = False

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (n, d)."""
        return rng.integers(3, size=(n, self.d)).astype(float)


@dataclass(frozen=True)
class HeavyTails(OneByOne):
    """Independent Cauchy columns: no mean."""

    d: int = 3
    family = "heavy-tails"

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (n, d)."""
        return rng.standard_cauchy(size=(n, self.d))


@dataclass(frozen=True)
class Clusters(OneByOne):
    """Five distant clusters; the rows of a sample stand cluster by cluster, as in a sorted file."""

    d: int = 2
    family = "clusters-in-file-order"

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (n, d)."""
        cluster = np.sort(rng.integers(5, size=n))
        return 6.0 * cluster[:, None] + rng.normal(size=(n, self.d))
