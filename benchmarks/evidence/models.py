"""Models of one reference, whose distances to it are known for every Gaussian kernel."""

import abc
import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import repdist
from benchmarks.evidence.problems import Problem, Samples
from repdist import kernels

Gaussians = Any  # a fitted `RBF` or `MultiRBF`
Means = tuple[float, np.ndarray, np.ndarray]


class Models(Problem):
    """A reference X, and Y with the rows of several models of it, one model after the other.

    What each model's distance to the reference is in truth is known for every Gaussian kernel.
    """

    tail: int = 0

    @property
    @abc.abstractmethod
    def n_models(self) -> int:
        """How many there are."""

    def sizes(self, n: int, m: int) -> tuple[int, ...]:
        """Return the rows of each model: m, or n of the last ones as large as the reference."""
        return (m,) * (self.n_models - self.tail) + (n,) * self.tail

    def split(self, Y: np.ndarray, n: int, m: int) -> dict[int, np.ndarray]:
        """Return the rows of each model."""
        parts = np.split(Y, np.cumsum(self.sizes(n, m))[:-1])
        return dict(enumerate(parts))

    @abc.abstractmethod
    def means(self, kernel: Gaussians) -> Means:
        """Return E k of two rows of the reference, of it and each model, and of each model."""

    def mmd_squared(self, kernel: Gaussians) -> np.ndarray:
        """Return the true MMD^2 of each model to the reference, (G,)."""
        own, across, of_models = self.means(kernel)
        return np.asarray(own + of_models - 2 * across)

    def effect(self, kernel: Gaussians) -> np.ndarray:
        """Return the same over the mean spread of both, (G,)."""
        own, _, of_models = self.means(kernel)
        return np.asarray(self.mmd_squared(kernel) / (1 - (own + of_models) / 2))


@dataclass(frozen=True)
class Shifted(Models):
    """Independent columns of one law; each model is multiplied by `factor`, and moved in each.

    Parameters
    ----------
    called : str
        What the shifts are, in a word.
    shifts : tuple of float
        How far each model is moved, in every column.
    law : {"gaussian", "t3"}
        Standard Gaussian, or Student's t with three degrees of freedom.
    tail : int
        How many of the last models have as many rows as the reference.
    """

    called: str
    shifts: tuple[float, ...]
    law: Literal["gaussian", "t3"] = "gaussian"
    d: int = 5
    factor: float = 1.0
    tail: int = 0

    @property
    def family(self) -> str:
        """The law, and the columns."""
        return f"models-{self.law}-d{self.d}"

    @property
    def x(self) -> str:
        """What the shifts are."""
        return self.called

    @property
    def n_models(self) -> int:
        """How many there are."""
        return len(self.shifts)

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw the reference and the rows of all models."""
        X = self._noise(n, rng)
        models = [
            shift + self.factor * self._noise(rows, rng)
            for shift, rows in zip(self.shifts, self.sizes(n, m), strict=True)
        ]
        return X, np.concatenate(models)

    def _noise(self, n: int, rng: np.random.Generator) -> np.ndarray:
        shape = n, self.d
        return rng.normal(size=shape) if self.law == "gaussian" else rng.standard_t(3, size=shape)

    def means(self, kernel: Gaussians) -> Means:
        """Return the product over columns, the mean over bandwidths."""
        widths = bandwidths(kernel)
        of_column: Callable[..., float] = gaussian_mean if self.law == "gaussian" else t3_mean

        def mean(shift: float, first: float, second: float) -> float:
            return float(np.mean([of_column(b, shift, first, second) ** self.d for b in widths]))

        across = {shift: mean(shift, 1.0, self.factor) for shift in set(self.shifts)}
        own, of_model = mean(0.0, 1.0, 1.0), mean(0.0, self.factor, self.factor)
        return own, np.array([across[s] for s in self.shifts]), np.full(self.n_models, of_model)


@dataclass(frozen=True)
class Mixed(Models):
    """Features of the case study: of fours; a model's rows are those of nines with some chance.

    Rows are drawn with replacement from 300 of each digit, which are all there is.
    """

    called: str
    shares: tuple[float, ...]
    d = 64
    family = "models-digits"

    @property
    def x(self) -> str:
        """What the shares are."""
        return self.called

    @property
    def n_models(self) -> int:
        """How many there are."""
        return len(self.shares)

    @property
    def pool(self) -> str:
        """How many rows there are to draw from."""
        return "300 rows of each"

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw the reference and the rows of all models."""
        fours, nines = digit_features()
        rows = [self._rows(0.0, n, rng)]
        rows += [
            self._rows(share, size, rng)
            for share, size in zip(self.shares, self.sizes(n, m), strict=True)
        ]
        both = np.concatenate([fours, nines])
        return both[rows[0]], both[np.concatenate(rows[1:])]

    @staticmethod
    def _rows(share: float, n: int, rng: np.random.Generator) -> np.ndarray:
        fours, nines = map(len, digit_features())
        nine = rng.random(n) < share
        return np.where(nine, fours + rng.integers(nines, size=n), rng.integers(fours, size=n))

    def means(self, kernel: Gaussians) -> Means:
        """Return those over all rows that there are, a row with itself among them."""
        fours, nines = digit_features()
        own, across, other = (
            float(np.mean(kernel(A, B)))
            for A, B in ((fours, fours), (fours, nines), (nines, nines))
        )
        w = np.array(self.shares)
        mixed = (1 - w) ** 2 * own + 2 * w * (1 - w) * across + w**2 * other
        return own, (1 - w) * own + w * across, mixed


@functools.cache
def digit_features() -> tuple[np.ndarray, np.ndarray]:
    """Return the features of fours and of nines, (300, 64) each."""
    features, names = repdist.example_features()
    fours, nines = (features[names.index(name)].astype(np.float64) for name in "49")
    return fours, nines


def bandwidths(kernel: Gaussians) -> tuple[float, ...]:
    """Return those of a fitted kernel."""
    values = (kernel.bandwidth,) if isinstance(kernel, kernels.RBF) else kernel.bandwidths
    return tuple(float(value) for value in values)


def gaussian_mean(bandwidth: float, shift: float, first: float, second: float) -> float:
    """Return E k of two Gaussian numbers of these deviations, `shift` apart."""
    total = bandwidth**2 + first**2 + second**2
    return bandwidth / math.sqrt(total) * math.exp(-(shift**2) / (2 * total))


@functools.cache
def t3_mean(bandwidth: float, shift: float, first: float, second: float) -> float:
    """Return the same of Student's t with three degrees of freedom.

    The integral of its characteristic function ``exp(-a) (1 + a)``, ``a = sqrt(3) |t|``, times that
    of the kernel.
    """
    nodes, weights = _legendre()
    end = 12 / max(bandwidth, first + second)  # beyond it the product is below 1e-17
    t = end * (nodes + 1) / 2
    value = np.cos(t * shift) * np.exp(-np.square(bandwidth * t) / 2)
    for scale in (first, second):
        a = math.sqrt(3) * scale * t
        value *= np.exp(-a) * (1 + a)
    return float(bandwidth * math.sqrt(2 / math.pi) * (value @ weights) * end / 2)


@functools.cache
def _legendre() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(200)
