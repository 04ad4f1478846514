"""Paired rows as users test them: what the result says, and what it keeps."""

import html
import json
import math
import pickle
import re

import numpy as np
import pytest

import repdist
from repdist import kernels


def pairs(n, d=3, correlation=0.9, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    return X, correlation * X + math.sqrt(1 - correlation**2) * rng.normal(size=(n, d)) + shift


def paired_test(X, Y, **options):
    return repdist.mmd_test(X, Y, paired=True, **{"rng": 0, **options})


def test_paired_rows_that_are_shuffled_are_told():
    X, Y = pairs(60, d=5)
    words = "are both in one order?"
    assert paired_test(X, Y).cautions == ()
    (caution,) = paired_test(X, np.random.default_rng(0).permutation(Y)).cautions
    assert words in caution
    few = paired_test(X[:15], Y[:15][::-1])  # too few to tell
    assert not any(words in caution for caution in few.cautions)


def test_paired_rows_that_are_given_as_independent_are_told():
    X, Y = pairs(60, d=5)
    (caution,) = repdist.mmd_test(X, Y, rng=0).cautions
    assert "paired=True" in caution
    shuffled = np.random.default_rng(0).permutation(Y)
    (caution,) = repdist.mmd_test(X, shuffled, rng=0).cautions
    assert caution.startswith("the samples are more alike than rows dealt out at random")


@pytest.mark.parametrize(
    ("n", "options", "words"),
    [
        (6, {}, "all 32 ways to change sides within 6 pairs"),
        (7, {"n_bins": 3}, "all 4 ways to change sides within 3 bins of 2 or 3 pairs"),
        (40, {}, "16,383 ways to change sides within 40 pairs: 64 shuffles, each with 256 swaps"),
        (
            300,
            {"combine": "fuse"},
            "16,383 ways to change sides within 75 bins of 4 pairs: 32 shuffles, each with 512 "
            "swaps",
        ),
    ],
)
def test_the_summary_and_the_method(n, options, words):
    result = paired_test(*pairs(n, shift=0.1), **options)
    lines = str(result).splitlines()
    assert lines[0] == f"Paired MMD test: {n} pairs of rows"
    assert f"null     {words}" in str(result)
    assert len(lines) <= 12
    assert all(len(line) <= 100 for line in lines if "caution" not in line)
    method = result.method()
    assert method.startswith(
        f"The two sides of {n} pairs of rows were compared by the unbiased squared"
    )
    assert f"exact permutation p-value from {words}, and" in method


@pytest.mark.parametrize(
    ("n", "options"),
    [
        (30, {}),
        (200, {"combine": "fuse"}),
        (61, {"n_bins": 14, "estimator": "biased", "kernel": kernels.Laplacian()}),
        (6, {"n_bins": "rows", "kernel": kernels.Energy()}),
    ],
    ids=str,
)
def test_the_call_repeats_the_result(n, options):
    X, Y = pairs(n, shift=0.1)
    result = paired_test(X, Y, n_resamples=299, **options)
    call = result.call()
    assert call.startswith("repdist.mmd_test(X, Y, paired=True, kernel=")
    again = eval(call.replace(")  # and the rng that was used", ", rng=0)"))
    assert again.to_dict() == result.to_dict()
    np.testing.assert_array_equal(again.null_distribution, result.null_distribution)


def test_the_result_can_be_kept(tmp_path):
    X, Y = pairs(60, shift=0.1)
    result, unpaired = paired_test(X, Y), repdist.mmd_test(X, Y, rng=0)
    record = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert (record["paired"], unpaired.to_dict()["paired"]) == (True, False)
    assert (record["n"], record["m"], record["n_bins"]) == (60, 60, 60)
    again = pickle.loads(pickle.dumps(result))
    assert again.to_dict() == result.to_dict()
    assert str(again) == str(result)
    np.testing.assert_array_equal(again.null_distribution, result.null_distribution)
    result.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert result._repr_html_() in page
    assert "Paired MMD test: 60 pairs of rows" in page
    assert html.escape(result.method()) in page
    assert "paired=True" in html.unescape(re.search("<pre>(.*?)</pre>", page)[1])


def test_the_null_distribution_leaves_the_observed_one_out_unless_exhaustive():
    drawn = paired_test(*pairs(40, shift=0.05), n_resamples=123)
    assert (drawn.n_resamples, len(drawn.null_distribution), drawn.exhaustive) == (127, 127, False)
    assert drawn.pvalue == (1 + (drawn.null_distribution >= drawn.statistic).sum()) / 128
    small = paired_test(*pairs(6, shift=0.05))
    assert (small.n_resamples, len(small.null_distribution), small.exhaustive) == (32, 32, True)
    assert small.pvalue == (small.null_distribution >= small.statistic - 1e-9).sum() / 32
