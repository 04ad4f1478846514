"""How far each of several groups is from one reference, and which may be the closest."""

import dataclasses
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from repdist import _arrays, _checks
from repdist._arrays import Reference
from repdist._blocks import Block
from repdist._designs.relabelings import Drawn
from repdist._designs.table_cuts import Streams, finer
from repdist._inference.differences import Differences, Joint, ReferenceRows, Strata
from repdist._inference.multiplicity import ADJUSTMENTS, Adjust, unreachable
from repdist._inference.rates import CONFIDENCE
from repdist._options import N_LANDMARKS, Options, check_row_numbers
from repdist._questions.cautions import data_cautions, slow_if_exact, table_cautions
from repdist._questions.floors import floor_rates
from repdist._questions.landmarks import looked_at
from repdist._questions.pairwise_designs import (
    TableDesign,
    check_table_options,
    compare_designed,
)
from repdist._questions.pairwise_rows import compare_rows
from repdist._questions.sketched_reference import DEFAULT_KERNEL, check_left_out, compare_sketches
from repdist._results.reference import ReferenceResult
from repdist._threads import computing
from repdist._typing import Array, Bins, Combine, Estimator, Float64, Method
from repdist.kernels import Kernel, MultiRBF
from repdist.kernels._kernel import fit
from repdist.kernels._plan import plan
from repdist.sketches import Reference as SavedReference


