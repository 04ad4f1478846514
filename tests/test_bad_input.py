"""What is not a sample or an option is refused in words; whatever is one gives one answer."""

import datetime as dt
import json
import re

import numpy as np
import pandas as pd
import pytest
import torch

import repdist
from repdist import _samples, kernels

RNG = np.random.default_rng(20)
X = RNG.normal(size=(12, 3))
Y = RNG.normal(size=(10, 3)) + 0.5
RELABELINGS = 99
INTEGERS = RNG.integers(0, 5, size=(12, 3)), RNG.integers(0, 7, size=(10, 3))
GRAM = X @ X.T


def with_value(value, row, column):
    changed = X.copy()
    changed[row, column] = value
    return changed


def in_order(*parts):
    """Return a pattern that finds these texts in this order."""
    return ".*".join(map(re.escape, parts))


def message_or(call):
    """Return what the call returns, or the message of its refusal."""
    try:
        return call()
    except (TypeError, ValueError) as error:
        return str(error)


def test_of(*samples, **options):
    return repdist.mmd_test(*samples, n_resamples=RELABELINGS, rng=0, **options)


test_of.__test__ = False  # a helper

CALLS = {
    "mmd_test": test_of,
    "mmd_squared": repdist.mmd_squared,
    "median_heuristic": repdist.median_heuristic,
}


# --- samples -------------------------------------------------------------------------------------

BAD_SAMPLES = {
    "NaN": (with_value(np.nan, 3, 1), ValueError, ("finite", "nan in row 3, column 1", "Drop")),
    "infinity": (with_value(np.inf, 5, 2), ValueError, ("finite", "inf in row 5", "Drop")),
    "minus infinity": (with_value(-np.inf, 0, 0), ValueError, ("finite", "-inf in row 0", "Drop")),
    "float32 NaN": (with_value(np.nan, 2, 0).astype("f4"), ValueError, ("nan in row 2", "Drop")),
    "no rows": (X[:0], ValueError, ("at least", "row", "got 0")),
    "empty list": ([], ValueError, ("at least", "row", "got 0")),
    "list of empty rows": ([[], []], ValueError, ("at least one column", "(2, 0)")),
    "no columns": (X[:, :0], ValueError, ("at least one column", "(12, 0)")),
    "3-D": (X[:, :, None], ValueError, ("(rows, columns)", "got 3 dimensions", "reshape(len(")),
    "scalar": (3.0, ValueError, ("(rows, columns)", "single value 3.0")),
    "zero-dimensional": (np.array(3.0), ValueError, ("(rows, columns)", "single value 3.0")),
    "text": (np.full((12, 3), "a"), TypeError, ("real numbers", "<U1", "numeric columns")),
    "list of text": ([["1", "2", "3"]] * 4, TypeError, ("real numbers", "<U1", "numeric columns")),
    "one text": ("a.npy", TypeError, ("real numbers", "'a.npy' (str)")),
    "bytes": (b"abc", TypeError, ("real numbers", "b'abc' (bytes)")),
    "objects": (X.astype(object), TypeError, ("real numbers", "dtype object", "numeric columns")),
    "complex": (X + 0j, TypeError, ("real numbers", "complex128", "real and imaginary parts")),
    "datetime": (
        np.full((12, 3), "2024-01-01", "M8[D]"),
        TypeError,
        ("real numbers", "datetime64", "numeric columns"),
    ),
    "datetime object": (dt.date(2024, 1, 1), TypeError, ("real numbers", "date")),
    "timedelta": (np.full((12, 3), 1, "m8[s]"), TypeError, ("real numbers", "timedelta64")),
    "records": (np.zeros(12, [("a", "f8")]), TypeError, ("real numbers", "'a'")),
    "ragged": ([[1.0, 2.0], [3.0]], ValueError, ("array of numbers", "the same length")),
    "set": ({1.0, 2.0}, TypeError, ("real numbers", "(set)")),
    "generator": ((x for x in X), TypeError, ("real numbers", "generator")),
    "function": (len, TypeError, ("real numbers", "built-in function len")),
    "masked": (np.ma.masked_greater(X, 1), TypeError, ("masked array", "Fill it or drop")),
    "masked rows": (list(np.ma.masked_greater(X, 1)), TypeError, ("masked array", "Fill it or")),
    "dict": ({"a": X, "b": Y}, TypeError, ("one array of rows", "a dict", "'a', 'b'", "Pass one")),
    "empty dict": ({}, TypeError, ("one array of rows", "a dict", "(none)")),
    "class": (dict, TypeError, ("real numbers", "dict")),
    "groups of a frame": (pd.DataFrame(X).groupby(0), ValueError, ("array of numbers", "length")),
    "DataFrame with text": (
        pd.DataFrame(X).assign(name="a"),
        TypeError,
        ("real numbers", "numeric columns", "astype(float)"),
    ),
    "DataFrame with bool and float": (
        pd.DataFrame(X).assign(flag=True),
        TypeError,
        ("real numbers", "numeric columns", "astype(float)"),
    ),
    "DataFrame with a missing value": (
        pd.DataFrame(with_value(np.nan, 4, 0)),
        ValueError,
        ("finite", "row 4", "Drop"),
    ),
    "categorical": (pd.Series(["a", "b"], dtype="category"), TypeError, ("real numbers", "object")),
}
NO_SAMPLES = {"None": (None, TypeError, ("real numbers", "None"))}
NO_PAIRS = {
    "one row": (X[:1], ValueError, ("at least 2 rows", "got 1")),
    "one number": ([1.0], ValueError, ("at least 2 rows", "got 1")),
}


