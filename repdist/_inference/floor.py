"""The noise floor: what two samples of one group show by chance."""

import math

import numpy as np
import numpy.typing as npt

from repdist._designs.relabelings import Drawn, Relabelings
from repdist._designs.strata import StrataRelabelings, StrataUnits
from repdist._designs.units import Units
from repdist._inference import stratified
from repdist._inference.centring import without_row_sums
from repdist._inference.estimates import mmd_squared_from_sums
from repdist._inference.two_samples import forms, null_variance, statistics
from repdist._typing import Float64

_FLOOR = 0.95  # the quantile of distances by chance that is called the floor
_SHUFFLES, _DIMENSION = 16, 10  # at least 16 times 1,024 halvings
_PAIRS = 1024  # that all shuffles have together, at least
_SIGNS = 4096  # ways to change sides within pairs


def floor_rate(
    K: Float64, rng: np.random.Generator, stratum: npt.NDArray[np.intp] | None = None
) -> float:
    """Return the .95 quantile of split-half MMD^2, divided by ``1 / h + 1 / h'``.

    Parameters
    ----------
    K : (n, n)
        The weighted kernel between rows (or clusters) of one group; its diagonal does not count.
    rng : numpy.random.Generator
    stratum : (n,), optional
        The stratum of each. Halves are then made inside each, those of fewer than four left out,
        and compared by their adjusted MMD^2.

    Notes
    -----
    Single rows change sides: halves made of bins of rows would vary with the partition into bins.
    All halvings of up to 18 rows; of more, random ones as in a test. The quantile is brought to the
    scale of all halvings, whose variance has a closed form.
    """
    if stratum is not None:
        return _floor_rate_in_strata(K, rng, stratum)
    n = len(K)
    h = n // 2
    if h < 2:
        return math.nan
    order = rng.permutation(n)  # else the first shuffle would halve the rows as they stand
    S = np.where(np.eye(n, dtype=bool), 0.0, K[np.ix_(order, order)])
    S = without_row_sums(S[None], np.ones(n, dtype=np.intp), with_diagonal=False)
    S = S.reshape(n, n, 1) * mmd_squared_from_sums(1.0, -1.0, 1.0, (h, n - h))
    units = Units(1, (h, n - h), (0, 0))
    wanted = max(_SHUFFLES, _PAIRS // h) << min(_DIMENSION, h)
    drawn = Relabelings(units, wanted - 1)
    floor = _quantile(S, drawn, null_variance(S, units, np.ones(1)), rng)
    return floor / (1 / h + 1 / (n - h))


def _floor_rate_in_strata(
    K: Float64, rng: np.random.Generator, stratum: npt.NDArray[np.intp]
) -> float:
    sizes = np.bincount(stratum)
    halved = np.flatnonzero(sizes // 2 >= 2)
    if not len(halved):
        return math.nan
    halves = np.stack([sizes[halved] // 2, sizes[halved] - sizes[halved] // 2], axis=1)
    members = [rng.permutation(np.flatnonzero(stratum == s)) for s in halved]
    first = [rows[:h] for rows, (h, _) in zip(members, halves.tolist(), strict=True)]
    second = [rows[h:] for rows, (h, _) in zip(members, halves.tolist(), strict=True)]
    order = np.concatenate([*first, *second])
    units = StrataUnits.of(halved.tolist(), halves, "rows")
    blocks = np.where(np.eye(len(order), dtype=bool), 0.0, K[np.ix_(order, order)])[None]
    S = stratified.quadratic_form(blocks, np.zeros((1, len(order))), units, "unbiased", both=False)
    wanted = max(_SHUFFLES, _PAIRS // max(1, len(order) // 2)) << _DIMENSION
    drawn = StrataRelabelings(units, wanted - 1)
    floor = _quantile(S, drawn, stratified.null_variance(S[..., 0], units), rng)
    return floor / units.effective


def _quantile(S: Float64, drawn: Drawn, variance: float, rng: np.random.Generator) -> float:
    """Return the quantile of the halvings, brought to the scale of all of them."""
    halvings = statistics(S, drawn, forms(drawn, rng))
    T = halvings.deviations[0] + halvings.mean
    spread = math.sqrt(float(np.mean(T**2)))
    if spread == 0:
        return 0.0
    T *= math.sqrt(variance) / spread
    return float(np.quantile(T, _FLOOR))


def floor_of_pairs(C: Float64) -> float:
    """Return the .95 quantile of the MMD^2 of pairs whose differences are 0 on average.

    C (U, U) is what bins of pairs have with each other, ``MMD^2 = sum_{u != v} C_uv``. The mean
    difference of all pairs is taken off, then bins change sides at random.
    """
    C = C - C.mean(axis=1, keepdims=True)
    C -= C.mean(axis=0)
    np.fill_diagonal(C, 0)
    signs = np.random.default_rng(len(C)).choice([-1.0, 1.0], size=(_SIGNS, len(C)))
    return float(np.quantile(np.einsum("su,su->s", signs @ C, signs), _FLOOR))
