"""MMD^2 of torch tensors, and its gradients."""

import numpy as np
import pytest
from oracles import FORMULAS, mmd_squared

import repdist
from repdist import _arrays, kernels
from repdist._pass import geometry, gradient

torch = pytest.importorskip("torch")

CASES = pytest.mark.parametrize(("kernel", "k"), FORMULAS.values(), ids=FORMULAS.keys())
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])


def samples(n=6, m=9, d=3, shift=0.5, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift


def tensors(n=5, m=7, dtype=torch.float64):
    return [torch.as_tensor(Z, dtype=dtype).requires_grad_() for Z in samples(n, m)]


@CASES
@ESTIMATORS
@pytest.mark.parametrize(("n", "m"), [(2, 2), (3, 12), (11, 7)])
def test_tensors_have_the_value_of_arrays(kernel, k, estimator, n, m):
    X, Y = samples(n, m)
    value = repdist.mmd_squared(
        torch.as_tensor(X), torch.as_tensor(Y), kernel=kernel, estimator=estimator
    )
    expected = repdist.mmd_squared(X, Y, kernel=kernel, estimator=estimator)
    assert value.item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


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
    kernel, recompute = kernels.MultiRBF((0.5, 1.0, 2.0)), _arrays.recomputed
    repdist.mmd_squared(X, Y, kernel=kernel).backward()
    expected = X.grad.clone()
    X.grad = None
    monkeypatch.setattr(geometry, "_EDGE", 5)
    monkeypatch.setattr(gradient, "_KEPT_ROWS", 69)
    recomputed = []
    monkeypatch.setattr(_arrays, "recomputed", lambda f: recomputed.append(f) or recompute(f))
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