def parametrize_cases(cases):
    return pytest.mark.parametrize(("bad", "error", "parts"), list(cases.values()), ids=list(cases))


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
@parametrize_cases(BAD_SAMPLES | NO_SAMPLES)
def test_a_bad_first_sample(function, bad, error, parts):
    with pytest.raises(error, match=in_order("`X` must", *parts)):
        function(bad, Y)


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
@parametrize_cases(BAD_SAMPLES)
def test_a_bad_second_sample(function, bad, error, parts):
    with pytest.raises(error, match=in_order("`Y` must", *parts)):
        function(X, bad)


@pytest.mark.parametrize("function", [test_of, repdist.mmd_squared])
@parametrize_cases(NO_SAMPLES | NO_PAIRS)
def test_a_second_sample_that_only_the_median_allows(function, bad, error, parts):
    with pytest.raises(error, match=in_order("`Y` must", *parts)):
        function(X, bad)


@pytest.mark.parametrize("function", [test_of, repdist.mmd_squared])
@parametrize_cases(NO_PAIRS)
def test_a_first_sample_that_only_the_median_allows(function, bad, error, parts):
    with pytest.raises(error, match=in_order("`X` must", *parts)):
        function(bad, Y)


@parametrize_cases(BAD_SAMPLES | NO_SAMPLES)
def test_one_bad_sample_for_the_median(bad, error, parts):
    with pytest.raises(error, match=in_order("`X` must", *parts)):
        repdist.median_heuristic(bad)


@parametrize_cases(BAD_SAMPLES | NO_SAMPLES)
def test_bad_rows_for_a_kernel(bad, error, parts):
    kernel = kernels.RBF(1.0)
    with pytest.raises(error, match=in_order("`Y` must", *parts)):
        kernel(X, bad)
    with pytest.raises(error, match=in_order("`Z` must", *parts)):
        kernels.RBF().fit(bad)


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
def test_different_widths(function):
    with pytest.raises(ValueError, match=in_order("`X` and `Y` must", "columns", "3 and 2")):
        function(X, Y[:, :2])
    with pytest.raises(ValueError, match=in_order("`X` and `Y` must", "columns", "1 and 3")):
        function(X[:, 0], Y)


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor])
def test_a_constant_pooled_sample(function, library):
    samples = library(np.full((5, 2), 0.1)), library(np.full((4, 2), 0.1))
    message = in_order("`X` and `Y` must not be constant", "9 rows are equal", "Check")
    with pytest.raises(ValueError, match=message):
        function(*samples)


@pytest.mark.parametrize("rows", [1, 5])
def test_the_median_of_equal_rows(rows):
    with pytest.raises(ValueError, match=in_order("`X` must not be constant", "Check")):
        repdist.median_heuristic(np.ones((rows, 2)))


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
def test_numpy_and_torch_do_not_mix(function):
    message = in_order("`X` and `Y` must", "one array library", "Convert", "torch.as_tensor")
    with pytest.raises(TypeError, match=message):
        function(X, torch.as_tensor(Y))
    with pytest.raises(TypeError, match=message):
        function(torch.as_tensor(X), Y)


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
def test_two_devices_do_not_mix(function):
    here, elsewhere = torch.as_tensor(X), torch.empty(10, 3, dtype=torch.float64, device="meta")
    message = in_order("`X` and `Y` must be on one device", "cpu and meta", ".to(device)")
    with pytest.raises(ValueError, match=message):
        function(here, elsewhere)


