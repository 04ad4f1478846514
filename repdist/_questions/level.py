"""Does the test keep its level on rows like mine? Checked by shuffling them, or their pairs."""

import functools
import math
from typing import Any

import numpy as np

from repdist import _arrays, _checks
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import Drawn, Relabelings
from repdist._designs.units import two_sample_units
from repdist._inference.rates import chance_of_as_many, count_rejections
from repdist._numbers import LEVEL, reaches
from repdist._options import Options, check_row_numbers
from repdist._questions.rehearsal import (
    MOST_REPETITIONS,
    Draw,
    pvalues_of,
    rows_at,
    two_samples,
)
from repdist._results.level import FALSE_ALARMS, LevelCheck
from repdist._typing import Array, Bins, Combine, Estimator
from repdist.kernels import Kernel, MultiRBF

MOST_ROWS = 1000  # of a sample, or pairs, in one repetition


def check_level(  # noqa: PLR0913 (the options of a test)
    X: Array,
    Y: Array,
    *,
    paired: bool = False,
    kernel: Kernel = MultiRBF(),
    estimator: Estimator = "unbiased",
    combine: Combine = "max",
    alpha: float = LEVEL,
    n_repetitions: int = 500,
    n_resamples: int = 1023,
    n_bins: Bins = "auto",
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> LevelCheck:
    """Check on your own rows that the test does not reject too often when nothing differs.

    All rows of `X` and `Y` are shuffled and dealt out as two samples again (of `paired` rows, those
    of each pair change places or not, by the toss of a coin), so the null hypothesis of `mmd_test`
    holds by construction; the test is run on them, many times. It should reject in a share `alpha`
    of the repetitions.

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d) or (m,)
        As `mmd_test` takes them, but no dask arrays. Whether they differ does not matter. Of
        larger samples each repetition deals out 1,000 rows, or 1,000 pairs, drawn anew from all.
    paired : bool
        Whether row i of `X` belongs to row i of `Y`; see `mmd_test`. Default False.
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
        At least so many random relabelings of each test. Default 1023. The largest level up to
        `alpha` that they can attain is `attainable` of the result: .0498 by default.
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
        If a value is out of range; if `paired` samples differ in length; if so few relabelings give
        no p-value as small as `alpha`, or so few repetitions cannot show that a level is too high.

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

    What is checked is the test, its kernel and its options on such rows. Whether your rows (or
    pairs) are independent cannot be seen here: shuffling makes them exchangeable. So it does rows
    that are paired: give ``paired=True`` here wherever you give it to `mmd_test`.

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
    options = Options.checked(
        kernel=kernel, estimator=estimator, combine=combine, n_resamples=n_resamples,
        n_bins=n_bins, rng=rng, n_jobs=n_jobs, progress=progress,
    )  # fmt: skip
    alpha = _checks.fraction("alpha", alpha)
    n_repetitions = _check_repetitions(n_repetitions, alpha)
    options.check_reach(alpha)
    paired = _checks.flag("paired", paired)
    check_row_numbers(kernel, {"X": X, "Y": Y})
    X, Y = two_samples(X, Y, paired=paired)
    n, m = min(len(X), MOST_ROWS), min(len(Y), MOST_ROWS)
    options.check_smallest(min(n, m))

    Z = _arrays.concatenate([X, Y])
    draw, drawn = _design(Z, n, m, options, paired=paired)
    pvalues = pvalues_of([draw] * n_repetitions, options, X, paired=paired)  # (n_repetitions,)
    rejections = count_rejections(pvalues, alpha)
    return LevelCheck(
        holds=chance_of_as_many(rejections, n_repetitions, alpha) > FALSE_ALARMS,
        rate=rejections / n_repetitions,
        pvalues=pvalues,
        alpha=alpha,
        kernel=kernel,
        estimator=estimator,
        combine=combine,
        n=n,
        m=m,
        paired=paired,
        n_bins=options.n_bins,
        n_repetitions=n_repetitions,
        n_resamples=options.n_resamples,
        attainable=drawn.attainable(alpha),
        cautions=(
            *_left_out((len(X), len(Y)), (n, m), paired=paired),
            *_never_rejects(drawn, alpha),
        ),
    )


def _design(Z: Array, n: int, m: int, options: Options, *, paired: bool) -> tuple[Draw, Drawn]:
    """Return how the rows of a repetition are drawn, and what a test relabels of them."""
    if paired:
        pairs = Flips(PairedUnits.of(n, options.n_bins), options.n_resamples)
        return functools.partial(_exchanged, Z, n), pairs
    units = two_sample_units(min(n, m), max(n, m), options.n_bins)
    return functools.partial(_dealt_out, Z, n, m), Relabelings(units, options.n_resamples)


def _dealt_out(Z: Array, n: int, m: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return n and m of the rows of Z, at random."""
    order = rng.permutation(len(Z))
    return rows_at(Z, order[:n]), rows_at(Z, order[n : n + m])


def _exchanged(Z: Array, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the rows of n of the pairs of Z, drawn at random, in either order by chance 1/2."""
    pairs = len(Z) // 2
    first = rng.permutation(pairs)[:n] + pairs * rng.integers(2, size=n)  # (n,)
    return rows_at(Z, first), rows_at(Z, (first + pairs) % (2 * pairs))


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


def _left_out(given: tuple[int, int], used: tuple[int, int], *, paired: bool) -> list[str]:
    if given == used:
        return []
    if paired:
        return [f"each repetition used {used[0]:,} of the {given[0]:,} pairs"]
    return [
        f"each repetition used {used[0]:,} and {used[1]:,} of the {given[0]:,} and "
        f"{given[1]:,} rows"
    ]


def _never_rejects(drawn: Drawn, alpha: float) -> list[str]:
    least = drawn.least_pvalue
    if reaches(least, alpha):
        return []
    return [f"no p-value below {least:.2g} can be reached: the test never rejects"]
