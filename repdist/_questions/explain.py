"""All about two samples: whether they differ, by how much, and in what."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from repdist import _checks
from repdist._arrays import Ids
from repdist._numbers import reaches
from repdist._options import N_LANDMARKS
from repdist._questions.columns import column_names, tested_columns
from repdist._questions.designs import Unmatched, read_two_samples
from repdist._questions.regions import region_test
from repdist._questions.two_sample import mmd_test
from repdist._questions.witness import witness
from repdist._results.explanation import Explanation
from repdist._threads import computing
from repdist._typing import Array, Bins, Combine, Estimator, Method
from repdist.kernels import Kernel, MultiRBF, Precomputed
from repdist.kernels._kernel import check_kernel

_MOST_RANKED = 50_000  # rows of both samples, which are ranked by the witness


def explain(  # noqa: PLR0913 (the options of a test)
    X: Array,
    Y: Array,
    *,
    names: Sequence[Hashable] | None = None,
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
    n_regions: int = 24,
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
    progress: bool = False,
) -> Explanation:
    """Tell whether two samples differ, by how much, and in what: columns, regions, rows.

    `mmd_test`, `column_test`, `region_test` and `witness` on the same rows, and one page of all.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    X : array-like, (n, d), or table
    Y : array-like, (m, d), or table
        As `mmd_test` takes them. Rows are held in memory.
    names : sequence, (d,), optional
        Of the columns; see `column_test`.
    paired : bool
    clusters, strata : pair of sequences, or column name, optional
    unmatched : {"raise", "drop"}
    kernel : Kernel
        Of features: not `Precomputed`.
    estimator : {"unbiased", "biased"}
    combine : {"max", "mean", "fuse"}
    n_resamples : int
    n_bins : {"auto", "rows"} or int
    method : {"exact", "landmarks"}
    n_landmarks : int
        See `mmd_test`.
    n_regions : int
        See `region_test`. Default 24.
    rng : None, int or numpy.random.Generator
        With a number each result is that of its own call with this `rng`; what is said of all
        columns together, where none differs, is the answer of `test`.
    n_jobs : int
    progress : bool
        See `mmd_test`.

    Returns
    -------
    Explanation
        With ``to_html()``, ``summary()``, and the four results.

    Warns
    -----
    RepdistWarning
        See `mmd_test`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    Notes
    -----
    Three questions are asked, each with an error rate of its own: whether the samples differ, which
    columns do, and which regions. Read columns and regions as an explanation of a difference that
    the first has shown. Above 50,000 rows in all they are not ranked, as that takes all pairs.

    Examples
    --------
    >>> import repdist
    >>> features, names = repdist.example_features()
    >>> found = repdist.explain(features[4], features[9], rng=0)
    >>> found.test.pvalue <= 0.05, found.columns.to_frame().loc[0, "direction"]
    (True, 'lower in Y')
    """
    check_kernel(kernel)
    if isinstance(kernel, Precomputed):
        raise TypeError(
            "`kernel` must be a kernel of features; got a Precomputed one, whose rows have no "
            "columns to look at. Use `mmd_test`."
        )
    of_test, of_columns, of_regions = _checks.several(rng, 3)
    test = mmd_test(
        X, Y, paired=paired, clusters=clusters, strata=strata, unmatched=unmatched, kernel=kernel,
        estimator=estimator, combine=combine, n_resamples=n_resamples, n_bins=n_bins,
        method=method, n_landmarks=n_landmarks, rng=of_test, n_jobs=n_jobs, progress=progress,
    )  # fmt: skip
    with computing():
        designed, of_table = read_two_samples(
            X, Y, paired=paired, clusters=clusters, strata=strata, unmatched=unmatched
        )
        X, Y, design = designed.X, designed.Y, designed.design
        called = column_names(names, X.shape[1], of_table)
        stream, jobs = _checks.generator(of_columns), _checks.jobs(n_jobs)
        columns = tested_columns(designed, called, None, n_resamples, stream, jobs)
    if not reaches(columns.pvalue_adjusted).any():
        columns = columns.with_joint(test.pvalue)
    ids: dict[str, Any] = {name: _given(ids) for name, ids in design.ids.items()}
    regions = region_test(
        X, Y, n_regions=n_regions, paired=design.paired, **ids, n_resamples=n_resamples,
        rng=of_regions, n_jobs=n_jobs,
    )  # fmt: skip
    few = len(X) + len(Y) <= _MOST_RANKED
    rows = witness(X, Y, kernel=test.kernel, n_jobs=n_jobs) if few else None
    return Explanation(test, columns, regions, rows, n_regions)


def _given(ids: Ids | None) -> tuple[list[Hashable], list[Hashable]] | None:
    """Return ids as users give them."""
    if ids is None:
        return None
    first, second = ([ids.names[code] for code in codes.tolist()] for codes in ids.codes)
    return first, second
