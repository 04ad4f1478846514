"""What is no sample is refused in words; whatever is one gives one answer."""

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest
from given import (
    ALL_KERNELS,
    BEYOND_SQUARES,
    CALLS,
    FREE_OF_SCALE,
    INTEGERS,
    LIBRARIES,
    ONE_OF_EACH_KIND,
    RELABELINGS,
    SCALES,
    X,
    Y,
    assert_same_answer,
    in_order,
    message_or,
    parametrize_cases,
    read_only,
    result_of,
    strided,
    with_value,
)

import repdist
from repdist import kernels
from repdist._arrays import read_samples

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


@pytest.mark.parametrize("function", [result_of, repdist.mmd_squared])
@parametrize_cases(NO_SAMPLES | NO_PAIRS)
def test_a_second_sample_that_only_the_median_allows(function, bad, error, parts):
    with pytest.raises(error, match=in_order("`Y` must", *parts)):
        function(X, bad)


@pytest.mark.parametrize("function", [result_of, repdist.mmd_squared])
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
@LIBRARIES
def test_a_constant_pooled_sample(function, library):
    samples = library(np.full((5, 2), 0.1)), library(np.full((4, 2), 0.1))
    message = in_order("`X` and `Y` must not be constant", "9 rows are equal", "Check")
    with pytest.raises(ValueError, match=message):
        function(*samples)


@pytest.mark.parametrize("rows", [1, 5])
def test_the_median_of_equal_rows(rows):
    with pytest.raises(ValueError, match=in_order("`X` must not be constant", "Check")):
        repdist.median_heuristic(np.ones((rows, 2)))


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


@pytest.mark.parametrize("kernel", ONE_OF_EACH_KIND, ids=repr)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_form_of_an_array_does_not_matter(form, kernel):
    expected = result_of(X, Y, kernel=kernel)
    assert_same_answer(result_of(form(X), form(Y), kernel=kernel), expected, 1e-12)
    estimate = repdist.mmd_squared(form(X), form(Y), kernel=kernel)
    assert estimate == pytest.approx(expected.mmd_squared, rel=1e-12)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_form_of_an_array_does_not_matter_to_the_median(form):
    expected = repdist.median_heuristic(X, Y)
    assert repdist.median_heuristic(form(X), form(Y)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("form", [*FORMS.values(), pd.Series], ids=[*FORMS, "Series"])
def test_one_dimension_is_one_column(form):
    first, second = X[:, 0], Y[:, 0]
    expected = result_of(first[:, None], second[:, None])
    if form is strided:
        got = result_of(np.repeat(first, 2)[::2], np.repeat(second, 2)[::2])
    elif form is FORMS["reversed view"]:
        got = result_of(first[::-1].copy()[::-1], second[::-1].copy()[::-1])
    else:
        got = result_of(form(first), form(second))
    assert_same_answer(got, expected, 1e-12)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "i4", "i8", "u8", ">i4", "f4", "f2"])
def test_numbers_of_any_type(dtype):
    """Small whole numbers are exact in each type; half precision is computed as float32."""
    first, second = INTEGERS
    expected = result_of(first.astype(float), second.astype(float))
    got = result_of(first.astype(dtype), second.astype(dtype))
    assert_same_answer(got, expected, 1e-5 if dtype in ("f4", "f2") else 0)


def test_truth_values():
    first, second = INTEGERS[0] > 2, INTEGERS[1] > 3
    expected = result_of(first.astype(float), second.astype(float))
    assert_same_answer(result_of(first, second), expected, 0)
    assert_same_answer(result_of(first.tolist(), second.tolist()), expected, 0)


@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
def test_half_precision_is_float32(kernel):
    halves = X.astype("f2"), Y.astype("f2")
    expected = result_of(*(half.astype("f4") for half in halves), kernel=kernel)
    assert_same_answer(result_of(*halves, kernel=kernel), expected, 0)


@pytest.mark.parametrize("dtype", [">f2", ">f4", "<f2", "<f4"])
def test_short_numbers_of_either_byte_order_are_float32(dtype):
    first, second = X.astype(dtype), Y.astype(dtype)
    (array,) = read_samples({"X": first})
    assert array.dtype == np.float32
    assert array.dtype.isnative
    expected = result_of(first.astype("=f4"), second.astype("=f4"))
    assert_same_answer(result_of(first, second), expected, 0)


