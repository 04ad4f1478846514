"""The power of the test, estimated on a user's own rows by drawing fewer of them."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repdist import _array, _checks
from repdist._array import Array, Float64
from repdist._null import Combine
from repdist._rehearsal import (
    MOST_REPETITIONS,
    binomial_interval,
    check_reach,
    count_rejections,
    least_pvalue,
    pvalues_of,
    reaches,
    rows_at,
    two_samples,
)
from repdist.kernels import Kernel, MultiRBF
from repdist.mmd import check_kernel
from repdist.two_sample import COMBINATIONS, mmd_test

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

SERIES = (5, 10, 20, 50, 100, 200, 500, 1000)  # sizes that are tried by default


def estimate_power(
    X: Array,
    Y: Array,
    *,
    sizes: Literal["auto"] | Sequence[int] = "auto",
    kernel: Kernel = MultiRBF(),
    combine: Combine = "max",
    alpha: float = 0.05,
    n_repetitions: int = 100,
    n_resamples: int = 199,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> "PowerCurve":
    """Estimate how many rows of each sample show a difference as large as the observed one.

    For each size n, n rows of `X` and n rows of `Y` are drawn without replacement, `mmd_test` is
    run on them, and this is repeated. Power is the share of repetitions with p <= `alpha`.

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d) or (m,)
        As `mmd_test` takes them, but no dask arrays.
    sizes : "auto" or sequence of int
        Rows drawn from each sample. ``"auto"`` (default): 5, 10, 20, 50, 100, 200, 500 and 1,000,
        as far as half of the smaller sample. Numbers of your own may go as far as all of it.
    kernel : Kernel
        Default ``MultiRBF()``. An unfitted kernel is fitted on each pair of subsamples, as you
        would at that size; a fitted one is used as it is.
    combine : {"max", "mean", "fuse"}
        How the components of a kernel become one statistic; see `mmd_test`.
    alpha : float
        The level: a test rejects if its p-value is at most `alpha`. Default 0.05.
    n_repetitions : int
        Pairs of subsamples of each size. Default 100: a 95 % interval of about .1 either way.
    n_resamples : int
        Random relabelings of each test. Default 199.
    rng : None, int or numpy.random.Generator
        The source of all randomness. The same `rng`, data and version give the same result to
        the bit, whatever `n_jobs`.
    n_jobs : int
        Threads, each of which runs whole tests; -1 (default) for all cores this process may use.
        Torch tensors are tested one after the other.
    progress : bool
        Draw a progress bar if the output is a terminal. Default False.

    Returns
    -------
    PowerCurve
        With ``sizes``, ``power``, ``rows_needed()``, ``to_frame()``, ``summary()``, ``plot()``.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a value is out of range: a size above the smaller sample, fewer than ten rows with
        ``sizes="auto"``, or so few relabelings that no p-value is as small as `alpha`.

    See Also
    --------
    mmd_test : whether there is a difference; ask that first.
    check_level : whether the test holds its level on such rows.

    Notes
    -----
    The curve is for a difference of the size observed in these rows. If that is chance, so is the
    curve: where the samples do not differ at all it stays near `alpha`.

    The unbiased MMD^2 of the subsamples is on average that of all rows. The intervals are exact
    for the repetitions given the rows; they do not hold what other rows would have shown. That is
    little while n is a small share of the sample, and much near half of it, where subsamples
    overlap.

    A pair of subsamples whose rows are all equal counts as p = 1.

    ``n_repetitions`` times the cost of `mmd_test` for each size. Memory: that of a test for each
    thread; samples in a file are read where rows are drawn.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + 1
    >>> curve = repdist.estimate_power(X, Y, sizes=[5, 10, 20, 40], n_repetitions=20, rng=0)
    >>> curve.rows_needed(power=0.8)
    20
    """
    check_kernel(kernel)
    _checks.choice("combine", combine, COMBINATIONS)
    alpha = _checks.fraction("alpha", alpha)
    n_repetitions = _checks.whole_number("n_repetitions", n_repetitions, 1, MOST_REPETITIONS)
    n_resamples = check_reach(n_resamples, alpha)
    rng = _checks.generator(rng)
    threads = _checks.jobs(n_jobs)
    _checks.flag("progress", progress)
    X, Y = two_samples(X, Y)
    threads = 1 if _array.is_torch(X) else threads
    smaller = min(len(X), len(Y))
    tried = _check_sizes(sizes, smaller)

    test = functools.partial(
        mmd_test, kernel=kernel, combine=combine, n_resamples=n_resamples, n_jobs=1
    )
    draws = [functools.partial(_drawn, X, Y, n) for n in tried for _ in range(n_repetitions)]
    pvalues = pvalues_of(test, draws, rng, threads, progress).reshape(len(tried), n_repetitions)
    return PowerCurve(
        sizes=tried,
        pvalues=pvalues,
        alpha=alpha,
        kernel=kernel,
        combine=combine,
        n=len(X),
        m=len(Y),
        n_repetitions=n_repetitions,
        n_resamples=n_resamples,
        cautions=_power_cautions(tried, smaller, n_resamples, alpha),
    )


@dataclass(frozen=True, eq=False, repr=False)
class PowerCurve:
    """The answer of `estimate_power`.

    Attributes
    ----------
    sizes : tuple of int
        Rows drawn from each sample, increasing.
    pvalues : (len(sizes), n_repetitions) float64
        Of the tests on subsamples.
    alpha : float
    kernel : Kernel
        As it was given.
    combine : str
    n, m : int
        Rows of X and Y.
    n_repetitions, n_resamples : int
        n_resamples as asked for; tests with fewer distinct relabelings used all of them.
    cautions : tuple of str
        What a reader of the result should know.
    """

    sizes: tuple[int, ...]
    pvalues: Float64
    alpha: float
    kernel: Kernel
    combine: Combine
    n: int
    m: int
    n_repetitions: int
    n_resamples: int
    cautions: tuple[str, ...]

    @property
    def power(self) -> Float64:
        """Share of the tests that rejected, (len(sizes),)."""
        return (
            np.array([count_rejections(row, self.alpha) for row in self.pvalues])
            / self.n_repetitions
        )

    def rows_needed(self, power: float = 0.8) -> int | None:
        """Return the smallest of the sizes tried that reached this power, None if none did.

        Parameters
        ----------
        power : float
            Strictly between 0 and 1. Default 0.8.

        Returns
        -------
        int or None
            Rows of each sample.
        """
        wanted = _checks.fraction("power", power)
        reached = [n for n, share in zip(self.sizes, self.power, strict=True) if share >= wanted]
        return reached[0] if reached else None

    def to_frame(self) -> "pd.DataFrame":
        """Return a table with one row a size: n, rejections, power, ci_low, ci_high.

        The interval is exact (Clopper-Pearson) at 95 %.
        """
        import pandas as pd

        rejections = [count_rejections(row, self.alpha) for row in self.pvalues]
        ends = np.array(
            [binomial_interval(count, self.n_repetitions, 0.95) for count in rejections]
        )
        return pd.DataFrame(
            {
                "n": self.sizes,
                "rejections": rejections,
                "power": self.power,
                "ci_low": ends[:, 0],
                "ci_high": ends[:, 1],
            }
        )

    def summary(self) -> str:
        """Return the result in lines that a person can read, one for each size."""
        lines = [
            f"Power of the MMD test at {self.alpha:g}: subsamples of {self.n:,} and {self.m:,} rows"
        ]
        lines += [
            f"  n = {row.n:<6,}power {row.power:.2f}, 95 % interval {row.ci_low:.2f} to "
            f"{row.ci_high:.2f}"
            for row in self.to_frame().itertuples()
        ]
        lines += [f"  rows     {self._needed(0.8)}; {self._needed(0.9)}"]
        lines += [f"  kernel   {self.kernel!r}, combine={self.combine!r}"]
        lines += [f"  null     up to {self.n_resamples:,} relabelings of each test"]
        return "\n".join(lines + [f"  caution  {caution}" for caution in self.cautions])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw power against the rows of each sample, with its exact intervals.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_power

        return plot_power(self, ax)

    def to_dict(self) -> dict[str, Any]:
        """Return what a report needs, ready for JSON."""
        import repdist

        return {
            "repdist_version": repdist.__version__,
            "rows_needed": {"0.8": self.rows_needed(0.8), "0.9": self.rows_needed(0.9)},
            "curve": self.to_frame().to_dict("records"),
            "alpha": self.alpha,
            "kernel": repr(self.kernel),
            "combine": self.combine,
            "n": self.n,
            "m": self.m,
            "n_repetitions": self.n_repetitions,
            "n_resamples": self.n_resamples,
            "cautions": list(self.cautions),
        }

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return (
            f"PowerCurve(sizes={self.sizes}, power={self.power.round(3).tolist()}, "
            f"alpha={self.alpha:g}, n_repetitions={self.n_repetitions})"
        )

    def _needed(self, power: float) -> str:
        rows = self.rows_needed(power)
        return f"power {power:g} {f'with {rows:,} of each' if rows else 'was not reached'}"


def _drawn(X: Array, Y: Array, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return n rows of each sample, without replacement."""
    first, second = (rng.choice(len(sample), n, replace=False) for sample in (X, Y))
    return rows_at(X, first), rows_at(Y, second)


