"""MMD^2 against loops and closed forms; gradients through torch."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import FORMULAS, mmd_squared, rbf_on_gaussians
from scipy import stats

import repdist
from repdist import _array, _sums, kernels
from repdist.mmd import standard_error

CASES = pytest.mark.parametrize(("kernel", "k"), FORMULAS.values(), ids=FORMULAS.keys())
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])


def samples(n=6, m=9, d=3, shift=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


@CASES
@ESTIMATORS
def test_equals_naive_loops(kernel, k, estimator):
    X, Y = samples()
    value = repdist.mmd_squared(X, Y, kernel=kernel, estimator=estimator)
    assert isinstance(value, float)
    assert value == pytest.approx(mmd_squared(k, X, Y, estimator), rel=1e-12)


@CASES
def test_many_tiles_equal_naive_loops(monkeypatch, kernel, k):
    monkeypatch.setattr(_sums, "_EDGE", 4)
    X, Y = samples(11, 14)
    value = repdist.mmd_squared(X, Y, kernel=kernel)
    assert value == pytest.approx(mmd_squared(k, X, Y, "unbiased"), rel=1e-12)


def test_float32_equals_float64_to_rounding():
    X, Y = samples(300, 400)
    exact = repdist.mmd_squared(X, Y)
    assert repdist.mmd_squared(X.astype("f4"), Y.astype("f4")) == pytest.approx(exact, rel=1e-5)


# --- closed forms --------------------------------------------------------------------------------


def test_two_valued_data():
    """X has a of n ones, Y has b of m; the kernel takes two values, 1 and k."""
    n, a, m, b = 7, 3, 9, 2
    k = math.exp(-0.5)
    X, Y = np.repeat([1.0, 0.0], [a, n - a]), np.repeat([1.0, 0.0], [b, m - b])
    p, q = a / n, b / m
    value = repdist.mmd_squared(X, Y, kernel=kernels.RBF(1.0), estimator="biased")
    assert value == pytest.approx(2 * (1 - k) * (p - q) ** 2, rel=1e-12)


def test_linear_kernel_is_the_distance_of_the_means():
    X, Y = samples()
    value = repdist.mmd_squared(X, Y, kernel=kernels.Linear(), estimator="biased")
    assert value == pytest.approx(np.square(X.mean(0) - Y.mean(0)).sum(), rel=1e-12)
    bias = X.var(axis=0, ddof=1).sum() / len(X) + Y.var(axis=0, ddof=1).sum() / len(Y)
    unbiased = repdist.mmd_squared(X, Y, kernel=kernels.Linear())
    assert unbiased == pytest.approx(value - bias, rel=1e-12)


def test_energy_kernel_is_the_energy_distance():
    X, Y = samples(d=1)
    value = repdist.mmd_squared(X, Y, kernel=kernels.Energy(), estimator="biased")
    assert value == pytest.approx(stats.energy_distance(X[:, 0], Y[:, 0]) ** 2, rel=1e-10)


def test_rbf_on_gaussians_tends_to_the_closed_form():
    """One draw of 4,000 + 4,000 within 5 standard errors of the truth (false failure 1e-6).

    A bandwidth wrong by a factor sqrt(2) is off by more than 20.
    """
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(4000, 2)), rng.normal([1.0, 0.0], size=(4000, 2))
    result = repdist.mmd_test(X, Y, kernel=kernels.RBF(1.5), n_resamples=99, rng=0)
    truth = rbf_on_gaussians(1.5, [1.0, 0.0], 2)
    assert abs(result.mmd_squared - truth) < 5 * result.standard_error


def test_standard_error_equals_its_definition():
    X, Y = samples(7, 10)
    Z = np.concatenate([X, Y])
    kernel = kernels.RBF(1.0)
    K = kernel(Z, Z)
    n, m = 7, 10
    h_x = [np.delete(K[i, :n], i).mean() - K[i, n:].mean() for i in range(n)]
    h_y = [np.delete(K[n + j, n:], j).mean() - K[n + j, :n].mean() for j in range(m)]
    expected = math.sqrt(4 * np.var(h_x, ddof=1) / n + 4 * np.var(h_y, ddof=1) / m)
    for first, second in ((X, Y), (Y, X)):
        result = repdist.mmd_test(first, second, kernel=kernel, n_resamples=9, rng=0)
        assert result.standard_error == pytest.approx(expected, rel=1e-12)


def test_standard_error_of_a_linear_kernel():
    """h = z . (mean X - mean Y) to first order: se^2 = 4 v (1/n + 1/m), v = d' Cov d."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2000, 2)), rng.normal([3.0, 0.0], size=(3000, 2))
    result = repdist.mmd_test(X, Y, kernel=kernels.Linear(), n_resamples=9, rng=0)
    expected = math.sqrt(4 * 9 * (1 / 2000 + 1 / 3000))
    assert result.standard_error == pytest.approx(expected, rel=0.05)
    assert standard_error(np.ones((4, 2)), np.ones((5, 2))) == 0


# --- properties ----------------------------------------------------------------------------------


