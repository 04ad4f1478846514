"""The table of groups: every pair tested and measured on one ruler."""

import math
import warnings
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repdist import _array, _checks, _samples
from repdist._array import Float64
from repdist._groups import read_groups
from repdist._null import Combine
from repdist._pairs import Comparison, Pair, WholeSums, compare_pairs
from repdist._whole import whole_null
from repdist.kernels import Kernel, MultiRBF
from repdist.mmd import check_kernel, fit
from repdist.two_sample import COMBINATIONS, MOST_RESAMPLES, check_bins

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Adjust = Literal[
    "holm",
    "bonferroni",
    "sidak",
    "holm-sidak",
    "simes-hochberg",
    "hommel",
    "fdr_bh",
    "fdr_by",
    "fdr_tsbh",
    "fdr_tsbky",
    "none",
]
ADJUSTMENTS: tuple[str, ...] = Adjust.__args__  # type: ignore[attr-defined]


def pairwise_mmd_test(
    groups: Any,
    labels: Any = None,
    *,
    kernel: Kernel = MultiRBF(),
    combine: Combine = "max",
    n_resamples: int = 9999,
    n_bins: Literal["auto", "rows"] | int = "auto",
    adjust: Adjust = "holm",
    confidence_level: float = 0.95,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> "PairwiseMMDResult":
    """Test and measure the difference of every pair of groups.

    The null hypothesis of a pair is that its two groups come from one distribution; the others
    do not enter. All cells are measured with one kernel, fitted on all groups, so they compare.

    Parameters
    ----------
    groups : mapping, list, array or DataFrame
        A mapping of names to arrays ``(n_g, d)``; a list of such arrays; an array ``(k, n, d)``;
        an array ``(N, d)`` with one label a row; or a DataFrame with the name of its label
        column. NumPy, torch, or dask arrays (with labels in memory; see `mmd_test`). Sizes may
        differ; at least two groups of at least two rows.
    labels : sequence, pandas column or column name, optional
        k names for a list or ``(k, n, d)``; one label a row for ``(N, d)``; a column name (or one
        label a row) for a DataFrame. Groups stand in the order of the categories of a
        Categorical, else sorted, else as they appear.
    kernel : Kernel
        Default ``MultiRBF()``. An unfitted kernel is fitted on all groups.
    combine : {"max", "mean", "fuse"}
        How the components of a kernel become one statistic; see `mmd_test`.
    n_resamples : int
        Random relabelings of a pair; all are enumerated if there are no more. Default 9999.
    n_bins : {"auto", "rows"} or int
        Blocks of shuffled rows in the smaller group of a pair; see `mmd_test`. Sizes of blocks are
        powers of two here.
    adjust : str
        How p-values are adjusted for the number of pairs: a method of
        ``statsmodels.stats.multitest.multipletests``, or ``"none"``. Default ``"holm"``, which
        holds the chance of any false rejection at its level whatever the dependence.
    confidence_level : float
        Of the interval in each cell. Default 0.95.
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
        If `n_resamples` or the group sizes cannot give some pair an adjusted p-value of .05.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it, and the group.

    Notes
    -----
    ``O(N^2 d)`` time for one pass over the kernel, plus ``O(B U^2)`` a pair and component for B
    relabelings of U units.

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
    a     NaN  0.4577  0.0003
    b  0.4577     NaN  0.0003
    c  0.0003  0.0003     NaN
    """
    check_kernel(kernel)
    _checks.choice("combine", combine, COMBINATIONS)
    _checks.choice("adjust", adjust, ADJUSTMENTS)
    n_resamples = _checks.whole_number("n_resamples", n_resamples, 1, MOST_RESAMPLES)
    level = _checks.fraction("confidence_level", confidence_level)
    rng = _checks.generator(rng)
    threads = _checks.jobs(n_jobs)
    _checks.flag("progress", progress)
    given = read_groups(groups, labels)
    _samples.check_varies(given.arrays, "`groups`")
    sizes = [len(array) for array in given.arrays]
    n_bins = check_bins(n_bins, min(sizes))
    fitted = fit(kernel, _array.concatenate(given.arrays))
    comparison = compare_pairs(
        fitted,
        given.arrays,
        given.names,
        combine=combine,
        n_resamples=n_resamples,
        n_bins=n_bins,
        rng=rng,
        n_jobs=threads,
        progress=progress,
    )
    unreachable = _unreachable(comparison.pairs, adjust, n_resamples)
    if unreachable:
        warnings.warn(unreachable, _checks.RepdistWarning, stacklevel=2)
    return PairwiseMMDResult(
        names=given.names,
        sizes=tuple(sizes),
        kernel=fitted,
        combine=combine,
        adjust=adjust,
        confidence_level=level,
        n_resamples=n_resamples,
        n_bins=n_bins,
        cautions=_cautions(given.names, given.arrays, comparison, unreachable),
        _tables=_tables(comparison, sizes, adjust, level),
        _pairs=tuple(comparison.pairs),
        _whole=comparison.whole,
        _seed=int(rng.integers(2**63)),
    )


@dataclass(frozen=True)
class GlobalTestResult:
    """The answer of `PairwiseMMDResult.global_test`.

    Attributes
    ----------
    statistic : float
        The sum over pairs of MMD^2, combined over the components of the kernel.
    pvalue : float
        Of the null hypothesis that all groups come from one distribution; never 0.
    n_resamples : int
        Random relabelings over all groups.
    """

    statistic: float
    pvalue: float
    n_resamples: int

    def __str__(self) -> str:
        return (
            f"Do all groups come from one distribution? p-value {self.pvalue:.4g} "
            f"({self.n_resamples:,} random relabelings over all groups)"
        )


@dataclass(frozen=True, eq=False, repr=False)
class PairwiseMMDResult:
    """The answer of `pairwise_mmd_test`: tables, pictures and a report.

    Every table is a DataFrame with the groups as rows and columns, symmetric.

    Attributes
    ----------
    names : tuple
        The groups, in the order of the tables.
    sizes : tuple of int
        Their rows.
    kernel : Kernel
        The one fitted kernel: pass it to another call to compare numbers.
    combine, adjust : str
    confidence_level : float
    n_resamples : int
        Asked for; pairs with fewer distinct relabelings used all of them.
    n_bins : "auto", "rows" or int
        Asked for; `to_frame` has the movable units of each pair.
    cautions : tuple of str
        What a reader of the result should know.
    """

    names: tuple[Hashable, ...]
    sizes: tuple[int, ...]
    kernel: Kernel
    combine: Combine
    adjust: Adjust
    confidence_level: float
    n_resamples: int
    n_bins: Literal["auto", "rows"] | int
    cautions: tuple[str, ...]
    _tables: dict[str, Float64] = field(repr=False)
    _pairs: tuple[Pair, ...] = field(repr=False)
    _whole: WholeSums = field(repr=False)
    _seed: int = field(repr=False)

    @property
    def mmd_squared(self) -> "pd.DataFrame":
        """Unbiased MMD^2 in kernel units; 0 on the diagonal."""
        return self._table("mmd_squared")

    @property
    def standard_error(self) -> "pd.DataFrame":
        """Standard error of MMD^2; NaN on the diagonal."""
        return self._table("standard_error")

    @property
    def ci_low(self) -> "pd.DataFrame":
        """Lower end of the interval for MMD^2, at `confidence_level`, cell by cell."""
        return self._table("ci_low")

    @property
    def ci_high(self) -> "pd.DataFrame":
        """Upper end of the interval for MMD^2, at `confidence_level`, cell by cell."""
        return self._table("ci_high")

    @property
    def pvalue(self) -> "pd.DataFrame":
        """Exact p-value of each pair by itself; NaN on the diagonal."""
        return self._table("pvalue")

    @property
    def pvalue_adjusted(self) -> "pd.DataFrame":
        """p-values adjusted for the number of pairs by `adjust`; NaN on the diagonal."""
        return self._table("pvalue_adjusted")

    @property
    def effect(self) -> "pd.DataFrame":
        """How far: MMD^2 over the mean spread of the two groups, free of their sizes.

        The spread of a group is ``mean k(x, x) - mean k(x, x')``; for the linear kernel the effect
        is Cohen's d squared (a trace over columns). 0 on the diagonal.
        """
        return self._table("effect")

    @property
    def noise_floor(self) -> "pd.DataFrame":
        """What two samples of one group show: 95 % of their MMD^2 lie below it.

        From random halves of each group, brought to the sizes of the cell; the larger of the two
        groups' floors. On the diagonal the group's own floor at its own size. NaN for groups of
        fewer than four rows. It is an estimate: with about 64 bins its own standard error is
        some 10 to 15 %.
        """
        return self._table("noise_floor")

    @property
    def times_floor(self) -> "pd.DataFrame":
        """How clearly: MMD^2 over the noise floor of the cell. It grows with the sizes."""
        return self._table("times_floor")

    def global_test(self, n_resamples: int = 9999) -> GlobalTestResult:
        """Test whether any groups differ: all come from one distribution under the null.

        Parameters
        ----------
        n_resamples : int
            Random relabelings over all groups. Default 9999.

        Returns
        -------
        GlobalTestResult

        Notes
        -----
        Units of 8 to 31 in the smallest group are shuffled over all groups. The statistic is, for
        each component, the sum over pairs of MMD^2, combined as in each pair.
        ``O(B (U^2 + sum U_g^2))`` a component for U units in all.
        """
        n_resamples = _checks.whole_number("n_resamples", n_resamples, 1, MOST_RESAMPLES)
        null = whole_null(
            self._whole,
            list(self.sizes),
            combine=self.combine,
            weights=np.array(self.kernel._weights),
            n_resamples=n_resamples,
            rng=np.random.default_rng(self._seed),
        )
        return GlobalTestResult(float(null.statistic[0]), null.pvalue, n_resamples)

    def to_frame(self) -> "pd.DataFrame":
        """Return a tidy table with one row a pair."""
        import pandas as pd

        i, j = np.array([(pair.first, pair.second) for pair in self._pairs]).T
        columns: dict[str, Any] = {
            "first": [self.names[g] for g in i],
            "second": [self.names[h] for h in j],
            "n_first": [self.sizes[g] for g in i],
            "n_second": [self.sizes[h] for h in j],
        }
        columns |= {name: table[i, j] for name, table in self._tables.items()}
        columns["n_resamples"] = [pair.n_resamples for pair in self._pairs]
        columns["n_bins"] = [pair.n_bins for pair in self._pairs]
        columns["exhaustive"] = [pair.exhaustive for pair in self._pairs]
        return pd.DataFrame(columns)

    def to_csv(self, path: str | Path) -> None:
        """Write `to_frame()` to a file, which appears when it is complete."""
        from repdist.report import write_text

        write_text(path, self.to_frame().to_csv(index=False))

    def to_html(self, path: str | Path, *, title: str = "Which groups differ?") -> None:
        """Write one self-contained page: pictures, a table that sorts, the method, the call.

        Parameters
        ----------
        path : str or Path
            The file, which appears when it is complete.
        title : str
            The heading.

        Raises
        ------
        TypeError
            If `title` is not text.
        """
        from repdist.report import pairwise_page, write_text

        write_text(path, pairwise_page(self, _checks.text("title", title)))

    def plot(
        self, ax: "Axes | None" = None, *, order: Literal["given", "clustered"] = "given"
    ) -> "Axes":
        """Draw the distances as a heat map, with their significance; the diagonal is the floor.

        Parameters
        ----------
        ax : matplotlib Axes, optional
        order : {"given", "clustered"}
            Of the groups. ``"clustered"`` puts groups beside each other that are close.

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_table

        _checks.choice("order", order, ("given", "clustered"))
        return plot_table(self, ax, order)

    def dendrogram(self, ax: "Axes | None" = None) -> "Axes":
        """Draw which groups are closest: average linkage of ``sqrt(max(MMD^2, 0))``.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes
        """
        from repdist.plotting import plot_dendrogram

        return plot_dendrogram(self, ax)

    def embed(self, ax: "Axes | None" = None) -> "Axes":
        """Draw a map of the groups by classical scaling, with the noise floor as scale bar.

        Parameters
        ----------
        ax : matplotlib Axes, optional

        Returns
        -------
        matplotlib Axes
            Points are placed so that their distances approximate ``sqrt(max(MMD^2, 0))``.
        """
        from repdist.plotting import plot_map

        return plot_map(self, ax)

    def summary(self) -> str:
        """Return the result in at most twelve lines that a person can read."""
        frame = self.to_frame()
        significant = int((frame["pvalue_adjusted"] <= 0.05).sum())
        by_effect = frame.sort_values("effect", ascending=False)
        near, far = by_effect.iloc[-1], by_effect.iloc[0]
        low, high = min(self.sizes), max(self.sizes)
        rows = f"{low}" if low == high else f"{low} to {high}"
        lines = [
            f"{len(self.names)} groups of {rows} rows, {len(frame)} pairs",
            f"  differ   {significant} pairs at .05 ({self.adjust}-adjusted)",
            f"  farthest {_row_line(far)}",
            f"  closest  {_row_line(near)}",
            f"  kernel   {self.kernel._line}",
            f"  null     up to {self.n_resamples:,} relabelings within each pair",
        ]
        return "\n".join(lines + [f"  caution  {caution}" for caution in self.cautions[:5]])

    def __str__(self) -> str:
        return self.summary()

    def __repr__(self) -> str:
        return f"PairwiseMMDResult({len(self.names)} groups, {len(self._pairs)} pairs)"

    def _table(self, name: str) -> "pd.DataFrame":
        import pandas as pd

        index = pd.Index(list(self.names), tupleize_cols=False)
        return pd.DataFrame(self._tables[name].copy(), index=index, columns=index)


# --- from pairs to tables ------------------------------------------------------------------------


def _tables(
    comparison: Comparison, sizes: list[int], adjust: Adjust, level: float
) -> dict[str, Float64]:
    pairs, k = comparison.pairs, len(sizes)
    z = NormalDist().inv_cdf((1 + level) / 2)

    def fill(values: Any, diagonal: float = math.nan) -> Float64:
        table = np.full((k, k), diagonal)
        for pair, value in zip(pairs, values, strict=True):
            table[pair.first, pair.second] = table[pair.second, pair.first] = value
        return table

    mmd_squared = np.array([pair.mmd_squared for pair in pairs])
    error = np.array([pair.standard_error for pair in pairs])
    null_variance = np.array([pair.null_variance for pair in pairs])
    pvalues = np.array([pair.pvalue for pair in pairs])
    spread, rate = comparison.spread, comparison.floor_rate
    both = np.array([spread[pair.first] + spread[pair.second] for pair in pairs]) / 2
    floor = np.fmax.outer(rate, rate) * np.add.outer(1 / np.array(sizes), 1 / np.array(sizes))
    upper = mmd_squared + z * np.sqrt(error**2 + 3 * null_variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        effect = np.where(both > 0, mmd_squared / both, np.nan)
        table = fill(mmd_squared, 0.0)
        times_floor = np.where(floor > 0, table / floor, np.nan)
    np.fill_diagonal(times_floor, np.nan)
    return {
        "mmd_squared": table,
        "standard_error": fill(error),
        "ci_low": fill(np.maximum(mmd_squared - z * error, 0)),
        "ci_high": fill(np.maximum(upper, 0)),
        "pvalue": fill(pvalues),
        "pvalue_adjusted": fill(adjusted(pvalues, adjust)),
        "effect": fill(effect, 0.0),
        "noise_floor": floor,
        "times_floor": times_floor,
    }


def adjusted(pvalues: Float64, adjust: str) -> Float64:
    """Return p-values adjusted by a method of statsmodels, or as they are for ``"none"``."""
    if adjust == "none":
        return pvalues
    from statsmodels.stats.multitest import multipletests

    with np.errstate(divide="ignore"):  # Sidak's logarithm at p = 1
        return np.asarray(multipletests(pvalues, method=adjust)[1])


def _unreachable(pairs: list[Pair], adjust: str, n_resamples: int) -> str:
    """Return what to say if some pair can never be significant at .05, else the empty string."""
    least = np.array([pair.least_pvalue for pair in pairs])
    if least.max() * len(pairs) * (1 + math.log(len(pairs))) <= 0.05:
        return ""  # within reach of every method; the one asked for need not be computed
    reached = adjusted(least, adjust)
    lost = [pair for pair, p in zip(pairs, reached, strict=True) if p > 0.05 * (1 + 1e-9)]
    if not lost:
        return ""
    found = (
        f"{len(lost)} of {len(pairs)} pairs cannot reach an adjusted p-value of .05 ({adjust}; "
        f"the least is up to {reached.max():.2g})"
    )
    advice = []
    if any(pair.exhaustive for pair in lost):
        rows = _smallest(lambda n: 2 / math.comb(2 * n, n), len(pairs), adjust)
        advice.append(f"with so few rows; groups of {rows} rows would do")
    if not all(pair.exhaustive for pair in lost):
        wanted = _smallest(lambda b: 1 / (b + 1), len(pairs), adjust)
        advice.append(f"with n_resamples={n_resamples}; {wanted} would do")
    return f"{found} {', or '.join(advice)}"


def _smallest(least_pvalue: Callable[[int], float], count: int, adjust: str) -> int:
    """Return the smallest number whose least p-value, in `count` pairs, stays at .05."""
    high = 1
    while not _reaches(least_pvalue(high), count, adjust):
        high *= 2
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if _reaches(least_pvalue(middle), count, adjust):
            high = middle
        else:
            low = middle
    return high


def _reaches(pvalue: float, count: int, adjust: str) -> bool:
    return float(adjusted(np.full(count, min(pvalue, 1.0)), adjust).min()) <= 0.05 * (1 + 1e-9)


def _cautions(
    names: tuple[Hashable, ...], arrays: list[Any], comparison: Comparison, unreachable: str
) -> tuple[str, ...]:
    found = [unreachable] if unreachable else []
    equal = [name for name, a in zip(names, arrays, strict=True) if _samples.is_constant(a)]
    if equal:
        found.append(f"all rows are equal in {', '.join(map(repr, equal))}")
    still = sum(not pair.varies for pair in comparison.pairs)
    if still:
        found.append(
            f"the statistic of {still} pair(s) varies less than rounding can tell, so p = 1"
        )
    few = [name for name, rate in zip(names, comparison.floor_rate, strict=True) if rate != rate]
    if few:
        found.append(f"no noise floor for {', '.join(map(repr, few))}: fewer than four rows")
    return tuple(found)


def _row_line(row: Any) -> str:
    return (
        f"{row['first']} and {row['second']}: MMD^2 {row['mmd_squared']:.3g}, effect "
        f"{row['effect']:.3g}, adjusted p {row['pvalue_adjusted']:.3g}"
    )