def compare_to_reference(  # noqa: PLR0913 (the options of a test)
    reference: Array,
    groups: Any,
    labels: Any = None,
    *,
    clusters: Any = None,
    strata: Any = None,
    matched: bool = False,
    kernel: Kernel = MultiRBF(),
    estimator: Estimator = "unbiased",
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
) -> ReferenceResult:
    """Measure every group's distance to one reference, and tell which may be the closest.

    The null hypothesis of a group is that it comes from the distribution of the reference; its
    p-value is exact. Differences between distances, and ranks, come from how all distances vary
    together: the reference is shared, so intervals that overlap do not mean that groups are equally
    close. All are measured with one kernel, fitted on the reference and all groups.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    reference : array-like, (n, d), table or Reference
        What groups are compared with: last year, real images, the old model. As `mmd_test` takes
        it, of the library and the columns of the groups. At least two rows. Or a `Reference`,
        which has a kernel, landmarks and bins of its own: distances are those of its projected
        kernel, and another group changes no number.
    groups : mapping, list, array or table
        With a `Reference`, values of a mapping or a list may be sketches of it.
    labels : sequence, pandas column or column name, optional
        As `pairwise_mmd_test` takes them; one group will do.
    clusters, strata : (ids of the reference, ids of the groups), column name or None
        The cluster, and the stratum, of each row; see `mmd_test` and `pairwise_mmd_test`, for the
        ids of groups. Default None.
    matched : bool
        Whether row i of every group was made from the same input, as images of one prompt by
        several generators: differences between groups are then known better. Groups must have as
        many rows, and no `clusters` or `strata`. (Not a pair with the reference.) Default False.
    kernel : Kernel
        Default ``MultiRBF()``. An unfitted kernel is fitted on all rows: another group then changes
        the ruler. A fitted kernel, or one with numbers for bandwidths, keeps it.
    estimator : {"unbiased", "biased"}
        Of the MMD^2 that is quoted; intervals and differences are those of the unbiased one.
    combine : {"max", "mean", "fuse"}
    n_resamples : int
    n_bins : {"auto", "rows"} or int
        See `pairwise_mmd_test`.
    adjust : str
        How p-values are adjusted for the number of groups; see `pairwise_mmd_test`. Default
        ``"holm"``.
    confidence_level : float
        Of the interval of each distance, and of all differences (and ranks) at once. Default 0.95.
    method : {"exact", "landmarks"}
        ``"landmarks"`` for millions of rows of groups that are independent: p-values come from all
        rows, seen through `n_landmarks` of these; all other numbers, and floors, from at most 5,000
        rows of each group, and some 20,000 in all, drawn at random. See `mmd_test`. Default
        ``"exact"``.
    n_landmarks : int
        Default 256.
    rng : None, int or numpy.random.Generator
    n_jobs : int
    progress : bool
        See `pairwise_mmd_test`.

    Returns
    -------
    ReferenceResult
        With ``to_frame()``, ``differences()``, ``closest``, ``equivalence()``, ``plot()``.

    Warns
    -----
    RepdistWarning
        If `n_resamples` or the sizes cannot give some group an adjusted p-value of .05; if
        all pairs of more than 200,000 rows are to be computed on processors.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it, and the group.

    See Also
    --------
    pairwise_mmd_test : every group with every other.

    Notes
    -----
    Passes are within each group and between it and the reference, ``O((n + m) m d)`` time for m
    rows in all groups and n of the reference, and ``O(n^2 d)`` once.

    With ``h_g(i) = mean_{j != i} k(x_i, x_j) - mean_j k(x_i, r_j)`` for the rows of group g, and
    ``h_rg(j)`` alike for those of the reference, MMD^2 of group g is the sum of both means, and
    ``Sigma = diag(4 var(h_g) / n_g) + 4 cov(h_rg, h_rg') / n`` their covariance [1]_. Intervals of
    all differences at once reach c standard errors to either side, with c the quantile of the
    largest of all standardised differences of normal vectors with that covariance (10,000 draws).
    The rank of a group lies between 1 + the number of groups that are surely closer and the number
    of groups less those surely farther [2]_. Where all groups are at distance 0, intervals are too
    wide: standard errors are sqrt(2) times what differences vary by.

    References
    ----------
    .. [1] W. Bounliphone, E. Belilovsky, M. B. Blaschko, I. Antonoglou, A. Gretton, "A test of
       relative similarity for model selection in generative models", ICLR 2016.
       https://arxiv.org/abs/1511.04581
    .. [2] M. Mogstad, J. P. Romano, A. M. Shaikh, D. Wilhelm, "Inference for ranks with
       applications to mobility across neighbourhoods and academic achievement across countries",
       Review of Economic Studies 91, 476-518, 2024. https://doi.org/10.1093/restud/rdad006

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> real = rng.normal(size=(300, 4))
    >>> fakes = {
    ...     name: rng.normal(shift, 1, size=(200, 4))
    ...     for name, shift in {"a": 0.2, "b": 0.4, "c": 0.45}.items()
    ... }
    >>> result = repdist.compare_to_reference(real, fakes, rng=0)
    >>> [(name, round(value, 3)) for name, value in result.to_frame()["mmd_squared"].items()]
    [('a', 0.007), ('b', 0.023), ('c', 0.035)]
    >>> result.closest
    ('a',)
    """
    _check_one_sample(reference)
    if isinstance(reference, SavedReference):
        check_left_out(
            kernel=(kernel, DEFAULT_KERNEL), clusters=(clusters, None), strata=(strata, None),
            matched=(matched, False), estimator=(estimator, "unbiased"), combine=(combine, "max"),
            n_bins=(n_bins, "auto"), method=(method, "exact"),
            n_landmarks=(n_landmarks, N_LANDMARKS),
        )  # fmt: skip
    options = Options.checked(
        kernel=kernel, estimator=estimator, combine=combine, n_resamples=n_resamples,
        n_bins=n_bins, rng=rng, method=method, n_landmarks=n_landmarks, n_jobs=n_jobs,
        progress=progress,
    )  # fmt: skip
    _checks.choice("adjust", adjust, ADJUSTMENTS)
    matched = _checks.flag("matched", matched)
    level = _checks.fraction("confidence_level", confidence_level)
    if isinstance(reference, SavedReference):
        with computing():
            result, finest = compare_sketches(reference, groups, labels, options, adjust, level)
        return _told(result, finest, adjust)
    named = {"reference": reference}
    if isinstance(groups, Mapping):
        named |= {f"groups[{name!r}]": value for name, value in groups.items()}
    check_row_numbers(kernel, named)
    of_groups, of_reference = _split({"clusters": clusters, "strata": strata})
    with computing():
        given = _arrays.read_groups(groups, labels, of_groups, Reference(reference, of_reference))
        _arrays.check_varies(given.arrays, "`reference` and `groups`")
        table = TableDesign(given, False, "raise", alternatives=False)
        _check_matched(table, matched=matched)
        check_table_options(table, options)
        options.check_smallest(min(table.counts), table.called)
        result, finest = _compared(table, options, adjust, level, matched=matched)
    return _told(result, finest, adjust)


def _check_one_sample(reference: Any) -> None:
    """Raise if `reference` holds groups."""
    is_list = isinstance(reference, (list, tuple)) and any(
        len(getattr(part, "shape", ())) > 1 for part in reference
    )
    if is_list or isinstance(reference, Mapping):
        got = "a list of samples" if is_list else "a dict"
        raise TypeError(
            f"`reference` must be one sample of rows; got {got}: the reference comes first, then "
            "the groups."
        )


def _told(result: ReferenceResult, finest: list[Drawn], adjust: Adjust) -> ReferenceResult:
    """Return the result; warn if it could not tell groups apart."""
    if lost := unreachable(finest, adjust, result.counted, "group"):
        warnings.warn(lost, _checks.RepdistWarning, stacklevel=3)
        return dataclasses.replace(result, cautions=(lost, *result.cautions))
    return result


