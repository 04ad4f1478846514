"""How many rows show a difference of this size? Estimated by drawing fewer of one's own."""

import functools
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from repdist import _checks
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import Drawn, Relabelings
from repdist._designs.units import two_sample_units
from repdist._numbers import LEVEL, reaches
from repdist._options import Options, check_row_numbers
from repdist._questions.rehearsal import MOST_REPETITIONS, pvalues_of, rows_at, two_samples
from repdist._results.power import PowerCurve
from repdist._typing import Array, Combine
from repdist.kernels import Kernel, MultiRBF

SERIES = (5, 10, 20, 50, 100, 200, 500, 1000)  # sizes that are tried by default
SERIES_OF_PAIRS = (6, *SERIES[1:])  # five have 16 ways to change sides: none rejects at .05


def estimate_power(  # noqa: PLR0913 (the options of a test)
    X: Array,
    Y: Array,
    *,
    paired: bool = False,
    sizes: Literal["auto"] | Sequence[int] = "auto",
    kernel: Kernel = MultiRBF(),
    combine: Combine = "max",
    alpha: float = LEVEL,
    n_repetitions: int = 100,
    n_resamples: int = 1023,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> PowerCurve:
    """Estimate how many rows of each sample show a difference as large as the observed one.

    For each size n, n rows of `X` and n rows of `Y` are drawn without replacement (n pairs of rows
    that are `paired`), `mmd_test` is run on them, and this is repeated. Power is the share of
    repetitions with p <= `alpha`.

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d) or (m,)
        As `mmd_test` takes them, but no dask arrays.
    paired : bool
        Whether row i of `X` belongs to row i of `Y`; see `mmd_test`. Default False.
    sizes : "auto" or sequence of int
        Rows drawn from each sample, or pairs. ``"auto"`` (default): 5 (6 pairs), 10, 20, 50, 100,
        200, 500 and 1,000, as far as half of the smaller sample. Numbers of your own may go as far
        as all of it.
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
        kernel=kernel, combine=combine, n_resamples=n_resamples, rng=rng, n_jobs=n_jobs,
        progress=progress,
    )  # fmt: skip
    alpha = _checks.fraction("alpha", alpha)
    n_repetitions = _checks.whole_number("n_repetitions", n_repetitions, 1, MOST_REPETITIONS)
    options.check_reach(alpha)
    paired = _checks.flag("paired", paired)
    check_row_numbers(kernel, {"X": X, "Y": Y})
    X, Y = two_samples(X, Y, paired=paired)
    smaller = min(len(X), len(Y))
    tried = _check_sizes(sizes, smaller, paired=paired)

    drawn = _drawn_pairs if paired else _drawn
    draws = [functools.partial(drawn, X, Y, n) for n in tried for _ in range(n_repetitions)]
    pvalues = pvalues_of(draws, options, X, paired=paired)
    return PowerCurve(
        sizes=tried,
        pvalues=pvalues.reshape(len(tried), n_repetitions),
        alpha=alpha,
        kernel=kernel,
        combine=combine,
        n=len(X),
        m=len(Y),
        paired=paired,
        n_repetitions=n_repetitions,
        n_resamples=options.n_resamples,
        cautions=(
            *_too_few(tried, options.n_resamples, alpha, paired=paired),
            *_overlap(tried, smaller, paired=paired),
        ),
    )


def _drawn(X: Array, Y: Array, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return n rows of each sample, without replacement."""
    first, second = (rng.choice(len(sample), n, replace=False) for sample in (X, Y))
    return rows_at(X, first), rows_at(Y, second)


def _drawn_pairs(X: Array, Y: Array, n: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return the rows of n pairs, without replacement."""
    pairs = rng.choice(len(X), n, replace=False)
    return rows_at(X, pairs), rows_at(Y, pairs)


def _check_sizes(sizes: Any, smaller: int, *, paired: bool) -> tuple[int, ...]:
    """Return the sizes to try, increasing, without repeats."""
    if isinstance(sizes, str):
        _checks.choice("sizes", sizes, ("auto",))
        return _series(smaller, paired=paired)
    if not isinstance(sizes, (Sequence, np.ndarray, range)) or isinstance(sizes, bytes):
        raise TypeError(
            f'`sizes` must be "auto" or a list of whole numbers; got {_checks.describe(sizes)}.'
        )
    numbers = sorted({_checks.whole_number("sizes", n, 2) for n in sizes})
    if not numbers:
        raise ValueError(f"`sizes` must hold at least one number of {_words(paired)}; got none.")
    if numbers[-1] > smaller:
        of = "" if paired else " of the smaller sample"
        raise ValueError(
            f"`sizes` must be at most the {smaller} {_words(paired)}{of}; got {numbers[-1]}. "
            f"{_words(paired).capitalize()} are drawn without replacement."
        )
    return tuple(numbers)


def _series(smaller: int, *, paired: bool) -> tuple[int, ...]:
    series = SERIES_OF_PAIRS if paired else SERIES
    tried = tuple(n for n in series if n <= smaller // 2)
    if not tried:
        raise ValueError(
            f"`sizes` must be numbers of {_words(paired)} for samples of fewer than "
            f'{2 * series[0]}; got "auto" for {smaller}. Use e.g. `sizes=[{smaller}]`.'
        )
    return tried


def _too_few(sizes: tuple[int, ...], n_resamples: int, alpha: float, *, paired: bool) -> list[str]:
    never = [
        f"{n}"
        for n in sizes
        if not reaches(_relabelings(n, n_resamples, paired=paired).least_pvalue, alpha)
    ]
    if not never:
        return []
    return [
        f"with {', '.join(never)} {_words(paired)} no p-value is as small as {alpha:g}: power 0"
    ]


def _overlap(sizes: tuple[int, ...], smaller: int, *, paired: bool) -> list[str]:
    if sizes[-1] <= smaller / 2:
        return []
    words = _words(paired)
    return [
        f"subsamples of more than {smaller // 2} {words} overlap too much to stand for new {words}"
    ]


def _relabelings(n: int, n_resamples: int, *, paired: bool) -> Drawn:
    if paired:
        return Flips(PairedUnits.of(n, "auto"), n_resamples)
    return Relabelings(two_sample_units(n, n, "auto"), n_resamples)


def _words(paired: bool) -> str:
    return "pairs" if paired else "rows"