@settings(derandomize=True, deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 12),
    m=st.integers(2, 12),
    name=st.sampled_from(sorted(FORMULAS)),
)
def test_properties(seed, n, m, name):
    """Swap symmetry, row order, sign of the biased estimate, torch equal to NumPy."""
    kernel, _ = FORMULAS[name]
    X, Y = samples(n, m, seed=seed)
    rng = np.random.default_rng(seed)
    for estimator in ("unbiased", "biased"):
        value = repdist.mmd_squared(X, Y, kernel=kernel, estimator=estimator)
        again = [
            repdist.mmd_squared(Y, X, kernel=kernel, estimator=estimator),
            repdist.mmd_squared(
                rng.permutation(X), rng.permutation(Y), kernel=kernel, estimator=estimator
            ),
            repdist.mmd_squared(
                torch.as_tensor(X), torch.as_tensor(Y), kernel=kernel, estimator=estimator
            ).item(),
        ]
        np.testing.assert_allclose(again, value, rtol=1e-9, atol=1e-12)
    assert value >= -1e-12  # biased


# --- torch ---------------------------------------------------------------------------------------


def tensors(n=5, m=7, dtype=torch.float64):
    return [torch.as_tensor(Z, dtype=dtype).requires_grad_() for Z in samples(n, m)]


@CASES
@ESTIMATORS
def test_gradients_are_right(kernel, k, estimator):
    X, Y = tensors()

    def loss(X, Y):
        return repdist.mmd_squared(X, Y, kernel=kernel, estimator=estimator)

    assert loss(X, Y).item() == pytest.approx(
        mmd_squared(k, X.tolist(), Y.tolist(), estimator), rel=1e-12
    )
    assert torch.autograd.gradcheck(loss, (X, Y))


@pytest.mark.parametrize("name", sorted(FORMULAS))
def test_gradients_are_finite_at_equal_rows(name):
    X, Y = tensors()
    X = torch.cat([X, X[:2], Y[:1]]).detach().requires_grad_()
    repdist.mmd_squared(X, Y, kernel=FORMULAS[name][0]).backward()
    assert torch.isfinite(X.grad).all()


def test_tiles_recomputed_in_the_backward_pass_give_the_same_gradient(monkeypatch):
    X, Y = tensors(40, 30)
    kernel, recompute = kernels.MultiRBF((0.5, 1.0, 2.0)), _array.recomputed
    repdist.mmd_squared(X, Y, kernel=kernel).backward()
    expected = X.grad.clone()
    X.grad = None
    monkeypatch.setattr(_sums, "_EDGE", 5)
    monkeypatch.setattr(_sums, "_KEPT_ROWS", 69)
    recomputed = []
    monkeypatch.setattr(_array, "recomputed", lambda f: recomputed.append(f) or recompute(f))
    repdist.mmd_squared(X, Y, kernel=kernel).backward()
    np.testing.assert_allclose(X.grad, expected, rtol=1e-10, atol=1e-14)
    assert recomputed


def test_the_fitted_bandwidth_is_a_constant_for_gradients():
    X, Y = tensors()
    fitted = kernels.MultiRBF().fit(torch.cat([X, Y]).detach())
    gradients = [
        torch.autograd.grad(repdist.mmd_squared(X, Y, kernel=kernel), X)[0]
        for kernel in (kernels.MultiRBF(), fitted)
    ]
    np.testing.assert_allclose(*gradients, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torch_results_are_scalars_of_the_input_dtype(dtype):
    X, Y = tensors(dtype=dtype)
    with_graph = repdist.mmd_squared(X, Y)
    without = repdist.mmd_squared(X.detach(), Y.detach())
    assert with_graph.dtype == without.dtype == dtype
    assert with_graph.shape == without.shape == ()
    assert with_graph.requires_grad
    assert not without.requires_grad
    assert with_graph.item() == pytest.approx(without.item(), rel=1e-5)


def test_a_gradient_step_brings_samples_closer():
    X, Y = tensors(50, 50, dtype=torch.float32)
    before = repdist.mmd_squared(X, Y)
    (gradient,) = torch.autograd.grad(before, X)
    assert repdist.mmd_squared(X - 1.0 * gradient, Y) < before


def test_autocast_does_not_lower_the_precision():
    X, Y = tensors(dtype=torch.float32)
    exact = repdist.mmd_squared(X, Y).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert repdist.mmd_squared(X, Y).item() == exact
        assert repdist.mmd_squared(X.detach(), Y.detach()).item() == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("precision", ["high", "medium"])
@pytest.mark.parametrize("differentiable", [False, True])
def test_products_are_not_lowered_and_the_setting_of_the_process_is_kept(precision, differentiable):
    """On an accelerator "high" means TF32; what a kernel sees is the same on any device."""
    matmul, inside = torch.backends.cuda.matmul, set()

    class Observer(repdist.kernels.Kernel):
        def evaluate(self, X, Y):
            inside.add(matmul.fp32_precision)
            return X @ Y.T

    X, Y = (Z.requires_grad_(differentiable) for Z in tensors(dtype=torch.float32))
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        assert matmul.fp32_precision == "tf32"
        repdist.mmd_squared(X, Y, kernel=Observer())
        assert inside == {"ieee"}
        assert matmul.fp32_precision == "tf32"
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)
