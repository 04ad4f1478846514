"""Features as networks give them, whose true FID and KID are known.

A `Law` is a mixture whose parts have independent columns, Gaussian or cut at 0 as a ReLU cuts them.
So all of its moments up to the third are known, and more FID and KID do not ask for: FID is one of
means and covariances, KID one of the first three powers of ``<x, y>``.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from benchmarks.evidence.problems import Problem, Samples

Kind = Literal["equal", "shift", "scale", "spectrum", "heavy", "relu", "classes"]


@dataclass(frozen=True, eq=False)
class Law:
    """A mixture of k parts: ``location + scale z`` with standard Gaussian z, or what is above 0.

    Attributes
    ----------
    shares : (k,)
    locations, scales : (k, d)
    cut : bool
        Whether what is below 0 becomes 0.
    """

    shares: np.ndarray
    locations: np.ndarray
    scales: np.ndarray
    cut: bool = False

    def rows(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw (n, d)."""
        part = rng.choice(len(self.shares), size=n, p=self.shares)
        noise = rng.normal(size=(n, self.scales.shape[1]))
        rows = self.locations[part] + self.scales[part] * noise
        return np.asarray(np.maximum(rows, 0) if self.cut else rows)

    def moments(self) -> np.ndarray:
        """Return E x, E x^2 and E x^3 of each part and column, (3, k, d)."""
        a, s = self.locations, self.scales
        if not self.cut:
            return np.array([a, a**2 + s**2, a**3 + 3 * a * s**2])
        above, density = stats.norm.cdf(a / s), s * stats.norm.pdf(a / s)
        return np.array(
            [
                a * above + density,
                (a**2 + s**2) * above + a * density,
                (a**3 + 3 * a * s**2) * above + (a**2 + 2 * s**2) * density,
            ]
        )

    def mean_and_covariance(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (d,) and (d, d)."""
        first, second, _ = self.moments()
        mean = self.shares @ first
        apart = first - mean
        inside = self.shares @ (second - first**2)
        return mean, np.diag(inside) + (self.shares[:, None] * apart).T @ apart


def true_kid(first: Law, second: Law) -> float:
    """Return MMD^2 under ``(<x, y> / d + 1)^3``."""
    alike = mean_kernel(first, first) + mean_kernel(second, second)
    return alike - 2 * mean_kernel(first, second)


def mean_kernel(first: Law, second: Law) -> float:
    """Return E k of two independent rows.

    Given their parts, ``<x, y>`` is a sum of independent products, whose cumulants add.
    """
    d = first.scales.shape[1]
    m1, m2, m3 = first.moments()[:, :, None] * second.moments()[:, None]  # (k, l, d)
    mean = 1 + m1.sum(axis=2) / d
    variance = (m2 - m1**2).sum(axis=2) / d**2
    third = (m3 - 3 * m1 * m2 + 2 * m1**3).sum(axis=2) / d**3
    return float(first.shares @ (mean**3 + 3 * mean * variance + third) @ second.shares)


def true_fid(first: Law, second: Law) -> float:
    """Return the Frechet distance of Gaussians with the means and covariances of two laws."""
    (mean_x, S_x), (mean_y, S_y) = first.mean_and_covariance(), second.mean_and_covariance()
    w, V = np.linalg.eigh(S_x)
    half = np.sqrt(w) * V  # half @ half.T is S_x
    root = np.sqrt(np.maximum(np.linalg.eigvalsh(half.T @ S_y @ half), 0)).sum()
    apart = mean_x - mean_y
    return float(apart @ apart + np.trace(S_x) + np.trace(S_y) - 2 * root)


@dataclass(frozen=True)
class Features(Problem):
    """Two laws of one kind."""

    kind: Kind
    d: int

    @property
    def family(self) -> str:
        """The kind."""
        return self.kind

    @property
    def x(self) -> str:
        """The columns."""
        return f"d{self.d}"

    @property
    def null(self) -> bool:
        """Whether both laws are one."""
        return self.kind in ("equal", "relu")

    def laws(self) -> tuple[Law, Law]:
        """Return those of X and of Y."""
        return LAWS[self.kind](self.d)

    def __call__(self, n: int, m: int, rng: np.random.Generator) -> Samples:
        """Draw X and Y."""
        of_x, of_y = self.laws()
        return of_x.rows(n, rng), of_y.rows(m, rng)

    def truth(self) -> dict[str, float]:
        """Return the true FID and KID: 0 to the bit if nothing differs."""
        if self.null:
            return {"fid": 0.0, "kid": 0.0}
        laws = self.laws()
        return {"fid": true_fid(*laws), "kid": true_kid(*laws)}


# --- kinds ---------------------------------------------------------------------------------------


def gaussian(d: int, location: float = 0.0, scale: float | np.ndarray = 1.0) -> Law:
    """Return independent Gaussian columns."""
    return Law(np.ones(1), np.full((1, d), location), np.ones((1, d)) * scale)


def heavy(d: int, scale: float) -> Law:
    """Return rows of which one in ten is three times as long."""
    return Law(np.array([0.9, 0.1]), np.zeros((2, d)), scale * np.ones((2, d)) * [[1.0], [3.0]])


def rectified(d: int, shares: np.ndarray, apart: float) -> Law:
    """Return classes of positive parts, with means that lie `apart` at random."""
    k = len(shares)
    locations = -0.5 + apart * np.random.default_rng(0).normal(size=(k, d))
    return Law(shares, locations, np.ones((k, d)), cut=True)


def equal(d: int) -> tuple[Law, Law]:
    """Return one law twice."""
    return gaussian(d), gaussian(d)


def shift(d: int) -> tuple[Law, Law]:
    """Return Gaussians; Y is moved by 1, spread over all columns."""
    return gaussian(d), gaussian(d, location=d**-0.5)


def scale(d: int) -> tuple[Law, Law]:
    """Return Gaussians; Y is a tenth wider."""
    return gaussian(d), gaussian(d, scale=1.1)


def spectrum(d: int) -> tuple[Law, Law]:
    """Return Gaussians whose variances fall as 1 / k in X, and faster in Y."""
    k = np.arange(1, d + 1)
    return gaussian(d, scale=k**-0.5), gaussian(d, scale=k**-0.6)


def heavy_tails(d: int) -> tuple[Law, Law]:
    """Return laws of which some rows are far longer than others; Y is a tenth wider."""
    return heavy(d, 1.0), heavy(d, 1.1)


def relu(d: int) -> tuple[Law, Law]:
    """Return one law twice, of which most values are 0."""
    return (rectified(d, np.ones(1), 0.0),) * 2


def classes(d: int) -> tuple[Law, Law]:
    """Return ten classes, of which Y lacks two."""
    lacking = np.repeat([1 / 8, 0.0], [8, 2])
    return rectified(d, np.full(10, 0.1), 1.0), rectified(d, lacking, 1.0)


LAWS = {
    "equal": equal,
    "shift": shift,
    "scale": scale,
    "spectrum": spectrum,
    "heavy": heavy_tails,
    "relu": relu,
    "classes": classes,
}