BAD_TENSORS = {
    "NaN": (with_value(np.nan, 3, 1), ValueError, ("finite", "nan in row 3, column 1", "Drop")),
    "complex": (X + 0j, TypeError, ("real numbers", "complex128", "real parts")),
    "scalar": (np.float64(2.0), ValueError, ("(rows, columns)", "single value")),
    "no rows": (X[:0], ValueError, ("at least", "row", "got 0")),
    "3-D": (X[None], ValueError, ("(rows, columns)", "got 3 dimensions", "reshape")),
}


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
@parametrize_cases(BAD_TENSORS)
def test_a_bad_tensor(function, bad, error, parts):
    with pytest.raises(error, match=in_order("`X` must", *parts)):
        function(torch.as_tensor(bad), torch.as_tensor(Y))


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
def test_a_sparse_tensor(function):
    with pytest.raises(TypeError, match=in_order("`X` must be a dense tensor", "to_dense")):
        function(torch.as_tensor(X).to_sparse(), torch.as_tensor(Y))


def test_a_tensor_with_gradient_and_nan():
    bad = torch.tensor(with_value(np.nan, 3, 1), requires_grad=True)
    with pytest.raises(ValueError, match=in_order("`X` must hold finite numbers", "row 3", "Drop")):
        repdist.mmd_squared(bad, torch.as_tensor(Y))


# --- options -------------------------------------------------------------------------------------

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
    ("kernel", lambda x, y: x @ y.T, TypeError, "derive from `repdist.kernels.Kernel`"),
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
    result = test_of(X, Y)
    with pytest.raises(error, match=in_order("`confidence_level` must", requirement)):
        result.confidence_interval(level)


# --- kernels -------------------------------------------------------------------------------------

HAVE_BANDWIDTH = [kernels.RBF, kernels.Laplacian, kernels.Matern, kernels.RationalQuadratic]


@pytest.mark.parametrize("make", HAVE_BANDWIDTH)
@pytest.mark.parametrize(
    ("value", "error", "requirement"),
    [
        (0, ValueError, "positive, finite number; got 0"),
        (-1.0, ValueError, "positive, finite number; got -1"),
        (np.nan, ValueError, "finite number; got nan"),
        (np.inf, ValueError, "finite number; got inf"),
        ("mean", ValueError, "\"median\"; got 'mean'"),
        ("1.0", ValueError, "\"median\"; got '1.0'"),
        (None, TypeError, "a number; got None"),
        (True, TypeError, "a number; got True"),
        (1j, TypeError, "a number; got 1j"),
        ([1.0, 2.0], TypeError, "a number; got [1.0, 2.0]"),
    ],
)
def test_a_bad_bandwidth(make, value, error, requirement):
    with pytest.raises(error, match=in_order("`bandwidth` must", requirement)):
        make(bandwidth=value)