def _split(ids: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the ids of the groups and those of the reference; a column's name is for both."""
    of_groups, of_reference = {}, {}
    for name, both in ids.items():
        if both is None:
            continue
        if _arrays.is_column_name(both):
            of_groups[name] = both
            continue
        if not isinstance(both, (tuple, list)) or len(both) != 2:
            raise TypeError(
                f"`{name}` must be a pair: the ids of the rows of the reference, and those of the "
                f"groups, or the name of a column; got {_checks.describe(both)}."
            )
        of_reference[name], of_groups[name] = both
    return of_groups, of_reference


def _check_matched(table: TableDesign, *, matched: bool) -> None:
    """Raise if `matched` groups differ in length, or rows depend on each other otherwise."""
    if not matched:
        return
    if not table.independent:
        raise ValueError(
            "`matched` must be False with `clusters` and `strata`; got both. Give one, or the "
            "means of clusters."
        )
    names, sizes = table.given.names[1:], list(map(len, table.given.arrays[1:]))
    for name, size in zip(names, sizes, strict=True):
        if size != sizes[0]:
            raise ValueError(
                "`groups` must have as many rows each if `matched`: row i of all belongs "
                f"together; got {sizes[0]} in {names[0]!r} and {size} in {name!r}."
            )


def _compared(
    table: TableDesign, options: Options, adjust: Adjust, level: float, *, matched: bool
) -> tuple[ReferenceResult, list[Drawn]]:
    """Return the result, and the relabelings that groups could have had at the most."""
    slow = slow_if_exact(table.given.arrays, options)
    for text in slow:
        warnings.warn(text, _checks.RepdistWarning, stacklevel=3)
    streams = Streams(int(options.rng.integers(2**63)), table.given.names)
    sizes, counts = tuple(map(len, table.given.arrays)), table.counts
    pairs = [(0, g) for g in range(1, len(sizes))]
    looked = None
    if options.landmarks:
        looked = looked_at(table.given.arrays, options, streams, pairs, matched=matched)
    if looked is None:
        fitted = fit(options.kernel, _arrays.concatenate(table.given.arrays))
    else:
        fitted, table = looked.kernel, table.of_others(looked.some)
    given, arrays, how = table.given, table.given.arrays, plan(fitted)
    of_pairs: list[str] = []
    if table.independent:
        watched: list[ReferenceRows] = []

        def watch(within: list[Block]) -> ReferenceRows:
            watched.append(ReferenceRows(within))
            return watched[0]

        nulls = None if looked is None else looked.nulls
        rows = compare_rows(how, arrays, options, streams, pairs, watch, nulls)
        comparison, Z = rows.comparison, rows.Z
        influences = _influences(watched[0], rows.orders[1:])
    else:
        comparison, outcomes, of_pairs = compare_designed(table, fitted, options, streams, pairs)
        both = [outcome.influence for outcome in outcomes if outcome.influence is not None]
        influences = [own for _, own in both], np.stack([of_reference for of_reference, _ in both])
        Z = _arrays.concatenate(arrays)
    joint = Joint.of(*influences, _strata(table), matched=matched)
    rates = floor_rates(how, table, streams, options.workers.n_jobs)
    result = ReferenceResult(
        names=given.names[1:],
        sizes=sizes[1:],
        reference_size=sizes[0],
        counted=table.called,
        counts=counts,
        matched=matched,
        kernel=fitted,
        estimator=options.estimator,
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
            *data_cautions(arrays, Z, fitted, given.columns, design=table.design),
        ),
        comparison=comparison,
        floor_rate=rates,
        compared=Differences(joint, level, int(options.rng.integers(2**63))),
    )
    return result, [finer(drawn, len(pairs)) for drawn in comparison.relabelings]


def _influences(watched: ReferenceRows, orders: Sequence[Any]) -> tuple[list[Float64], Float64]:
    """Return those of the rows of each group, as they came, and of the reference to each."""
    of_groups, of_reference = watched.influences()
    for h, order in zip(of_groups, orders, strict=True):
        h[order] = h.copy()
    return of_groups, of_reference


def _strata(table: TableDesign) -> list[Strata]:
    """Return the stratum of each row, or cluster, of the reference and of each group."""
    strata, clusters = table.given.ids.get("strata"), table.given.ids.get("clusters")
    if strata is None:
        return [None] * len(table.given.arrays)
    if clusters is None:
        return list(strata.codes)
    firsts = [np.unique(codes, return_index=True)[1] for codes in clusters.codes]
    return [codes[first] for codes, first in zip(strata.codes, firsts, strict=True)]
