"""What every kernel owes: its formula, symmetry, precision, torch, a value that can be kept."""

import dataclasses
import inspect
import pickle
import typing

import numpy as np
import pytest
from oracles import FORMULAS

import repdist
from repdist import kernels

CASES = pytest.mark.parametrize(("kernel", "k"), FORMULAS.values(), ids=FORMULAS.keys())
CLASSES = {name: vars(kernels)[name] for name in kernels.__all__ if name != "median_heuristic"}
FINAL = pytest.mark.parametrize("name", sorted(set(CLASSES) - {"Kernel"}))
GRAM = np.random.default_rng(3).normal(size=(12, 4))
GRAM = GRAM @ GRAM.T


def rows(n, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def default(name):
    """A kernel with its defaults, and rows for it."""
    if name == "Precomputed":
        return kernels.Precomputed(GRAM), np.arange(12.0)[:, None]
    return CLASSES[name](), np.arange(12.0).reshape(6, 2) ** 2


def test_every_kernel_has_its_formula():
    assert {type(kernel) for kernel, _ in FORMULAS.values()} == set(CLASSES.values()) - {
        kernels.Kernel,
        kernels.Precomputed,  # it is its own formula
    }


@CASES
def test_the_matrix_is_the_formula(kernel, k):
    X, Y = rows(5), rows(7, seed=1)
    expected = [[k(x, y) for y in Y.tolist()] for x in X.tolist()]
    np.testing.assert_allclose(kernel(X, Y), expected, rtol=1e-12, atol=1e-15)


@CASES
def test_the_diagonal_is_exact_when_both_arguments_are_the_same(kernel, k):
    X = rows(5) + 1000
    expected = [k(x, x) for x in X.tolist()]
    np.testing.assert_allclose(np.diagonal(kernel(X, X)), expected, rtol=1e-14)


@CASES
def test_the_matrix_is_symmetric(kernel, k):
    X, Y = rows(5), rows(7, seed=1)
    np.testing.assert_allclose(kernel(X, X), kernel(X, X).T, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(kernel(X, Y), kernel(Y, X).T, rtol=1e-12, atol=1e-15)


@CASES
def test_torch_equals_numpy(kernel, k):
    torch = pytest.importorskip("torch")
    X, Y = rows(5), rows(7, seed=1)
    K = kernel(torch.as_tensor(X), torch.as_tensor(Y))
    assert isinstance(K, torch.Tensor)
    np.testing.assert_allclose(K.numpy(), kernel(X, Y), rtol=1e-12)


@pytest.mark.parametrize("name", FORMULAS)
def test_float32_is_close_to_float64(name):
    """Around 1,000, too, but for the polynomial, which is not free of an offset."""
    kernel, _ = FORMULAS[name]
    offset = 0 if name == "polynomial" else 1000
    X, Y = rows(300) + offset, rows(300, seed=1) + offset + 0.5
    X32, Y32 = X.astype(np.float32), Y.astype(np.float32)
    exact = repdist.mmd_squared(X32.astype(float), Y32.astype(float), kernel=kernel)
    assert repdist.mmd_squared(X32, Y32, kernel=kernel) == pytest.approx(exact, rel=1e-5)
    assert kernel(X32, Y32).dtype == np.float32


def test_a_precomputed_matrix_is_its_own_formula():
    kernel = kernels.Precomputed(GRAM)
    np.testing.assert_array_equal(kernel([1, 5, 2], [0, 5]), GRAM[[1, 5, 2]][:, [0, 5]])


@FINAL
def test_a_kernel_is_a_frozen_value(name):
    kernel, Z = default(name)
    for given in (kernel, kernel.fit(Z)):
        for field in dataclasses.fields(given):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(given, field.name, 2.0)
        with pytest.raises(dataclasses.FrozenInstanceError):
            given.other = 1
    fitted = kernel.fit(Z)
    assert fitted.fit(100 * Z) is fitted


@FINAL
def test_a_kernel_survives_pickling(name):
    kernel, Z = default(name)
    for given in (kernel, kernel.fit(Z)):
        again = pickle.loads(pickle.dumps(given))
        assert type(again) is type(given)
        assert repr(again) == repr(given)
        assert again == given or name == "Precomputed"  # it holds an array, and equals itself
    np.testing.assert_array_equal(again(Z, Z), given(Z, Z))


@FINAL
def test_a_kernel_prints_before_and_after_it_is_fitted(name):
    kernel, Z = default(name)
    assert str(kernel) == repr(kernel)
    assert name in str(kernel.fit(Z))


@pytest.mark.parametrize("name", kernels.__all__)
def test_the_public_module_and_the_types_can_be_looked_up(name):
    value = vars(kernels)[name]
    assert value.__module__ == "repdist.kernels"
    assert pickle.loads(pickle.dumps(value)) is value
    assert typing.get_type_hints(inspect.unwrap(value)) is not None


def test_equal_parameters_make_equal_kernels():
    assert kernels.RBF(2) == kernels.RBF(2.0)
    assert hash(kernels.MultiRBF((1, 2))) == hash(kernels.MultiRBF((2.0, 1.0)))


@pytest.mark.parametrize("name", ["RBF", "MultiRBF", "Laplacian", "RationalQuadratic", "Matern"])
def test_unfitted_kernels_say_so(name):
    with pytest.raises(ValueError, match=r"must be fitted.*kernel\.fit\(Z\)"):
        CLASSES[name]()(rows(3), rows(3))
