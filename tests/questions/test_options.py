"""Options that are none are refused in words, before any sample is read."""

import json

import numpy as np
import pytest
from given import RELABELINGS, X, Y, in_order, result_of

import repdist
from repdist import kernels

BAD_OPTIONS = [
    ("n_resamples", 0, ValueError, "at least 1; got 0"),
    ("n_resamples", -5, ValueError, "at least 1; got -5"),
    ("n_resamples", 1.5, TypeError, "whole number"),
    ("n_resamples", 100.0, TypeError, "whole number"),
    ("n_resamples", True, TypeError, "whole number"),
    ("n_resamples", "10", TypeError, "whole number"),
    ("n_resamples", None, TypeError, "whole number"),
    ("estimator", "v-statistic", ValueError, '"unbiased", "biased"; got'),
    ("estimator", None, TypeError, '"unbiased", "biased"; got'),
    ("estimator", True, TypeError, '"unbiased", "biased"; got'),
    ("combine", "sum", ValueError, '"max", "mean", "fuse"; got'),
    ("combine", "MAX", ValueError, '"max", "mean", "fuse"; got'),
    ("combine", max, TypeError, '"max", "mean", "fuse"; got'),
    ("n_bins", 1, ValueError, "at least 2; got 1"),
    ("n_bins", 0, ValueError, "at least 2; got 0"),
    ("n_bins", "many", ValueError, '"auto", "rows"'),
    ("n_bins", 2.5, TypeError, '"auto", "rows" or a whole number'),
    ("n_bins", True, TypeError, '"auto", "rows" or a whole number'),
    ("n_bins", None, TypeError, '"auto", "rows" or a whole number'),
    ("n_bins", 11, ValueError, 'at most the 10 rows of the smaller sample; got 11. Use "rows"'),
    ("kernel", "rbf", TypeError, "a kernel object such as `repdist.kernels.RBF()`"),
    ("kernel", lambda x, y: x @ y.T, TypeError, "The others are in `repdist.kernels`"),
    ("kernel", kernels.RBF, TypeError, "Use `RBF()`"),
    ("kernel", None, TypeError, "a kernel object such as"),
    ("kernel", [kernels.RBF()], TypeError, "a kernel object such as"),
    ("rng", "0", TypeError, "None, a whole number of at least 0, or a numpy.random.Generator"),
    ("rng", -1, ValueError, "a whole number of at least 0"),
    ("rng", True, TypeError, "a whole number of at least 0"),
    ("rng", 1.5, TypeError, "a whole number of at least 0"),
    ("rng", np.random, TypeError, "a whole number of at least 0"),
    ("n_jobs", 0, ValueError, "-1 (all cores) or at least 1; got 0"),
    ("n_jobs", -2, ValueError, "-1 (all cores) or at least 1; got -2"),
    ("n_jobs", "all", TypeError, "a whole number"),
    ("n_jobs", 1.5, TypeError, "a whole number"),
    ("n_jobs", True, TypeError, "a whole number"),
    ("n_jobs", None, TypeError, "a whole number"),
    ("n_jobs", np.array([1, 2]), TypeError, "a whole number"),
    ("progress", 1, TypeError, "True or False; got 1"),
    ("progress", "yes", TypeError, "True or False; got"),
    ("progress", None, TypeError, "True or False; got"),
]


@pytest.mark.parametrize(("name", "value", "error", "requirement"), BAD_OPTIONS)
def test_a_bad_option(name, value, error, requirement):
    options = {"rng": 0} | {name: value}
    with pytest.raises(error, match=in_order(f"`{name}` must", requirement)):
        repdist.mmd_test(X, Y, **options)
    if name in ("kernel", "estimator"):
        with pytest.raises(error, match=in_order(f"`{name}` must", requirement)):
            repdist.mmd_squared(X, Y, **{name: value})


def test_options_are_checked_before_the_samples_are_read():
    class Untouchable:
        def __array__(self, dtype=None, copy=None):
            raise AssertionError

    with pytest.raises(ValueError, match="`n_resamples` must be at least 1"):
        repdist.mmd_test(Untouchable(), Y, n_resamples=0)


@pytest.mark.parametrize(
    ("name", "value", "plain"),
    [
        ("n_resamples", np.int64(20), 20),
        ("n_bins", np.int32(5), 5),
        ("n_bins", np.int64(10), 10),
        ("n_jobs", np.int64(1), 1),
        ("rng", np.int64(7), 7),
        ("rng", np.random.default_rng(7), 7),
        ("rng", np.random.SeedSequence(7), 7),
    ],
)
def test_numpy_integers_and_generators_are_options(name, value, plain):
    common = {"n_resamples": RELABELINGS, "rng": 0}
    got = repdist.mmd_test(X, Y, **(common | {name: value}))
    expected = repdist.mmd_test(X, Y, **(common | {name: plain}))
    assert json.dumps(got.to_dict()) == json.dumps(expected.to_dict())


def test_options_are_keyword_only():
    with pytest.raises(TypeError, match="positional"):
        repdist.mmd_test(X, Y, kernels.RBF())
    with pytest.raises(TypeError, match="unexpected keyword"):
        repdist.mmd_test(X, Y, permutations=100)


@pytest.mark.parametrize(
    ("level", "error", "requirement"),
    [
        (0, ValueError, "strictly between 0 and 1; got 0"),
        (1, ValueError, "strictly between 0 and 1; got 1"),
        (95, ValueError, "strictly between 0 and 1; got 95"),
        (-0.5, ValueError, "strictly between 0 and 1; got -0.5"),
        (np.nan, ValueError, "finite number; got nan"),
        ("0.95", TypeError, "a number; got '0.95'"),
        (True, TypeError, "a number; got True"),
        (None, TypeError, "a number; got None"),
        ([0.9], TypeError, "a number; got [0.9]"),
    ],
)
def test_a_bad_confidence_level(level, error, requirement):
    result = result_of(X, Y)
    with pytest.raises(error, match=in_order("`confidence_level` must", requirement)):
        result.confidence_interval(level)
