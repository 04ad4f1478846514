"""Problems whose rows come in groups: in clusters, or in strata.

The first column of a sample is the number of each row's group, `parted` takes it off. The other
columns are Gaussian, so MMD^2 of what X and Y are drawn from is known.
"""

import math
from dataclasses import dataclass

import numpy as np

from benchmarks.evidence.problems import Problem, Samples, mean_rbf, mmd_of_gaussians


def parted(X: np.ndarray, Y: np.ndarray) -> tuple[Samples, Samples]:
    """Return the rows of both samples, and the numbers of their groups."""
    return (X[:, 1:], Y[:, 1:]), (X[:, 0].astype(int), Y[:, 0].astype(int))


@dataclass(frozen=True)
class InClusters(Problem):
    """Clusters of rows: ``x = sqrt(c) centre + sqrt(1 - c) noise``, both standard Gaussians.

    So c is the correlation of two rows of one cluster, in each column. The samples are asked for
    by their numbers of clusters. In Y the noise is multiplied by `within`, the centre by `between`,
    and `shift` is added to both.

    Attributes
    ----------
    rows_x, rows_y : (int, int)
        The least and the most rows of a cluster; each number between is as likely.
    """

    rows_x: tuple[int, int] = (10, 10)
    rows_y: tuple[int, int] = (10, 10)
    correlation: float = 0.3
    shift: float = 0.0
    within: float = 1.0
    between: float = 1.0
    d = 8

    @property
    def family(self) -> str:
        """What differs."""
        kinds = {"shift": self.shift != 0, "within": self.within != 1, "between": self.between != 1}
        return "-".join(["clusters", *(kind for kind, present in kinds.items() if present)])

    @property
    def x(self) -> str:
        """The rows of a cluster."""
        of_x, of_y = (
            f"{least}" + f"-to-{most}" * (least < most)
            for least, most in (self.rows_x, self.rows_y)
        )
        return of_x if of_x == of_y else f"{of_x}-vs-{of_y}"

    @property
    def null(self) -> bool:
        """Whether rows of X and of Y have one distribution, in clusters that may differ in size."""
        return self.shift == 0 and self.within == self.between == 1

    @property
    def sizes_vary(self) -> bool:
        """Whether clusters of both samples may differ in size."""
        return self.rows_x != self.rows_y or self.rows_x[0] != self.rows_x[1]

    @property
    def exchangeable(self) -> bool:
        """Whether exchanging whole clusters, with their sizes, changes no probability."""
        return self.null and self.rows_x == self.rows_y

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw n clusters for X and m for Y, in which other numbers stand."""
        X = self._clusters(np.arange(n), self.rows_x, (1.0, 1.0), rng)
        Y = self._clusters(n + np.arange(m), self.rows_y, (self.between, self.within), rng)
        Y[:, 1:] += self.shift
        return X, Y

    def _clusters(
        self,
        numbers: np.ndarray,
        rows: tuple[int, int],
        scales: tuple[float, float],
        rng: np.random.Generator,
    ) -> np.ndarray:
        least, most = rows
        sizes = rng.integers(least, most + 1, size=len(numbers))
        of_centre, of_noise = scales
        centres = math.sqrt(self.correlation) * of_centre * rng.normal(size=(len(numbers), self.d))
        noise = math.sqrt(1 - self.correlation) * of_noise * rng.normal(size=(sizes.sum(), self.d))
        return np.column_stack([np.repeat(numbers, sizes), np.repeat(centres, sizes, 0) + noise])

    def mmd_squared(self, bandwidth: float) -> float:
        """Return MMD^2 of a row of X and one of Y under the kernel ``RBF(bandwidth)``."""
        c = self.correlation
        variance = 1 + c * (self.between**2 - 1) + (1 - c) * (self.within**2 - 1)  # 1 to the bit
        return mmd_of_gaussians(bandwidth, self.d, shift=self.shift, variance=variance)


# The shares of three strata in X and in Y.
MIXES = {
    "other-mix": ((0.6, 0.2, 0.2), (0.2, 0.2, 0.6)),
    "same-mix": ((0.4, 0.3, 0.3), (0.4, 0.3, 0.3)),
}


@dataclass(frozen=True)
class InStrata(Problem):
    """Three strata of standard Gaussian rows; the rows of stratum s lie `apart` in column s.

    In Y those of stratum s are moved by ``shifts[s]`` in all columns. The samples have the shares
    of `mix`, exactly.
    """

    mix: str
    shifts: tuple[float, float, float] = (0.0, 0.0, 0.0)
    apart: float = 2.0
    d = 8

    @property
    def family(self) -> str:
        """How strata are shifted."""
        if self.null:
            return "strata"
        return "strata-shift" if len(set(self.shifts)) == 1 else "strata-opposite"

    @property
    def x(self) -> str:
        """The mix."""
        return self.mix

    @property
    def null(self) -> bool:
        """Whether nothing differs inside strata."""
        return not any(self.shifts)

    def rows(self, n: int, m: int) -> np.ndarray:
        """Return the rows of X and of Y in each stratum, (2, 3)."""
        return np.rint(np.array([[n], [m]]) * MIXES[self.mix]).astype(int)

    @property
    def means(self) -> np.ndarray:
        """Of X and of Y in each stratum, (2, 3, d)."""
        of_x = self.apart * np.eye(3, self.d)
        return np.stack([of_x, of_x + np.array(self.shifts)[:, None]])

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X (n, 1 + d) and Y (m, 1 + d), stratum by stratum."""
        X, Y = (
            np.column_stack([numbers, means[numbers] + rng.normal(size=(len(numbers), self.d))])
            for means, numbers in zip(
                self.means, (np.repeat(range(3), rows) for rows in self.rows(n, m)), strict=True
            )
        )
        return X, Y

    def mmd_squared(self, bandwidth: float, n: int, m: int) -> float:
        """Return ``||sum_s w_s (mu_Xs - mu_Ys)||^2`` under ``RBF(bandwidth)``.

        The weights w are the shares of strata in n + m rows.
        """
        shares = self.rows(n, m).sum(axis=0) / (n + m)

        def means_of_kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
            steps = first[:, None] - second  # (3, 3, d)
            return mean_rbf(bandwidth, self.d, 2.0, np.square(steps).sum(axis=2))

        of_x, of_y = self.means
        alike = means_of_kernel(of_x, of_x) + means_of_kernel(of_y, of_y)
        across = means_of_kernel(of_x, of_y)
        return float(shares @ (alike - 2 * across) @ shares)  # 0 to the bit if nothing differs


