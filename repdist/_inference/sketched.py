"""Distances from sketches: what is known of rows is sums of their features, over bins of them.

Of n rows in U bins of s rows each, and a rest, the mean feature is known, and from the bins how
far rows stray: ``|sum of all|^2 = n (n - 1) |mu|^2 + n q`` on average, with q the mean square of a
row's features, which two bins of different rows give apart from ``|mu|^2``.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from repdist._designs.relabelings import Relabelings
from repdist._designs.units import Units
from repdist._inference import landmarks, two_samples
from repdist._inference.combine import Combination, Null
from repdist._inference.estimates import Estimate
from repdist._inference.floor import floor_rate
from repdist._typing import Float64


class Frozen(NamedTuple):
    """Rows that keep their label.

    Attributes
    ----------
    sums : R arrays (k_r,)
        Of the features of each component.
    rows : int
    """

    sums: Sequence[Float64]
    rows: int


@dataclass(frozen=True)
class BinSample:
    """The features of a sample under the weighted kernel, summed over bins.

    Attributes
    ----------
    bins : (U, D)
        Over the s rows of each bin.
    rest : (D,)
        Over rows that lie in no bin.
    n, s : int
        Rows in all, and in a bin.
    """

    bins: Float64
    rest: Float64
    n: int
    s: int

    @cached_property
    def mean(self) -> Float64:
        """Of all rows, (D,)."""
        return np.asarray((self.bins.sum(axis=0) + self.rest) / self.n)

    @cached_property
    def norm_squared(self) -> float:
        """The unbiased squared length of the mean feature."""
        U, s, n = len(self.bins), self.s, self.n
        own = float(np.square(self.bins).sum())
        total = self.bins.sum(axis=0)
        apart = (float(total @ total) - own) / (U * (U - 1) * s * s)  # bins of different rows
        of_a_row = own / (U * s) - (s - 1) * apart
        return (float(n * self.mean @ self.mean) - of_a_row) / (n - 1)

    @cached_property
    def variance(self) -> float:
        """The trace of the squared covariance of a row's features."""
        U = len(self.bins)
        G = self.bins - self.bins.mean(axis=0)
        G = G @ G.T
        G[range(U), range(U)] = 0
        return float(np.square(G).sum()) / (U * (U - 1) * self.s**2)

    def influence(self, direction: Float64) -> Float64:
        """Return what each bin's mean has with a direction, as if all rows lay in such bins, (U,).

        Their mean is that of all rows, and their variance over their number that of n rows.
        """
        h = self.bins @ direction / self.s
        return np.asarray(
            self.mean @ direction + (h - h.mean()) * math.sqrt(len(h) * self.s / self.n)
        )


def floor_of(sample: BinSample, rng: np.random.Generator) -> float:
    """Return the noise floor for samples of n and m rows, over ``1 / n + 1 / m``."""
    means = sample.bins / sample.s
    return floor_rate(means @ means.T, rng) * sample.s


def distance(sample: BinSample, reference: BinSample) -> Estimate:
    """Return the unbiased MMD^2 of a sample and the reference, its error from bins."""
    apart = sample.mean - reference.mean
    parts = [(x.influence(apart), x) for x in (sample, reference)]
    error = math.sqrt(sum(4 * float(h.var(ddof=1)) / len(h) for h, _ in parts))
    across = float(sample.mean @ reference.mean)
    value = sample.norm_squared + reference.norm_squared - 2 * across
    inverse = 1 / sample.n + 1 / reference.n
    return Estimate(value, error, 2 * reference.variance * inverse**2)


def influences(samples: Sequence[BinSample], reference: BinSample) -> tuple[list[Float64], Float64]:
    """Return those of the bins of each sample, and of the reference to each, (G, U).

    The sum of both means is MMD^2.
    """
    own, of_reference = [], []
    for sample in samples:
        apart = sample.mean - reference.mean
        h, k = sample.influence(apart), reference.influence(-apart)
        rest = float(distance(sample, reference).mmd_squared) - float(h.mean()) - float(k.mean())
        own.append(h + rest)
        of_reference.append(k)
    return own, np.stack(of_reference)


def bins_null(  # noqa: PLR0913 (what a test is made of)
    batch: Sequence[Float64],
    pool: Sequence[Float64],
    frozen: Frozen,
    s: int,
    weights: Float64,
    epsilon: float,
    wanted: int,
    rng: np.random.Generator,
) -> tuple[Null, Relabelings]:
    """Test the bins of a batch against those of a pool, of which other rows keep their label.

    Parameters
    ----------
    batch, pool : R arrays (U, k_r)
        The sums of the features of each component over the s rows of each bin.
    frozen : Frozen
        The rows of the pool that lie in no bin.
    s : int
    weights : (R,)
        Of the components.
    epsilon : float
        See `landmarks.bins_as_rows`.
    wanted : int
        Random relabelings asked for.
    rng : numpy.random.Generator
    """
    rest, rows = frozen
    none = np.zeros(len(weights))
    k, m = len(batch[0]), len(pool[0])
    kept = rows >= s
    parts = [(batch, k, 0), (pool, m, rows * kept)]
    if m < k:
        parts = parts[::-1]
    units = Units(s, (parts[0][1], parts[1][1]), (parts[0][2], parts[1][2]))
    features = []
    for r in range(len(weights)):
        stacked = []
        for part, _, left in parts:
            stacked.append(part[r])
            if left:
                stacked.append(rest[r][None])
        features.append(np.concatenate(stacked))
    sums = landmarks.bins_as_rows(features, units, epsilon, none)
    drawn = Relabelings(units, wanted)
    of_bins = Relabelings(units.as_rows, wanted)
    combination = Combination("max", weights, none, min(k, m) * s)
    relabeled = functools.partial(
        two_samples.statistics, drawn=of_bins, of_blocks=two_samples.forms(of_bins, rng)
    )
    null = landmarks.null(sums, units.as_rows, combination, "unbiased", relabeled)
    return null, drawn
