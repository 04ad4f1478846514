"""Parameters and values of kernels that are refused in words."""

import re

import numpy as np
import pytest
from given import (
    BEYOND_SQUARES,
    GRAM,
    HAVE_BANDWIDTH,
    LIBRARIES,
    SCALES,
    X,
    Y,
    as_tensor,
    in_order,
    message_or,
    needs,
    of_values,
    read_only,
    result_of,
)

import repdist
from repdist import kernels


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
    ],
)  # fmt: skip
def test_a_bad_parameter_of_a_kernel(make, name, value, error, requirement):
    with pytest.raises(error, match=in_order(f"`{name}` must", requirement)):
        make(**{name: value})


def test_an_asymmetric_matrix_is_told_the_repair():
    with pytest.raises(ValueError, match=in_order("`K` must be symmetric", "(K + K.T) / 2")):
        kernels.Precomputed(np.triu(GRAM))


@pytest.mark.parametrize("function", [result_of, repdist.mmd_squared])
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
    message = in_order("` must hold row numbers from 0 to 11", "Precomputed")
    with pytest.raises(ValueError, match=message):
        function(rows, others, kernel=kernels.Precomputed(GRAM))


def test_bad_row_numbers_are_named_as_they_were_given():
    kernel, right, wrong = kernels.Precomputed(GRAM), np.arange(6), np.arange(7, 13)
    labels = ["x"] * 6
    for name, call in (
        ("Y", lambda: repdist.mmd_test(right, wrong, kernel=kernel)),
        ("Y", lambda: repdist.compare_by_label(right, labels, wrong, labels, kernel=kernel)),
        ("reference", lambda: repdist.compare_to_reference(wrong, {"a": right}, kernel=kernel)),
        ("groups['a']", lambda: repdist.compare_to_reference(right, {"a": wrong}, kernel=kernel)),
        ("groups['a']", lambda: repdist.pairwise_mmd_test({"a": wrong, "b": right}, kernel=kernel)),
    ):
        with pytest.raises(ValueError, match=re.escape(f"`{name}` must hold row numbers")):
            call()


@pytest.mark.parametrize("kernel", [make() for make in HAVE_BANDWIDTH] + [kernels.MultiRBF()])
def test_a_rule_is_no_bandwidth(kernel):
    message = in_order("`kernel` must be fitted", f"got {kernel!r}", "Use `kernel.fit(Z)`")
    with pytest.raises(ValueError, match=message):
        kernel(X, Y)


@pytest.mark.parametrize("kernel", [make() for make in HAVE_BANDWIDTH] + [kernels.MultiRBF()])
def test_a_rule_needs_rows_that_differ(kernel):
    with pytest.raises(ValueError, match=in_order("`Z` must not be constant", "Check")):
        kernel.fit(np.ones((4, 2)))


WRONG_VALUES = {
    "vector": lambda X, Y: X[:, 0],
    "one column": lambda X, Y: X[:, :1],
    "transposed": lambda X, Y: Y[:-1] @ X.T,
    "number": lambda X, Y: 1.0,
    "None": lambda X, Y: None,
    "list": lambda X, Y: (X @ Y.T).tolist(),
}