def _check_sizes(sizes: Any, smaller: int) -> tuple[int, ...]:
    """Return the sizes to try, increasing, without repeats."""
    if isinstance(sizes, str):
        _checks.choice("sizes", sizes, ("auto",))
        tried = tuple(n for n in SERIES if n <= smaller // 2)
        if not tried:
            raise ValueError(
                f"`sizes` must be numbers of rows for samples of fewer than {2 * SERIES[0]}; got "
                f'"auto" for {smaller}. Use e.g. `sizes=[{smaller}]`.'
            )
        return tried
    if not isinstance(sizes, (Sequence, np.ndarray, range)) or isinstance(sizes, bytes):
        raise TypeError(
            f'`sizes` must be "auto" or a list of whole numbers; got {_checks.describe(sizes)}.'
        )
    numbers = sorted({_checks.whole_number("sizes", n, 2) for n in sizes})
    if not numbers:
        raise ValueError("`sizes` must hold at least one number of rows; got none.")
    if numbers[-1] > smaller:
        raise ValueError(
            f"`sizes` must be at most the {smaller} rows of the smaller sample; got {numbers[-1]}. "
            "Rows are drawn without replacement."
        )
    return tuple(numbers)


def _power_cautions(
    sizes: tuple[int, ...], smaller: int, n_resamples: int, alpha: float
) -> tuple[str, ...]:
    found = []
    never = [n for n in sizes if not reaches(least_pvalue(n, n, "auto", n_resamples), alpha)]
    if never:
        found.append(
            f"with {', '.join(map(str, never))} rows no p-value is as small as {alpha:g}: power 0"
        )
    if sizes[-1] > smaller / 2:
        found.append(
            f"subsamples of more than {smaller // 2} rows overlap too much to stand for new rows"
        )
    return tuple(found)