@pytest.mark.parametrize(
    ("make", "name", "value", "error", "requirement"),
    [
        (kernels.RationalQuadratic, "alpha", 0, ValueError, "positive"),
        (kernels.RationalQuadratic, "alpha", np.nan, ValueError, "finite"),
        (kernels.RationalQuadratic, "alpha", "1", TypeError, "a number"),
        (kernels.Matern, "nu", 1, ValueError, "0.5, 1.5 or 2.5; got 1"),
        (kernels.Matern, "nu", np.inf, ValueError, "finite"),
        (kernels.Matern, "nu", "1.5", TypeError, "a number"),
        (kernels.Polynomial, "degree", 0, ValueError, "at least 1; got 0"),
        (kernels.Polynomial, "degree", 2.0, TypeError, "whole number"),
        (kernels.Polynomial, "degree", True, TypeError, "whole number"),
        (kernels.Polynomial, "degree", "3", TypeError, "whole number"),
        (kernels.Polynomial, "scale", 0, ValueError, "positive"),
        (kernels.Polynomial, "scale", "d", ValueError, '"1/d"'),
        (kernels.Polynomial, "scale", None, TypeError, "a number"),
        (kernels.Polynomial, "offset", -1, ValueError, "at least 0; got -1"),
        (kernels.Polynomial, "offset", np.nan, ValueError, "finite"),
        (kernels.Polynomial, "offset", "1", TypeError, "a number"),
        (kernels.MultiRBF, "bandwidths", "scott", ValueError, '"grid", "median", "mean"; got'),
        (kernels.MultiRBF, "bandwidths", None, TypeError, '"mean" or positive numbers; got None'),
        (kernels.MultiRBF, "bandwidths", [], ValueError, "at least one number; got none"),
        (kernels.MultiRBF, "bandwidths", [1.0, -1.0], ValueError, "positive"),
        (kernels.MultiRBF, "bandwidths", [1.0, 0.0], ValueError, "positive"),
        (kernels.MultiRBF, "bandwidths", [1.0, np.nan], ValueError, "finite"),
        (kernels.MultiRBF, "bandwidths", ["a"], TypeError, "positive numbers; got ['a']"),
        (kernels.MultiRBF, "bandwidths", [[1, 2], [3, 4]], TypeError, "positive numbers; got"),
        (kernels.MultiRBF, "bandwidths", [1, [2, 3]], TypeError, "positive numbers; got"),
        (kernels.MultiRBF, "bandwidths", {1: 2}, TypeError, "positive numbers; got {1: 2}"),
        (kernels.MultiRBF, "bandwidths", True, TypeError, "positive numbers; got True"),
        (kernels.MultiRBF, "size", 0, ValueError, "at least"),
        (kernels.MultiRBF, "size", 1, ValueError, "at least 2"),
        (kernels.MultiRBF, "size", 2.5, TypeError, "whole number"),
        (kernels.MultiRBF, "size", True, TypeError, "whole number"),
        (kernels.MultiRBF, "weights", "max", ValueError, '"mean", "sum"; got'),
        (kernels.MultiRBF, "weights", [0.5, 0.5], TypeError, '"mean", "sum"; got'),
        (kernels.MultiRBF.like_mmd_rbf, "kernel_mul", 0, ValueError, "positive"),
        (kernels.MultiRBF.like_mmd_rbf, "kernel_mul", "2", TypeError, "a number"),
        (kernels.MultiRBF.like_mmd_rbf, "kernel_num", 0, ValueError, "at least 1"),
        (kernels.MultiRBF.like_mmd_rbf, "kernel_num", 2.5, TypeError, "whole number"),
        (kernels.MultiRBF.like_mmd_rbf, "fix_sigma", 0, ValueError, "positive"),
        (kernels.MultiRBF.like_mmd_rbf, "fix_sigma", "a", TypeError, "a number"),
        (kernels.Precomputed, "K", GRAM[:5], ValueError, "square; got shape (5, 12)"),
        (kernels.Precomputed, "K", np.triu(GRAM), ValueError, "symmetric"),
        (kernels.Precomputed, "K", GRAM * np.nan, ValueError, "finite"),
        (kernels.Precomputed, "K", GRAM + 0j, TypeError, "real numbers"),
        (kernels.Precomputed, "K", GRAM[None], ValueError, "(rows, columns); got 3 dimensions"),
        (kernels.Precomputed, "K", GRAM.astype(str), TypeError, "real numbers"),
        (kernels.Precomputed, "K", None, TypeError, "real numbers"),
        (kernels.Precomputed, "K", torch.as_tensor(GRAM), TypeError, "NumPy array; got a torch"),
    ],
)  # fmt: skip
def test_a_bad_parameter_of_a_kernel(make, name, value, error, requirement):
    with pytest.raises(error, match=in_order(f"`{name}` must", requirement)):
        make(**{name: value})


def test_an_asymmetric_matrix_is_told_the_repair():
    with pytest.raises(ValueError, match=in_order("`K` must be symmetric", "(K + K.T) / 2")):
        kernels.Precomputed(np.triu(GRAM))


@pytest.mark.parametrize("function", [test_of, repdist.mmd_squared])
@pytest.mark.parametrize(
    ("rows", "others"),
    [
        ([-1, 0, 1], [2, 3]),
        ([0, 1, 12], [2, 3]),
        ([0, 1], [2, 12]),
        ([0.5, 1.0], [2, 3]),
        ([1e30, 1.0], [2, 3]),
        ([[0, 1], [2, 3]], [[4, 5], [6, 7]]),
    ],
    ids=["negative", "too large", "too large in Y", "fraction", "huge", "two columns"],
)
def test_bad_row_numbers(function, rows, others):
    message = in_order("`X` and `Y` must hold row numbers from 0 to 11", "Precomputed")
    with pytest.raises(ValueError, match=message):
        function(rows, others, kernel=kernels.Precomputed(GRAM))


def test_row_numbers_of_torch():
    with pytest.raises(TypeError, match=in_order("`X` and `Y` must be NumPy row numbers")):
        test_of(torch.arange(3), torch.arange(3, 6), kernel=kernels.Precomputed(GRAM))


@pytest.mark.parametrize("kernel", [make() for make in HAVE_BANDWIDTH] + [kernels.MultiRBF()])
def test_a_rule_is_no_bandwidth(kernel):
    message = in_order(f"`{kernel!r}` must be fitted", "Use `kernel.fit(Z)`")
    with pytest.raises(ValueError, match=message):
        kernel(X, Y)


@pytest.mark.parametrize("kernel", [make() for make in HAVE_BANDWIDTH] + [kernels.MultiRBF()])
def test_a_rule_needs_rows_that_differ(kernel):
    with pytest.raises(ValueError, match=in_order("`Z` must not be constant", "Check")):
        kernel.fit(np.ones((4, 2)))


def of_values(function):
    """Return a user's kernel that gives `function(X, Y)`."""

    class OfValues(kernels.Kernel):
        def evaluate(self, X, Y):
            return function(X, Y)

    return OfValues()


