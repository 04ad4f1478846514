"""Distances of several groups to one reference, and whether they differ from each other.

MMD^2 of a group to the reference is the sum of two means of influences: over its own rows, and over
the rows of the reference, which all groups share. Their covariance is that of these means, so a
difference is far better known than both distances where the reference is small. What the reference
has with itself is in all of them, and cancels.

The variance is that of W. Bounliphone, E. Belilovsky, M. B. Blaschko, I. Antonoglou, A. Gretton,
"A test of relative similarity for model selection in generative models", ICLR 2016, with the
reference's part taken together. Sets of ranks are those of M. Mogstad, J. P. Romano, A. M. Shaikh,
D. Wilhelm, "Inference for ranks with applications to mobility across neighbourhoods and academic
achievement across countries", Review of Economic Studies 91, 476-518, 2024.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block
from repdist._inference.estimates import influence_within
from repdist._typing import Float64

_DRAWS = 10_000  # of normal vectors
_ROUNDING = 1e-12  # of the largest influence
_ENTRIES = 2**22  # of them and their differences, at a time

Strata = npt.NDArray[np.intp] | None  # the stratum of each row


class ReferenceRows:
    """Gathers what rows have with their own group and with the reference, while blocks pass by.

    The reference is group 0.

    Parameters
    ----------
    within : list of Block
        The blocks within the reference and the groups.
    """

    def __init__(self, within: list[Block]) -> None:
        self._own = [block.rows for block in within]
        self._across: dict[int, tuple[Float64, Float64]] = {}

    def adding(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """Yield the blocks with the reference, and keep their sums over rows."""
        for block in blocks:
            self._across[block.second] = block.rows, block.columns
            yield block

    def influences(self) -> tuple[list[Float64], Float64]:
        """Return those of the rows of each group, (n_g,), and of the reference to each, (G, n)."""
        own_of_reference = influence_within(self._own[0])
        of_groups, of_reference = [], []
        for g in range(1, len(self._own)):
            own, (reference, group) = self._own[g], self._across[g]
            n, m = len(own), len(reference)
            of_groups.append(influence_within(own) - group / m)
            of_reference.append(own_of_reference - reference / n)
        return of_groups, np.stack(of_reference)


@dataclass(frozen=True)
class Joint:
    """MMD^2 of G groups to one reference, with how they vary together.

    Attributes
    ----------
    mmd_squared : (G,)
        Unbiased.
    covariance : (G, G)
    rounding : float, optional
        The size of an error that is nothing but rounding.
    """

    mmd_squared: Float64
    covariance: Float64
    rounding: float = 0.0

    @classmethod
    def of(
        cls,
        of_groups: Sequence[Float64],
        of_reference: Float64,
        strata: Sequence[Strata],
        *,
        matched: bool,
    ) -> "Joint":
        """Return it from influences; `strata` are those of the reference and of each group.

        Of `matched` groups, row i of all belongs together.
        """
        covariance = _covariance(of_reference, strata[0])
        means = _means(of_reference, strata[0])
        for g, (own, of_rows) in enumerate(zip(of_groups, strata[1:], strict=True)):
            means[g] += _means(own[None], of_rows)[0]
            if not matched:
                covariance[g, g] += _covariance(own[None], of_rows)[0, 0]
        if matched:
            covariance += _covariance(np.stack(of_groups), None)
        largest = max(float(np.abs(h).max()) for h in (*of_groups, of_reference))
        return cls(means, covariance, _ROUNDING * largest)


def _means(H: Float64, strata: Strata) -> Float64:
    """Return the mean of each row of H (G, n), or the sum over strata of the means inside, (G,)."""
    return np.asarray(sum(part.mean(axis=1) for part in _parts(H, strata)), dtype=np.float64)


def _covariance(H: Float64, strata: Strata) -> Float64:
    """Return 4 times the covariance of those means, (G, G)."""
    found = np.zeros((len(H), len(H)))
    for part in _parts(H, strata):
        found += 4 * np.atleast_2d(np.cov(part)) / part.shape[1]
    return found


def _parts(H: Float64, strata: Strata) -> list[Float64]:
    if strata is None:
        return [H]
    return [H[:, strata == s] for s in np.unique(strata)]


@dataclass(frozen=True)
class Differences:
    """Every difference of two distances to the reference, all at once.

    Attributes
    ----------
    joint : Joint
    confidence_level : float
        Of all intervals at once.
    seed : int
        Of normal draws, which tell how far the largest of all differences strays.
    """

    joint: Joint
    confidence_level: float
    seed: int

    @property
    def groups(self) -> int:
        """How many there are."""
        return len(self.joint.mmd_squared)

    @property
    def pairs(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The groups of each pair, in the order (0, 1), (0, 2), ..., (1, 2), ...."""
        first, second = np.triu_indices(self.groups, 1)
        return first, second

    @property
    def difference(self) -> Float64:
        """MMD^2 of the first group less that of the second, (P,)."""
        first, second = self.pairs
        return np.asarray(self.joint.mmd_squared[first] - self.joint.mmd_squared[second])

    @property
    def standard_error(self) -> Float64:
        """Of each difference, (P,)."""
        (first, second), C = self.pairs, self.joint.covariance
        variance = C[first, first] + C[second, second] - 2 * C[first, second]
        error = np.sqrt(np.maximum(variance, 0))
        noise = 1e-7 * np.sqrt(np.maximum(C[first, first], C[second, second]))
        return np.where(error > np.maximum(noise, self.joint.rounding), error, 0.0)

    @property
    def critical(self) -> float:
        """The number of standard errors that intervals reach to either side."""
        largest = self._largest
        return float(np.quantile(largest, self.confidence_level)) if len(largest) else 0.0

    @property
    def intervals(self) -> tuple[Float64, Float64]:
        """Both ends of each, which hold all differences at once, (P,)."""
        error = self.standard_error
        reach = np.where(error > 0, self.critical * error, self.joint.rounding)
        return self.difference - reach, self.difference + reach

    @property
    def pvalues(self) -> Float64:
        """Adjusted for all pairs: the chance that the largest of all strays as far, (P,)."""
        error, size = self.standard_error, np.abs(self.difference)
        known = np.where(size > self.joint.rounding, np.inf, 0.0)  # where nothing varies
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(error > 0, size / error, known)
        reached = _DRAWS - np.searchsorted(self._sorted, t)
        reached[t == np.inf] = 0
        return np.asarray((1 + reached) / (1 + _DRAWS))

    @property
    def ranks(self) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """The lowest and highest rank that each group may have, all at once; 1 is the closest."""
        (first, second), (low, high) = self.pairs, self.intervals
        farther = np.zeros((self.groups, self.groups), dtype=bool)  # [g, h]: g is, surely
        farther[first, second] = low > 0
        farther[second, first] = high < 0
        return 1 + farther.sum(axis=1), self.groups - farther.sum(axis=0)

    @cached_property
    def _sorted(self) -> Float64:
        return np.sort(self._largest)

    @cached_property
    def _largest(self) -> Float64:
        """The largest of all standardised differences if nothing differs, over draws."""
        (first, second), error = self.pairs, self.standard_error
        varies = error > 0
        if not varies.any():
            return np.zeros(0)
        first, second, error = first[varies], second[varies], error[varies]
        values, vectors = np.linalg.eigh(self.joint.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0))
        rng, found = np.random.default_rng(self.seed), []
        step = max(1, _ENTRIES // len(error))
        for start in range(0, _DRAWS, step):
            Z = rng.standard_normal((min(step, _DRAWS - start), self.groups)) @ root.T
            found.append((np.abs(Z[:, first] - Z[:, second]) / error).max(axis=1))
        return np.concatenate(found)
