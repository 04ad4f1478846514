"""Estimates from sums: MMD^2, its standard error and interval, each formula once."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._blocks import Block, Sums
from repdist._typing import Estimator, Float64


@dataclass(frozen=True)
class Estimate:
    """The unbiased MMD^2 of one or more pairs of samples, with what its interval needs.

    Attributes
    ----------
    mmd_squared, standard_error : float or (k,)
    null_variance : float or (k,)
        Of MMD^2 over all relabelings.
    """

    mmd_squared: Any
    standard_error: Any
    null_variance: Any

    @classmethod
    def of_all(cls, estimates: Iterable["Estimate"]) -> "Estimate":
        """Return those of several pairs as one."""
        every = [(e.mmd_squared, e.standard_error, e.null_variance) for e in estimates]
        return cls(*np.array(every).T)

    def equivalence(self, margin: Any) -> Any:
        """Return p of "at least the margin", ``Phi((T - margin) / sqrt(se^2 + 3 v0))``."""
        error = np.sqrt(self.standard_error**2 + 3 * self.null_variance)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = np.where(error > 0, (self.mmd_squared - margin) / error, np.inf)
        tail = np.vectorize(math.erfc, otypes=[np.float64])  # exact far out, too
        return tail(-z / math.sqrt(2)) / 2

    def interval(self, confidence_level: float) -> tuple[Any, Any]:
        """Return both ends: ``T - z se`` and ``T + z sqrt(se^2 + 3 v0)``, clipped at 0."""
        z = NormalDist().inv_cdf((1 + confidence_level) / 2)
        low = self.mmd_squared - z * self.standard_error
        high = self.mmd_squared + z * np.sqrt(self.standard_error**2 + 3 * self.null_variance)
        return np.maximum(low, 0.0), np.maximum(high, 0.0)


def mmd_squared_from_sums(
    within_first: Any,
    across: Any,
    within_second: Any,
    sizes: tuple[int, int],
    estimator: Estimator = "unbiased",
) -> Any:
    """Return MMD^2 from sums over ordered pairs; unbiased sums leave the diagonal out.

    `sizes` are the rows of the first and the second sample.
    """
    n, m = sizes
    n_pairs, m_pairs = (n * (n - 1), m * (m - 1)) if estimator == "unbiased" else (n * n, m * m)
    return within_first / n_pairs + within_second / m_pairs - 2 * across / (n * m)


def component_estimates(
    sums: Sums, unit_sample: npt.NDArray[np.intp], estimator: Estimator
) -> Float64:
    """Return MMD^2 of each component, (R,), from sums between units of the two samples."""
    u = int(np.count_nonzero(unit_sample == 0))
    blocks, diagonal = sums.blocks, sums.diagonal
    first, across, second = (
        block.sum(axis=(1, 2))
        for block in (blocks[:, :u, :u], blocks[:, :u, u:], blocks[:, u:, u:])
    )  # (R,)
    if estimator == "biased":
        first, second = first + diagonal[:, :u].sum(axis=1), second + diagonal[:, u:].sum(axis=1)
    return np.asarray(mmd_squared_from_sums(first, across, second, sums.sizes, estimator))


def check_definite(sums: Sums, unit_sample: npt.NDArray[np.intp], weights: Float64) -> None:
    """Raise if the biased MMD^2, which is a squared distance, is below 0 by more than rounding."""
    own = own_values(sums, unit_sample, weights)
    (first, across), (second, _) = sums.first_rows.sum(axis=0), sums.second_rows.sum(axis=0)
    sizes = sums.sizes
    biased = mmd_squared_from_sums(first + own[0], across, second + own[1], sizes, "biased")
    raise_if_negative(float(biased), float(sums.magnitude @ np.abs(weights)), sums.epsilon)


def raise_if_negative(biased: float, magnitude: float, epsilon: float) -> None:
    """Raise if a biased MMD^2 is below 0, for kernel values of that size and rounding."""
    if biased < -1e3 * epsilon * magnitude:
        raise ValueError(
            "`kernel` must be (conditionally) positive definite, else MMD^2 is no squared distance;"
            f" got a biased MMD^2 of {biased:.3g}. Negate it if its values are distances."
        )


def standard_error(rows_first: Float64, rows_second: Float64) -> float:
    """Return the standard error of the unbiased MMD^2 from the kernel's row sums.

    ``se^2 = 4 var(h_x) / n + 4 var(h_y) / m`` with
    ``h_x(i) = sum_{j != i} k(x_i, x_j) / (n - 2) - mean_j k(x_i, y_j)``, and h_y alike: the
    jackknife of both samples. ``k + f(x) + f(y)`` has the same error, as it has the same MMD^2.

    Parameters
    ----------
    rows_first : (n, 2)
        For each row of the first sample, the sum over the other rows of its own sample and over
        the rows of the other one.
    rows_second : (m, 2)
        The same for the second sample: own first, then other.
    """
    h_first, h_second = influences(rows_first, rows_second)
    n, m = len(h_first), len(h_second)
    return math.sqrt(4 * h_first.var(ddof=1) / n + 4 * h_second.var(ddof=1) / m)


def influences(rows_first: Float64, rows_second: Float64) -> tuple[Float64, Float64]:
    """Return h_x (n,) and h_y (m,) of `standard_error`, moved so that their means sum to MMD^2."""
    n, m = len(rows_first), len(rows_second)
    return (
        influence_within(rows_first[:, 0]) - rows_first[:, 1] / m,
        influence_within(rows_second[:, 0]) - rows_second[:, 1] / n,
    )


def influence_within(own: Float64) -> Float64:
    """Return what each of n rows has with its own sample, (n,), from sums over its other rows.

    The mean is that of ``own / (n - 1)``, as MMD^2 has it; deviations are those of
    ``own / (n - 2)``, which the jackknife has. Of two rows both sums are equal.
    """
    n, mean = len(own), own.mean()
    return np.asarray(mean / (n - 1) + (own - mean) / max(n - 2, 1))


def witness_at_rows(rows_first: Float64, rows_second: Float64) -> tuple[Float64, Float64]:
    """Return the witness at x_i, (n,), x_i itself left out, and less the witness at y_j, (m,)."""
    n, m = len(rows_first), len(rows_second)
    return (
        rows_first[:, 0] / (n - 1) - rows_first[:, 1] / m,
        rows_second[:, 0] / (m - 1) - rows_second[:, 1] / n,
    )


def own_values(sums: Sums, unit_sample: npt.NDArray[np.intp], weights: Float64) -> Float64:
    """Return the sum of k(x, x) over each sample, (2,), under the weighted kernel."""
    return np.asarray(np.bincount(unit_sample, weights @ sums.diagonal), dtype=np.float64)


def mean_spread(sums: Sums, own: Float64) -> float:
    """Return ``mean k(x, x) - mean k(x, x')`` over different rows of a sample, the mean of both.

    `own` (2,) are the sums of k(x, x).
    """
    n, m = sums.sizes
    first, second = float(sums.first_rows[:, 0].sum()), float(sums.second_rows[:, 0].sum())
    return float(own[0] / n - first / (n * (n - 1)) + own[1] / m - second / (m * (m - 1))) / 2


def spread(block: Block, weights: Float64) -> float:
    """Return ``mean k(x, x) - mean k(x, x')`` over the different rows of a group."""
    n = len(block.rows)
    diagonal = float(weights @ block.diagonal.sum(axis=1)) / n
    return diagonal - float(block.rows.sum()) / (n * (n - 1))