WRONG_VALUES = {
    "vector": lambda X, Y: X[:, 0],
    "one column": lambda X, Y: X[:, :1],
    "transposed": lambda X, Y: Y[:-1] @ X.T,
    "number": lambda X, Y: 1.0,
    "None": lambda X, Y: None,
    "list": lambda X, Y: (X @ Y.T).tolist(),
}


@pytest.mark.parametrize("function", [test_of, repdist.mmd_squared])
@pytest.mark.parametrize("values", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_a_kernel_of_the_wrong_shape(function, values):
    message = in_order("`OfValues.evaluate` must return a real numpy array of shape", "got")
    with pytest.raises((TypeError, ValueError), match=message):
        function(X, Y, kernel=of_values(values))


NOT_FINITE = {
    "NaN": lambda X, Y: np.full((len(X), len(Y)), np.nan),
    "infinity": lambda X, Y: np.full((len(X), len(Y)), np.inf),
    "one NaN": lambda X, Y: np.where(np.arange(len(Y)) == 0, np.nan, X @ Y.T),
}


@pytest.mark.parametrize("function", [test_of, repdist.mmd_squared])
@pytest.mark.parametrize("values", NOT_FINITE.values(), ids=NOT_FINITE)
def test_a_kernel_that_is_not_finite(function, values):
    with pytest.raises(ValueError, match=in_order("`kernel` must give finite values", "Scale")):
        function(X, Y, kernel=of_values(values))


WRONG_NUMBERS = {
    "complex": lambda X, Y: X @ Y.T + 0j,
    "text": lambda X, Y: np.full((len(X), len(Y)), "a"),
    "tensor": lambda X, Y: torch.as_tensor(X @ Y.T),
}


@pytest.mark.parametrize("function", [test_of, repdist.mmd_squared])
@pytest.mark.parametrize("values", WRONG_NUMBERS.values(), ids=WRONG_NUMBERS)
def test_a_kernel_of_the_wrong_kind_of_values(function, values):
    """A tensor for an array is refused in words or taken; the others can only be refused."""
    kernel = of_values(values)
    if values is WRONG_NUMBERS["tensor"]:
        answer = message_or(lambda: function(X, Y, kernel=kernel))
        assert not isinstance(answer, str) or "`OfValues.evaluate`" in answer
        return
    with pytest.raises((TypeError, ValueError), match=in_order("`OfValues.evaluate` must")):
        function(X, Y, kernel=kernel)


@pytest.mark.parametrize("fitted", [None, kernels.RBF], ids=repr)
def test_a_fit_that_returns_no_kernel(fitted):
    class Forgetful(kernels.Kernel):
        def evaluate(self, X, Y):
            return X @ Y.T

        def fit(self, Z):
            return fitted

    with pytest.raises(TypeError, match=in_order("`Forgetful.fit` must")):
        test_of(X, Y, kernel=Forgetful())


@pytest.mark.parametrize("base", [kernels.RBF, kernels.MultiRBF, kernels.Laplacian])
def test_a_complete_kernel_is_not_derived_from(base):
    """The tests would pass by what the class overrides."""
    with pytest.raises(TypeError, match=in_order(f"`{base.__name__}` must not be", "Derive from")):
        type("Doubled", (base,), {"evaluate": lambda self, X, Y: 2 * super().evaluate(X, Y)})


@pytest.mark.parametrize("function", [test_of, repdist.mmd_squared])
def test_a_kernel_that_is_nan_on_the_diagonal_alone(function):
    """The biased estimate counts the diagonal."""

    def values(X, Y):
        return np.where((X[:, None] == Y[None]).all(-1), np.nan, X @ Y.T)

    with pytest.raises(ValueError, match=in_order("`kernel` must give finite values")):
        function(X, Y, kernel=of_values(values), estimator="biased")


# --- what is a sample gives one answer -----------------------------------------------------------

ALL_KERNELS = [
    kernels.MultiRBF(),
    kernels.MultiRBF("median", size=3),
    kernels.MultiRBF("mean", size=3),
    kernels.MultiRBF.like_mmd_rbf(),
    kernels.RBF(),
    kernels.Laplacian(),
    kernels.RationalQuadratic(),
    kernels.Matern(nu=0.5),
    kernels.Matern(nu=1.5),
    kernels.Matern(nu=2.5),
    kernels.Energy(),
    kernels.Linear(),
    kernels.Polynomial(),
]
ONE_OF_EACH_KIND = [
    kernels.MultiRBF(),
    kernels.Laplacian(),
    kernels.Energy(),
    kernels.Linear(),
    kernels.Polynomial(),
]


def strided(array):
    wide = np.zeros((2 * len(array), 3 * array.shape[1]), dtype=array.dtype)
    wide[::2, ::3] = array
    return wide[::2, ::3]


def read_only(array):
    array = array.copy()
    array.flags.writeable = False
    return array


FORMS = {
    "list": lambda a: a.tolist(),
    "tuple of rows": lambda a: tuple(a),
    "Fortran": np.asfortranarray,
    "view": strided,
    "reversed view": lambda a: a[::-1, ::-1].copy()[::-1, ::-1],
    "transposed view": lambda a: a.T.copy().T,
    "read-only": read_only,
    "big-endian": lambda a: a.astype(">f8"),
    "long double": lambda a: a.astype(np.longdouble),
    "DataFrame": pd.DataFrame,
    "buffer": memoryview,
}


def assert_same_answer(got, expected, rtol):
    """The relabelings are the same, so the p-values are unless rounding moves a near tie."""
    assert got.pvalue == expected.pvalue
    assert got.mmd_squared == pytest.approx(expected.mmd_squared, rel=rtol)
    assert got.standard_error == pytest.approx(expected.standard_error, rel=rtol)
    np.testing.assert_allclose(got.null_distribution, expected.null_distribution, rtol, rtol)


@pytest.mark.parametrize("kernel", ONE_OF_EACH_KIND, ids=repr)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_form_of_an_array_does_not_matter(form, kernel):
    expected = test_of(X, Y, kernel=kernel)
    assert_same_answer(test_of(form(X), form(Y), kernel=kernel), expected, 1e-12)
    estimate = repdist.mmd_squared(form(X), form(Y), kernel=kernel)
    assert estimate == pytest.approx(expected.mmd_squared, rel=1e-12)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_form_of_an_array_does_not_matter_to_the_median(form):
    expected = repdist.median_heuristic(X, Y)
    assert repdist.median_heuristic(form(X), form(Y)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("form", [*FORMS.values(), pd.Series], ids=[*FORMS, "Series"])
def test_one_dimension_is_one_column(form):
    first, second = X[:, 0], Y[:, 0]
    expected = test_of(first[:, None], second[:, None])
    if form is strided:
        got = test_of(np.repeat(first, 2)[::2], np.repeat(second, 2)[::2])
    elif form is FORMS["reversed view"]:
        got = test_of(first[::-1].copy()[::-1], second[::-1].copy()[::-1])
    else:
        got = test_of(form(first), form(second))
    assert_same_answer(got, expected, 1e-12)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "i8", "u8", ">i4", "f4", "f2"])
