"""A metric within each class."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from repdist import _arrays, _checks
from repdist._arrays import Ids
from repdist._designs.table_cuts import Streams
from repdist._inference.multiplicity import ADJUSTMENTS, Adjust, adjusted
from repdist._results.metric import MetricResult
from repdist._typing import Array
from repdist.metrics._fid import LEAST_ROWS, fid
from repdist.metrics._mmd import cmmd, kad, kid

if TYPE_CHECKING:
    import pandas as pd

Metric = Literal["kid", "cmmd", "kad", "fid"]
Compute = Callable[..., MetricResult]

_TESTS: dict[str, Compute] = {"kid": kid, "cmmd": cmmd, "kad": kad}
_MEASURED = (
    "value", "unbiased", "standard_error", "ci_low", "ci_high", "pvalue", "pvalue_adjusted",
)  # fmt: skip


def by_label(  # noqa: PLR0913 (the options of a test)
    metric: Metric,
    real: Array,
    real_labels: Any,
    fake: Array,
    fake_labels: Any,
    *,
    n_resamples: int = 9999,
    adjust: Adjust = "holm",
    rng: np.random.Generator | int | None = None,
    n_jobs: int = -1,
) -> "pd.DataFrame":
    """Return a metric within each class, as a table of one row a label.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    metric : {"kid", "cmmd", "kad", "fid"}
    real : array-like, (n, d)
    real_labels : sequence, (n,)
        The class of each row of `real`.
    fake : array-like, (m, d)
    fake_labels : sequence, (m,)
        That of each row of `fake`: what the generator was asked for.
    n_resamples : int
        See `kid`; of FID, which has no test, it says nothing.
    adjust : str
        How p-values are adjusted for the number of labels, as in `repdist.compare_by_label`.
        Default ``"holm"``.
    rng : None, int or numpy.random.Generator
        Each label has random numbers of its own, whatever other labels there are.
    n_jobs : int
        See `kid`.

    Returns
    -------
    pandas.DataFrame
        Columns n, m, value, unbiased, standard_error, ci_low, ci_high (95 %), pvalue and
        pvalue_adjusted, indexed by label. A label with fewer than 2 rows on one side (of FID 40)
        has NaN there, and so has FID for p-values.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    See Also
    --------
    repdist.compare_by_label : all labels under one kernel, with noise floors and pictures.

    Notes
    -----
    KAD's bandwidth is that of each label's real rows: numbers of labels do not compare. FID of few
    rows is mostly bias; compare the column ``unbiased``.

    Examples
    --------
    >>> import numpy as np
    >>> from repdist import metrics
    >>> rng = np.random.default_rng(0)
    >>> real, fake = rng.normal(size=(2, 100, 8))
    >>> labels = np.repeat(["cat", "dog"], 50)
    >>> fake[50:] += 1  # the dogs are poor
    >>> table = metrics.by_label("kid", real, labels, fake, labels, rng=0)
    >>> table["pvalue_adjusted"] <= 0.05
    label
    cat    False
    dog     True
    Name: pvalue_adjusted, dtype: bool
    """
    import pandas as pd

    _checks.choice("metric", metric, (*_TESTS, "fid"))
    _checks.choice("adjust", adjust, ADJUSTMENTS)
    n_resamples, n_jobs = _checks.resamples(n_resamples), _checks.jobs(n_jobs)
    rng = _checks.generator(rng)
    samples = _arrays.read_samples({"real": real, "fake": fake})
    labels = _arrays.read_ids(
        "real_labels` and `fake_labels",  # as messages put it between marks
        [real_labels, fake_labels],
        {"real": len(samples[0]), "fake": len(samples[1])},
        [real, fake],
        ["real_labels", "fake_labels"],
    )
    if metric == "fid":
        compute, least = partial(fid, n_jobs=n_jobs), LEAST_ROWS
    else:
        compute, least = partial(_TESTS[metric], n_resamples=n_resamples, n_jobs=n_jobs), 2
    found = _of_labels(compute, least, samples, labels, rng)
    records = [
        {"label": name, "n": n, "m": m} | found.get(name, {})
        for name, (n, m) in zip(labels.names, labels.counts.tolist(), strict=True)
    ]
    frame = pd.DataFrame(records, columns=["label", "n", "m", *_MEASURED]).set_index("label")
    frame = frame.astype(dict.fromkeys(_MEASURED, np.float64))
    known = frame["pvalue"].notna()
    if known.any():
        frame.loc[known, "pvalue_adjusted"] = adjusted(
            frame.loc[known, "pvalue"].to_numpy(dtype=np.float64), adjust
        )
    return frame


def _of_labels(
    compute: Compute, least: int, samples: list[Array], labels: Ids, rng: np.random.Generator
) -> dict[Hashable, dict[str, float | None]]:
    """Return what was measured of each label that has enough rows."""
    kept = np.flatnonzero(labels.counts.min(axis=1) >= least)
    if not len(kept):
        raise ValueError(
            f"`real_labels` and `fake_labels` must have a label with {least} rows in both samples; "
            "got none."
        )
    streams = Streams(int(rng.integers(2**63)), labels.names)
    found = {}
    for number in kept.tolist():
        parts = [
            _arrays.take_rows(sample, np.flatnonzero(codes == number))
            for sample, codes in zip(samples, labels.codes, strict=True)
        ]
        _arrays.check_varies(parts, f"`real` and `fake` with label {labels.names[number]!r}")
        found[labels.names[number]] = _record(compute(*parts, rng=streams.group(number, "metric")))
    return found


def _record(result: MetricResult) -> dict[str, float | None]:
    low, high = result.confidence_interval()
    return {
        "value": result.value,
        "unbiased": result.unbiased,
        "standard_error": result.standard_error,
        "ci_low": low,
        "ci_high": high,
        "pvalue": result.pvalue,
    }
