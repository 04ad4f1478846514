"""Which columns differ between two samples, and in what."""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _arrays, _checks
from repdist._designs.units import is_small
from repdist._inference import linear
from repdist._numbers import reaches
from repdist._options import Options
from repdist._pass.ranks import Columns, rank_columns
from repdist._questions import landmarks
from repdist._questions.cautions import no_features
from repdist._questions.designs import Designed, Unmatched, read_two_samples
from repdist._questions.placed import Placed, placed, placed_cautions
from repdist._results.columns import ColumnResult, Looks, strongest_of_each, surest_first
from repdist._threads import computing
from repdist._typing import Array, Float64
from repdist.kernels import MultiRBF

_SHOWN, _BINS = 24, 30  # columns that are kept as pictures, and the bins of these
_JOINT = 9999  # relabelings of all columns together
_MANY_ROWS = 5000  # above which landmarks look at all columns together


def column_test(  # noqa: PLR0913 (the options of a test)
    X: Array,
    Y: Array,
    *,
    names: Sequence[Hashable] | None = None,
    groups: Sequence[Hashable] | None = None,
    paired: bool = False,
    clusters: tuple[Any, Any] | str | None = None,
    strata: tuple[Any, Any] | str | None = None,
    unmatched: Unmatched = "raise",
    n_resamples: int = 9999,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
) -> ColumnResult:
    """Tell which columns differ between two samples, with an error rate for all of them.

    Of each column, or of each of `groups` of columns, the null hypothesis is that its values in
    `X` and `Y` come from one distribution. If those with an adjusted p-value up to .05 are called
    different, the chance that this is wrong of any is at most .05: exactly so if the samples have
    one distribution, else as the notes say.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    X : array-like, (n, d), or table
    Y : array-like, (m, d), or table
        As `mmd_test` takes them. They are held in memory.
    names : sequence, (d,), optional
        Of the columns. Default: those of a table, else 0, 1, ....
    groups : sequence, (d,), optional
        The group of each column (a channel, a head, a layer). Groups are then tested in the place
        of columns.
    paired : bool
    clusters, strata : pair of sequences, or column name, optional
    unmatched : {"raise", "drop"}
        How rows depend on each other; see `mmd_test`.
    n_resamples : int
        At least so many relabelings, 9,999 by default. Where Holm's correction is used they are at
        least 20 a column, up to 100,000.
    rng : None, int or numpy.random.Generator
    n_jobs : int
        See `mmd_test`.

    Returns
    -------
    ColumnResult
        With ``to_frame()``, ``plot()``, ``summary()``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    See Also
    --------
    mmd_test : whether the samples differ at all, in how columns go together, too.
    region_test : where they differ.

    Notes
    -----
    Each column is replaced by its pooled midranks u, and these by the orthonormal Legendre
    polynomials ``phi_1(u), ..., phi_4(u)`` [1]_: location, spread, skewness and tails. The
    differences of their means between `X` and `Y`, each divided by its standard deviation over
    relabelings, are z_1, ..., z_4; the statistic of a column is the largest ``z_k^2``, and k says
    in what it differs. No increasing function of a column changes a p-value, and one huge value
    does little; both change the sizes that are told beside it.
    Relabelings are those of `mmd_test`, shared by all columns, so that each p-value by itself is
    exact; that of a group of columns is of the mean of all their ``z_k^2``. Of `clusters` each
    difference stands over its standard error by label [4]_. Where clusters differ in size between
    the samples they are not exchangeable: p is then at least that of Welch's t-test of what differs
    most, times 4, with variances no less than of independent rows, and right for many clusters.

    Columns are adjusted by the step-down maximum of Westfall and Young [2]_ if both samples have as
    many rows (clusters, in each stratum): exact if the samples have one distribution, and right in
    large samples for the columns that do not differ, whatever differs beside them. If the sizes
    differ, this fails where columns go together in another way in `X` than in `Y`; Holm's
    correction [3]_ takes its place, and is used for groups. It asks only that the p-value of each
    column that does not differ is exact, as those of rows are. `control` says which.

    ``O((n + m) log(n + m) d + B U d)`` time for B relabelings of U units; memory for some
    ``160 U d`` bytes beside the rows. A difference in how columns go together alone shows in no
    column: if none differs, `mmd_test` looks at all of them, in ``O((n + m)^2 d)`` time up to 5,000
    rows, else by landmarks (not at all for so many clusters, or pairs in strata);
    `joint_pvalue` has its answer, and with a number as `rng` it is that of its own call.

    References
    ----------
    .. [1] J. Neyman, "'Smooth test' for goodness of fit", Skandinavisk Aktuarietidskrift 20,
       149-199, 1937.
    .. [2] P. H. Westfall, S. S. Young, "Resampling-based multiple testing", Wiley, 1993.
    .. [3] S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
       of Statistics 6, 65-70, 1979.
    .. [4] E. Chung, J. P. Romano, "Exact and asymptotically robust permutation tests", Annals of
       Statistics 41, 484-507, 2013.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(200, 5)), rng.normal(size=(200, 5))
    >>> Y[:, 2] *= 1.6
    >>> found = repdist.column_test(X, Y, names=["a", "b", "c", "d", "e"], rng=0).to_frame()
    >>> found.loc[0, ["column", "changed", "direction"]].tolist()
    ['c', 'spread', 'wider in Y']
    >>> (found["pvalue_adjusted"] <= 0.05).tolist()
    [True, False, False, False, False]
    """
    n_resamples = _checks.resamples(n_resamples)
    stream, joint = map(_checks.generator, _checks.several(rng, 2))
    n_jobs = _checks.jobs(n_jobs)
    with computing():
        designed, of_table = read_two_samples(
            X, Y, paired=paired, clusters=clusters, strata=strata, unmatched=unmatched
        )
        _arrays.check_varies([designed.X, designed.Y], "`X` and `Y`")
        d = designed.X.shape[1]
        called = column_names(names, d, of_table)
        of_groups = None if groups is None else _numbered(groups, d)
        result = tested_columns(designed, called, of_groups, n_resamples, stream, n_jobs)
        if not reaches(result.pvalue_adjusted).any():
            return result.with_joint(_joint_pvalue(designed, joint, n_jobs))
        return result