def test_numbers_of_any_type(dtype):
    """Small whole numbers are exact in each type; half precision is computed as float32."""
    first, second = INTEGERS
    expected = test_of(first.astype(float), second.astype(float))
    got = test_of(first.astype(dtype), second.astype(dtype))
    assert_same_answer(got, expected, 1e-5 if dtype in ("f4", "f2") else 0)


def test_truth_values():
    first, second = INTEGERS[0] > 2, INTEGERS[1] > 3
    expected = test_of(first.astype(float), second.astype(float))
    assert_same_answer(test_of(first, second), expected, 0)
    assert_same_answer(test_of(first.tolist(), second.tolist()), expected, 0)


@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
def test_half_precision_is_float32(kernel):
    halves = X.astype("f2"), Y.astype("f2")
    expected = test_of(*(half.astype("f4") for half in halves), kernel=kernel)
    assert_same_answer(test_of(*halves, kernel=kernel), expected, 0)


@pytest.mark.parametrize("dtype", [">f2", ">f4", "<f2", "<f4"])
def test_short_numbers_of_either_byte_order_are_float32(dtype):
    first, second = X.astype(dtype), Y.astype(dtype)
    (array,) = _samples.samples({"X": first})
    assert array.dtype == np.float32
    assert array.dtype.isnative
    expected = test_of(first.astype("=f4"), second.astype("=f4"))
    assert_same_answer(test_of(first, second), expected, 0)


