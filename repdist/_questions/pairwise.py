"""Which of several groups differ? Every pair tested and measured on one ruler."""

import dataclasses
import itertools
import warnings
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from repdist import _arrays, _checks
from repdist._designs.relabelings import Drawn
from repdist._designs.table_cuts import Pairs, Streams, finer
from repdist._inference.multiplicity import ADJUSTMENTS, Adjust, unreachable
from repdist._inference.rates import CONFIDENCE
from repdist._options import N_LANDMARKS, Options, check_row_numbers
from repdist._questions.cautions import data_cautions, slow_if_exact, table_cautions
from repdist._questions.designs import Unmatched
from repdist._questions.floors import floor_rates
from repdist._questions.landmarks import looked_at
from repdist._questions.pairwise_designs import (
    TableDesign,
    check_table_options,
    compare_designed,
)
from repdist._questions.pairwise_rows import compare_rows
from repdist._results.table import PairwiseMMDResult
from repdist._threads import computing
from repdist._typing import Bins, Combine, Method
from repdist.kernels import Kernel, MultiRBF
from repdist.kernels._kernel import fit
from repdist.kernels._plan import plan


def pairwise_mmd_test(  # noqa: PLR0913 (the options of a test)
    groups: Any,
    labels: Any = None,
    *,
    paired: Any = None,
    clusters: Any = None,
    strata: Any = None,
    unmatched: Unmatched = "raise",
    comparisons: Sequence[tuple[Hashable, Hashable]] | None = None,
    kernel: Kernel = MultiRBF(),
    combine: Combine = "max",
    n_resamples: int = 9999,
    n_bins: Bins = "auto",
    adjust: Adjust = "holm",
    confidence_level: float = CONFIDENCE,
    method: Method = "exact",
    n_landmarks: int = N_LANDMARKS,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> PairwiseMMDResult:
    """Test and measure the difference of every pair of groups.

    The null hypothesis of a pair is that its two groups come from one distribution; the others
    do not enter. All cells are measured with one kernel, fitted on all groups, so they compare.

    Parameters
    ----------
    groups : mapping, list, array or table
        A mapping of names to arrays ``(n_g, d)``; a list of such arrays; an array ``(k, n, d)``;
        an array ``(N, d)`` with one label a row; or a table (pandas, polars, Arrow) with the name
        of its label column. NumPy, torch, or dask arrays (with labels in memory; see `mmd_test`).
        Sizes may differ; at least two groups of at least two rows.
    labels : sequence, pandas column or column name, optional
        k names for a list or ``(k, n, d)``; one label a row for ``(N, d)``; a column name (or one
        label a row) for a table. Groups stand in the order of the categories of a Categorical,
        else sorted, else as they appear. Labels that are equal to Python but not to a reader (1,
        1.0, True), or look alike, are refused; bytes are text in UTF-8.
    paired : bool, or ids as `clusters`
        Whether row i of a group belongs to row i of every other; or the id of each row, which pairs
        the rows of two groups that have it (donors before and after): each id once in a group. With
        `clusters` and True, clusters of one id are a pair. Default None: they are not paired.

        .. versionadded:: 0.2.0
    clusters, strata : ids, or None
        The cluster, and the stratum, of each row; see `mmd_test`. One id a row of ``(N, d)``; a
        mapping of the same keys, or a list of as many groups, of one id a row each; the name of a
        column of the tables, which is then no feature. Default None.

        .. versionadded:: 0.2.0
    unmatched : {"raise", "drop"}
        What to do with rows of a pair that nothing can be compared with; see `mmd_test`. ``"drop"``
        leaves them out of this pair. Default ``"raise"``.

        .. versionadded:: 0.2.0
    comparisons : sequence of pairs of names, optional
        These pairs alone are compared, and p-values adjusted for these alone. Default: all pairs.

        .. versionadded:: 0.2.0
    kernel : Kernel
        Default ``MultiRBF()``. An unfitted kernel is fitted on all groups.
    combine : {"max", "mean", "fuse"}
        How the components of a kernel become one statistic; see `mmd_test`.
    n_resamples : int
        At least so many random relabelings of a pair; all are enumerated if there are no more.
        Default 9999. Where the number of pairs asks for smaller p-values, pairs with a small one
        get more, up to 262,143: the p-value stays exact.
    n_bins : {"auto", "rows"} or int
        Blocks of shuffled rows in the smaller group of a pair; see `mmd_test`. Sizes of blocks are
        powers of two here.
    adjust : str
        How p-values are adjusted for the number of pairs: a method of
        ``statsmodels.stats.multitest.multipletests``, or ``"none"``. Default ``"holm"``, which
        holds the chance of any false rejection at its level whatever the dependence.
    confidence_level : float
        Of the interval in each cell. Default 0.95.
    method : {"exact", "landmarks"}
        ``"landmarks"`` for millions of rows of groups that are independent: p-values come from all
        rows, seen through `n_landmarks` of these; all other numbers, and floors, from at most 5,000
        rows of each group, and some 20,000 in all, drawn at random. See `mmd_test`. Default
        ``"exact"``.

        .. versionadded:: 0.2.0
    n_landmarks : int
        Default 256.

        .. versionadded:: 0.2.0
    rng : None, int or numpy.random.Generator
        The source of all randomness. Each group has a stream of its own, which its name selects:
        the order of the groups changes no p-value.
    n_jobs : int
        Threads; -1 (default) for all cores this process may use.
    progress : bool
        Draw a progress bar if the output is a terminal. Default False.

    Returns
    -------
    PairwiseMMDResult

    Warns
    -----
    RepdistWarning
        If `n_resamples` or the group sizes cannot give some pair an adjusted p-value of .05; if
        all pairs of more than 200,000 rows are to be computed on processors.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it, and the group.

    Notes
    -----
    ``O(N^2 d)`` time for one pass over the kernel, plus ``O(J U^2)`` a pair and component for U
    units and J shuffles; see `mmd_test`.

    The tests ask that rows are independent, within groups and between them. Of rows that come in
    clusters (frames of one video, patches of one image) give `clusters`: with 12 + 12 clusters of
    ten rows that are correlated by .3, in 8 Gaussian columns, .895 of 400 tests at .05 rejected
    though nothing differed. Noise floors are then made of halves of clusters.

    Pairs, clusters and strata make each pair of groups a test by itself, as `mmd_test` does it
    under the kernel of all groups, with a stream that both names select: the passes take about
    ``4 (k - 1) / k`` times as long for k groups. There is no global test then.

    References
    ----------
    .. [1] A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf, A. Smola, "A kernel two-sample
       test", JMLR 13, 723-773, 2012.
    .. [2] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
       of Statistics 6, 65-70, 1979.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> groups = {
    ...     "a": rng.normal(size=(80, 4)),
    ...     "b": rng.normal(size=(70, 4)),
    ...     "c": rng.normal(1, 1, size=(90, 4)),
    ... }
    >>> result = repdist.pairwise_mmd_test(groups, rng=0)
    >>> result.pvalue_adjusted.round(4)
            a       b       c
    a     NaN  0.4584  0.0002
    b  0.4584     NaN  0.0002
    c  0.0002  0.0002     NaN
    """
    options = Options.checked(
        kernel=kernel, combine=combine, n_resamples=n_resamples, n_bins=n_bins, rng=rng,
        method=method, n_landmarks=n_landmarks, n_jobs=n_jobs, progress=progress,
    )  # fmt: skip
    _checks.choice("adjust", adjust, ADJUSTMENTS)
    _checks.choice("unmatched", unmatched, ("raise", "drop"))
    level = _checks.fraction("confidence_level", confidence_level)
    if isinstance(groups, Mapping):
        named = {f"groups[{name!r}]": value for name, value in groups.items()}
        check_row_numbers(kernel, named)
    if isinstance(paired, (int, float)) and not isinstance(paired, bool):
        raise TypeError(
            "`paired` must be True or False, ids of the rows, or the name of a column; got "
            f"{_checks.describe(paired)}."
        )
    by_row = paired is None or isinstance(paired, (bool, np.bool_))
    ids = {"paired": None if by_row else paired, "clusters": clusters, "strata": strata}
    with computing():
        given = _arrays.read_groups(
            groups, labels, {name: value for name, value in ids.items() if value is not None}
        )
        _arrays.check_varies(given.arrays, "`groups`")
        table = TableDesign(given, bool(paired) if by_row else True, unmatched)
        check_table_options(table, options)
        options.check_smallest(min(table.counts), table.called)
        pairs = _chosen(comparisons, given.names)
        result, finest = _tested(table, options, adjust, level, pairs)
    if lost := unreachable(finest, adjust, result.counted):
        warnings.warn(lost, _checks.RepdistWarning, stacklevel=2)
        return dataclasses.replace(result, cautions=(lost, *result.cautions))
    return result


def _tested(
    table: TableDesign, options: Options, adjust: Adjust, level: float, pairs: Pairs
) -> tuple[PairwiseMMDResult, list[Drawn]]:
    """Return the result, and the relabelings that pairs could have had at the most."""
    slow = slow_if_exact(table.given.arrays, options)
    for text in slow:
        warnings.warn(text, _checks.RepdistWarning, stacklevel=3)
    streams = Streams(int(options.rng.integers(2**63)), table.given.names)
    looked = looked_at(table.given.arrays, options, streams, pairs) if options.landmarks else None
    sizes, counts = tuple(map(len, table.given.arrays)), table.counts
    if looked is None:
        fitted = fit(options.kernel, _arrays.concatenate(table.given.arrays))
    else:
        fitted, table = looked.kernel, table.of_others(looked.some)
    given, arrays, how = table.given, table.given.arrays, plan(fitted)
    of_pairs: list[str] = []
    some = list(itertools.combinations(range(len(arrays)), 2)) if pairs is None else pairs
    if table.independent:
        nulls = None if looked is None else looked.nulls
        rows = compare_rows(how, arrays, options, streams, pairs, nulls=nulls)
        comparison, Z = rows.comparison, rows.Z
    else:
        comparison, _, of_pairs = compare_designed(table, fitted, options, streams, some)
        Z = _arrays.concatenate(arrays)
    rates = floor_rates(how, table, streams, options.workers.n_jobs)
    result = PairwiseMMDResult(
        names=given.names,
        sizes=sizes,
        counted=table.called,
        counts=counts,
        paired_by_id="paired" in given.ids,
        kernel=fitted,
        combine=options.combine,
        adjust=adjust,
        confidence_level=level,
        n_resamples=options.n_resamples,
        n_bins=options.n_bins,
        landmarks=None if looked is None else looked.view,
        cautions=(
            *slow,
            *of_pairs,
            *([] if looked is None else looked.view.cautions()),
            *table_cautions(given, comparison, rates),
            *data_cautions(arrays, Z, fitted, given.columns, design=table.of_rows),
        ),
        comparison=comparison,
        floor_rate=rates,
        seed=int(options.rng.integers(2**63)),
    )
    return result, [finer(drawn, len(some)) for drawn in comparison.relabelings]


def _chosen(comparisons: Any, names: tuple[Hashable, ...]) -> Pairs:
    """Return the pairs of groups that are asked for, in order; None for all."""
    if comparisons is None:
        return None
    if isinstance(comparisons, str) or not isinstance(comparisons, (Iterable, Sequence)):
        raise TypeError(
            f"`comparisons` must be a list of pairs of names; got {_checks.describe(comparisons)}."
        )
    number, found = {name: g for g, name in enumerate(names)}, set()
    for pair in comparisons:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise TypeError(f"`comparisons` must be pairs of names; got {pair!r}.")
        for name in pair:
            if not isinstance(name, Hashable) or name not in number:
                shown = ", ".join(map(repr, names[:8]))
                raise ValueError(
                    f"`comparisons` must name groups; got {name!r}, there are {shown}."
                )
        g, h = sorted(number[name] for name in pair)
        if g == h:
            raise ValueError(f"`comparisons` must be of two groups; got {pair[0]!r} twice.")
        found.add((g, h))
    if not found:
        raise ValueError("`comparisons` must hold at least one pair of names; got none.")
    return sorted(found)