def tested_columns(  # noqa: PLR0913 (what a test is made of)
    designed: Designed,
    names: tuple[Hashable, ...],
    groups: tuple[tuple[Hashable, ...], npt.NDArray[np.intp]] | None,
    n_resamples: int,
    rng: np.random.Generator,
    n_jobs: int,
) -> ColumnResult:
    """Test the columns, or these groups of them, of two samples that have been read."""
    places, draws = rng.spawn(2)
    cut = placed(designed, n_resamples, places)
    holm = groups is not None or not cut.balanced
    count = len(names) if groups is None else len(groups[0])
    if holm:
        cut = cut.for_holm(count)
    columns = rank_columns(designed.X, designed.Y, cut.rows, n_jobs)
    F = columns.sums * cut.factor[:, None]
    small = is_small(len(designed.X), len(designed.Y))
    guard = cut.guard(np.ones(F.shape[::2]))  # of ranks, without ties
    if groups is None:
        control: linear.Control = "holm" if holm else "westfall-young"
        found = linear.tested(
            F,
            cut.drawn,
            draws,
            control=control,
            ties_matter=small,
            n_jobs=n_jobs,
            guard=guard,
        )
    else:
        control = "holm"
        found = linear.tested_in_groups(
            F,
            groups[1],
            cut.drawn,
            draws,
            ties_matter=small,
            n_jobs=n_jobs,
            guard=guard,
        )
    told = strongest_of_each(found.forms, None if groups is None else groups[1])
    shown = told[surest_first(found.adjusted, found.statistic)[:_SHOWN]]
    return ColumnResult(
        names=names,
        groups=None if groups is None else groups[0],
        group=None if groups is None else groups[1],
        forms=-found.forms if cut.swapped else found.forms,
        statistic=found.statistic,
        pvalue=found.pvalue,
        pvalue_adjusted=found.adjusted,
        control=control,
        means=columns.means,
        deviations=columns.deviations,
        overlap=columns.overlap,
        n=len(designed.X),
        m=len(designed.Y),
        relabelings=cut.drawn,
        guarded=cut.unequal,
        joint_pvalue=None,
        looks=_looks(designed, cut, shown),
        cautions=(
            *designed.cautions,
            *placed_cautions(cut, count, holm),
            *_cautions(designed, names, columns, found.forms),
        ),
    )