@pytest.mark.parametrize("order", [np.asfortranarray, lambda a: a.T.copy().T], ids=["F", "view"])
@pytest.mark.parametrize("rows", [8, 300])
def test_the_order_in_memory_changes_no_bit(rows, order):
    """Where rows are few, sums over columns would be added in another order."""
    rng = np.random.default_rng(0)
    first, second = (rng.normal(size=(rows, 40)).astype(np.float32) for _ in range(2))
    for function in (repdist.mmd_squared, repdist.median_heuristic):
        assert function(order(first), order(second)) == function(first, second)
    assert_same_answer(test_of(order(first), order(second)), test_of(first, second), 0)
    tables = [
        repdist.pairwise_mmd_test([form(first), form(second)], rng=0, n_resamples=99).to_frame()
        for form in (order, np.asarray)
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_wider_type_wins(dtype):
    first = X.astype("f4")
    expected = test_of(first.astype("f8"), Y)
    assert_same_answer(test_of(first, Y), expected, 0)
    assert_same_answer(test_of(Y, first), test_of(Y, first.astype("f8")), 0)


@pytest.mark.parametrize("kernel", ONE_OF_EACH_KIND, ids=repr)
@pytest.mark.parametrize(
    ("half", "computed"),
    [
        (torch.bfloat16, torch.float32),
        (torch.float16, torch.float32),
        (torch.int32, torch.float64),
        (torch.uint8, torch.float64),
        (torch.bool, torch.float64),
    ],
    ids=str,
)
def test_tensors_of_any_type(half, computed, kernel):
    samples = [
        (torch.as_tensor(a) > 0.5 if half is torch.bool else torch.as_tensor(9 * abs(a)))
        for a in (X, Y)
    ]
    samples = [sample.to(half) for sample in samples]
    expected = test_of(*(sample.to(computed) for sample in samples), kernel=kernel)
    assert_same_answer(test_of(*samples, kernel=kernel), expected, 0)
    estimate = repdist.mmd_squared(*samples, kernel=kernel)
    assert estimate.dtype == computed
    assert float(estimate) == pytest.approx(expected.mmd_squared, rel=1e-5)


@pytest.mark.parametrize("kernel", ONE_OF_EACH_KIND, ids=repr)
def test_the_form_of_a_tensor_does_not_matter(kernel):
    expected = test_of(X, Y, kernel=kernel)
    for form in (np.ascontiguousarray, np.asfortranarray, strided):
        first, second = torch.as_tensor(form(X)), torch.as_tensor(form(Y))
        assert_same_answer(test_of(first, second, kernel=kernel), expected, 1e-10)


def test_a_tensor_with_gradient_can_be_tested():
    first = torch.tensor(X, requires_grad=True)
    assert_same_answer(test_of(first, torch.as_tensor(Y)), test_of(X, Y), 1e-10)
    assert repdist.median_heuristic(first, first) == pytest.approx(repdist.median_heuristic(X, X))


# --- no input is changed -------------------------------------------------------------------------


@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
def test_read_only_samples_are_accepted_and_unchanged(dtype, kernel):
    samples = [read_only((10 * a).astype(dtype)) for a in (X, Y)]
    before = [sample.copy() for sample in samples]
    for n_bins in ("rows", 4):
        test_of(*samples, kernel=kernel, n_bins=n_bins)
    repdist.mmd_squared(*samples, kernel=kernel)
    repdist.mmd_squared(*samples, kernel=kernel, estimator="biased")
    repdist.median_heuristic(*samples)
    kernel.fit(samples[0])(*samples)
    for sample, copy in zip(samples, before, strict=True):
        np.testing.assert_array_equal(sample, copy)


@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_samples_are_unchanged(dtype, kernel):
    """Arrays that could be written to, as arrays and as tensors that share their memory."""
    samples = [a.astype(dtype) for a in (X, Y)]
    before = [sample.copy() for sample in samples]
    for form in (np.asarray, torch.from_numpy):
        shared = [form(sample) for sample in samples]
        test_of(*shared, kernel=kernel)
        repdist.mmd_squared(*shared, kernel=kernel)
        repdist.median_heuristic(*shared)
        kernel.fit(shared[0])(*shared)
    for sample, copy in zip(samples, before, strict=True):
        np.testing.assert_array_equal(sample, copy)


def test_a_data_frame_is_accepted_and_unchanged():
    frames = pd.DataFrame(X), pd.DataFrame(Y)
    before = [frame.copy() for frame in frames]
    assert not np.asarray(frames[0]).flags.writeable
    for kernel in ALL_KERNELS:
        test_of(*frames, kernel=kernel)
    for frame, copy in zip(frames, before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


def test_a_read_only_kernel_matrix_is_accepted_and_unchanged():
    K = read_only(GRAM)
    kernel = kernels.Precomputed(K)
    rows, others = read_only(np.arange(6)), read_only(np.arange(6, 12))
    test_of(rows, others, kernel=kernel)
    repdist.mmd_squared(rows, others, kernel=kernel, estimator="biased")
    np.testing.assert_array_equal(K, GRAM)
    np.testing.assert_array_equal(rows, np.arange(6))


def test_a_kernel_of_the_user_may_return_what_it_keeps():
    """Its values are not overwritten, be they writeable or not."""
    kept = X @ X.T

    def values(left, right):
        return kept[: len(left), : len(right)]

    before = kept.copy()
    repdist.mmd_squared(X[:6], X[6:], kernel=of_values(values))
    test_of(X[:6], X[6:], kernel=of_values(values))
    np.testing.assert_array_equal(kept, before)
    kept.flags.writeable = False
    test_of(X[:6], X[6:], kernel=of_values(values))


# --- scale ---------------------------------------------------------------------------------------

FREE_OF_SCALE = ALL_KERNELS[:10]
SCALES = [(1e30, "f4"), (1e-30, "f4"), (1e-30, "f8"), (1e145, "f8"), (1e-145, "f8")]
BEYOND_SQUARES = [(1e160, "f8"), (1e-160, "f8")]  # where a squared distance leaves float64


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(("scale", "dtype"), BEYOND_SQUARES)
def test_values_whose_squares_leave_float64_are_refused(scale, dtype, function):
    with pytest.raises(ValueError, match=r"`X`.* must .*(Drop, fill or scale|Scale the features)"):
        function(scale * X, scale * Y)


@pytest.mark.parametrize("kernel", FREE_OF_SCALE, ids=repr)
@pytest.mark.parametrize(("scale", "dtype"), SCALES)
def test_a_bandwidth_from_the_data_makes_the_scale_immaterial(scale, dtype, kernel):
    samples = [(scale * a).astype(dtype) for a in (X, Y)]
    expected = test_of(X, Y, kernel=kernel)
    rtol = 1e-4 if dtype == "f4" else 1e-10
    assert_same_answer(test_of(*samples, kernel=kernel), expected, rtol)
    estimate = repdist.mmd_squared(*samples, kernel=kernel)
    assert estimate == pytest.approx(expected.mmd_squared, rel=rtol)


@pytest.mark.parametrize(("scale", "dtype"), SCALES)
def test_the_median_has_the_scale_of_the_data(scale, dtype):
    samples = [(scale * a).astype(dtype) for a in (X, Y)]
    expected = scale * repdist.median_heuristic(X, Y)
    assert repdist.median_heuristic(*samples) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "kernel", [kernels.MultiRBF(), kernels.Laplacian(), kernels.Matern(nu=0.5)], ids=repr
)
@pytest.mark.parametrize(("scale", "dtype"), SCALES)
def test_tensors_of_any_scale(scale, dtype, kernel):
    """The gradient is that of the plain data, divided by the scale."""
    first, second = (torch.tensor((scale * a).astype(dtype)) for a in (X, Y))
    expected = test_of(X, Y, kernel=kernel)
    rtol = 1e-4 if dtype == "f4" else 1e-10
    assert_same_answer(test_of(first, second, kernel=kernel), expected, rtol)
    plain = torch.tensor(X, requires_grad=True)
    repdist.mmd_squared(plain, torch.tensor(Y), kernel=kernel).backward()
    first.requires_grad_()
    repdist.mmd_squared(first, second, kernel=kernel).backward()
    gradient = first.grad.double() * scale
    largest = float(plain.grad.abs().max())
    torch.testing.assert_close(gradient, plain.grad, rtol=100 * rtol, atol=100 * rtol * largest)


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor])
@pytest.mark.parametrize("kernel", [kernels.Energy(), kernels.Linear()], ids=repr)
@pytest.mark.parametrize(("scale", "dtype"), SCALES + BEYOND_SQUARES)
def test_a_kernel_with_units_is_right_or_says_that_it_cannot(scale, dtype, kernel, library):
    """Where squares leave the range of the dtype, p = 1 would be a wrong answer."""
    samples = [library((scale * a).astype(dtype)) for a in (X, Y)]
    expected = test_of(X, Y, kernel=kernel).pvalue
    answer = message_or(lambda: test_of(*samples, kernel=kernel).pvalue)
    refused = isinstance(answer, str) and re.search("`.*` must .*[sS]cale", answer)
    assert refused or answer == expected


@pytest.mark.parametrize("kernel", FREE_OF_SCALE, ids=repr)
@pytest.mark.parametrize("far", [1e200, 1.7e308], ids=str)
def test_samples_far_apart_are_different_or_refused_in_words(far, kernel):
    answer = message_or(lambda: test_of(X - far, Y + far, kernel=kernel).pvalue)
    if isinstance(answer, str):
        assert re.search("`.*` .*must ", answer)
    else:
        assert answer == 1 / (RELABELINGS + 1)


@pytest.mark.parametrize("make", HAVE_BANDWIDTH)
@pytest.mark.parametrize("bandwidth", [5e-324, 1e-300, 1e-160, 1e160, 1e300, 1.7e308])
def test_an_extreme_bandwidth_tells_nothing_or_is_refused_in_words(bandwidth, make):
    """Every row is then alone, or like every other."""
    answer = message_or(lambda: test_of(X, Y, kernel=make(bandwidth)).pvalue)
    assert answer == 1.0 or re.search("`(kernel|bandwidth)` must ", str(answer))
