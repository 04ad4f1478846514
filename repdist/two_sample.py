"""The two-sample test and its result: joins kernel, units, sums and null."""

import functools
import math
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repdist import _array, _checks, _samples
from repdist._array import Array, Float64
from repdist._cluster import kernel_blocks
from repdist._null import (
    Combine,
    Estimator,
    Null,
    centred_blocks,
    component_statistics,
    null_distribution,
    precision,
    tie_tolerance,
)
from repdist._sums import Sums, join, tile_edge, tile_entries
from repdist._threads import in_order, one_blas_thread
from repdist._units import Units, is_exhaustive, is_small, relabelings, row_order, two_sample_units
from repdist.kernels import Kernel, MultiRBF, Precomputed
from repdist.mmd import ESTIMATORS, check_kernel, component_estimates, fit, standard_error

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

COMBINATIONS = ("max", "mean", "fuse")
MOST_RESAMPLES = 10**8


def mmd_test(
    X: Array,
    Y: Array,
    *,
    kernel: Kernel = MultiRBF(),
    estimator: Estimator = "unbiased",
    combine: Combine = "max",
    n_resamples: int = 9999,
    n_bins: Literal["auto", "rows"] | int = "auto",
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> "MMDTestResult":
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
        integers become float64, half precision float32. At least two rows each; n and m may differ.
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
        Random relabelings. If there are no more distinct ones, all are enumerated. Default 9999.
    n_bins : {"auto", "rows"} or int
        At least how many blocks of shuffled rows the smaller sample is cut into; a relabeling moves
        whole blocks [2]_. ``"rows"``: every row by itself, which takes minutes for some thousand
        rows. ``"auto"`` (default): rows up to 256 in all, else at least 64 blocks. Rows left over,
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

    See Also
    --------
    mmd_squared : the estimate alone, differentiable for torch.

    Notes
    -----
    ``O((n + m)^2 d)`` time for one pass over the kernel matrix, plus ``O(B U^2)`` for B relabelings
    of U units a component. Memory above the data: four copies of it, ``24 R U^2`` bytes for R
    components, some MB for each thread (on a GPU six tiles, of 1.5 GiB for many float32 rows), and
    ``40 R`` bytes a relabeling; `memory_bytes` of the result sums it up. Up to 256 rows, and
    kernels whose values have no bound, are computed in float64. If numba is installed, the sums of
    16,384 float32 rows and more under Gaussian kernels are compiled; they differ from NumPy's in
    the last digits.

    `np.memmap` and zarr arrays are read block by block into a temporary file (in the folder that
    `tempfile` uses), in the order in which rows are shuffled, and tiles are made from it: no copy
    in memory, and the same answer to the bit. Kernels without a bound copy the rows all the same.

    Dask arrays give the answer of NumPy arrays, with sums that differ by rounding. The workers need
    repdist and memory for three copies of the data; this process holds a few numbers a row. What a
    lost worker held is computed again; if the cluster gives up, a RuntimeError says so.

    The p-value is ``(1 + #{T_b >= T_0}) / (1 + B)``, with ties counted as ties: never 0.

    The test asks that rows are independent. Rows that come in clusters (frames of one video,
    patches of one image) must be thinned or averaged first, and features of a trained network
    taken on data that it was not trained on.

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
    0.0001
    """
    check_kernel(kernel)
    _checks.choice("estimator", estimator, ESTIMATORS)
    _checks.choice("combine", combine, COMBINATIONS)
    n_resamples = _checks.whole_number("n_resamples", n_resamples, 1, MOST_RESAMPLES)
    rng = _checks.generator(rng)
    threads = _checks.jobs(n_jobs)
    _checks.flag("progress", progress)
    X, Y = (_array.detach(array) for array in _samples.samples({"X": X, "Y": Y}))
    n_bins = check_bins(n_bins, min(len(X), len(Y)))
    _samples.check_varies([X, Y], "`X` and `Y`")
    with one_blas_thread:
        first, second = (X, Y) if len(X) <= len(Y) else (Y, X)
        orders = [row_order(len(sample), rng) for sample in (first, second)]
        Z = _array.concatenate([first, second], orders)
        fitted = fit(kernel, Z if _array.in_file(Z) else _array.concatenate([X, Y]))
        units = two_sample_units(len(first), len(second), n_bins)
        _check_memory(units, fitted)
        sums = _sums_of(fitted, Z, units, is_small(len(X), len(Y)), combine, threads, progress)
        T = _statistics_of(
            sums, units, len(first), len(second), estimator, n_resamples, rng, threads
        )
        weights = np.array(fitted._weights)
        null = null_distribution(
            T,
            tie_tolerance(
                _magnitude(sums, units, estimator), sums.epsilon, len(first), len(second)
            ),
            combine,
            weights=weights,
            squares=sums.squares,
            n=len(first),
        )
        return _result(
            X, Y, Z, fitted, units, sums, null, weights,
            estimator=estimator, combine=combine, n_resamples=n_resamples, n_jobs=threads,
        )  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class MMDTestResult:
    """The answer of `mmd_test`.

    Attributes
    ----------
    statistic : float
        What was tested: MMD^2 for one component or ``combine="mean"``, else the combined score.
    pvalue : float
        Exact at any sample size; never 0.
    mmd_squared : float
        MMD^2 of the kernel, by `estimator`, in kernel units: the number to quote.
    standard_error : float
        Of the unbiased MMD^2.
    null_distribution : (B,) float64
        The statistic of the relabelings, the observed one left out unless `exhaustive`.
    kernel : Kernel
        Fitted: pass it to another call to compare numbers.
    estimator, combine : str
    n, m : int
        Rows of X and Y.
    n_resamples : int
        Relabelings used, the observed one left out unless `exhaustive`.
    n_bins : int
        Movable units in the smaller sample.
    exhaustive : bool
        True if all distinct relabelings were enumerated.
    memory_bytes : int
        An upper estimate of what the test held in memory above the samples at its peak.
    cautions : tuple of str
        What a reader of the result should know.
    """

    statistic: float
    pvalue: float
    mmd_squared: float
    standard_error: float
    null_distribution: Float64
    kernel: Kernel
    estimator: Estimator
    combine: Combine
    n: int
    m: int
    n_resamples: int
    n_bins: int
    exhaustive: bool
    memory_bytes: int
    cautions: tuple[str, ...]
    _columns: dict[str, Float64] = field(repr=False)
    _unbiased: float
    _null_variance: float
    _unit_rows: int
    _frozen_rows: int
    _least_pvalue: float

    @functools.cached_property
    def components(self) -> "pd.DataFrame":
        """One row a component: bandwidth, mmd_squared, zscore (of its null), pvalue (its own)."""
        import pandas as pd

        return pd.DataFrame(self._columns)

    def confidence_interval(self, confidence_level: float = 0.95) -> tuple[float, float]:
        """Return an interval for MMD^2 of the two distributions under the fitted kernel.

        Centred on the unbiased estimate T whatever `estimator` says, and clipped at 0: from
        ``T - z se`` to ``T + z sqrt(se^2 + 3 v0)``, with v0 the variance of T over relabelings.

        Parameters
        ----------
        confidence_level : float
            Strictly between 0 and 1. Default 0.95.

        Returns
        -------
        (low, high) : tuple of float

        Notes
        -----
        Conditional on the fitted kernel. It looks at MMD^2 of the kernel, the p-value at the
        combined statistic: the interval may reach 0 where the test rejects, and the reverse.
        """
        level = _checks.fraction("confidence_level", confidence_level)
        z = NormalDist().inv_cdf((1 + level) / 2)
        low = self._unbiased - z * self.standard_error
        high = self._unbiased + z * math.sqrt(self.standard_error**2 + 3 * self._null_variance)
        return max(low, 0.0), max(high, 0.0)

    def summary(self) -> str:
        """Return the result in at most twelve lines that a person can read."""
        lines = [
            f"Two-sample MMD test: {self.n} rows against {self.m}",
            f"  MMD^2    {self.mmd_squared:.4g} ({self._estimate()}), {self._interval()}",
            f"  p-value  {self.pvalue:.4g}{self._at_the_least()}",
            f"  tested   {self._tested()}",
            f"  kernel   {self.kernel._line}",
            f"  null     {self._null_line()}",
        ]
        if self._disagree():
            lines += [
                "  note     the interval reaches 0: it is for MMD^2 of the kernel as a whole,",
                "           and the test for what stands out most among its components",
            ]
        return "\n".join(lines + [f"  caution  {caution}" for caution in self.cautions])

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the null distribution with the observed statistic, and the components beside it.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where to draw; a new figure if it is not given.

        Returns
        -------
        matplotlib Axes
            The axes of the null distribution.

        Notes
        -----
        With ``combine="max"`` and a very skewed null a bar can stand by itself at the left: the
        skewness correction ends there, and all relabelings below that end share one score.
        """
        from repdist.plotting import plot_two_sample

        return plot_two_sample(self, ax)

    def to_dict(self) -> dict[str, Any]:
        """Return what a report needs, ready for JSON (NaN becomes None)."""
        import repdist

        low, high = self.confidence_interval()
        columns = {name: values.tolist() for name, values in self._columns.items()}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return {
            "repdist_version": repdist.__version__,
            "statistic": self.statistic,
            "pvalue": self.pvalue,
            "mmd_squared": self.mmd_squared,
            "standard_error": self.standard_error,
            "confidence_interval_95": [low, high],
            "kernel": repr(self.kernel),
            "estimator": self.estimator,
            "combine": self.combine,
            "n": self.n,
            "m": self.m,
            "n_resamples": self.n_resamples,
            "n_bins": self.n_bins,
            "exhaustive": self.exhaustive,
            "memory_bytes": self.memory_bytes,
            "cautions": list(self.cautions),
            "components": [
                {key: None if math.isnan(value) else value for key, value in row.items()}
                for row in rows
            ],
        }

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return (
            f"MMDTestResult(pvalue={self.pvalue:.4g}, mmd_squared={self.mmd_squared:.4g}, "
            f"standard_error={self.standard_error:.2g}, n={self.n}, m={self.m})"
        )

    def _estimate(self) -> str:
        if self.estimator == "unbiased":
            return "unbiased"
        return f"biased; unbiased {self._unbiased:.4g}"

    def _interval(self) -> str:
        low, high = (f"{end:.3g}" if end > 0 else "0 (cut)" for end in self.confidence_interval())
        return f"95 % interval {low} to {high}"

    def _disagree(self) -> bool:
        """Tell whether the interval reaches 0 although the test rejects at .05."""
        combined = len(self._columns["bandwidth"]) > 1 and self.combine != "mean"
        return combined and self.pvalue <= 0.05 and self.confidence_interval()[0] == 0

    def _at_the_least(self) -> str:
        if self.pvalue > self._least_pvalue:
            return ""
        return f", the least that {self.n_resamples:,} relabelings can give"

    def _tested(self) -> str:
        count = len(self._columns["bandwidth"])
        if count == 1:
            return "MMD^2"
        what = {
            "max": f"largest normal score of {count} components and all together",
            "mean": f"MMD^2 of {count} components",
            "fuse": f"soft maximum (FUSE) of {count} components",
        }[self.combine]
        return f"{what} = {self.statistic:.4g}"

    def _null_line(self) -> str:
        how = (
            f"all {self.n_resamples:,} relabelings"
            if self.exhaustive
            else f"{self.n_resamples:,} random relabelings"
        )
        of = "single rows" if self._unit_rows == 1 else f"bins of {self._unit_rows} rows"
        frozen = f"; {self._frozen_rows} rows keep their label" if self._frozen_rows else ""
        return f"{how} of {of} ({self.n_bins} in the smaller sample{frozen})"


# --- the steps -----------------------------------------------------------------------------------


def _sums_of(
    kernel: Kernel,
    Z: Array,
    units: Units,
    small: bool,
    combine: Combine,
    n_jobs: int,
    progress: bool,
) -> Sums:
    blocks = kernel_blocks(
        kernel,
        Z,
        units.rows,
        units.sample,
        small=small,
        n_jobs=n_jobs,
        squares=combine == "fuse",
        progress=progress,
    )
    return join(*blocks)


def _statistics_of(
    sums: Sums,
    units: Units,
    n: int,
    m: int,
    estimator: Estimator,
    n_resamples: int,
    rng: np.random.Generator,
    n_jobs: int,
) -> Float64:
    """Return MMD^2 (B + 1, R) of every relabeling."""
    S = centred_blocks(sums.blocks, sums.diagonal, units.rows, estimator)
    run = functools.partial(in_order, n_jobs=n_jobs)
    labels = relabelings(units, n_resamples, rng)
    dtype = precision(sums.epsilon, small=is_small(n, m))
    return component_statistics(S, labels, n, m, estimator, run, dtype)


def _magnitude(sums: Sums, units: Units, estimator: Estimator) -> Float64:
    """Return the largest size of the kernel values that the estimator adds, (R,)."""
    if estimator == "unbiased":
        return sums.magnitude
    diagonal = np.abs(sums.diagonal / units.rows).max(axis=1)
    return np.asarray(np.maximum(sums.magnitude, diagonal))


def _result(
    X: Array,
    Y: Array,
    Z: Array,
    kernel: Kernel,
    units: Units,
    sums: Sums,
    null: Null,
    weights: Float64,
    *,
    estimator: Estimator,
    combine: Combine,
    n_resamples: int,
    n_jobs: int,
) -> MMDTestResult:
    n, m = sorted((len(X), len(Y)))
    exhaustive = is_exhaustive(units, n_resamples)
    least = units.least_pvalue_exhaustive if exhaustive else 1 / len(null.statistic)
    mean_kernel = null.components @ weights
    estimates = component_estimates(sums, units.sample, n, m, estimator)
    return MMDTestResult(
        statistic=float(null.statistic[0]),
        pvalue=null.pvalue,
        mmd_squared=float(estimates @ weights),
        standard_error=standard_error(sums.first_rows, sums.second_rows),
        null_distribution=_read_only(null.statistic if exhaustive else null.statistic[1:]),
        kernel=kernel,
        estimator=estimator,
        combine=combine,
        n=len(X),
        m=len(Y),
        n_resamples=len(null.statistic) - (not exhaustive),
        n_bins=units.movable[0],
        exhaustive=exhaustive,
        memory_bytes=_memory(Z, units, kernel, len(null.statistic), n_jobs),
        cautions=_cautions(Z, kernel, null, least),
        _columns={
            "bandwidth": np.array(kernel._bandwidths),
            "mmd_squared": estimates,
            "zscore": null.zscores,
            "pvalue": null.component_pvalues,
        },
        _unbiased=float(component_estimates(sums, units.sample, n, m, "unbiased") @ weights),
        _null_variance=float(mean_kernel[1:].var()),
        _unit_rows=units.size,
        _frozen_rows=sum(units.frozen),
        _least_pvalue=least,
    )


def _memory(Z: Array, units: Units, kernel: Kernel, n_statistics: int, n_jobs: int) -> int:
    """Return an upper estimate of the bytes above the samples at the peak."""
    R, U, (N, d) = len(kernel._weights), len(units.rows), Z.shape
    strip_count = -(-N // tile_edge(Z))
    threads = 1 if _array.is_torch(Z) else min(n_jobs, strip_count * (strip_count + 1) // 2)
    size = _array.item_size(Z) if kernel._bounded else 8
    in_strips = _array.in_file(Z) and kernel._bounded
    strips = 7 * threads * tile_edge(Z) * (d + 2)  # read and made into operands
    copies = strips if in_strips else 4 * N * (d + 2)
    tiles = 6 * tile_entries(Z) * threads
    fit = min(N, 1000) * (4 * d + 2 * min(N, 1000))  # rows for bandwidths, and their distances
    block = d * min(N, _array.BLOCK)
    blocks = max(block, 3 * min(block, _array.ENTRIES))
    doubles = 8 * N + 3 * R * U**2 + (5 * R + 2) * n_statistics
    return int(size * (copies + tiles) + 8 * max(fit, blocks, doubles))


def _read_only(values: Float64) -> Float64:
    values.setflags(write=False)
    return values


def check_bins(n_bins: Any, smallest: int) -> Any:
    """Return `n_bins`, checked against the rows of the smallest sample."""
    if isinstance(n_bins, str):
        return _checks.choice("n_bins", n_bins, ("auto", "rows"))
    try:
        number = _checks.whole_number("n_bins", n_bins, 2)
    except TypeError:
        raise TypeError(
            f'`n_bins` must be "auto", "rows" or a whole number of at least 2; got '
            f"{_checks.describe(n_bins)}."
        ) from None
    if number > smallest:
        raise ValueError(
            f"`n_bins` must be at most the {smallest} rows of the smaller sample; got {number}. "
            'Use "rows" for one unit a row.'
        )
    return number


def _check_memory(units: Units, kernel: Kernel) -> None:
    """Raise if the block sums of so many units would not fit into any usual memory."""
    count = len(units.rows)
    size = 3 * 8 * len(kernel._weights) * count**2
    if size > _MOST_BYTES:
        raise ValueError(
            f"`n_bins` must leave sums that fit into memory; {count:,} units need "
            f'{size / 2**30:.0f} GiB. Use fewer bins, e.g. "auto".'
        )


_MOST_BYTES = 2**34


def _cautions(Z: Array, kernel: Kernel, null: Null, least_pvalue: float) -> tuple[str, ...]:
    found = []
    if least_pvalue > 0.05:
        found.append(
            f"no p-value below {least_pvalue:.2g} can be reached: too few rows, bins or relabelings"
        )
    if null.dropped.all():
        found.append("the statistic varies less over relabelings than rounding can tell, so p = 1")
    elif null.dropped.any():
        found.append(f"{null.dropped.sum()} component(s) do not vary and were left out")
    if not isinstance(kernel, Precomputed):
        found += _data_cautions(Z)
    return tuple(found)


def _data_cautions(Z: Array) -> list[str]:
    found, rows, columns = [], len(Z), Z.shape[1]
    copies = _array.count_copies(Z)
    if copies > _MANY_COPIES * rows:
        found.append(f"{copies} of {rows} rows repeat another row: are rows independent?")
    variances = _array.column_variances(Z)
    constant = int((variances == 0).sum())
    if constant:
        found.append(f"{constant} of {columns} columns are constant and say nothing")
    share = float(variances.max() / variances.sum())
    if columns - constant > 1 and share > _DOMINANT:
        found.append(
            f"column {variances.argmax()} holds {share:.0%} of the variance and hides the others: "
            "standardise columns of different units"
        )
    return found


_MANY_COPIES = 0.1  # of the pooled rows
_DOMINANT = 0.9  # of the variance
