"""Where two samples differ: shares of regions that are found without their labels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _arrays, _checks
from repdist._inference import linear
from repdist._inference.shares import Part, newcombe, student
from repdist._pass.regions import Regions, regions
from repdist._questions.designs import Designed, Unmatched, read_two_samples, strata_of_clusters
from repdist._questions.landmarks import drawn_from
from repdist._questions.placed import Placed, placed, placed_cautions
from repdist._results.regions import RegionResult
from repdist._threads import computing
from repdist._typing import Array, Float64

_PILOT, _ENTRIES = 10_000, 2**21  # rows that centres come from, and their values
_LEAST_PILOT = 1000
_ROWS = 2  # at least so many for each region

Numbers = npt.NDArray[np.intp]


def region_test(  # noqa: PLR0913 (the options of a test)
    X: Array,
    Y: Array,
    *,
    n_regions: int = 24,
    paired: bool = False,
    clusters: tuple[Any, Any] | str | None = None,
    strata: tuple[Any, Any] | str | None = None,
    unmatched: Unmatched = "raise",
    n_resamples: int = 9999,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
) -> RegionResult:
    """Tell in which regions one of two samples has more of its rows than the other.

    All rows together are cut into regions by k-means, without a look at which sample they are of.
    Of each region the null hypothesis is that `X` and `Y` have the same share of their rows in it.
    If those with an adjusted p-value up to .05 are called different, the chance that this is wrong
    of any is at most .05: exactly so if the samples have one distribution, else in large samples.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    X : array-like, (n, d), or table
    Y : array-like, (m, d), or table
        As `mmd_test` takes them. k-means takes rows as they are: bring columns of different units
        to one scale first, with figures of both samples together.
    n_regions : int
        At most so many, 24 by default, of at least 2. There are fewer if there are fewer different
        rows, and at most half as many as rows: a region of one row tells nothing.
    paired : bool
    clusters, strata : pair of sequences, or column name, optional
    unmatched : {"raise", "drop"}
        How rows depend on each other; see `mmd_test`.
    n_resamples : int
        At least so many relabelings, 9,999 by default; at least 20 a region where Holm's correction
        is used.
    rng : None, int or numpy.random.Generator
        Decides on the regions, too.
    n_jobs : int
        See `mmd_test`.

    Returns
    -------
    RegionResult
        With ``to_frame()``, ``typical(region)``, ``plot()``, ``plot_shares()``, ``summary()``.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    See Also
    --------
    column_test : which columns differ.
    witness : how much more `X` than `Y` lives at each row.

    Notes
    -----
    Centres come from k-means on at most 10,000 rows, drawn uniformly from all and put in random
    order by `rng`, with the start of k-means++ [1]_; then each row goes to its nearest centre. The
    regions of up to 10,000 rows are a function of these without their order or labels, and of
    `rng`; of more rows so is what is likely. Under the null hypothesis they tell nothing of who has
    which label, so that p-values from relabelings of rows are exact: for each `rng`, or over it.

    The statistic of a region is the squared difference of its shares over its variance among
    relabelings, which are those of `mmd_test` and shared by all regions. p-values are adjusted as
    those of `column_test`: by the step-down maximum if both samples have as many rows, else by
    Holm's correction.

    Shares of `clusters` are means over clusters, those of `strata` are inside strata, weighted by
    rows, or clusters. Intervals, of 95 % for each region by itself, are Newcombe's hybrid score
    intervals [2]_ for independent rows, else Student's from the standard error of means of
    clusters, of differences of pairs, and inside strata; these are too short where few clusters or
    pairs have rows in a region. Of clusters that differ in size between the samples see
    `column_test`.

    Shares add up to 1: a region with more rows of `Y` lowers the shares of `Y` in all others, which
    then differ, too. Look first at the region that differs most.

    ``O((n + m) d k)`` time for k regions, beside the relabelings.

    References
    ----------
    .. [1] D. Arthur, S. Vassilvitskii, "k-means++: the advantages of careful seeding", SODA 2007.
    .. [2] R. G. Newcombe, "Interval estimation for the difference between independent proportions:
       comparison of eleven methods", Statistics in Medicine 17, 873-890, 1998.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(400, 4)), rng.normal(size=(400, 4))
    >>> Y[:40] = rng.normal(3, 0.3, size=(40, 4))  # a clump that X does not have
    >>> result = repdist.region_test(X, Y, rng=0)
    >>> first = result.to_frame().loc[0, ["share_x", "share_y", "pvalue_adjusted"]]
    >>> [round(value, 4) for value in first.tolist()]
    [0.0, 0.1, 0.0001]
    >>> of_x, of_y = result.typical(result.to_frame().loc[0, "region"], n_rows=3)
    >>> bool((of_y < 40).all())
    True
    """
    n_regions = _checks.whole_number("n_regions", n_regions, 2)
    n_resamples = _checks.resamples(n_resamples)
    rng, n_jobs = _checks.generator(rng), _checks.jobs(n_jobs)
    with computing():
        designed, _ = read_two_samples(
            X, Y, paired=paired, clusters=clusters, strata=strata, unmatched=unmatched
        )
        both = [designed.X, designed.Y]
        _arrays.check_varies(both, "`X` and `Y`")
        of_regions, of_units = rng.spawn(2)
        most = min(_PILOT, max(_LEAST_PILOT, _ENTRIES // designed.X.shape[1]))
        pilot = drawn_from(both, most, of_regions)
        most_regions = min(n_regions, sum(map(len, both)) // _ROWS)
        found = regions(pilot, both, most_regions, of_regions)
        return _tested(designed, found, n_regions, n_resamples, of_units, n_jobs)


def _tested(  # noqa: PLR0913 (what a test is made of)
    designed: Designed,
    found: Regions,
    wanted: int,
    n_resamples: int,
    rng: np.random.Generator,
    n_jobs: int,
) -> RegionResult:
    places, draws = rng.spawn(2)
    cut, k = placed(designed, n_resamples, places), len(found.centres)
    control: linear.Control = "westfall-young" if cut.balanced else "holm"
    if control == "holm":
        cut = cut.for_holm(k)
    tested = linear.tested(
        _sums(cut, found),
        cut.drawn,
        draws,
        control=control,
        ties_matter=True,
        n_jobs=n_jobs,
        guard=cut.guard(_variance_of_rows(cut, found)),
    )
    in_x, in_y = np.split(cut.rows.in_sample, [len(designed.X)])
    share_x, share_y = (
        np.bincount(region, weights=share, minlength=k).astype(np.float64)
        for region, share in zip(found.region, (in_x, in_y), strict=True)
    )
    independent = designed.design.independent
    if independent:
        low, high = newcombe(share_x, len(in_x), share_y, len(in_y))
    else:
        low, high = student(share_y - share_x, _parts(designed, found, in_x))
    fewer = [f"{wanted:,} regions asked for, {k:,} found: too few different rows"]
    return RegionResult(
        share_x=share_x,
        share_y=share_y,
        low=low,
        high=high,
        interval="newcombe" if independent else "student",
        statistic=tested.statistic,
        pvalue=tested.pvalue,
        pvalue_adjusted=tested.adjusted,
        control=control,
        region_of_x=found.region[0],
        region_of_y=found.region[1],
        distance_x=found.distance[0],
        distance_y=found.distance[1],
        centres=found.centres,
        plane=found.plane,
        relabelings=cut.drawn,
        guarded=cut.unequal,
        of_data=(
            *designed.cautions,
            *fewer[: k < wanted],
            *placed_cautions(cut, k, control == "holm"),
        ),
    )


def _sums(cut: Placed, found: Regions) -> Float64:
    """Return how many rows of each unit lie in each region, (1, U, k), in shares of the sample."""
    region = np.concatenate(found.region)
    inside = _indicator(region, len(found.centres))
    return np.asarray((cut.rows.matrix() @ inside).toarray() * cut.factor[:, None])[None]


def _variance_of_rows(cut: Placed, found: Regions) -> Float64:
    """Return the variance of whether a row lies in a region, (1, k)."""
    weights = cut.rows.in_unit / cut.rows.in_unit.sum()
    region = np.concatenate(found.region)
    share = np.bincount(region, weights=weights, minlength=len(found.centres))
    return np.asarray(share * (1 - share))[None]


def _indicator(region: Numbers, k: int) -> Any:
    """Return the sparse matrix (N, k) of 1 where a row lies in a region."""
    from scipy.sparse import csr_array

    N = len(region)
    return csr_array((np.ones(N), region, np.arange(N + 1)), shape=(N, k))


# --- intervals ------------------------------------------------------------------------------------


def _parts(designed: Designed, found: Regions, in_x: Float64) -> list[Part]:
    """Return what the difference of shares is a sum of means of: rows, clusters, pairs of either.

    In each stratum, of which `in_x` (n,) adds up to the weight.
    """
    design, k = designed.design, len(found.centres)
    items = [
        _shares_of_items(None if design.clusters is None else design.clusters.codes[g], region, k)
        for g, region in enumerate(found.region)
    ]
    if design.strata is None:
        strata, weights = [np.zeros(len(values), dtype=np.intp) for values in items], [1.0]
    else:
        weights = np.bincount(design.strata.codes[0], weights=in_x).tolist()
        of = design.strata
        strata = list((of if design.clusters is None else _of_items(designed)).codes)
    if design.paired:
        items, strata = [items[1] - items[0]], strata[:1]
    return [
        Part(weight, values[stratum == s])
        for values, stratum in zip(items, strata, strict=True)
        for s, weight in enumerate(weights)
        if weight > 0
    ]


def _of_items(designed: Designed) -> Any:
    """Return the strata of clusters."""
    design = designed.design
    assert design.clusters is not None
    assert design.strata is not None
    return strata_of_clusters(design.clusters, design.strata)


def _shares_of_items(codes: Numbers | None, region: Numbers, k: int) -> Float64:
    """Return the share of each cluster, or row, in each region, (items, k)."""
    inside = _indicator(region, k)
    if codes is None:
        return np.asarray(inside.toarray())
    from scipy.sparse import csr_array

    _, item, counts = np.unique(codes, return_inverse=True, return_counts=True)
    means = csr_array((1 / counts[item], (item, np.arange(len(item)))))
    return np.asarray((means @ inside).toarray())
