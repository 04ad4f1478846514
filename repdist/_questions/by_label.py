"""Whether two samples differ within each class, and in which."""

import dataclasses
import warnings
from typing import Any

import numpy as np

from repdist import _arrays, _checks
from repdist._arrays import Ids
from repdist._designs.table_cuts import Streams, finer
from repdist._inference.estimates import Estimate
from repdist._inference.multiplicity import ADJUSTMENTS, Adjust, unreachable
from repdist._inference.rates import CONFIDENCE
from repdist._options import Options, check_row_numbers
from repdist._questions.cautions import data_cautions
from repdist._questions.designs import Design
from repdist._questions.floors import floor_of_group
from repdist._questions.outcomes import Outcome, tested, tested_finer
from repdist._results.by_label import ByLabelResult
from repdist._threads import Workers, computing, in_order
from repdist._typing import Array, Bins, Combine
from repdist.kernels import Kernel, MultiRBF
from repdist.kernels._kernel import fit
from repdist.kernels._plan import plan

LEAST = 2  # rows of a label in each sample


def compare_by_label(  # noqa: PLR0913 (the options of a test)
    X: Array,
    x_labels: Any,
    Y: Array,
    y_labels: Any,
    *,
    paired: bool = False,
    kernel: Kernel = MultiRBF(),
    combine: Combine = "max",
    n_resamples: int = 9999,
    n_bins: Bins = "auto",
    adjust: Adjust = "holm",
    confidence_level: float = CONFIDENCE,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> ByLabelResult:
    """Compare two samples within each label: classes under two checkpoints, real and generated.

    One test a label, on its rows in `X` and in `Y`, and p-values adjusted for the number of labels.
    All are measured with one kernel, fitted on all rows, so they compare.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    X : array-like, (n, d), or table
    x_labels : sequence, (n,), or column name
        The label of each row of `X`; of a table the name of a column, which is then no feature.
    Y : array-like, (m, d), or table
    y_labels : sequence, (m,), or column name
        Those of `Y`.
    paired : bool
        Whether row i of `X` belongs to row i of `Y`, as the same image through two checkpoints
        does; see `mmd_test`. Both have one label then. Default False.
    kernel : Kernel
        Default ``MultiRBF()``. An unfitted kernel is fitted on all rows.
    combine : {"max", "mean", "fuse"}
    n_resamples : int
    n_bins : {"auto", "rows"} or int
        See `mmd_test`.
    adjust : str
        See `pairwise_mmd_test`. Default ``"holm"``.
    confidence_level : float
        Of the interval of each label. Default 0.95.
    rng : None, int or numpy.random.Generator
    n_jobs : int
    progress : bool
        See `mmd_test`.

    Returns
    -------
    ByLabelResult
        With ``to_frame()``, ``plot()``, ``to_html()``; `left_out` lists labels that have fewer than
        two rows in one of the samples.

    Warns
    -----
    RepdistWarning
        If `n_resamples` or the rows of a label cannot give an adjusted p-value of .05.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described, or no label has two rows in both samples.

    See Also
    --------
    mmd_test : with ``strata=``, one test of all labels together.

    Notes
    -----
    ``O(sum n_l^2 d)`` time for labels of n_l rows in both samples. The p-value of a label depends
    on its name, its rows and `rng` alone (and on the kernel).

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> X, Y = rng.normal(size=(200, 3)), rng.normal(size=(200, 3))
    >>> labels = np.repeat(["cat", "dog"], 100)
    >>> Y[labels == "dog"] += 1
    >>> result = repdist.compare_by_label(X, labels, Y, labels, rng=0)
    >>> result.to_frame()["pvalue_adjusted"].round(4)
    label
    cat    0.4397
    dog    0.0001
    Name: pvalue_adjusted, dtype: float64
    """
    options = Options.checked(
        kernel=kernel, combine=combine, n_resamples=n_resamples, n_bins=n_bins, rng=rng,
        n_jobs=n_jobs, progress=progress,
    )  # fmt: skip
    _checks.choice("adjust", adjust, ADJUSTMENTS)
    paired = _checks.flag("paired", paired)
    level = _checks.fraction("confidence_level", confidence_level)
    check_row_numbers(kernel, {"X": X, "Y": Y})
    with computing():
        samples, labels, columns = _read(X, x_labels, Y, y_labels)
        _arrays.check_varies(samples, "`X` and `Y`")
        if paired:
            _check_paired(samples, labels)
        result = _compared(samples, labels, columns, options, adjust, level, paired=paired)
    finest = [finer(drawn, len(result.names)) for drawn in result.relabelings]
    if lost := unreachable(finest, adjust, "pairs" if paired else "rows", "label"):
        warnings.warn(lost, _checks.RepdistWarning, stacklevel=2)
        return dataclasses.replace(result, cautions=(lost, *result.cautions))
    return result


def _read(X: Any, x_labels: Any, Y: Any, y_labels: Any) -> tuple[list[Array], Ids, tuple[str, ...]]:
    """Return both samples, the labels of their rows, and the names of the columns."""
    given, of_rows = {"X": X, "Y": Y}, {"x_labels": x_labels, "y_labels": y_labels}
    for sample, (name, labels) in zip("XY", of_rows.items(), strict=True):
        if _arrays.is_column_name(labels):
            given[sample], of_rows[name] = _arrays.split_off_ids(
                given[sample], labels, name, sample
            )
    samples = [_arrays.detach(array) for array in _arrays.read_samples(given)]
    sizes = {"X": len(samples[0]), "Y": len(samples[1])}
    labels = _arrays.read_ids(
        "x_labels` and `y_labels",  # as messages put it between marks
        list(of_rows.values()),
        sizes,
        list(given.values()),
        list(of_rows),
    )
    return samples, labels, _arrays.column_names(given["X"])


def _check_paired(samples: list[Array], labels: Ids) -> None:
    """Raise if paired rows are of different number or label, or lie on a cluster."""
    n, m = map(len, samples)
    if n != m:
        raise ValueError(
            "`X` and `Y` must have as many rows if `paired`: row i of `X` belongs to row i of `Y`; "
            f"got {n} and {m}."
        )
    if _arrays.is_lazy(samples[0]):
        raise TypeError(
            "`paired` must be False for dask arrays; got True. Use arrays in memory or in a file."
        )
    first, second = labels.codes
    apart = np.flatnonzero(first != second)
    if len(apart):
        one, other = labels.names[first[apart[0]]], labels.names[second[apart[0]]]
        raise ValueError(
            "`y_labels` must be those of `x_labels` if `paired`; got "
            f"{one!r} and {other!r} in row {apart[0]} ({len(apart)} such in all)."
        )


def _compared(  # noqa: PLR0913 (what was read, and what was asked for)
    samples: list[Array],
    labels: Ids,
    columns: tuple[str, ...],
    options: Options,
    adjust: Adjust,
    level: float,
    *,
    paired: bool,
) -> ByLabelResult:
    counts = labels.counts  # (L, 2)
    kept = np.flatnonzero(counts.min(axis=1) >= LEAST)
    if not len(kept):
        raise ValueError(
            f"`x_labels` and `y_labels` must have a label with {LEAST} rows in both samples; got "
            "none."
        )
    Z = _arrays.concatenate(samples)
    fitted = fit(options.kernel, Z)
    how = plan(fitted)
    streams = Streams(int(options.rng.integers(2**63)), labels.names)
    threads = _arrays.threads_for(samples[0], options.workers.n_jobs)
    inner = options.workers.n_jobs if len(kept) < threads or threads == 1 else 1
    own = dataclasses.replace(options, kernel=fitted, workers=Workers(inner))

    def of_label(number: int) -> tuple[Outcome, float]:
        X, Y = (
            _arrays.take_rows(sample, np.flatnonzero(codes == number))
            for sample, codes in zip(samples, labels.codes, strict=True)
        )
        own.check_smallest(min(len(X), len(Y)), f"rows of {labels.names[number]!r}")
        outcome = _tested(X, Y, number, paired, own, streams, len(kept))
        if outcome.found.floor is not None:
            return outcome, outcome.found.floor()
        first, second = (
            floor_of_group(how, rows, None, None, streams.group(number, f"floor {side}"))
            for side, rows in zip("XY", (X, Y), strict=True)
        )
        return outcome, float(np.fmax(first, second)) * outcome.inverse_sizes

    found = list(in_order(of_label, kept.tolist(), threads if inner == 1 else 1))
    results = [outcome.found for outcome, _ in found]
    return ByLabelResult(
        names=tuple(labels.names[number] for number in kept),
        sizes=tuple((int(n), int(m)) for n, m in counts[kept]),
        left_out={
            labels.names[number]: (int(counts[number, 0]), int(counts[number, 1]))
            for number in np.flatnonzero(counts.min(axis=1) < LEAST)
        },
        paired=paired,
        kernel=fitted,
        combine=options.combine,
        adjust=adjust,
        confidence_level=level,
        n_resamples=options.n_resamples,
        n_bins=options.n_bins,
        estimate=Estimate.of_all(result.estimate for result in results),
        pvalue=np.array([result.pvalue for result in results]),
        spread=np.array([result.spread for result in results]),
        noise_floor=np.array([floor for _, floor in found]),
        relabelings=tuple(outcome.drawn for outcome, _ in found),
        cautions=tuple(data_cautions(samples, Z, fitted, columns, design=Design(paired))),
    )


def _tested(  # noqa: PLR0913 (of one label)
    X: Array,
    Y: Array,
    number: int,
    paired: bool,
    options: Options,
    streams: Streams,
    labels: int,
) -> Outcome:
    """Test the rows of one label; with more relabelings where so many labels ask for them."""

    def outcome_of(wanted: int) -> Outcome:
        rng = streams.group(number, "label")
        own = dataclasses.replace(options, n_resamples=wanted, rng=rng)
        return tested(X, Y, Design(paired), own)

    return tested_finer(outcome_of, options.n_resamples, labels)
