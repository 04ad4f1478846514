"""The tile pass against sums over the whole kernel matrix."""

import numpy as np
import pytest
import torch
from oracles import FORMULAS

from repdist import _sums, kernels
from repdist._sums import cut, in_order, kernel_sums

UNITS = {
    "single rows": ([1] * 20 + [1] * 15, [0] * 20 + [1] * 15),
    "bins and frozen rows": ([4] * 5 + [3] + [4] * 6 + [2], [0] * 6 + [1] * 7),
    "one unit a sample": ([23, 17], [0, 1]),
    "three samples": ([3, 3, 1, 5, 5, 2, 2], [0, 0, 0, 1, 1, 2, 2]),
}


def naive(kernel, Z, unit_rows, unit_sample):
    """Block, row, diagonal and squared sums by indicator matrices."""
    weights = np.array(kernel._weights)
    alone = [kernels.RBF(b) for b in kernel.bandwidths] if len(weights) > 1 else [kernel]
    K = np.stack([k(Z, Z) for k in alone])  # (R, N, N)
    W = np.repeat(np.eye(len(unit_rows)), unit_rows, axis=0)  # (N, U)
    S = np.repeat(np.eye(max(unit_sample) + 1)[unit_sample], unit_rows, axis=0)  # (N, samples)
    diagonal = np.diagonal(K, axis1=1, axis2=2)
    off = K * (1 - np.eye(len(Z)))
    return {
        "blocks": W.T @ off @ W,
        "diagonal": diagonal @ W,
        "rows": np.tensordot(weights, off, 1) @ S,
        "squares": (off**2).sum(axis=(1, 2)),
        "magnitude": np.abs(off).max(axis=(1, 2)),
    }


@pytest.mark.parametrize("edge", [4, 7, 512])
@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS.keys())
@pytest.mark.parametrize("name", ["multi-rbf", "multi-rbf-sum", "laplacian", "linear", "energy"])
@pytest.mark.parametrize("differences", [0, 256])
def test_sums_equal_those_of_the_matrix(monkeypatch, name, units, edge, differences):
    """For any tile size, with distances from products and from differences."""
    monkeypatch.setattr(_sums, "_DIFFERENCES", differences)
    monkeypatch.setattr(_sums, "_EDGE", edge)
    kernel, _ = FORMULAS[name]
    unit_rows, unit_sample = np.array(units[0]), np.array(units[1])
    Z = np.random.default_rng(0).normal(size=(unit_rows.sum(), 3))
    Z -= Z.mean(axis=0)  # the pass centres the rows, which the linear kernel's values show
    sums = kernel_sums(kernel, Z, unit_rows, unit_sample, n_jobs=1)
    for field, expected in naive(kernel, Z, unit_rows, unit_sample).items():
        np.testing.assert_allclose(
            getattr(sums, field), expected, rtol=1e-12, atol=1e-12, err_msg=field
        )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_a_bit(monkeypatch, dtype):
    monkeypatch.setattr(_sums, "_EDGE", 16)
    unit_rows, unit_sample = np.array([4] * 100), np.array([0] * 40 + [1] * 60)
    Z = np.random.default_rng(0).normal(size=(400, 5)).astype(dtype)
    kernel = kernels.MultiRBF((0.5, 1.0, 2.0))
    one, *others = [
        kernel_sums(kernel, Z, unit_rows, unit_sample, n_jobs=n_jobs) for n_jobs in (1, 2, 5)
    ]
    for other in others:
        for field in ("blocks", "diagonal", "rows", "squares", "magnitude"):
            np.testing.assert_array_equal(getattr(one, field), getattr(other, field))


def test_torch_sums_equal_numpy_sums():
    unit_rows, unit_sample = map(np.array, UNITS["bins and frozen rows"])
    Z = np.random.default_rng(0).normal(size=(unit_rows.sum(), 5))
    kernel = kernels.MultiRBF((0.5, 1.0, 2.0))
    ours = kernel_sums(kernel, Z, unit_rows, unit_sample, n_jobs=1)
    torchs = kernel_sums(kernel, torch.as_tensor(Z), unit_rows, unit_sample, n_jobs=1)
    for field in ("blocks", "diagonal", "rows", "squares", "magnitude"):
        np.testing.assert_allclose(getattr(ours, field), getattr(torchs, field), rtol=1e-12)


@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS.keys())
@pytest.mark.parametrize("edge", [1, 2, 3, 5, 8, 100])
def test_strips_cover_every_row_once(units, edge):
    unit_rows, unit_sample = np.array(units[0]), np.array(units[1])
    strips = cut(unit_rows, unit_sample, edge)
    of_row = np.repeat(np.arange(len(unit_rows)), unit_rows)
    position = 0
    for strip in strips:
        assert strip.start == position
        assert 1 <= strip.stop - strip.start <= edge
        position = strip.stop
        held = of_row[strip.rows]
        assert set(held) == set(range(strip.unit, strip.unit + strip.count))
        counts = np.bincount(held - strip.unit)
        assert (counts == counts[0]).all()
        assert (unit_sample[held] == strip.sample).all()
    assert position == unit_rows.sum()


def test_in_order_keeps_the_order_and_draws_tasks_as_needed():
    drawn = []

    def tasks():
        for number in range(1000):
            drawn.append(number)
            yield number

    results = in_order(lambda number: number * number, tasks(), 3)
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    assert len(drawn) < 50
    results.close()


def test_in_order_hands_on_an_error():
    def fail_at_7(number):
        if number == 7:
            raise RuntimeError("seven")
        return number

    with pytest.raises(RuntimeError, match="seven"):
        list(in_order(fail_at_7, range(1000), 3))