@dataclass(frozen=True)
class InClump(Problem):
    """Standard Gaussian rows; a share of those of Y lies in a clump that X does not have.

    The group is 1 for its rows, else 0. Each row of Y is one of them by chance; its standard
    deviation is .3 around a point that lies `far` from the origin, as far along each column. The
    other rows have this correlation of any two columns.
    """

    share: float = 0.0
    far: float = 0.0
    correlation: float = 0.0
    d = 8

    @property
    def family(self) -> str:
        """What differs."""
        return "clump" if self.share else "equal"

    @property
    def x(self) -> str:
        """The share and the place of the clump, and what the other rows are."""
        columns = "correlated" if self.correlation else "independent"
        return f"{self.share:g}-at-{self.far:g}-{columns}" if self.share else columns

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X (n, 1 + d) and Y (m, 1 + d)."""
        X, Y = self._rows(n, rng), self._rows(m, rng)
        inside = rng.random(m) < self.share
        Y[inside] = self.far / math.sqrt(self.d) + 0.3 * rng.normal(size=(inside.sum(), self.d))
        return (
            np.column_stack([np.zeros(n), X]),
            np.column_stack([inside.astype(float), Y]),
        )

    def _rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        c = self.correlation
        own, shared = rng.normal(size=(n, self.d)), rng.normal(size=(n, 1))
        return math.sqrt(1 - c) * own + math.sqrt(c) * shared