@pytest.mark.parametrize("function", [result_of, repdist.mmd_squared])
@pytest.mark.parametrize("values", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_a_kernel_of_the_wrong_shape(function, values):
    message = in_order(
        "`OfValues.evaluate` must return a floating-point numpy array of shape", "got"
    )
    with pytest.raises((TypeError, ValueError), match=message):
        function(X, Y, kernel=of_values(values))


NOT_FINITE = {
    "NaN": lambda X, Y: np.full((len(X), len(Y)), np.nan),
    "infinity": lambda X, Y: np.full((len(X), len(Y)), np.inf),
    "one NaN": lambda X, Y: np.where(np.arange(len(Y)) == 0, np.nan, X @ Y.T),
}


@pytest.mark.parametrize("function", [result_of, repdist.mmd_squared])
@pytest.mark.parametrize("values", NOT_FINITE.values(), ids=NOT_FINITE)
def test_a_kernel_that_is_not_finite(function, values):
    with pytest.raises(ValueError, match=in_order("`kernel` must give finite values", "Scale")):
        function(X, Y, kernel=of_values(values))


WRONG_NUMBERS = {
    "complex": lambda X, Y: X @ Y.T + 0j,
    "text": lambda X, Y: np.full((len(X), len(Y)), "a"),
    "tensor": lambda X, Y: as_tensor(X @ Y.T),
}
WITH_TENSORS = ["complex", "text", pytest.param("tensor", marks=needs("torch"))]


@pytest.mark.parametrize("function", [result_of, repdist.mmd_squared])
@pytest.mark.parametrize("name", WITH_TENSORS)
def test_a_kernel_of_the_wrong_kind_of_values(function, name):
    """A tensor for an array is refused in words or taken; the others can only be refused."""
    kernel = of_values(WRONG_NUMBERS[name])
    if name == "tensor":
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
        result_of(X, Y, kernel=Forgetful())


@pytest.mark.parametrize("base", [kernels.RBF, kernels.MultiRBF, kernels.Laplacian])
def test_a_complete_kernel_is_not_derived_from(base):
    """The tests would pass by what the class overrides."""
    with pytest.raises(TypeError, match=in_order(f"`{base.__name__}` must not be", "Derive from")):
        type("Doubled", (base,), {"evaluate": lambda self, X, Y: 2 * super().evaluate(X, Y)})


@pytest.mark.parametrize("function", [result_of, repdist.mmd_squared])
def test_a_kernel_that_is_nan_on_the_diagonal_alone(function):
    """The biased estimate counts the diagonal."""

    def values(X, Y):
        return np.where((X[:, None] == Y[None]).all(-1), np.nan, X @ Y.T)

    with pytest.raises(ValueError, match=in_order("`kernel` must give finite values")):
        function(X, Y, kernel=of_values(values), estimator="biased")


def test_a_read_only_kernel_matrix_is_accepted_and_unchanged():
    K = read_only(GRAM)
    kernel = kernels.Precomputed(K)
    rows, others = read_only(np.arange(6)), read_only(np.arange(6, 12))
    result_of(rows, others, kernel=kernel)
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
    result_of(X[:6], X[6:], kernel=of_values(values))
    np.testing.assert_array_equal(kept, before)
    kept.flags.writeable = False
    result_of(X[:6], X[6:], kernel=of_values(values))


@LIBRARIES
@pytest.mark.parametrize("kernel", [kernels.Energy(), kernels.Linear()], ids=repr)
@pytest.mark.parametrize(("scale", "dtype"), SCALES + BEYOND_SQUARES)
def test_a_kernel_with_units_is_right_or_says_that_it_cannot(scale, dtype, kernel, library):
    """Where squares leave the range of the dtype, p = 1 would be a wrong answer."""
    samples = [library((scale * a).astype(dtype)) for a in (X, Y)]
    expected = result_of(X, Y, kernel=kernel).pvalue
    answer = message_or(lambda: result_of(*samples, kernel=kernel).pvalue)
    refused = isinstance(answer, str) and re.search("`.*` must .*[sS]cale", answer)
    assert refused or answer == expected


@pytest.mark.parametrize("make", HAVE_BANDWIDTH)
@pytest.mark.parametrize("bandwidth", [5e-324, 1e-300, 1e-160, 1e160, 1e300, 1.7e308])
def test_an_extreme_bandwidth_tells_nothing_or_is_refused_in_words(bandwidth, make):
    """Every row is then alone, or like every other."""
    answer = message_or(lambda: result_of(X, Y, kernel=make(bandwidth)).pvalue)
    assert answer == 1.0 or re.search("`(kernel|bandwidth)` must ", str(answer))
