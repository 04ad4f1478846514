"""Does the test keep its level on rows like mine? Checked by shuffling them, or their pairs."""

import functools
import math
from typing import Any

import numpy as np

from repdist import _checks
from repdist._designs.relabelings import Drawn
from repdist._inference.rates import chance_of_as_many, count_rejections
from repdist._numbers import LEVEL, reaches
from repdist._options import N_LANDMARKS, Options, check_row_numbers
from repdist._questions.cautions import order_cautions
from repdist._questions.designs import Unmatched, check_options
from repdist._questions.rehearsal import (
    LEAST,
    MOST_REPETITIONS,
    Places,
    Rehearsal,
    pvalues_of,
    read_rehearsal,
    shared_out,
)
from repdist._results.level import FALSE_ALARMS, LevelCheck
from repdist._typing import Array, Bins, Combine, Estimator, Method
from repdist.kernels import Kernel, MultiRBF, Precomputed

MOST_ROWS = 1000  # of a sample in one repetition


def check_level(  # noqa: PLR0913 (the options of a test)
    X: Array,
    Y: Array,
    *,
    paired: bool = False,
    clusters: tuple[Any, Any] | str | None = None,
    strata: tuple[Any, Any] | str | None = None,
    unmatched: Unmatched = "raise",
    kernel: Kernel = MultiRBF(),
    estimator: Estimator = "unbiased",
    combine: Combine = "max",
    alpha: float = LEVEL,
    n_repetitions: int = 500,
    n_resamples: int = 1023,
    n_bins: Bins = "auto",
    method: Method = "exact",
    n_landmarks: int = N_LANDMARKS,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> LevelCheck:
    """Check on your own rows that the test does not reject too often when nothing differs.

    All rows of `X` and `Y` are shuffled and dealt out as two samples again: whole clusters, and
    inside strata, if there are any (of `paired` rows, those of each pair change places or not, by
    the toss of a coin). So the null hypothesis of `mmd_test` holds by construction; the test is run
    on them, many times. It should reject in a share `alpha` of the repetitions.

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d) or (m,)
        As `mmd_test` takes them, but no dask arrays. Whether they differ does not matter. Of
        larger samples each repetition deals out 1,000 rows (or pairs, or as many clusters as have
        about 1,000 rows), drawn anew from all.
    paired : bool
        Whether row i of `X` belongs to row i of `Y`; see `mmd_test`. Default False.

        .. versionadded:: 0.2.0
    clusters, strata : pair of sequences, column name or None
        .. versionadded:: 0.2.0
    unmatched : {"raise", "drop"}
        See `mmd_test`.

        .. versionadded:: 0.2.0
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
    method : {"exact", "landmarks"}
        .. versionadded:: 0.2.0
    n_landmarks : int
        See `mmd_test`.

        .. versionadded:: 0.2.0
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
    pairs, or clusters) are independent cannot be seen here: shuffling makes them exchangeable. So
    give the same design here as to `mmd_test`. Clusters whose sizes differ between the samples are
    dealt out with their sizes: the check is of the exact test, not of what the difference costs.

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
        n_bins=n_bins, rng=rng, method=method, n_landmarks=n_landmarks, n_jobs=n_jobs,
        progress=progress,
    )  # fmt: skip
    alpha = _checks.fraction("alpha", alpha)
    n_repetitions = _check_repetitions(n_repetitions, alpha)
    options.check_reach(alpha)
    check_row_numbers(kernel, {"X": X, "Y": Y})
    said = {"paired": paired, "clusters": clusters, "strata": strata, "unmatched": unmatched}
    rehearsal = read_rehearsal(X, Y, **said)
    check_options(rehearsal.design, options)
    used = _used(rehearsal)  # (S, 2)
    n, m = used.sum(axis=0).tolist()
    options.check_smallest(min(n, m), rehearsal.design.called)
    if options.landmarks > (n + m) // 2:
        raise ValueError(
            f"`n_landmarks` must be at most half of the {n + m:,} rows that a repetition uses; got "
            f'{options.landmarks}. Use fewer, or `method="exact"`.'
        )

    paired = rehearsal.design.paired
    draw = functools.partial(_exchanged if paired else _dealt_out, rehearsal, used)
    drawn = rehearsal.relabelings(used, options)
    order = []
    if not (paired or isinstance(kernel, Precomputed)):
        order = order_cautions([rehearsal.X, rehearsal.Y], rehearsal.design)
    pvalues = pvalues_of([draw] * n_repetitions, rehearsal, options)  # (n_repetitions,)
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
        counted=rehearsal.design.called,
        n_strata=0 if rehearsal.design.strata is None else len(used),
        n_bins=options.n_bins,
        n_repetitions=n_repetitions,
        n_resamples=options.n_resamples,
        n_landmarks=options.landmarks,
        attainable=drawn.attainable(alpha),
        cautions=(
            *rehearsal.cautions,
            *order,
            *_left_out(rehearsal, (n, m)),
            *_never_rejects(drawn, alpha),
        ),
    )


def _used(rehearsal: Rehearsal) -> Places:
    """Return how many items of each sample a repetition has in each stratum, (S, 2)."""
    used = []
    for counts, rows in zip(rehearsal.counts.T, rehearsal.rows, strict=True):
        count = int(counts.sum())
        most = max(LEAST * len(counts), MOST_ROWS * count // rows)
        used.append(shared_out(min(count, most), counts))
    return np.stack(used, axis=1)


def _dealt_out(
    rehearsal: Rehearsal, used: Places, rng: np.random.Generator
) -> tuple[Places, Places]:
    """Return the rows of two samples, dealt out at random inside strata."""
    first, second = [], []
    for s, (n, m) in enumerate(used.tolist()):
        order = rng.permutation(np.concatenate([rehearsal.members(g, s) for g in (0, 1)]))
        first.append(order[:n])
        second.append(order[n : n + m])
    return rehearsal.rows_of(np.concatenate(first)), rehearsal.rows_of(np.concatenate(second))


def _exchanged(
    rehearsal: Rehearsal, used: Places, rng: np.random.Generator
) -> tuple[Places, Places]:
    """Return the rows of pairs drawn at random, in either order by chance 1/2."""
    of_strata = [
        rng.permutation(rehearsal.members(0, s))[:n] for s, n in enumerate(used[:, 0].tolist())
    ]
    pairs, P = np.concatenate(of_strata), rehearsal.first
    first = pairs + P * rng.integers(2, size=len(pairs))
    return rehearsal.rows_of(first), rehearsal.rows_of((first + P) % (2 * P))


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


def _left_out(rehearsal: Rehearsal, used: tuple[int, int]) -> list[str]:
    given, design = tuple(rehearsal.counts.sum(axis=0).tolist()), rehearsal.design
    if given == used:
        return []
    if design.paired:
        return [f"each repetition used {used[0]:,} of the {given[0]:,} {design.called}"]
    return [
        f"each repetition used {used[0]:,} and {used[1]:,} of the {given[0]:,} and "
        f"{given[1]:,} {design.called}"
    ]


def _never_rejects(drawn: Drawn, alpha: float) -> list[str]:
    least = drawn.least_pvalue
    if reaches(least, alpha):
        return []
    return [f"no p-value below {least:.2g} can be reached: the test never rejects"]
