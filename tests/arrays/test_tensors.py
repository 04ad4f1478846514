"""Tensors of torch: refused in words or the answer of NumPy arrays."""

import numpy as np
import pytest
from given import (
    CALLS,
    GRAM,
    ONE_OF_EACH_KIND,
    SCALES,
    X,
    Y,
    assert_same_answer,
    in_order,
    parametrize_cases,
    result_of,
    strided,
    with_value,
)

import repdist
from repdist import kernels

torch = pytest.importorskip("torch")


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


def test_a_kernel_matrix_of_torch():
    with pytest.raises(TypeError, match=in_order("`K` must be a NumPy array; got a torch")):
        kernels.Precomputed(torch.as_tensor(GRAM))


def test_row_numbers_of_torch():
    with pytest.raises(TypeError, match=in_order("`X` and `Y` must be NumPy row numbers")):
        result_of(torch.arange(3), torch.arange(3, 6), kernel=kernels.Precomputed(GRAM))


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
    expected = result_of(*(sample.to(computed) for sample in samples), kernel=kernel)
    assert_same_answer(result_of(*samples, kernel=kernel), expected, 0)
    estimate = repdist.mmd_squared(*samples, kernel=kernel)
    assert estimate.dtype == computed
    assert float(estimate) == pytest.approx(expected.mmd_squared, rel=1e-5)


@pytest.mark.parametrize("kernel", ONE_OF_EACH_KIND, ids=repr)
def test_the_form_of_a_tensor_does_not_matter(kernel):
    expected = result_of(X, Y, kernel=kernel)
    for form in (np.ascontiguousarray, np.asfortranarray, strided):
        first, second = torch.as_tensor(form(X)), torch.as_tensor(form(Y))
        assert_same_answer(result_of(first, second, kernel=kernel), expected, 1e-10)


def test_a_tensor_with_gradient_can_be_tested():
    first = torch.tensor(X, requires_grad=True)
    assert_same_answer(result_of(first, torch.as_tensor(Y)), result_of(X, Y), 1e-10)
    assert repdist.median_heuristic(first, first) == pytest.approx(repdist.median_heuristic(X, X))


@pytest.mark.parametrize(
    "kernel", [kernels.MultiRBF(), kernels.Laplacian(), kernels.Matern(nu=0.5)], ids=repr
)
@pytest.mark.parametrize(("scale", "dtype"), SCALES)
def test_tensors_of_any_scale(scale, dtype, kernel):
    """The gradient is that of the plain data, divided by the scale."""
    first, second = (torch.tensor((scale * a).astype(dtype)) for a in (X, Y))
    expected = result_of(X, Y, kernel=kernel)
    rtol = 1e-4 if dtype == "f4" else 1e-10
    assert_same_answer(result_of(first, second, kernel=kernel), expected, rtol)
    plain = torch.tensor(X, requires_grad=True)
    repdist.mmd_squared(plain, torch.tensor(Y), kernel=kernel).backward()
    first.requires_grad_()
    repdist.mmd_squared(first, second, kernel=kernel).backward()
    gradient = first.grad.double() * scale
    largest = float(plain.grad.abs().max())
    torch.testing.assert_close(gradient, plain.grad, rtol=100 * rtol, atol=100 * rtol * largest)
