"""Streams of batches, quiet or with a change."""

import functools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

import repdist
from benchmarks.evidence.problems import Mixture

ROWS_PER_BIN = 32
RAMP = 20  # batches until a ramp has its full size
Data = Literal["gaussian", "modes", "t3", "features"]
Kind = Literal["none", "mean", "scale", "ramp", "batches"]
WIDTHS: dict[Data, int] = {"gaussian": 8, "modes": 2, "t3": 8, "features": 64}


@dataclass(frozen=True)
class Change:
    """What happens to the rows of a batch, from the first batch that is told.

    Attributes
    ----------
    kind : str
        ``mean``: moved by `size`, spread over the columns. ``ramp``: by `size` more in each 20
        batches. ``scale``: spread by 1 + `size`. ``batches``: the mean of each batch moved by a
        Gaussian of deviation `size` in each column: no drift, but no independent rows either.
    size : float
    """

    kind: Kind = "none"
    size: float = 0.0

    @property
    def name(self) -> str:
        """Kind and size."""
        return self.kind if self.kind == "none" else f"{self.kind}-{self.size:g}"

    def __call__(self, rows: np.ndarray, week: int, rng: np.random.Generator) -> np.ndarray:
        """Return the rows of the `week`-th changed batch, from 1."""
        d = rows.shape[1]
        if self.kind == "scale":
            return rows * (1 + self.size)
        if self.kind == "batches":
            return rows + rng.normal(0, self.size, size=d)
        share = {"none": 0.0, "mean": 1.0, "ramp": week / RAMP}[self.kind]
        return rows + share * self.size / math.sqrt(d)


@dataclass(frozen=True)
class Stream:
    """Independent rows of one distribution: a reference of so many bins, and batches.

    Attributes
    ----------
    data : str
    bins : int
        Of the reference.
    least, most : int
        Rows of a batch: the number is drawn evenly.
    """

    data: Data
    bins: int
    least: int = 256
    most: int = 256

    @property
    def d(self) -> int:
        """Columns."""
        return WIDTHS[self.data]

    @property
    def name(self) -> str:
        """The data, bins of the reference, and rows of a batch if they vary."""
        return f"{self.data}-{self.bins}" + "-unequal" * (self.most > self.least)

    def reference(self, rng: np.random.Generator) -> np.ndarray:
        """Draw the rows of the reference, with those that lie in no bin: a tenth, at least 100."""
        rows = self.bins * ROWS_PER_BIN
        return self.rows(max(rows + 100, math.ceil(rows / 0.9) + 1), rng)

    def batch(self, rng: np.random.Generator) -> np.ndarray:
        """Draw a batch."""
        return self.rows(int(rng.integers(self.least, self.most + 1)), rng)

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw rows, (n, d)."""
        if self.data == "features":
            pool = features()
            return pool[rng.integers(len(pool), size=n)]
        if self.data == "modes":
            return Mixture(1.0)(n, 0, rng)[0]
        if self.data == "t3":
            return rng.standard_t(3, size=(n, self.d))
        return rng.normal(size=(n, self.d))


@functools.cache
def features() -> np.ndarray:
    """Return the features of the case study, all classes together."""
    found, _ = repdist.example_features()
    return np.concatenate(list(found))
