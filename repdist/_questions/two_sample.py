"""Do two samples differ? Joins kernel, units, sums and null."""

import functools

import numpy as np

from repdist import _arrays
from repdist._blocks import join
from repdist._designs.relabelings import AT_ONCE, Relabelings
from repdist._designs.units import row_order, two_sample_units
from repdist._inference import two_samples
from repdist._inference.combine import Combination, Null
from repdist._inference.estimates import (
    Estimate,
    check_definite,
    component_estimates,
    standard_error,
)
from repdist._options import Options, check_row_numbers
from repdist._pass.sums import kernel_blocks
from repdist._questions.cautions import data_cautions, null_cautions
from repdist._questions.memory import check_memory, memory_bytes
from repdist._results.two_sample import MMDTestResult
from repdist._threads import computing, in_order
from repdist._typing import Array, Bins, Combine, Estimator, Float64
from repdist.kernels import Kernel, MultiRBF
from repdist.kernels._kernel import fit
from repdist.kernels._plan import plan


def mmd_test(  # noqa: PLR0913 (the options of a test)
    X: Array,
    Y: Array,
    *,
    kernel: Kernel = MultiRBF(),
    estimator: Estimator = "unbiased",
    combine: Combine = "max",
    n_resamples: int = 9999,
    n_bins: Bins = "auto",
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> MMDTestResult:
    """Test whether two samples come from the same distribution.

    The null hypothesis is that the rows of `X` and `Y` are exchangeable: independent draws from
    one distribution. The p-value is exact under it at any sample size.

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

    Raises
    ------
    TypeError
        If an argument is of the wrong kind: objects or text instead of numbers, complex values,
        NumPy mixed with torch, a kernel that is no `Kernel`.
    ValueError
        If a value is out of range: NaN or infinity, fewer than two rows, different numbers of
        columns, a pooled sample whose rows are all equal, an unknown option.
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

    The p-value is ``(1 + #{T_b >= T_0}) / (1 + B)``, with ties counted as ties: never 0.

    The test asks that rows are independent. Of rows that come in clusters (frames of one video,
    patches of one image) take one of each cluster, or their mean: with 12 + 12 clusters of ten
    rows that are correlated by .3, in 8 Gaussian columns, .895 of 400 tests at .05 rejected though
    nothing differed. Rows that are paired (the same images through two checkpoints) are not
    independent either, and what changed between paired rows cannot be seen; `cautions` says so if
    row i looks paired with row i. Features of a trained network must be taken on data that it was
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
        n_bins=n_bins, rng=rng, n_jobs=n_jobs, progress=progress,
    )  # fmt: skip
    check_row_numbers(kernel, {"X": X, "Y": Y})
    columns = _arrays.column_names(X)
    with computing():
        X, Y = (_arrays.detach(array) for array in _arrays.read_samples({"X": X, "Y": Y}))
        options.check_smallest(min(len(X), len(Y)))
        _arrays.check_varies([X, Y], "`X` and `Y`")
        return _tested(X, Y, options, columns)


def _tested(X: Array, Y: Array, options: Options, columns: tuple[str, ...]) -> MMDTestResult:
    rng, estimator = options.rng, options.estimator
    first, second = (X, Y) if len(X) <= len(Y) else (Y, X)
    orders = [row_order(len(sample), rng) for sample in (first, second)]
    Z = _arrays.concatenate([first, second], orders)
    fitted = fit(options.kernel, _arrays.concatenate([X, Y]))
    how = plan(fitted)
    weights = np.array(how.weights)
    units = two_sample_units(len(first), len(second), options.n_bins)
    drawn = Relabelings(units, options.n_resamples)
    check_memory([len(units.rows)], how)
    sums = join(*kernel_blocks(how, Z, units.layout, options.workers, squares=options.squares))
    jobs = options.workers.n_jobs if drawn.total > AT_ONCE else 1
    run = functools.partial(in_order, n_jobs=jobs)
    S = two_samples.quadratic_form(sums, units, estimator)
    null = Null(
        two_samples.statistics(S, drawn, two_samples.forms(drawn, rng), run),
        two_samples.tolerance(sums, units, estimator),
        Combination(options.combine, weights, sums.squares, len(first)),
    )
    estimates = component_estimates(sums, units.sample, estimator)
    unbiased = component_estimates(sums, units.sample, "unbiased")
    check_definite(sums, units.sample, weights)
    return MMDTestResult(
        statistic=null.statistic,
        pvalue=null.pvalue,
        mmd_squared=float(estimates @ weights),
        estimate=Estimate(
            mmd_squared=float(unbiased @ weights),
            standard_error=standard_error(sums.first_rows, sums.second_rows),
            null_variance=two_samples.null_variance(S, units, weights),
        ),
        null=null,
        kernel=fitted,
        estimator=estimator,
        combine=options.combine,
        n=len(X),
        m=len(Y),
        relabelings=drawn,
        memory_bytes=memory_bytes(Z, drawn, how, options.workers.n_jobs),
        cautions=(*null_cautions(null, drawn), *data_cautions([X, Y], Z, fitted, columns)),
        component_columns={
            "bandwidth": _read_only(np.array(how.bandwidths)),
            "mmd_squared": _read_only(estimates),
            "zscore": _read_only(null.zscores),
            "pvalue": _read_only(null.component_pvalues()),
        },
    )


def _read_only(values: Float64) -> Float64:
    values.setflags(write=False)
    return values