@pytest.mark.parametrize("order", [np.asfortranarray, lambda a: a.T.copy().T], ids=["F", "view"])
@pytest.mark.parametrize("rows", [8, 300])
def test_the_order_in_memory_changes_no_bit(rows, order):
    """Where rows are few, sums over columns would be added in another order."""
    rng = np.random.default_rng(0)
    first, second = (rng.normal(size=(rows, 40)).astype(np.float32) for _ in range(2))
    for function in (repdist.mmd_squared, repdist.median_heuristic):
        assert function(order(first), order(second)) == function(first, second)
    assert_same_answer(result_of(order(first), order(second)), result_of(first, second), 0)
    tables = [
        repdist.pairwise_mmd_test([form(first), form(second)], rng=0, n_resamples=99).to_frame()
        for form in (order, np.asarray)
    ]
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_wider_type_wins(dtype):
    first = X.astype("f4")
    expected = result_of(first.astype("f8"), Y)
    assert_same_answer(result_of(first, Y), expected, 0)
    assert_same_answer(result_of(Y, first), result_of(Y, first.astype("f8")), 0)


@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
@pytest.mark.parametrize("dtype", ["f4", "f8", "i8"])
def test_read_only_samples_are_accepted_and_unchanged(dtype, kernel):
    samples = [read_only((10 * a).astype(dtype)) for a in (X, Y)]
    before = [sample.copy() for sample in samples]
    for n_bins in ("rows", 4):
        result_of(*samples, kernel=kernel, n_bins=n_bins)
    repdist.mmd_squared(*samples, kernel=kernel)
    repdist.mmd_squared(*samples, kernel=kernel, estimator="biased")
    repdist.median_heuristic(*samples)
    kernel.fit(samples[0])(*samples)
    for sample, copy in zip(samples, before, strict=True):
        np.testing.assert_array_equal(sample, copy)


@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@LIBRARIES
def test_samples_are_unchanged(dtype, kernel, library):
    """Arrays that could be written to, as arrays and as tensors that share their memory."""
    samples = [a.astype(dtype) for a in (X, Y)]
    before = [sample.copy() for sample in samples]
    shared = [library(sample) for sample in samples]
    result_of(*shared, kernel=kernel)
    repdist.mmd_squared(*shared, kernel=kernel)
    repdist.median_heuristic(*shared)
    kernel.fit(shared[0])(*shared)
    for sample, copy in zip(samples, before, strict=True):
        np.testing.assert_array_equal(sample, copy)


def test_a_data_frame_is_accepted_and_unchanged():
    frames = [pd.DataFrame(read_only(a), copy=False) for a in (X, Y)]
    before = [frame.copy() for frame in frames]
    assert not np.asarray(frames[0]).flags.writeable
    for kernel in ALL_KERNELS:
        result_of(*frames, kernel=kernel)
    for frame, copy in zip(frames, before, strict=True):
        pd.testing.assert_frame_equal(frame, copy)


@pytest.mark.parametrize("function", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(("scale", "dtype"), BEYOND_SQUARES)
def test_values_whose_squares_leave_float64_are_refused(scale, dtype, function):
    with pytest.raises(ValueError, match=r"`X`.* must .*(Drop, fill or scale|Scale the features)"):
        function(scale * X, scale * Y)


@pytest.mark.parametrize("kernel", FREE_OF_SCALE, ids=repr)
@pytest.mark.parametrize(("scale", "dtype"), SCALES)
def test_a_bandwidth_from_the_data_makes_the_scale_immaterial(scale, dtype, kernel):
    samples = [(scale * a).astype(dtype) for a in (X, Y)]
    expected = result_of(X, Y, kernel=kernel)
    rtol = 1e-4 if dtype == "f4" else 1e-10
    assert_same_answer(result_of(*samples, kernel=kernel), expected, rtol)
    estimate = repdist.mmd_squared(*samples, kernel=kernel)
    assert estimate == pytest.approx(expected.mmd_squared, rel=rtol)


@pytest.mark.parametrize(("scale", "dtype"), SCALES)
def test_the_median_has_the_scale_of_the_data(scale, dtype):
    samples = [(scale * a).astype(dtype) for a in (X, Y)]
    expected = scale * repdist.median_heuristic(X, Y)
    assert repdist.median_heuristic(*samples) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kernel", FREE_OF_SCALE, ids=repr)
@pytest.mark.parametrize("far", [1e200, 1.7e308], ids=str)
def test_samples_far_apart_are_different_or_refused_in_words(far, kernel):
    answer = message_or(lambda: result_of(X - far, Y + far, kernel=kernel).pvalue)
    if isinstance(answer, str):
        assert re.search("`.*` .*must ", answer)
    else:
        assert answer == 1 / (RELABELINGS + 1)
