"""What the result of a two-sample test says."""

import html
import json
import pickle
import re

import numpy as np
import pytest

import repdist
from repdist import kernels


def samples(n=40, m=50, d=3, shift=0.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift
    return X.astype(dtype), Y.astype(dtype)


def test_summary_is_short_and_says_what_was_done():
    result = repdist.mmd_test(*samples(300, 400, dtype=np.float32), rng=0)
    lines = str(result).splitlines()
    assert len(lines) <= 12
    for part in ("300", "400", "p-value", "interval", "bandwidths", "16,383", "bins of 4 rows"):
        assert part in str(result)
    assert "pvalue=" in repr(result)


def test_summary_stays_short_with_every_caution():
    X = np.repeat(np.eye(3), 3, axis=0)[:, :1]
    X = np.concatenate([X, np.zeros((9, 1))], axis=1)
    result = repdist.mmd_test(X[:3], X[6:9], n_resamples=10, rng=0)
    assert len(result.summary().splitlines()) <= 12


def test_to_dict_holds_the_numbers():
    for kernel in (kernels.MultiRBF(), kernels.Energy()):
        result = repdist.mmd_test(*samples(), kernel=kernel, rng=0)
        answer = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert answer["pvalue"] == result.pvalue
        assert answer["mmd_squared"] == result.mmd_squared
        assert len(answer["components"]) == len(result.components)
        assert answer["confidence_interval_95"] == list(result.confidence_interval())


def test_the_summary_says_what_the_estimate_and_the_least_p_are():
    X, Y = samples(shift=1.0)
    biased = str(repdist.mmd_test(X, Y, estimator="biased", rng=0))
    assert "biased; unbiased" in biased
    assert "p-value  6.104e-05, the least that 16,383 relabelings can give" in biased
    assert "interval 0 (cut) to" in str(repdist.mmd_test(*samples(), rng=0))
    assert "644 rows keep their label" in str(repdist.mmd_test(*samples(20, 900), rng=0))
    assert "all 70 relabelings of single rows" in str(repdist.mmd_test(*samples(4, 4)))


@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
@pytest.mark.parametrize("size", [4, 40])
def test_the_null_distribution_is_made_when_asked_for_and_the_same_after_pickling(size, combine):
    result = repdist.mmd_test(*samples(size, size, shift=0.5), combine=combine, rng=0)
    before = pickle.loads(pickle.dumps(result))
    assert "null_distribution" not in vars(before)
    null = result.null_distribution
    after = pickle.loads(pickle.dumps(result))
    for again in (before, after):
        np.testing.assert_array_equal(again.null_distribution, null)
        assert again.statistic == result.statistic
    assert result.null_distribution is null
    reached = (null >= result.statistic - 1e-9).sum()
    assert result.pvalue == (reached / 70 if result.exhaustive else (1 + reached) / 16_384)


@pytest.mark.parametrize("kernel", [kernels.MultiRBF(), kernels.Energy()], ids=repr)
def test_the_page_holds_the_summary_and_the_components(kernel, tmp_path):
    result = repdist.mmd_test(*samples(shift=0.5), kernel=kernel, rng=0)
    result.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>Do the samples differ?</h1>" in page
    assert result._repr_html_() in page
    assert page.count("data:image/png;base64,") == 1
    assert page.count('data-heading="Bandwidth"') == len(result.components)
    for value in result.components["mmd_squared"]:
        assert f'data-value="{value!r}"' in page


@pytest.mark.parametrize(
    "options",
    [{}, {"combine": "fuse", "n_bins": 10}, {"estimator": "biased", "kernel": kernels.Laplacian()}],
    ids=str,
)
def test_the_call_in_the_page_repeats_the_result(options, tmp_path):
    X, Y = samples(200, 150, shift=0.5)
    result = repdist.mmd_test(X, Y, n_resamples=299, rng=0, **options)
    result.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    again = eval(html.unescape(re.search("<pre>(.*?)</pre>", page)[1]))
    assert again.mmd_squared == pytest.approx(result.mmd_squared, rel=1e-9)
    for name in ("kernel", "estimator", "combine", "n_resamples", "n_bins", "relabelings"):
        assert getattr(again, name) == getattr(result, name)
