"""FID: the Frechet distance of two Gaussians fitted to features, and its error.

The value is too large for few rows: by more than itself at n = d. Leaving out one of 20 groups of
rows at a time (a jackknife) tells by how much, and how far it varies.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from repdist import _arrays, _checks
from repdist._results.metric import MetricResult
from repdist._threads import computing, in_order
from repdist._typing import Array, Float64

_GROUPS = 20
_LARGEST = 1e70
LEAST_ROWS = 2 * _GROUPS
_ENOUGH = 4  # times the columns: so many rows make the interval right whatever the other sample
_ALIKE = 1.25  # times the rows of the other sample: so alike, as many rows as columns do


def fid(
    real: Array,
    fake: Array,
    *,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
) -> MetricResult:
    """Return the Frechet Inception Distance of features, plain and without its bias [1]_.

    ``|mu_x - mu_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^(1/2))`` with means and covariances (over n - 1)
    of both.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    real, fake : array-like, (n, d) and (m, d)
        Features of real and of generated samples; at least 40 rows each, and also fewer than d.
    rng : None, int or numpy.random.Generator
        Which rows are left out together.
    n_jobs : int
        Threads; -1, the default, is all cores. The answer does not depend on it.

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
    In float64 on the CPU. The trace of the root is a sum of singular values of a product of factors
    of both covariances: never complex, never NaN. Time is ``O((n + m) d^2 + 20 d^3)``, memory some
    ten d x d matrices and five more a thread; one takes 34 MB for d = 2,048. Of fewer rows than
    columns time is ``O(20 n m d)``, memory some copies of the rows.

    Two cases come with a caution, for the interval misses the true value: fewer rows than columns;
    and one sample larger than the other, which has fewer rows than four times the columns. Leaving
    out rows tells the error of rows that are independent: there is no `clusters` here.

    References
    ----------
    .. [1] M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler, S. Hochreiter, "GANs trained by a two
       time-scale update rule converge to a local Nash equilibrium", NIPS 2017.
       https://arxiv.org/abs/1706.08500

    Examples
    --------
    >>> import numpy as np
    >>> from repdist import metrics
    >>> rng = np.random.default_rng(0)
    >>> result = metrics.fid(rng.normal(size=(200, 16)), rng.normal(size=(200, 16)), rng=0)
    >>> round(result.value, 2), round(result.unbiased, 2)  # nothing differs
    (0.87, 0.04)
    >>> low, high = result.confidence_interval()
    >>> low, round(high, 2)
    (0.0, 0.27)
    """
    rng, n_jobs = _checks.generator(rng), _checks.jobs(n_jobs)
    with computing():
        arrays = _arrays.read_samples({"real": real, "fake": fake}, minimum_rows=LEAST_ROWS)
        _check_size(arrays)
        X, Y = (_Moments(rows, rng) for rows in arrays)
        value = _distance(X.all, Y.all)

        def without(group: int) -> float:
            return _distance(X.without(group), Y.without(group))

        left = np.array(list(in_order(without, range(_GROUPS), n_jobs)))
    n, m, d = *map(len, arrays), arrays[0].shape[1]
    pseudo = _GROUPS * value - (_GROUPS - 1) * left
    return MetricResult(
        name="FID",
        value=value,
        unbiased=float(pseudo.mean()),
        standard_error=float(pseudo.std(ddof=1) / np.sqrt(_GROUPS)),
        pvalue=None,
        scale=1.0,
        convention="plain, larger than that of the distributions",
        n=n,
        m=m,
        spread=None,
        test=None,
        degrees=_GROUPS - 1,
        cautions=_cautions(min(n, m), max(n, m), d),
    )


def _check_size(arrays: list[Array]) -> None:
    """Raise unless the fourth power of what rows differ by, as products of covariances, is held."""
    _arrays.check_varies(arrays, "`real` and `fake`")
    centre = _arrays.centre_row(arrays[0])
    largest = max(_arrays.largest_after_shift(rows, centre) for rows in arrays)
    if not 1 / _LARGEST <= largest <= _LARGEST:
        raise ValueError(
            f"`real` and `fake` must differ by between {1 / _LARGEST:g} and {_LARGEST:g}; got "
            f"{largest:.3g}. Scale the features."
        )


def _cautions(fewest: int, most: int, d: int) -> tuple[str, ...]:
    if fewest < d:
        return (
            f"fewer rows ({fewest:,}) than columns ({d:,}): the plain value is mostly bias, and "
            "the unbiased one and its interval are off, too; take more rows, or KID",
        )
    if fewest < _ENOUGH * d and most > _ALIKE * fewest:
        return (
            f"{fewest:,} rows against {most:,}, of {d:,} columns: the jackknife takes away more "
            "than the bias, so the unbiased value and its interval are too low; take as many rows "
            f"of both, or {_ENOUGH * d:,} of each",
        )
    return ()


@dataclass(frozen=True)
class _Gaussian:
    """A mean, and a covariance (d, d) or, of `few` rows, its factor F (n, d): F' F is it."""

    mean: Float64
    matrix: Float64
    few: bool

    @property
    def trace(self) -> float:
        """Of the covariance."""
        return float(np.square(self.matrix).sum() if self.few else np.trace(self.matrix))

    def factor(self) -> Float64:
        """Return a factor of the covariance."""
        if self.few:
            return self.matrix
        try:
            return np.asarray(np.linalg.cholesky(self.matrix).T)
        except np.linalg.LinAlgError:  # singular: a feature is constant, or a sum of others
            w, V = np.linalg.eigh(self.matrix)
            return np.asarray(np.sqrt(np.maximum(w, 0))[:, None] * V.T)


def _distance(first: _Gaussian, second: _Gaussian) -> float:
    """Return the squared Frechet distance, which rounding does not bring below 0."""
    apart = first.mean - second.mean
    F = first.factor()
    if second.few:
        root = np.linalg.svd(F @ second.matrix.T, compute_uv=False).sum()
    else:
        root = np.sqrt(np.maximum(np.linalg.eigvalsh(F @ second.matrix @ F.T), 0)).sum()
    return max(0.0, float(apart @ apart + first.trace + second.trace - 2 * root))


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
        if scatter is None:
            factor = (self._taken(kept) - mean) / np.sqrt(n - 1)
            return _Gaussian(self._centre + mean, factor, few=True)
        covariance = (scatter - n * np.outer(mean, mean)) / (n - 1)
        return _Gaussian(self._centre + mean, covariance, few=False)


def _sums(block: Array, centre: Float64, few: bool) -> tuple[Float64, Float64 | None]:
    """Return the sum of centred rows, and of their outer products unless rows are few."""
    Z = np.asarray(_arrays.to_numpy(_arrays.in_memory(block)) - centre, dtype=np.float64)
    return Z.sum(axis=0), None if few else Z.T @ Z
