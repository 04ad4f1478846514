"""Kernels of users: what they may be called, what is reserved, and that they work everywhere."""

import dataclasses

import numpy as np
import pytest

import repdist
from repdist import kernels
from repdist.kernels import _plan

ANY_NAME = [
    "_bandwidths", "_bounded", "_components", "_epsilon", "_line", "_operands", "_plan", "_powers",
    "_scale", "_weights", "bandwidths", "bounded", "check_rows", "components", "kernel", "operands",
    "plan", "powers", "scale", "values", "weights",
]  # fmt: skip


def rows(n, d=3, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def gaussian(self, X, Y):
    return np.exp(-0.2 * ((X[:, None] - Y[None]) ** 2).sum(axis=2))


def own(*fields, **namespace):
    """A kernel of a user with these fields."""
    namespace = {"evaluate": gaussian, **namespace}
    kind = dataclasses.make_dataclass(
        "Own", [(name, float, 0.7) for name in fields],
        bases=(kernels.Kernel,), frozen=True, namespace=namespace,
    )  # fmt: skip
    return kind()


def answers(kernel):
    X, Y = rows(20), rows(30, seed=1) + 0.3
    test = repdist.mmd_test(X, Y, kernel=kernel, n_resamples=99, rng=0)
    table = repdist.pairwise_mmd_test(
        [X, Y, X + 1], kernel=kernel, adjust="none", n_resamples=99, rng=0
    )
    return (
        repdist.mmd_squared(X, Y, kernel=kernel),
        {key: value for key, value in test.to_dict().items() if key != "kernel"},
        test.null_distribution.tolist(),
        table.to_frame().to_dict("records"),
    )


@pytest.fixture(scope="module")
def without_fields():
    return answers(own())


@pytest.mark.parametrize("name", ANY_NAME)
def test_a_field_may_have_any_name(name, without_fields):
    assert repr(answers(own(name))) == repr(without_fields)


def test_the_names_tried_are_those_of_a_plan():
    names = {name for name in dir(_plan.Plan) if not name.startswith("_")}
    assert {name.lstrip("_") for name in ANY_NAME} >= names


@pytest.mark.parametrize("name", ["fit", "evaluate"])
def test_a_field_that_would_replace_a_method_is_refused(name):
    with pytest.raises(TypeError, match=rf"`Own\.{name}` must be a method.*Rename the field"):
        own(name)
    with pytest.raises(TypeError, match=rf"`Bad\.{name}` must be a method"):
        type("Bad", (kernels.Kernel,), {name: 3.0})
    with pytest.raises(TypeError, match=rf"`Bad\.{name}` must be a method"):
        type("Bad", (kernels.Kernel,), {"__annotations__": {name: float}})


@pytest.mark.parametrize("value", ["yes", 1, None, np.array([True])], ids=repr)
def test_a_flag_that_is_no_bool_is_refused_by_name(value):
    kernel = own(shift_invariant=value)
    for function in (repdist.mmd_squared, repdist.mmd_test):
        with pytest.raises(TypeError, match=r"`Own\.shift_invariant` must be True or False; got"):
            function(rows(5), rows(6), kernel=kernel)


def test_a_kernel_without_evaluate_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        type("Bad", (kernels.Kernel,), {})()


@pytest.mark.parametrize("flag", [False, True])
def test_rows_are_centred_for_a_kernel_that_allows_it(flag):
    seen = []

    def evaluate(self, X, Y):
        seen.append(float(np.abs(X).max()))
        return gaussian(self, X, Y)

    repdist.mmd_squared(
        rows(300) + 1e4, rows(300) + 1e4, kernel=own(evaluate=evaluate, shift_invariant=flag)
    )
    assert (max(seen) < 100) == flag


class Cosine(kernels.Kernel):
    def evaluate(self, X, Y):
        if isinstance(X, np.ndarray):
            return (X @ Y.T) / np.outer(np.linalg.norm(X, axis=1), np.linalg.norm(Y, axis=1))
        return (X @ Y.T) / (X.norm(dim=1)[:, None] * Y.norm(dim=1))


def test_a_kernel_of_ones_own_is_what_its_matrix_says():
    X, Y = rows(20), rows(30, seed=1) + 0.5
    K = Cosine()(np.concatenate([X, Y]), np.concatenate([X, Y]))
    n = 20
    expected = K[:n, :n].mean() + K[n:, n:].mean() - 2 * K[:n, n:].mean()
    value = repdist.mmd_squared(X, Y, kernel=Cosine(), estimator="biased")
    assert value == pytest.approx(expected, rel=1e-12)


def test_a_kernel_of_ones_own_works_on_torch():
    torch = pytest.importorskip("torch")
    X, Y = rows(20), rows(30, seed=1) + 0.5
    ours, theirs = (
        repdist.mmd_test(*pair, kernel=Cosine(), n_resamples=99, rng=0)
        for pair in ((X, Y), (torch.as_tensor(X), torch.as_tensor(Y)))
    )
    assert ours.pvalue == theirs.pvalue