def _cautions(
    designed: Designed, names: tuple[Hashable, ...], columns: Columns, forms: Float64
) -> list[str]:
    named = () if names == tuple(range(len(names))) else names
    said = no_features([designed.X, designed.Y], named, designed.design)
    still = (columns.deviations == 0).all(axis=0) & (columns.means[0] == columns.means[1])
    if still.any():
        said.append(f"{still.sum()} of {len(still)} columns are constant and say nothing")
    same = (forms == 0).all(axis=0) & ~still
    if designed.design.paired and same.any():
        said.append(f"{same.sum()} of {len(same)} columns are the same in every pair")
    return said


def _joint_pvalue(designed: Designed, rng: np.random.Generator, n_jobs: int) -> float | None:
    """Return the p-value of `mmd_test` on all columns, if it is quick."""
    design = designed.design
    many = len(designed.X) + len(designed.Y) > _MANY_ROWS
    exact_alone = design.clusters is not None or (design.paired and design.strata is not None)
    if many and exact_alone:
        return None
    options = Options.checked(
        kernel=MultiRBF(), combine="max", n_resamples=_JOINT, rng=rng, n_jobs=n_jobs,
        progress=False, method="landmarks" if many else "exact",
    )  # fmt: skip
    return landmarks.pvalue(designed.X, designed.Y, design, options)


def _looks(designed: Designed, cut: Placed, columns: npt.NDArray[np.intp]) -> Looks:
    """Return how some columns are distributed in both samples."""
    X, Y = (
        np.asarray(_arrays.to_numpy(_arrays.held_here(rows))[:, columns], dtype=np.float64)
        for rows in (designed.X, designed.Y)
    )
    shares = np.split(cut.rows.in_sample, [len(X)])
    edges = np.stack([_edges(np.concatenate([x, y])) for x, y in zip(X.T, Y.T, strict=True)])
    heights = [
        np.stack(
            [
                np.histogram(np.clip(column, cuts[0], cuts[-1]), cuts, weights=share)[0]
                for column, cuts in zip(rows.T, edges, strict=True)
            ]
        )
        for rows, share in zip((X, Y), shares, strict=True)
    ]
    return Looks(columns, edges, np.stack(heights))


def _edges(values: Float64) -> Float64:
    """Return edges of bins over most of the values; what lies beyond counts in the outer bins."""
    low, high = np.quantile(values, [0.005, 0.995])
    if low == high:
        low, high = values.min(), values.max()
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, _BINS + 1)


def column_names(given: Any, d: int, default: tuple[str, ...]) -> tuple[Hashable, ...]:
    """Return the names of d columns: those given, else those of a table, else numbers."""
    if given is None and not default:
        return tuple(range(d))
    names = _arrays.one_a_column("names", default if given is None else given, d)
    if len(set(names)) < d:
        twice = next(name for name, count in Counter(names).items() if count > 1)
        of, repair = "`names`", ""
        if given is None:
            of, repair = "the columns of `X`", " Rename one, or give `names`."
        raise ValueError(f"{of} must be different; got {twice!r} twice.{repair}")
    return names


def _numbered(given: Any, d: int) -> tuple[tuple[Hashable, ...], npt.NDArray[np.intp]]:
    """Return the different groups in their first order, and the number of each column's."""
    of_column = _arrays.one_a_column("groups", given, d)
    names = tuple(dict.fromkeys(of_column))
    place = {name: number for number, name in enumerate(names)}
    return names, np.array([place[name] for name in of_column])
