"""A metric within each class: that of its rows, and what is adjusted over all."""

import numpy as np
import pytest

from repdist import metrics
from repdist._inference.multiplicity import adjusted

RNG = np.random.default_rng(5)
REAL, FAKE = RNG.normal(size=(130, 3)), RNG.normal(size=(126, 3))
OF_REAL = np.repeat(["cat", "dog", "owl"], [60, 69, 1])
OF_FAKE = np.repeat(["dog", "cat", "ant"], [50, 70, 6])
FAKE[OF_FAKE == "dog"] += 1
COLUMNS = [
    "n", "m", "value", "unbiased", "standard_error", "ci_low", "ci_high", "pvalue",
    "pvalue_adjusted",
]  # fmt: skip


def by_label(metric, **options):
    rows = options.pop("rows", (REAL, OF_REAL, FAKE, OF_FAKE))
    return metrics.by_label(metric, *rows, **{"n_resamples": 199, "rng": 0} | options)


@pytest.mark.parametrize("metric", ["kid", "cmmd", "kad", "fid"])
def test_each_row_is_the_metric_of_its_rows(metric):
    table = by_label(metric)
    assert table.index.tolist() == ["ant", "cat", "dog", "owl"]
    assert table.index.name == "label"
    assert table.columns.tolist() == COLUMNS
    assert table[["n", "m"]].to_numpy().tolist() == [[0, 6], [60, 70], [69, 50], [1, 0]]
    assert table.loc[["ant", "owl"], COLUMNS[2:]].isna().all(axis=None)
    for label in ("cat", "dog"):
        rows = REAL[label == OF_REAL], FAKE[label == OF_FAKE]
        found = getattr(metrics, metric)(*rows, rng=0)
        assert table.value[label] == pytest.approx(found.value, rel=1e-12)
        if metric != "fid":  # whose error depends on who is left out with whom
            assert table.standard_error[label] == pytest.approx(found.standard_error, rel=1e-12)
            assert table.ci_low[label] == pytest.approx(found.confidence_interval()[0], abs=0.05)
        assert table.ci_low[label] <= max(0, table.unbiased[label]) <= table.ci_high[label]
    known = table.pvalue.dropna()
    assert len(known) == (0 if metric == "fid" else 2)
    if len(known):
        expected = adjusted(known.to_numpy(), "holm")
        np.testing.assert_array_equal(table.pvalue_adjusted.dropna(), expected)
        assert table.pvalue_adjusted["dog"] <= 0.05


def test_a_label_has_random_numbers_of_its_own():
    kept = OF_REAL != "cat"
    alone = by_label("fid", rows=(REAL[kept], OF_REAL[kept], FAKE, OF_FAKE))
    assert alone.unbiased["dog"] == by_label("fid").unbiased["dog"]
    assert alone.unbiased["dog"] != by_label("fid", rng=1).unbiased["dog"]


def test_other_adjustments():
    table = by_label("kad", adjust="bonferroni")
    np.testing.assert_allclose(table.pvalue_adjusted, np.minimum(1, 2 * table.pvalue))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"metric": "fad"}, ValueError, '`metric` must be one of "kid", "cmmd", "kad", "fid"; got'),
        ({"metric": 3}, TypeError, "`metric` must be one of"),
        ({"adjust": "tukey"}, ValueError, "`adjust` must be one of"),
        ({"n_resamples": 0}, ValueError, "`n_resamples` must be at least 1"),
        ({"metric": "fid", "n_resamples": 0}, ValueError, "`n_resamples` must be at least 1"),
        ({"rng": -1}, ValueError, "`rng` must be"),
        ({"rows": (REAL, OF_REAL[1:], FAKE, OF_FAKE)}, ValueError, "`real_labels` must .* 130"),
        ({"rows": (REAL, "kind", FAKE, OF_FAKE)}, TypeError, "`real_labels` must be a sequence"),
        ({"rows": (REAL, OF_REAL, FAKE, [None] * 126)}, ValueError, "`fake_labels` must not be"),
        ({"rows": (REAL, OF_REAL, FAKE * np.nan, OF_FAKE)}, ValueError, "`fake` must hold finite"),
        ({"rows": (REAL, OF_REAL, FAKE, ["x"] * 126)}, ValueError, "a label with 2 rows in both"),
    ],
)
def test_bad_input_is_named(change, error, message):
    with pytest.raises(error, match=message):
        by_label(**{"metric": "kid"} | change)


def test_a_constant_class_is_named():
    real, fake = (np.where(labels[:, None] == "cat", 1.0, rows)
                  for labels, rows in ((OF_REAL, REAL), (OF_FAKE, FAKE)))  # fmt: skip
    with pytest.raises(ValueError, match="with label 'cat' must not be constant"):
        by_label("kid", rows=(real, OF_REAL, fake, OF_FAKE))
