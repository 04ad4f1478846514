"""The noise floor: what two samples of one group show by chance."""

import math

import numpy as np

from repdist._designs.relabelings import Relabelings
from repdist._designs.units import Units
from repdist._inference.centring import without_row_sums
from repdist._inference.estimates import mmd_squared_from_sums
from repdist._inference.quadratic_form import QuadraticForm
from repdist._inference.transform import draw_columns, forms_of_swaps
from repdist._typing import Float64

_FLOOR = 0.95  # the quantile of split-half distances that is called the floor
_SHUFFLES, _DIMENSION = 16, 10  # 16 times all 1,024 swap patterns of a code
_PAIRS = 1024  # that all shuffles have together, at least


def floor_rate(K: Float64, rng: np.random.Generator) -> float:
    """Return the .95 quantile of split-half MMD^2, divided by ``1 / h + 1 / h'``.

    Parameters
    ----------
    K : (n, n)
        The weighted kernel between rows of one group; its diagonal does not count.
    rng : numpy.random.Generator

    Notes
    -----
    Single rows change sides: halves made of bins of rows would vary with the partition into bins.
    All halvings of up to 16 rows; of more, rows are paired at random, several times, and pairs
    swapped by the patterns of a code. The quantile is brought to the scale of all
    halvings, whose variance has a closed form.
    """
    n = len(K)
    h = n // 2
    if h < 2:
        return math.nan
    off_diagonal = np.where(np.eye(n, dtype=bool), 0.0, K)[None]
    S = without_row_sums(off_diagonal, np.ones(n, dtype=np.intp), with_diagonal=False)
    every = Relabelings(Units(1, (h, n - h), (0, 0)), _SHUFFLES << _DIMENSION)
    if every.exhaustive:
        q = np.concatenate(list(map(QuadraticForm(S), every.labels(rng))))[:, 0]
    else:
        k = min(_DIMENSION, h)
        q = np.concatenate([_halved(S, rng, h, k) for _ in range(max(_SHUFFLES, _PAIRS // h))])
    spread = math.sqrt(float(np.mean(q**2)))
    if spread == 0:
        return 0.0
    q *= math.sqrt(_variance_of_halvings(S[0], h)) / spread
    T = mmd_squared_from_sums(q, -q, q, (h, n - h))
    return float(np.quantile(T, _FLOOR)) / (1 / h + 1 / (n - h))


def _halved(S: Float64, rng: np.random.Generator, h: int, k: int) -> Float64:
    """Return the sums within one half for one shuffle under all swaps of a code, (2^k,)."""
    pairs = rng.permutation(S.shape[1])[: 2 * h].reshape(2, h)
    labels = np.zeros(S.shape[1])
    labels[pairs[0]] = 1
    return forms_of_swaps(S, labels, pairs, draw_columns(h, k, rng), k)[:, 0]


def _variance_of_halvings(S: Float64, h: int) -> float:
    """Return the variance of ``a' S a`` over all labels a with h ones; rows of S sum to 0.

    With signs s = 2 a - 1 it is ``s' S s / 4``, and ``E s_i s_j`` and ``E s_i s_j s_k s_l`` of
    different rows are symmetric polynomials of the n signs.
    """
    n = len(S)
    M = 2 * h - n
    two = (M**2 - n) / (n * (n - 1))
    four = (M**4 - 6 * M**2 * n + 3 * n**2 + 8 * M**2 - 6 * n) / 24 / math.comb(n, 4)
    return float((S**2).sum()) * (2 - 4 * two + 2 * four) / 16
