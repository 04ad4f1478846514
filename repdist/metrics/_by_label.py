"""A metric within each class."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

from repdist import _arrays, _checks
from repdist._results.metric import MetricResult
from repdist._typing import Array
from repdist.metrics._fid import fid
from repdist.metrics._mmd import cmmd, kad, kid

if TYPE_CHECKING:
    import pandas as pd

_METRICS: dict[str, Callable[..., MetricResult]] = {
    "kid": kid, "cmmd": cmmd, "kad": kad, "fid": fid,
}  # fmt: skip
_LEAST = {"fid": 40}


def by_label(  # noqa: PLR0913 (rows and labels of both)
    metric: str,
    real: Array,
    real_labels: Any,
    fake: Array,
    fake_labels: Any,
    *,
    rng: np.random.Generator | int | None = None,
    **options: Any,
) -> "pd.DataFrame":
    """Return a metric of each class: one row a label that both have.

    Parameters
    ----------
    metric : {"kid", "cmmd", "kad", "fid"}
    real, fake : array-like, (n, d) and (m, d)
    real_labels, fake_labels : sequences, (n,) and (m,)
        The class of each row.
    rng : None, int or numpy.random.Generator
    **options
        Of the metric.

    Returns
    -------
    pandas.DataFrame
        Columns n, m, value, unbiased, standard_error, ci_low, ci_high, pvalue, and
        pvalue_adjusted by Holm's method, indexed by label. Labels with too few rows of one side
        have NaN.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.
    """
    import pandas as pd

    from repdist._inference.multiplicity import adjusted

    compute = _METRICS[_checks.choice("metric", metric, tuple(_METRICS))]
    least, rng = _LEAST.get(metric, 2), _checks.generator(rng)
    samples = _arrays.read_samples({"real": real, "fake": fake})
    labels = _arrays.read_ids(
        "real_labels` and `fake_labels",
        [real_labels, fake_labels],
        {"real": len(samples[0]), "fake": len(samples[1])},
        [real, fake],
        ["real_labels", "fake_labels"],
    )
    records: list[dict[Hashable, Any]] = []
    for number, name in enumerate(labels.names):
        rows = [np.flatnonzero(codes == number) for codes in labels.codes]
        record: dict[Hashable, Any] = {"label": name, "n": len(rows[0]), "m": len(rows[1])}
        if min(map(len, rows)) >= least:
            parts = [
                _arrays.take_rows(sample, mine) for sample, mine in zip(samples, rows, strict=True)
            ]
            found = compute(*parts, rng=np.random.default_rng(rng.integers(2**63)), **options)
            low, high = found.confidence_interval()
            record |= {
                "value": found.value, "unbiased": found.unbiased,
                "standard_error": found.standard_error, "ci_low": low, "ci_high": high,
                "pvalue": found.pvalue,
            }  # fmt: skip
        records.append(record)
    columns = [
        "label", "n", "m", "value", "unbiased", "standard_error", "ci_low", "ci_high", "pvalue",
    ]  # fmt: skip
    frame = pd.DataFrame(records, columns=columns).set_index("label")
    known = frame["pvalue"].notna()
    frame["pvalue_adjusted"] = np.nan
    if known.any():
        pvalues = frame.loc[known, "pvalue"].to_numpy(dtype=np.float64)
        frame.loc[known, "pvalue_adjusted"] = adjusted(pvalues, "holm")
    return frame
