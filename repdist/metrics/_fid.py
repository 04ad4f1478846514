"""FID: the Frechet distance of two Gaussians fitted to features, and its error.

The value is too large for few rows: by more than itself at n = d. Leaving out one of 20 groups of
rows at a time (a jackknife) tells by how much, and how far it varies.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist import _arrays, _checks
from repdist._results.metric import MetricResult
from repdist._threads import computing
from repdist._typing import Array, Float64

_GROUPS = 20


def fid(real: Array, fake: Array, *, rng: np.random.Generator | int | None = None) -> MetricResult:
    """Return the Frechet Inception Distance of features, plain and without its bias [1]_.

    ``|mu_x - mu_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2))`` with means and covariances (over n - 1)
    of both.

    Parameters
    ----------
    real, fake : array-like, (n, d) and (m, d)
        Features of real and of generated samples; at least 40 rows each, and also fewer than d.
    rng : None, int or numpy.random.Generator
        Which rows are left out together.

    Returns
    -------
    MetricResult
        ``value`` is the plain one that papers quote; ``unbiased`` that of the jackknife over 20
        groups of rows, with its standard error and an interval by Student's t; no p-value.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    Notes
    -----
    In float64. ``O(20 (n + m) d^2 / 10 + 20 d^3)`` time and some ten d x d matrices of memory; of
    fewer rows than columns ``O(20 (n + m)^2 d)``. The root is the nuclear norm of a product of
    factors of both covariances: never complex, never NaN.

    References
    ----------
    .. [1] M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler, S. Hochreiter, "GANs trained by a two
       time-scale update rule converge to a local Nash equilibrium", NIPS 2017.
       https://arxiv.org/abs/1706.08500
    """
    rng = _checks.generator(rng)
    with computing():
        arrays = _arrays.read_samples({"real": real, "fake": fake}, minimum_rows=2 * _GROUPS)
        X, Y = (_Moments(rows, rng) for rows in arrays)
        value = _distance(X.all, Y.all)
        left = np.array([_distance(X.without(k), Y.without(k)) for k in range(_GROUPS)])
    pseudo = _GROUPS * value - (_GROUPS - 1) * left
    return MetricResult(
        name="FID",
        value=value,
        unbiased=float(pseudo.mean()),
        standard_error=float(pseudo.std(ddof=1) / np.sqrt(_GROUPS)),
        pvalue=None,
        scale=1.0,
        convention="plain, larger than that of the distributions",
        n=len(arrays[0]),
        m=len(arrays[1]),
        spread=None,
        test=None,
        degrees=_GROUPS - 1,
        cautions=(),
    )


@dataclass(frozen=True)
class _Gaussian:
    """A mean, and a covariance or its factor: rows F with F' F the covariance."""

    mean: Float64
    covariance: Float64 | None
    factor: Float64 | None

    @property
    def trace(self) -> float:
        """Of the covariance."""
        if self.covariance is not None:
            return float(np.trace(self.covariance))
        assert self.factor is not None
        return float(np.square(self.factor).sum())

    def rows(self) -> Float64:
        """Return a factor of the covariance."""
        if self.factor is not None:
            return self.factor
        assert self.covariance is not None
        try:
            return np.asarray(np.linalg.cholesky(self.covariance).T)
        except np.linalg.LinAlgError:  # singular
            w, V = np.linalg.eigh(self.covariance)
            return np.asarray(np.sqrt(np.maximum(w, 0))[:, None] * V.T)


def _distance(first: _Gaussian, second: _Gaussian) -> float:
    """Return the squared Frechet distance; the root by singular values of few rows."""
    apart = first.mean - second.mean
    F = first.rows()
    if second.covariance is not None:
        root = np.sqrt(np.maximum(np.linalg.eigvalsh(F @ second.covariance @ F.T), 0)).sum()
    else:
        assert second.factor is not None
        root = np.linalg.svd(F @ second.factor.T, compute_uv=False).sum()
    return float(apart @ apart + first.trace + second.trace - 2 * root)


class _Moments:
    """The Gaussian of some rows, and those without each of the groups."""

    def __init__(self, rows: Array, rng: np.random.Generator) -> None:
        n, d = rows.shape
        self._rows, self._n = rows, n
        self._groups = np.array_split(rng.permutation(n), _GROUPS)
        self._few = n - len(self._groups[0]) <= d
        self._centre = _arrays.to_numpy(_arrays.centre_row(rows)).astype(np.float64)
        sums = _arrays.over_chunks(_sums, rows, self._centre, self._few)
        self._sum = np.sum([part[0] for part in sums], axis=0)
        self._scatter = None if self._few else np.sum([part[1] for part in sums], axis=0)
        self.all = self._gaussian(np.arange(n), self._sum, self._scatter)

    def without(self, group: int) -> _Gaussian:
        """Return that of the rows of all other groups."""
        out = self._groups[group]
        some = self._taken(out)
        kept = np.setdiff1d(np.arange(self._n), out)
        total = self._sum - some.sum(axis=0)
        scatter = None if self._scatter is None else self._scatter - some.T @ some
        return self._gaussian(kept, total, scatter)

    def _taken(self, places: npt.NDArray[np.intp]) -> Float64:
        rows = _arrays.held_here(_arrays.take_rows(self._rows, np.sort(places)))
        return np.asarray(_arrays.to_numpy(rows) - self._centre, dtype=np.float64)

    def _gaussian(
        self, kept: npt.NDArray[np.intp], total: Float64, scatter: Float64 | None
    ) -> _Gaussian:
        n = len(kept)
        mean = total / n
        if scatter is not None:
            covariance = (scatter - n * np.outer(mean, mean)) / (n - 1)
            return _Gaussian(self._centre + mean, covariance, None)
        factor = (self._taken(kept) - mean) / np.sqrt(n - 1)
        return _Gaussian(self._centre + mean, None, factor)


def _sums(block: Array, centre: Float64, few: bool) -> tuple[Float64, Float64 | None]:
    """Return the sum of centred rows, and of their outer products unless rows are few."""
    Z = np.asarray(_arrays.to_numpy(_arrays.in_memory(block)) - centre, dtype=np.float64)
    return Z.sum(axis=0), None if few else Z.T @ Z
