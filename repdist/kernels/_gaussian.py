"""Gaussian kernels of one or several bandwidths: one exponential, and its squares."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

import numpy as np

from repdist import _arrays, _checks
from repdist._arrays import Workspace
from repdist._threads import computing
from repdist._typing import Array, Float64
from repdist.kernels._bandwidths import SQRT2, Progression, multiple_bandwidths, positive_numbers
from repdist.kernels._kernel import Kernel, OneBandwidth, bandwidth_of, unfitted
from repdist.kernels._plan import Plan, plan, scaled_product_form
from repdist.kernels._tile_distances import by_columns, minus_from_product

_MOST_SQUARINGS = 5  # each doubles the relative rounding error of the last exponential


@dataclass(frozen=True)
class MultiRBF(Kernel):
    """Several Gaussian kernels at once, so that nobody has to choose a bandwidth.

    ``k(x, y) = mean_r exp(-||x - y||^2 / (2 bandwidth_r^2))``

    Parameters
    ----------
    bandwidths : {"grid", "median", "mean"} or sequence of positive floats
        ``"grid"`` (default): a geometric progression that covers half the 5 % to twice the 95 %
        quantile of the positive pooled distances in at most `size` steps; its ratio is
        ``sqrt(2)^p`` with the smallest whole number p that does.
        ``"median"``: `size` bandwidths ``median * sqrt(2)^k``, k centred on 0.
        ``"mean"``: the same around ``sqrt(mean squared distance / 2)``, over all pairs of
        different rows, zeros included.
        Numbers: these bandwidths, sorted.
    size : int
        How many bandwidths (for ``"grid"``: at most). Default 10.
    weights : {"mean", "sum"}
        ``"sum"`` adds the components without dividing, as `mmd_rbf` does, so that
        ``k(x, x) = size``. Default ``"mean"``.

    Notes
    -----
    Quantiles are those of 1,000 rows if there are more (see `median_heuristic`).

    Examples
    --------
    >>> import repdist
    >>> kernel = repdist.kernels.MultiRBF(bandwidths=(1.0, 2.0))
    >>> kernel([[0.0]], [[0.0], [1.0]]).round(4)
    array([[1.    , 0.7445]])
    """

    bandwidths: Literal["grid", "median", "mean"] | Sequence[float] | Progression = "grid"
    size: int = 10
    weights: Literal["mean", "sum"] = "mean"
    shift_invariant: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _checks.choice("weights", self.weights, ("mean", "sum"))
        _checks.whole_number("size", self.size, 1)
        if isinstance(self.bandwidths, Progression):
            return
        if isinstance(self.bandwidths, str):
            rule = _checks.choice("bandwidths", self.bandwidths, ("grid", "median", "mean"))
            if rule == "grid":
                _checks.whole_number("size", self.size, 2)
            return
        values = positive_numbers("bandwidths", self.bandwidths)
        object.__setattr__(self, "bandwidths", values)
        object.__setattr__(self, "size", len(values))

    @classmethod
    def like_mmd_rbf(
        cls, kernel_mul: float = 2.0, kernel_num: int = 5, fix_sigma: float | None = None
    ) -> Self:
        """Return the kernel behind the `mmd_rbf` function of domain-adaptation code.

        ``sum_q exp(-||x - y||^2 / b_q)`` with ``b_q = b kernel_mul^(q - kernel_num // 2)``,
        q = 0 .. kernel_num - 1, and b the mean squared distance of different pooled rows, or
        `fix_sigma`. Its components are summed: ``k(x, x) = kernel_num``. `mmd_rbf` itself is
        ``mmd_squared(X, Y, kernel=MultiRBF.like_mmd_rbf(), estimator="biased")``.

        Parameters
        ----------
        kernel_mul : float
            Ratio of neighbouring b_q. Default 2.
        kernel_num : int
            How many components. Default 5.
        fix_sigma : float, optional
            The b to use for any data.

        Examples
        --------
        >>> import repdist
        >>> kernel = repdist.kernels.MultiRBF.like_mmd_rbf()
        >>> value = repdist.mmd_squared([[0.0]], [[7.0]], kernel=kernel, estimator="biased")
        >>> round(value, 4)  # one against one: the same for any data
        6.1863
        """
        _checks.whole_number("kernel_num", kernel_num, 1)
        step = math.sqrt(_checks.positive("kernel_mul", kernel_mul))
        if kernel_mul == 2 and kernel_num % 2 and fix_sigma is None:
            return cls("mean", size=kernel_num, weights="sum")
        factors = tuple(step ** (q - kernel_num // 2) for q in range(kernel_num))
        if fix_sigma is not None:
            base = math.sqrt(_checks.positive("fix_sigma", fix_sigma) / 2)
            return cls(tuple(base * f for f in factors), weights="sum")
        return cls(Progression("mean", factors), size=kernel_num, weights="sum")

    def fit(self, Z: Array) -> Self:
        """Return the kernel with numbers for bandwidths, from the pooled rows Z (N, d)."""
        if isinstance(self.bandwidths, tuple):
            return self
        with computing():
            (Z,) = _arrays.read_samples({"Z": Z})
            _arrays.check_varies([Z], "`Z`")
            values = multiple_bandwidths(self.bandwidths, self.size, Z)
        return dataclasses.replace(self, bandwidths=values, size=len(values))

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return plan(self).values(X, Y)

    def __str__(self) -> str:
        if not isinstance(self.bandwidths, tuple):
            return repr(self)
        low, high = min(self.bandwidths), max(self.bandwidths)
        return f"MultiRBF, {len(self.bandwidths)} bandwidths from {low:.3g} to {high:.3g}"


@dataclass(frozen=True)
class RBF(OneBandwidth):
    """The Gaussian kernel ``exp(-||x - y||^2 / (2 bandwidth^2))``.

    Parameters
    ----------
    bandwidth : "median" or positive float
        ``"median"`` (default) is the median distance of different pooled rows.

    Examples
    --------
    >>> import repdist
    >>> repdist.kernels.RBF(bandwidth=1.0)([[0.0]], [[0.0], [2.0]]).round(4)
    array([[1.    , 0.1353]])
    """

    def evaluate(self, X: Array, Y: Array) -> Array:
        """Return the kernel values (n, m) for rows X (n, d) and Y (m, d)."""
        return plan(self).values(X, Y)


@dataclass(frozen=True)
class Gaussians(Plan):
    """Gaussian kernels of one or more bandwidths, in ascending order, from one exponential."""

    bounded: bool = True

    @functools.cached_property
    def powers(self) -> Float64:
        """The exponents that make each component of the widest."""
        return (self.bandwidths[-1] / np.array(self.bandwidths)) ** 2

    @functools.cached_property
    def squarings(self) -> list[int]:
        """How often the next wider component is squared to get each; 0 for a new exponential."""
        found = [0]
        for wider, narrower in itertools.pairwise(self.powers[::-1]):
            count = _whole_log2(narrower / wider)
            since = sum(itertools.takewhile(bool, reversed(found)))
            fits = count is not None and since + count <= _MOST_SQUARINGS
            found.append(count if count is not None and fits else 0)
        return found[::-1]

    def operands(self, Z: Array, centre: Array, *, differences: bool) -> tuple[Array, Array]:
        if differences:
            return Z, Z
        left, right = scaled_product_form(self, Z, centre, self._scale)
        return -left, right  # the product is an exponent

    def components(
        self, left: Array, right: Array, same: bool, work: Workspace
    ) -> Iterator[tuple[int, Array]]:
        """From the widest component to the narrowest, each the square of the last if it can be."""
        D = self.exponents(left, right, same, work)
        xp = _arrays.namespace(D)
        powers, squarings = self.powers, self.squarings
        in_place = work.reuse and squarings.count(0) == 1
        out = D if in_place else work.buffer("component", *D.shape)
        K = D
        for r in reversed(range(len(powers))):
            if squarings[r] == 0:
                widest = r == len(powers) - 1
                K = xp.exp(D if widest else xp.multiply(D, float(powers[r]), out=out), out=out)
            for _ in range(squarings[r]):
                K = xp.multiply(K, K, out=out)
            yield r, K

    def exponents(self, left: Array, right: Array, same: bool, work: Workspace) -> Array:
        """Return the exponents (n, m) of the widest component."""
        if not work.differences:
            return minus_from_product(left, right, same, work)
        D = by_columns(left, right, "square", work)
        out = D if work.reuse else None
        return _arrays.namespace(left).multiply(D, -(self._scale**2), out=out)

    @property
    def _scale(self) -> float:
        return 1 / (SQRT2 * self.bandwidths[-1])


@plan.register
def _(kernel: MultiRBF) -> Gaussians:
    if not isinstance(kernel.bandwidths, tuple):
        raise unfitted(kernel)
    count = len(kernel.bandwidths)
    weight = 1.0 if kernel.weights == "sum" else 1.0 / count
    return Gaussians(kernel.bandwidths, (weight,) * count)


@plan.register
def _(kernel: RBF) -> Gaussians:
    return Gaussians((bandwidth_of(kernel),))


def _whole_log2(ratio: float) -> int | None:
    """Return log2(ratio) if it is a whole number of at least 1 (to rounding), else None."""
    if not math.isfinite(ratio):
        return None
    steps = round(math.log2(ratio))
    return steps if steps >= 1 and math.isclose(ratio, 2.0**steps, rel_tol=1e-12) else None
