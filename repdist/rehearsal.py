"""The test rehearsed on a user's own rows: its level on shuffled ones, its power on fewer."""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from repdist import _array, _checks, _samples
from repdist._array import Array, Float64
from repdist._null import Combine, Estimator
from repdist._threads import in_order, one_blas_thread, with_progress
from repdist._units import is_exhaustive, two_sample_units
from repdist.kernels import Kernel, MultiRBF
from repdist.mmd import ESTIMATORS, check_kernel
from repdist.two_sample import COMBINATIONS, MOST_RESAMPLES, MMDTestResult, check_bins, mmd_test

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

MOST_ROWS = 1000  # of a sample in one repetition of check_level
SERIES = (5, 10, 20, 50, 100, 200, 500, 1000)  # sizes that estimate_power tries by default
FALSE_ALARMS = 0.01  # the chance that an exact test is said not to hold its level
_MOST_REPETITIONS = 10**6

Test: TypeAlias = Callable[..., MMDTestResult]
Draw: TypeAlias = Callable[[np.random.Generator], tuple[Array, Array]]


# --- level ---------------------------------------------------------------------------------------


def check_level(
    X: Array,
    Y: Array,
    *,
    kernel: Kernel = MultiRBF(),
    estimator: Estimator = "unbiased",
    combine: Combine = "max",
    alpha: float = 0.05,
    n_repetitions: int = 500,
    n_resamples: int = 199,
    n_bins: Literal["auto", "rows"] | int = "auto",
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> "LevelCheck":
    """Check on your own rows that the test does not reject too often when nothing differs.

    All rows of `X` and `Y` are shuffled and dealt out as two samples again, so the null hypothesis
    of `mmd_test` holds by construction; the test is run on them, many times. It should reject in
    a share `alpha` of the repetitions.

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d) or (m,)
        As `mmd_test` takes them, but no dask arrays. Whether they differ does not matter. Of
        larger samples each repetition deals out 1,000 rows, drawn anew from all.
    kernel : Kernel
        Default ``MultiRBF()``. An unfitted kernel is fitted in each repetition, on its rows: a
        `fit` of your own that looks at the order of rows is found out.
    estimator : {"unbiased", "biased"}
    combine : {"max", "mean", "fuse"}
        The test to check; see `mmd_test`.
    alpha : float
        The level: a test rejects if its p-value is at most `alpha`. Default 0.05.
    n_repetitions : int
        How often to shuffle and test. Default 500.
    n_resamples : int
        Random relabelings of each test. Default 199. An exact test then rejects in a share
        ``floor(alpha (n_resamples + 1)) / (n_resamples + 1)``, which is `alpha` by default.
    n_bins : {"auto", "rows"} or int
        See `mmd_test`.
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
    LevelCheck
        With ``holds``, ``rate``, ``confidence_interval()``, ``pvalues``, ``summary()``, ``plot()``.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a value is out of range; if so few relabelings give no p-value as small as `alpha`, or
        so few repetitions cannot show that a level is too high.

    See Also
    --------
    estimate_power : how many rows show a difference.

    Notes
    -----
    Repetitions are independent given the rows, and an exact test rejects each with at most
    chance `alpha`. So the number of rejections is compared with its binomial distribution:
    ``holds`` is False if so many or more have a chance of at most .01, which bounds the chance
    of a false alarm; `summary` says which level would be found out with a chance of .9.
    A rate below `alpha` is no fault: ties and very small samples cause it.

    What is checked is the test, its kernel and its options on such rows. Whether your rows are
    independent cannot be seen here: shuffling makes them exchangeable.

    ``n_repetitions`` times the cost of `mmd_test` for at most 1,000 rows a sample. Memory: a copy
    of the rows (a temporary file if they lie in one), and that of a test for each thread.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(20, 2)), rng.normal(size=(15, 2)) + 1
    >>> check = repdist.check_level(X, Y, n_repetitions=50, n_resamples=99, rng=0)
    >>> check.holds
    True
    """
    check_kernel(kernel)
    _checks.choice("estimator", estimator, ESTIMATORS)
    _checks.choice("combine", combine, COMBINATIONS)
    alpha = _checks.fraction("alpha", alpha)
    n_repetitions = _check_repetitions(n_repetitions, alpha)
    n_resamples = _check_reach(n_resamples, alpha)
    rng = _checks.generator(rng)
    threads = _checks.jobs(n_jobs)
    _checks.flag("progress", progress)
    X, Y = _two_samples(X, Y)
    threads = 1 if _array.is_torch(X) else threads
    n, m = min(len(X), MOST_ROWS), min(len(Y), MOST_ROWS)
    n_bins = check_bins(n_bins, min(n, m))

    Z = _array.concatenate([X, Y])
    test = functools.partial(
        mmd_test, kernel=kernel, estimator=estimator, combine=combine, n_resamples=n_resamples,
        n_bins=n_bins, n_jobs=1,
    )  # fmt: skip
    draws = [functools.partial(_dealt_out, Z, n, m)] * n_repetitions
    pvalues = _pvalues(test, draws, rng, threads, progress)  # (n_repetitions,)
    rejections = _rejections(pvalues, alpha)
    return LevelCheck(
        holds=_chance_of_as_many(rejections, n_repetitions, alpha) > FALSE_ALARMS,
        rate=rejections / n_repetitions,
        pvalues=pvalues,
        alpha=alpha,
        kernel=kernel,
        estimator=estimator,
        combine=combine,
        n=n,
        m=m,
        n_repetitions=n_repetitions,
        n_resamples=n_resamples,
        cautions=_level_cautions(len(X), len(Y), n, m, n_bins, n_resamples, alpha),
    )


@dataclass(frozen=True, eq=False, repr=False)
class LevelCheck:
    """The answer of `check_level`.

    Attributes
    ----------
    holds : bool
        False if the test rejected more often than chance explains: an exact test is said not to
        hold its level in at most 1 % of checks.
    rate : float
        Share of the repetitions in which the test rejected.
    pvalues : (n_repetitions,) float64
        Of the tests on shuffled rows; uniform for an exact test, or larger.
    alpha : float
    kernel : Kernel
        As it was given.
    estimator, combine : str
    n, m : int
        Rows of the two samples in each repetition.
    n_repetitions, n_resamples : int
        n_resamples as asked for; tests with fewer distinct relabelings used all of them.
    cautions : tuple of str
        What a reader of the result should know.
    """

    holds: bool
    rate: float
    pvalues: Float64
    alpha: float
    kernel: Kernel
    estimator: Estimator
    combine: Combine
    n: int
    m: int
    n_repetitions: int
    n_resamples: int
    cautions: tuple[str, ...]

    def confidence_interval(self, confidence_level: float = 0.95) -> tuple[float, float]:
        """Return the exact (Clopper-Pearson) interval for the rejection rate on such rows.

        Parameters
        ----------
        confidence_level : float
            Strictly between 0 and 1. Default 0.95.

        Returns
        -------
        (low, high) : tuple of float
        """
        level = _checks.fraction("confidence_level", confidence_level)
        return _interval(_rejections(self.pvalues, self.alpha), self.n_repetitions, level)

    def summary(self) -> str:
        """Return the result in at most twelve lines that a person can read."""
        low, high = self.confidence_interval()
        rejections = _rejections(self.pvalues, self.alpha)
        lines = [
            f"Level of the MMD test on shuffled rows: {self.n:,} against {self.m:,}",
            f"  verdict  the level {'holds' if self.holds else 'does not hold'}",
            f"  rejected {rejections} of {self.n_repetitions} at {self.alpha:g}: rate "
            f"{self.rate:.3g}, 95 % interval {low:.3g} to {high:.3g}",
            f"  errors   an exact test fails {100 * FALSE_ALARMS:g} % of checks at most, one of "
            f"level {_found_out(self.n_repetitions, self.alpha):.2g} fails 90 %",
            f"  kernel   {self.kernel!r}, combine={self.combine!r}",
            f"  null     up to {self.n_resamples:,} relabelings of each test",
        ]
        return "\n".join(lines + [f"  caution  {caution}" for caution in self.cautions])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw how often the test rejects at each level, beside how often it may.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_level

        return plot_level(self, ax)

    def to_dict(self) -> dict[str, Any]:
        """Return what a report needs, ready for JSON."""
        import repdist

        return {
            "repdist_version": repdist.__version__,
            "holds": self.holds,
            "rate": self.rate,
            "confidence_interval_95": list(self.confidence_interval()),
            "pvalues": self.pvalues.tolist(),
            "alpha": self.alpha,
            "kernel": repr(self.kernel),
            "estimator": self.estimator,
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
            f"LevelCheck(holds={self.holds}, rate={self.rate:.3g}, alpha={self.alpha:g}, "
            f"n_repetitions={self.n_repetitions}, n={self.n}, m={self.m})"
        )


# --- power ---------------------------------------------------------------------------------------


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
    n_repetitions = _checks.whole_number("n_repetitions", n_repetitions, 1, _MOST_REPETITIONS)
    n_resamples = _check_reach(n_resamples, alpha)
    rng = _checks.generator(rng)
    threads = _checks.jobs(n_jobs)
    _checks.flag("progress", progress)
    X, Y = _two_samples(X, Y)
    threads = 1 if _array.is_torch(X) else threads
    smaller = min(len(X), len(Y))
    tried = _check_sizes(sizes, smaller)

    test = functools.partial(
        mmd_test, kernel=kernel, combine=combine, n_resamples=n_resamples, n_jobs=1
    )
    draws = [functools.partial(_drawn, X, Y, n) for n in tried for _ in range(n_repetitions)]
    pvalues = _pvalues(test, draws, rng, threads, progress).reshape(len(tried), n_repetitions)
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
        return np.array([_rejections(row, self.alpha) for row in self.pvalues]) / self.n_repetitions

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

        rejections = [_rejections(row, self.alpha) for row in self.pvalues]
        ends = np.array([_interval(count, self.n_repetitions, 0.95) for count in rejections])
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
        """Return the result in some lines that a person can read, one of them a size."""
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


# --- repetitions ---------------------------------------------------------------------------------


def _two_samples(X: Any, Y: Any) -> tuple[Array, Array]:
    _samples.check_held({"X": X, "Y": Y})
    X, Y = (_array.detach(array) for array in _samples.samples({"X": X, "Y": Y}))
    _samples.check_varies([X, Y], "`X` and `Y`")
    return X, Y


def _dealt_out(Z: Array, n: int, m: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return n and m of the rows of Z, at random."""
    order = rng.permutation(len(Z))
    return _rows(Z, order[:n]), _rows(Z, order[n : n + m])


def _drawn(X: Array, Y: Array, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return n rows of each sample, without replacement."""
    first, second = (rng.choice(len(sample), n, replace=False) for sample in (X, Y))
    return _rows(X, first), _rows(Y, second)


def _rows(array: Array, index: Any) -> Array:
    return _array.in_memory(_array.take_rows(array, index))


def _pvalues(
    test: Test, draws: Sequence[Draw], rng: np.random.Generator, n_jobs: int, progress: bool
) -> Float64:
    """Return the p-value of the test on every draw, each with a random stream of its own."""
    seeds = rng.integers(2**63, size=len(draws))

    def pvalue(task: tuple[Draw, int]) -> float:
        draw, seed = task
        stream = np.random.default_rng(seed)
        X, Y = draw(stream)
        if _samples.is_constant(_array.concatenate([X, Y])):
            return 1.0  # all relabelings tie
        return test(X, Y, rng=stream).pvalue

    with one_blas_thread:
        results = in_order(pvalue, zip(draws, seeds, strict=True), n_jobs)
        pvalues = np.array(list(with_progress(results, len(draws), progress, "tests")))
    pvalues.setflags(write=False)
    return pvalues


def _rejections(pvalues: Float64, alpha: float) -> int:
    return int((pvalues <= alpha * (1 + 1e-9)).sum())


# --- checks --------------------------------------------------------------------------------------


def _check_reach(n_resamples: Any, alpha: float) -> int:
    """Return `n_resamples`, checked to give p-values as small as alpha."""
    number = _checks.whole_number("n_resamples", n_resamples, 1, MOST_RESAMPLES)
    if 1 / (number + 1) > alpha * (1 + 1e-9):
        raise ValueError(
            f"`n_resamples` must be at least {math.ceil(1 / alpha * (1 - 1e-9)) - 1} for p-values "
            f"as small as alpha = {alpha:g}; got {number}."
        )
    return number


def _check_repetitions(n_repetitions: Any, alpha: float) -> int:
    """Return `n_repetitions`, checked to be able to show a level that is too high."""
    number = _checks.whole_number("n_repetitions", n_repetitions, 1, _MOST_REPETITIONS)
    least = math.ceil(math.log(FALSE_ALARMS) / math.log(alpha))
    if number < least:
        raise ValueError(
            f"`n_repetitions` must be at least {least} to show that a level of {alpha:g} is "
            f"exceeded; got {number}. Some hundreds show it well."
        )
    return number


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


# --- binomial counts -----------------------------------------------------------------------------


def _interval(count: int, trials: int, level: float) -> tuple[float, float]:
    """Return the Clopper-Pearson interval for a chance."""
    from scipy.stats import binomtest

    ends = binomtest(count, trials).proportion_ci(level, method="exact")
    return float(ends.low), float(ends.high)


def _chance_of_as_many(count: int, trials: int, alpha: float) -> float:
    """Return the chance that a test of exact level alpha rejects so often or more often."""
    from scipy.stats import binomtest

    return float(binomtest(count, trials, alpha, alternative="greater").pvalue)


def _found_out(trials: int, alpha: float) -> float:
    """Return the level that `check_level` denies in 90 % of checks."""
    from scipy.stats import beta, binom

    fewest = int(binom.isf(FALSE_ALARMS, trials, alpha)) + 1  # rejections that deny the level
    return float(beta.ppf(0.9, fewest, trials - fewest + 1))


# --- cautions ------------------------------------------------------------------------------------


def _level_cautions(
    n: int, m: int, n_used: int, m_used: int, n_bins: Any, n_resamples: int, alpha: float
) -> tuple[str, ...]:
    found = []
    if (n, m) != (n_used, m_used):
        found.append(f"each repetition used {n_used:,} and {m_used:,} of the {n:,} and {m:,} rows")
    least = _least_pvalue(n_used, m_used, n_bins, n_resamples)
    if least > alpha * (1 + 1e-9):
        found.append(f"no p-value below {least:.2g} can be reached: the test never rejects")
    return tuple(found)


def _power_cautions(
    sizes: tuple[int, ...], smaller: int, n_resamples: int, alpha: float
) -> tuple[str, ...]:
    found = []
    never = [n for n in sizes if _least_pvalue(n, n, "auto", n_resamples) > alpha * (1 + 1e-9)]
    if never:
        found.append(
            f"with {', '.join(map(str, never))} rows no p-value is as small as {alpha:g}: power 0"
        )
    if sizes[-1] > smaller / 2:
        found.append(
            f"subsamples of more than {smaller // 2} rows overlap too much to stand for new rows"
        )
    return tuple(found)


def _least_pvalue(n: int, m: int, n_bins: Any, n_resamples: int) -> float:
    units = two_sample_units(min(n, m), max(n, m), n_bins)
    if is_exhaustive(units, n_resamples):
        return units.least_pvalue_exhaustive
    return 1 / (n_resamples + 1)
