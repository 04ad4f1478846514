"""Do two samples differ? Joins kernel, units, sums and null."""

import dataclasses
import warnings
from typing import Any

import numpy as np

from repdist import _arrays, _checks
from repdist._options import N_LANDMARKS, Options, check_row_numbers
from repdist._questions.cautions import (
    alike_cautions,
    data_cautions,
    null_cautions,
    slow_if_exact,
)
from repdist._questions.designs import Designed, Unmatched, check_options, read_two_samples
from repdist._questions.landmarks import some_in_runs, tested
from repdist._questions.memory import memory_bytes
from repdist._questions.outcomes import Outcome
from repdist._results.two_sample import MMDTestResult
from repdist._threads import computing
from repdist._typing import Array, Bins, Combine, Estimator, Method
from repdist.kernels import Kernel, MultiRBF


def mmd_test(  # noqa: PLR0913 (the options of a test)
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
    n_resamples: int = 9999,
    n_bins: Bins = "auto",
    method: Method = "exact",
    n_landmarks: int = N_LANDMARKS,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> MMDTestResult:
    """Test whether two samples come from the same distribution.

    The null hypothesis is that the rows of `X` and `Y` are exchangeable: independent draws from
    one distribution; of `paired` rows, that the two rows of each pair are; of rows in `clusters`,
    that whole clusters are; of rows in `strata`, that rows of one stratum are. The p-value is exact
    under it at any sample size, unless clusters differ in size between the samples (see Notes).

    Parameters
    ----------
    X : array-like, (n, d) or (n,)
    Y : array-like, (m, d) or (m,)
        NumPy arrays, anything `np.asarray` takes, `np.memmap` and zarr arrays, torch tensors on
        one device (detached here, computed where they are), or dask arrays, whose rows stay on the
        active client's cluster, which computes the kernel sums. float32 and float64 are kept;
        integers become float64, half precision float32. Or tables of pandas, polars or Arrow, and
        SciPy's sparse matrices: columns of two tables are matched by name (`Y` takes the order of
        `X`, other columns are refused), beside an array by position; one column of lists is the
        matrix. At least two rows each; n and m may differ.
    paired : bool
        Whether row i of `X` belongs to row i of `Y`, as the same image through two networks does.
        A relabeling then exchanges the rows of pairs, and MMD^2 leaves out the pairs themselves: it
        sees small differences where rows of a pair are alike. With `clusters`, those of one id are
        a pair, in any order and of any sizes. Default False.

        .. versionadded:: 0.2.0
    clusters : pair of sequences, (n,) and (m,), column name or None
        For rows that come in clusters (frames of one video, patches of one image, runs of one
        seed): the id of each row's cluster, of `X` and of `Y`. Anything hashable, in a list, an
        array, a Series or a tensor; or the name of a column of both tables, which is then no
        feature. Whole clusters change sides, and each counts the same, however many rows it has:
        the kernel between two is the mean over their rows. Unless `paired`, no cluster may have
        rows in both samples, and each sample needs two. Above 256 clusters, bins of them move.
        Default None: rows are independent.

        .. versionadded:: 0.2.0
    strata : pair of sequences, (n,) and (m,), column name or None
        For rows of several kinds (classes, batches, sites) of which the samples may hold other
        shares: the kind of each row of `X` and of `Y`, as for `clusters`. Rows change sides within
        their stratum, and samples are compared within strata, each weighted by its share w_s of all
        rows, so that another mix is no difference. MMD^2 is that of the mixed means,
        ``||sum_s w_s (mu_Xs - mu_Ys)||^2``; with ``combine="max"`` the test looks at
        ``sum_s w_s ||mu_Xs - mu_Ys||^2`` beside it, which sees differences that cancel. Each
        stratum needs two rows of each sample. Pairs and clusters may lie in strata: a pair, and a
        cluster, in one each; shares are then of pairs, or of clusters. Time grows with the squared
        number of strata: some tens are quick, hundreds take minutes. Default None.

        .. versionadded:: 0.2.0
    unmatched : {"raise", "drop"}
        What to do with rows that nothing can be compared with: those in strata with fewer than two
        rows (clusters, pairs) of a sample, and in clusters without a partner if `paired`.
        ``"drop"`` leaves them out, and `cautions` says how many. Default ``"raise"``.

        .. versionadded:: 0.2.0
    kernel : Kernel
        Default ``MultiRBF()``: about six to ten Gaussian kernels that cover the distances in the
        data. An unfitted kernel is fitted on the pooled sample.
    estimator : {"unbiased", "biased"}
        Of MMD^2. Default ``"unbiased"``, which leaves out pairs of a row with itself.
    combine : {"max", "mean", "fuse"}
        How the components of a kernel become one statistic. ``"max"`` (default): the largest of
        their standardised, skewness-corrected MMD^2, and of their Mahalanobis length [4]_, which
        sees what no bandwidth shows by itself. ``"mean"``: MMD^2 of the kernel itself.
        ``"fuse"``: the soft maximum of MMD-FUSE [3]_. A kernel of one component needs none: its
        MMD^2 is the statistic.
    n_resamples : int
        At least so many random relabelings; the result says how many were used: a power of two less
        the observed one, 16,383 by default. All distinct ones are enumerated if they are no more.
    n_bins : {"auto", "rows"} or int
        At least how many blocks of shuffled rows the smaller sample is cut into; a relabeling moves
        whole blocks [2]_. ``"rows"``: every row by itself. ``"auto"`` (default): rows up to 256 in
        all, else at least 64 blocks. Rows left over,
        and those of a sample that is more than eight times as large, keep their label and count in
        the statistic. The level is exact for any choice.
    method : {"exact", "landmarks"}
        ``"exact"`` (default): kernel sums over all pairs of rows. ``"landmarks"``: for millions of
        rows. Relabelings look at all rows through `n_landmarks` of them, in one pass, and bins of
        rows count as rows [7]_; the level stays exact. MMD^2, its error and interval come from at
        most 5,000 rows of each sample, drawn at random, of which they are exact. Kernels must have
        values from 0 to 1, as Gaussian ones have; no `clusters`, and no `paired` rows in `strata`.

        .. versionadded:: 0.2.0
    n_landmarks : int
        From 2 to half of all rows. More of them see narrower differences: `landmarks` of the result
        says what share of each component they capture, and `cautions` what was hardly looked at.
        Default 256.

        .. versionadded:: 0.2.0
    rng : None, int or numpy.random.Generator
        The source of all randomness (``np.random.default_rng(rng)``). The same `rng`, data and
        version give the same result to the bit, whatever `n_jobs`.
    n_jobs : int
        Threads for NumPy input; -1 (default) for all cores this process may use.
    progress : bool
        Draw a progress bar if the output is a terminal. Default False.

    Returns
    -------
    MMDTestResult
        With ``pvalue``, ``mmd_squared``, ``standard_error``, ``confidence_interval()``,
        ``components``, ``summary()``, ``plot()``.

    Warns
    -----
    RepdistWarning
        If all pairs of more than 200,000 rows are to be computed on processors: what that takes.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind: objects or text instead of numbers, complex values,
        NumPy mixed with torch, a kernel that is no `Kernel`.
    ValueError
        If a value is out of range: NaN or infinity, fewer than two rows, different numbers of
        columns, a pooled sample whose rows are all equal, an unknown option. Of `clusters` and
        `strata`: an id that is missing, too few or too many ids; a cluster that has rows in both
        samples, or in two strata; a sample of one cluster; rows that nothing can be compared with;
        all three of `paired`, `clusters` and `strata`.
    OSError
        If the temporary folder has no room for rows that lie in a file.
    RuntimeError
        If a cluster cannot finish the work.

    See Also
    --------
    mmd_squared : the estimate alone, differentiable for torch.

    Notes
    -----
    ``O((n + m)^2 d)`` time for one pass over the kernel matrix, plus ``O(J U^2 + B sqrt(B / J))`` a
    component for B relabelings of U units: J shuffles (32), each followed by all swaps of a code,
    which a transform gives at once. Memory above the data: four copies of it, ``40 R U^2`` bytes
    for R components, some MB for each thread (on a GPU six tiles, of 1.5 GiB for many float32
    rows), and ``16 R + 48`` bytes a relabeling; `memory_bytes` of the result sums it up. Up to 256
    rows, and kernels whose values have no bound, are computed in float64. If numba is installed,
    the sums of 16,384 float32 rows and more under Gaussian kernels are compiled; they differ from
    NumPy's in the last digits.

    `np.memmap` and zarr arrays are read block by block into a temporary file (in the folder that
    `tempfile` uses), in the order in which rows are shuffled, and tiles are made from it: no copy
    in memory, and the same answer to the bit. Kernels without a bound copy the rows all the same.

    Dask arrays give the answer of NumPy arrays, with sums that differ by rounding. The workers need
    repdist and memory for three copies of the data; this process holds a few numbers a row. What a
    lost worker held is computed again; if the cluster gives up, a RuntimeError says so.

    With ``method="landmarks"``: ``O((n + m) L (d + R))`` time for L landmarks, and memory for
    ``8 R U L`` bytes a pass of some spans of rows, whatever n and m are. Landmarks z_l are drawn
    from the pooled rows without a look at labels: half uniformly, half by k-means++ among 4,096
    (or 4 L) pooled rows, on which the kernel is fitted, too. Of each component ``K = V w V'``
    between landmarks gives each row the features ``k(x, z) V w^-1/2``, of which bins of rows keep
    the means; what a bin has with itself is left out, and rows that fill no bin are. The level is
    exact over `rng`, for the draw does not know the labels. The kernel that relabelings look at is
    the projected one, which is smaller: what no landmark sees is not looked at.

    The p-value is ``(1 + #{T_b >= T_0}) / (1 + B)``, with ties counted as ties: never 0.

    Of `clusters` the statistic is MMD^2 of the cluster-mean kernel, without pairs inside a
    cluster, over its standard deviation by label [5]_, which each component has anew under each
    relabeling; none counts as less than a tenth of their root mean square over relabelings.
    ``"max"`` combines these ratios as it does MMD^2, ``"mean"`` takes that of the kernel itself,
    ``"fuse"`` the log of their mean exponential; all are made of the unbiased MMD^2. The MMD^2
    that is told, its error and interval are those of ``Precomputed(Kbar)``, with Kbar the mean
    kernel between clusters. The test is exact if whole clusters, with their sizes, are
    exchangeable. Where sizes differ between the samples (the mean of 1 / size by a factor above
    1.5) they are not: relabelings of the ratio then still reject too often if a few large clusters
    meet many small ones. So p is then the larger of that of relabelings and that of random signs,
    ``sum_{i != j} |a_i a_j| e_i e_j Kc_ij`` with Kc the kernel centred within each sample [6]_,
    which asks for no equal sizes and is right for many clusters; `guarded` of the result and
    `cautions` say so. All this takes ``O(R C^2)`` memory and ``O(R B C sqrt(B / J))`` time more for
    C clusters, or for C bins of them: above 256 clusters each bin counts as one row of the
    statistic, and clusters that fill no bin count in MMD^2 and its error alone. Between every two
    clusters sums are made in any case, so that time grows with the squared number of clusters.
    Clusters that are `paired` need no such ratio: MMD^2 of pairs of cluster means is the statistic.
    In `strata` MMD^2 itself is compared, and of unequal clusters the signs look at both statistics
    of the kernel as a whole.

    Of pairs in `strata` the sides of each pair may change, and MMD^2 of pairs takes the place of
    that of rows in both statistics.

    The test asks that rows are independent. Of rows that come in clusters (frames of one video,
    patches of one image) give ``clusters=``: with 12 + 12 clusters of ten rows that are correlated
    by .3, in 8 Gaussian columns, .895 of 400 tests of the rows at .05 rejected though nothing
    differed. Rows that are paired (the same images through two checkpoints) are not
    independent either: give ``paired=True``, or differences between them are hardly seen;
    `cautions` says so if row i looks paired with row i. Of `paired` rows each pair must be
    independent of the other pairs, and exchanging its rows must change no probability under the
    null; if the two rows have one distribution but are not exchangeable, p is right for many pairs
    alone. Features of a trained network must be taken on data that it was
    not trained on. Networks trained apart have no common coordinates: their features differ.

    References
    ----------
    .. [1] A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schoelkopf, A. Smola, "A kernel two-sample
       test", JMLR 13, 723-773, 2012.
    .. [2] C. Domingo-Enrich, R. Dwivedi, L. Mackey, "Cheap permutation testing", 2025.
       https://arxiv.org/abs/2502.07672
    .. [3] F. Biggs, A. Schrab, A. Gretton, "MMD-FUSE: learning and combining kernels for
       two-sample testing without data splitting", NeurIPS 2023. https://arxiv.org/abs/2306.08777
    .. [4] A. Chatterjee, B. B. Bhattacharya, "Boosting the power of kernel two-sample tests", 2023.
       https://arxiv.org/abs/2302.10687
    .. [5] S. X. Chen, Y.-L. Qin, "A two-sample test for high-dimensional data with applications to
       gene-set testing", Annals of Statistics 38, 808-835, 2010.
       https://doi.org/10.1214/09-AOS716
    .. [6] A. Leucht, M. H. Neumann, "Dependent wild bootstrap for degenerate U- and V-statistics",
       Journal of Multivariate Analysis 117, 257-280, 2013.
       https://doi.org/10.1016/j.jmva.2013.03.003
    .. [7] C. K. I. Williams, M. Seeger, "Using the Nystroem method to speed up kernel machines",
       NIPS 2000. Bins as rows: [2]_.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 8))
    >>> Y = rng.normal(scale=1.2, size=(300, 8))
    >>> result = repdist.mmd_test(X, Y, rng=0)
    >>> result.pvalue
    6.103515625e-05
    """
    options = Options.checked(
        kernel=kernel, estimator=estimator, combine=combine, n_resamples=n_resamples,
        n_bins=n_bins, rng=rng, method=method, n_landmarks=n_landmarks, n_jobs=n_jobs,
        progress=progress,
    )  # fmt: skip
    check_row_numbers(kernel, {"X": X, "Y": Y})
    with computing():
        designed, columns = read_two_samples(
            X, Y, paired=paired, clusters=clusters, strata=strata, unmatched=unmatched
        )
        X, Y, design = designed.X, designed.Y, designed.design
        check_options(design, options)
        options.check_smallest(min(design.sizes(X, Y)), design.called)
        _arrays.check_varies([X, Y], "`X` and `Y`")
        slow = slow_if_exact([X, Y], options)
        for text in slow:
            warnings.warn(text, _checks.RepdistWarning, stacklevel=2)
        designed = dataclasses.replace(designed, cautions=(*slow, *designed.cautions))
        return _result(designed, tested(X, Y, design, options), options, columns)


def _result(
    designed: Designed, outcome: Outcome, options: Options, columns: tuple[str, ...]
) -> MMDTestResult:
    found, drawn, how, Z = outcome.found, outcome.drawn, outcome.plan, outcome.Z
    null, forms, design = found.null, outcome.forms, designed.design
    R = len(how.weights) * len(forms)
    held = memory_bytes(Z, drawn, how, options.workers.n_jobs, len(forms))
    view = outcome.view
    looked = designed if view is None else some_in_runs(designed)
    samples = [looked.X, looked.Y]
    if view is not None:
        Z = _arrays.concatenate(samples)
    of_data = data_cautions(samples, Z, outcome.kernel, columns, design=looked.design)
    component_columns = {
        "bandwidth": _read_only(np.tile(how.bandwidths, len(forms))),
        "mmd_squared": _read_only(found.components),
        "zscore": _read_only(null.zscores[:R]),
        "pvalue": _read_only(null.component_pvalues()[:R]),
    }
    if view is not None:
        captured = np.tile(np.array(view.captured), len(forms))
        component_columns["captured"] = _read_only(captured)
    if outcome.strata is not None:
        component_columns["form"] = _read_only(np.repeat(forms, len(how.weights)))
    return MMDTestResult(
        statistic=null.statistic,
        pvalue=found.pvalue,
        mmd_squared=found.mmd_squared,
        estimate=found.estimate,
        null=null,
        spread=found.spread,
        kernel=outcome.kernel,
        estimator=options.estimator,
        combine=options.combine,
        n=len(designed.X),
        m=len(designed.Y),
        paired=design.paired,
        clusters=outcome.clusters,
        strata_table=outcome.strata,
        guarded=found.guard > null.pvalue,
        dropped=designed.dropped,
        wanted_bins=options.n_bins,
        relabelings=drawn,
        landmarks=view,
        memory_bytes=held + outcome.more_bytes,
        cautions=(
            *null_cautions(null, drawn),
            *alike_cautions(null, design, of_data),
            *([] if view is None else view.cautions()),
            *designed.cautions,
            *outcome.cautions,
            *of_data,
        ),
        component_columns=component_columns,
    )


def _read_only(values: Any) -> Any:
    values.setflags(write=False)
    return values
