"""The level of the test, checked on a user's own rows by shuffling them."""

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repdist import _array, _checks
from repdist._array import Array, Float64
from repdist._null import Combine, Estimator
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
from repdist.mmd import ESTIMATORS, check_kernel
from repdist.two_sample import COMBINATIONS, check_bins, mmd_test

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ROWS = 1000  # of a sample in one repetition
FALSE_ALARMS = 0.01  # the chance that an exact test is said not to hold its level


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
    n_resamples = check_reach(n_resamples, alpha)
    rng = _checks.generator(rng)
    threads = _checks.jobs(n_jobs)
    _checks.flag("progress", progress)
    X, Y = two_samples(X, Y)
    threads = 1 if _array.is_torch(X) else threads
    n, m = min(len(X), MOST_ROWS), min(len(Y), MOST_ROWS)
    n_bins = check_bins(n_bins, min(n, m))

    Z = _array.concatenate([X, Y])
    test = functools.partial(
        mmd_test, kernel=kernel, estimator=estimator, combine=combine, n_resamples=n_resamples,
        n_bins=n_bins, n_jobs=1,
    )  # fmt: skip
    draws = [functools.partial(_dealt_out, Z, n, m)] * n_repetitions
    pvalues = pvalues_of(test, draws, rng, threads, progress)  # (n_repetitions,)
    rejections = count_rejections(pvalues, alpha)
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
        return binomial_interval(
            count_rejections(self.pvalues, self.alpha), self.n_repetitions, level
        )

    def summary(self) -> str:
        """Return the result in at most twelve lines that a person can read."""
        low, high = self.confidence_interval()
        rejections = count_rejections(self.pvalues, self.alpha)
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


def _dealt_out(Z: Array, n: int, m: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return n and m of the rows of Z, at random."""
    order = rng.permutation(len(Z))
    return rows_at(Z, order[:n]), rows_at(Z, order[n : n + m])


def _check_repetitions(n_repetitions: Any, alpha: float) -> int:
    """Return `n_repetitions`, checked to be able to show a level that is too high."""
    number = _checks.whole_number("n_repetitions", n_repetitions, 1, MOST_REPETITIONS)
    least = math.ceil(math.log(FALSE_ALARMS) / math.log(alpha))
    if number < least:
        raise ValueError(
            f"`n_repetitions` must be at least {least} to show that a level of {alpha:g} is "
            f"exceeded; got {number}. Some hundreds show it well."
        )
    return number


def _chance_of_as_many(count: int, trials: int, alpha: float) -> float:
    """Return the chance that a test of exact level alpha rejects so often or more often."""
    from scipy.stats import binomtest

    return float(binomtest(count, trials, alpha, alternative="greater").pvalue)


def _found_out(trials: int, alpha: float) -> float:
    """Return the level that `check_level` denies in 90 % of checks."""
    from scipy.stats import beta, binom

    fewest = int(binom.isf(FALSE_ALARMS, trials, alpha)) + 1  # rejections that deny the level
    return float(beta.ppf(0.9, fewest, trials - fewest + 1))


def _level_cautions(
    n: int, m: int, n_used: int, m_used: int, n_bins: Any, n_resamples: int, alpha: float
) -> tuple[str, ...]:
    found = []
    if (n, m) != (n_used, m_used):
        found.append(f"each repetition used {n_used:,} and {m_used:,} of the {n:,} and {m:,} rows")
    least = least_pvalue(n_used, m_used, n_bins, n_resamples)
    if not reaches(least, alpha):
        found.append(f"no p-value below {least:.2g} can be reached: the test never rejects")
    return tuple(found)
