"""How many rows show a difference of this size? Estimated by drawing fewer of one's own."""

import functools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from repdist import _checks
from repdist._numbers import LEVEL, reaches
from repdist._options import N_LANDMARKS, Options, check_row_numbers
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
from repdist._results.power import PowerCurve
from repdist._typing import Array, Combine, Method
from repdist.kernels import Kernel, MultiRBF

SERIES = (5, 10, 20, 50, 100, 200, 500, 1000)  # sizes that are tried by default
SERIES_OF_PAIRS = (6, *SERIES[1:])  # five have 16 ways to change sides: none rejects at .05


def estimate_power(  # noqa: PLR0913 (the options of a test)
    X: Array,
    Y: Array,
    *,
    paired: bool = False,
    clusters: tuple[Any, Any] | str | None = None,
    strata: tuple[Any, Any] | str | None = None,
    unmatched: Unmatched = "raise",
    sizes: Literal["auto"] | Sequence[int] = "auto",
    kernel: Kernel = MultiRBF(),
    combine: Combine = "max",
    alpha: float = LEVEL,
    n_repetitions: int = 100,
    n_resamples: int = 1023,
    method: Method = "exact",
    n_landmarks: int = N_LANDMARKS,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> PowerCurve:
    """Estimate how many rows of each sample show a difference as large as the observed one.

    For each size n, n rows of `X` and n rows of `Y` are drawn without replacement (n pairs of rows
    that are `paired`, n clusters; of each stratum as many as its share), `mmd_test` is run on them,
    and this is repeated. Power is the share of repetitions with p <= `alpha`.

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d) or (m,)
        As `mmd_test` takes them, but no dask arrays.
    paired : bool
        Whether row i of `X` belongs to row i of `Y`; see `mmd_test`. Default False.

        .. versionadded:: 0.2.0
    clusters, strata : pair of sequences, column name or None
        .. versionadded:: 0.2.0
    unmatched : {"raise", "drop"}
        See `mmd_test`.

        .. versionadded:: 0.2.0
    sizes : "auto" or sequence of int
        Rows drawn from each sample, or pairs, or clusters. ``"auto"`` (default): 5 (6 pairs), 10,
        20, 50, 100, 200, 500 and 1,000, as far as half of the smaller sample, and no fewer than two
        a stratum. Numbers of your own may go as far as all of it.
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
        At least so many random relabelings of each test. Default 1023.
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
    PowerCurve
        With ``sizes``, ``power``, ``rows_needed()``, ``to_frame()``, ``summary()``, ``plot()``.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind.
    ValueError
        If a value is out of range: a size above the smaller sample, fewer than ten rows (twelve
        pairs) with ``sizes="auto"``, samples of different lengths that are `paired`, or so few
        relabelings that no p-value is as small as `alpha`.

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

    Subsamples whose rows are all equal count as p = 1.

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
    options = Options.checked(
        kernel=kernel, combine=combine, n_resamples=n_resamples, rng=rng, method=method,
        n_landmarks=n_landmarks, n_jobs=n_jobs, progress=progress,
    )  # fmt: skip
    alpha = _checks.fraction("alpha", alpha)
    n_repetitions = _checks.whole_number("n_repetitions", n_repetitions, 1, MOST_REPETITIONS)
    options.check_reach(alpha)
    check_row_numbers(kernel, {"X": X, "Y": Y})
    said = {"paired": paired, "clusters": clusters, "strata": strata, "unmatched": unmatched}
    rehearsal = read_rehearsal(X, Y, **said)
    design, counts = rehearsal.design, rehearsal.counts
    check_options(design, options)
    smaller = int(counts.sum(axis=0).min())
    tried = _check_sizes(sizes, smaller, rehearsal, options.landmarks)

    drawn = _drawn_pairs if design.paired else _drawn
    draws = [functools.partial(drawn, rehearsal, n) for n in tried for _ in range(n_repetitions)]
    pvalues = pvalues_of(draws, rehearsal, options)
    n, m = counts.sum(axis=0).tolist()
    return PowerCurve(
        sizes=tried,
        pvalues=pvalues.reshape(len(tried), n_repetitions),
        alpha=alpha,
        kernel=kernel,
        combine=combine,
        n=n,
        m=m,
        counted=design.called,
        n_strata=0 if design.strata is None else len(counts),
        n_repetitions=n_repetitions,
        n_resamples=options.n_resamples,
        n_landmarks=options.landmarks,
        cautions=(
            *rehearsal.cautions,
            *_too_few(tried, rehearsal, options, alpha),
            *_overlap(tried, smaller, design.called),
        ),
    )


def _drawn(rehearsal: Rehearsal, n: int, rng: np.random.Generator) -> tuple[Places, Places]:
    """Return the rows of n items of each sample, without replacement, its mix of strata kept."""
    first, second = (
        np.concatenate(
            [
                rng.choice(rehearsal.members(sample, s), number, replace=False)
                for s, number in enumerate(shared_out(n, counts).tolist())
            ]
        )
        for sample, counts in enumerate(rehearsal.counts.T)
    )
    return rehearsal.rows_of(first), rehearsal.rows_of(second)


def _drawn_pairs(rehearsal: Rehearsal, n: int, rng: np.random.Generator) -> tuple[Places, Places]:
    """Return the rows of n pairs, without replacement, the mix of strata kept."""
    pairs = np.concatenate(
        [
            rng.choice(rehearsal.members(0, s), number, replace=False)
            for s, number in enumerate(shared_out(n, rehearsal.counts[:, 0]).tolist())
        ]
    )
    return rehearsal.rows_of(pairs), rehearsal.rows_of(pairs + rehearsal.first)


def _check_sizes(sizes: Any, smaller: int, rehearsal: Rehearsal, landmarks: int) -> tuple[int, ...]:
    """Return the sizes to try, increasing, without repeats."""
    called = rehearsal.design.called
    if isinstance(sizes, str):
        _checks.choice("sizes", sizes, ("auto",))
        return _series(smaller, rehearsal, landmarks)
    if not isinstance(sizes, (Sequence, np.ndarray, range)) or isinstance(sizes, bytes):
        raise TypeError(
            f'`sizes` must be "auto" or a list of whole numbers; got {_checks.describe(sizes)}.'
        )
    numbers = sorted({_checks.whole_number("sizes", n, 2) for n in sizes})
    if not numbers:
        raise ValueError(f"`sizes` must hold at least one number of {called}; got none.")
    if numbers[-1] > smaller:
        of = "" if rehearsal.design.paired else " of the smaller sample"
        raise ValueError(
            f"`sizes` must be at most the {smaller} {called}{of}; got {numbers[-1]}. "
            f"{called.capitalize()} are drawn without replacement."
        )
    least = LEAST * len(rehearsal.counts)
    if numbers[0] < least:
        raise ValueError(
            f"`sizes` must be at least {least}, {LEAST} {called} in each of "
            f"{len(rehearsal.counts)} strata; got {numbers[0]}."
        )
    if numbers[0] < landmarks:
        raise ValueError(
            f"`sizes` must be at least the {landmarks} landmarks; got {numbers[0]}. Use fewer "
            'landmarks, or `method="exact"`.'
        )
    return tuple(numbers)


def _series(smaller: int, rehearsal: Rehearsal, landmarks: int) -> tuple[int, ...]:
    called = rehearsal.design.called
    series = SERIES_OF_PAIRS if rehearsal.design.paired else SERIES
    least = max(LEAST * len(rehearsal.counts), landmarks)
    tried = tuple(n for n in series if least <= n <= smaller // 2)
    if not tried:
        fewest = next(iter(n for n in series if n >= least), least)
        raise ValueError(
            f"`sizes` must be numbers of {called} for samples of fewer than "
            f'{2 * fewest}; got "auto" for {smaller}. Use e.g. `sizes=[{smaller}]`.'
        )
    return tried


def _too_few(
    sizes: tuple[int, ...], rehearsal: Rehearsal, options: Options, alpha: float
) -> list[str]:
    never = []
    for n in sizes:
        counts = np.stack([shared_out(n, each) for each in rehearsal.counts.T], axis=1)
        if not reaches(rehearsal.relabelings(counts, options).least_pvalue, alpha):
            never.append(f"{n}")
    if not never:
        return []
    return [
        f"with {', '.join(never)} {rehearsal.design.called} no p-value is as small as "
        f"{alpha:g}: power 0"
    ]


def _overlap(sizes: tuple[int, ...], smaller: int, called: str) -> list[str]:
    if sizes[-1] <= smaller / 2:
        return []
    return [
        f"subsamples of more than {smaller // 2} {called} overlap too much to stand for new "
        f"{called}"
    ]
