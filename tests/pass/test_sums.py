"""The tile pass against sums over the whole kernel matrix."""

import itertools

import numpy as np
import pytest
from oracles import FORMULAS

from repdist import kernels
from repdist._blocks import Layout, join
from repdist._pass import geometry, sums
from repdist._pass.geometry import cut
from repdist._threads import Workers, in_order
from repdist.kernels._plan import plan

UNITS = {
    "single rows": ([1] * 20 + [1] * 15, [0] * 20 + [1] * 15),
    "bins and frozen rows": ([4] * 5 + [3] + [4] * 6 + [2], [0] * 6 + [1] * 7),
    "one unit a sample": ([23, 17], [0, 1]),
    "many sizes": ([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2], [0] * 11 + [1] * 6),
    "three samples": ([3, 3, 1, 5, 5, 2, 2], [0, 0, 0, 1, 1, 2, 2]),
}


def kernel_blocks(kernel, Z, unit_rows, unit_group, *, small=False, n_jobs=1, between=None):
    layout = Layout(unit_rows, unit_group, ties_matter=small)
    return sums.kernel_blocks(
        plan(kernel), Z, layout, Workers(n_jobs), squares=True, between=between
    )


def naive(kernel, Z, unit_rows, unit_group):
    """The sums of every block by indicator matrices of the whole kernel matrix."""
    weights = np.array(plan(kernel).weights)
    alone = [kernels.RBF(b) for b in kernel.bandwidths] if len(weights) > 1 else [kernel]
    K = np.stack([k(Z, Z) for k in alone])  # (R, N, N)
    off = K * (1 - np.eye(len(Z)))
    weighted = np.tensordot(weights, off, 1)
    group = np.repeat(unit_group, unit_rows)  # of each row
    W = np.repeat(np.eye(len(unit_rows)), unit_rows, axis=0)  # (N, U)
    groups = range(max(unit_group) + 1)
    for g, h in [(g, g) for g in groups] + list(itertools.combinations(groups, 2)):
        i, j = group == g, group == h
        W_g, W_h = W[i][:, unit_group == g], W[j][:, unit_group == h]
        block = off[:, i][:, :, j]
        yield {
            "first": g,
            "second": h,
            "sums": W_g.T @ block @ W_h,
            "diagonal": (np.diagonal(K, axis1=1, axis2=2)[:, i] @ W_g) * (g == h),
            "rows": weighted[i][:, j].sum(axis=1),
            "columns": weighted[i][:, j].sum(axis=0),
            "squares": (block**2).sum(axis=(1, 2)),
            "magnitude": np.abs(block).max(axis=(1, 2)),
        }


FIELDS = ("sums", "diagonal", "rows", "columns", "squares", "magnitude")


@pytest.mark.parametrize("edge", [4, 7, 512])
@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS.keys())
@pytest.mark.parametrize("name", ["multi-rbf", "multi-rbf-sum", "laplacian", "linear", "energy"])
@pytest.mark.parametrize("differences", [True, False])
def test_sums_equal_those_of_the_matrix(monkeypatch, name, units, edge, differences):
    """For any tile size, with distances from products and from differences."""
    monkeypatch.setattr(geometry, "_EDGE", edge)
    kernel, _ = FORMULAS[name]
    unit_rows, unit_group = np.array(units[0]), np.array(units[1])
    Z = np.random.default_rng(0).normal(size=(unit_rows.sum(), 3))
    Z -= np.median(Z, axis=0)  # the pass centres the rows, which the linear kernel's values show
    blocks = kernel_blocks(kernel, Z, unit_rows, unit_group, small=differences)
    for block, expected in zip(blocks, naive(kernel, Z, unit_rows, unit_group), strict=True):
        for field, value in expected.items():
            np.testing.assert_allclose(
                getattr(block, field), value, rtol=1e-12, atol=1e-12, err_msg=field
            )


BETWEEN = {"with the first": [(0, 1), (0, 2)], "one": [(1, 2)], "none": []}


@pytest.mark.parametrize("between", BETWEEN.values(), ids=BETWEEN.keys())
@pytest.mark.parametrize("edge", [4, 512])
@pytest.mark.parametrize("library", ["NumPy", "torch"])
def test_blocks_between_some_groups_are_those_of_the_full_pass(monkeypatch, between, edge, library):
    """To the bit, after all that are within groups."""
    monkeypatch.setattr(geometry, "_EDGE", edge)
    unit_rows, unit_group = map(np.array, UNITS["three samples"])
    Z = np.random.default_rng(0).normal(size=(unit_rows.sum(), 3))
    if library == "torch":
        Z = pytest.importorskip("torch").as_tensor(Z)
    kernel = kernels.MultiRBF((0.5, 1.0, 2.0))
    full = {(b.first, b.second): b for b in kernel_blocks(kernel, Z, unit_rows, unit_group)}
    some = list(kernel_blocks(kernel, Z, unit_rows, unit_group, between=between))
    assert [(b.first, b.second) for b in some[:3]] == [(0, 0), (1, 1), (2, 2)]
    assert sorted((b.first, b.second) for b in some[3:]) == between
    for block in some:
        for field in FIELDS:
            expected = getattr(full[block.first, block.second], field)
            np.testing.assert_array_equal(getattr(block, field), expected)


def test_two_samples_are_joined_from_their_blocks():
    unit_rows, unit_group = map(np.array, UNITS["bins and frozen rows"])
    n = unit_rows[unit_group == 0].sum()
    Z = np.random.default_rng(0).normal(size=(unit_rows.sum(), 3))
    kernel = kernels.RBF(1.0)
    both = join(*kernel_blocks(kernel, Z, unit_rows, unit_group))
    (whole,) = naive(kernel, Z, unit_rows, np.zeros_like(unit_group))
    np.testing.assert_allclose(both.blocks, whole["sums"], rtol=1e-12)
    np.testing.assert_allclose(both.diagonal, whole["diagonal"], rtol=1e-12)
    np.testing.assert_allclose(both.squares, whole["squares"], rtol=1e-12)
    np.testing.assert_allclose(both.magnitude, whole["magnitude"], rtol=1e-12)
    K = kernel(Z, Z) - np.eye(len(Z))
    own_and_other = [K[:n, :n].sum(axis=1), K[:n, n:].sum(axis=1)]
    np.testing.assert_allclose(both.first_rows, np.transpose(own_and_other), rtol=1e-12)
    own_and_other = [K[n:, n:].sum(axis=1), K[n:, :n].sum(axis=1)]
    np.testing.assert_allclose(both.second_rows, np.transpose(own_and_other), rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_a_bit(monkeypatch, dtype):
    monkeypatch.setattr(geometry, "_EDGE", 16)
    unit_rows, unit_group = np.array([4] * 100), np.array([0] * 40 + [1] * 60)
    Z = np.random.default_rng(0).normal(size=(400, 5)).astype(dtype)
    kernel = kernels.MultiRBF((0.5, 1.0, 2.0))
    one, *others = [
        list(kernel_blocks(kernel, Z, unit_rows, unit_group, n_jobs=n_jobs)) for n_jobs in (1, 2, 5)
    ]
    for other in others:
        for ours, theirs in zip(one, other, strict=True):
            for field in FIELDS:
                np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))


@pytest.mark.parametrize("units", ["bins and frozen rows", "many sizes"])
def test_torch_sums_equal_numpy_sums(units):
    torch = pytest.importorskip("torch")
    unit_rows, unit_group = map(np.array, UNITS[units])
    Z = np.random.default_rng(0).normal(size=(unit_rows.sum(), 5))
    kernel = kernels.MultiRBF((0.5, 1.0, 2.0))
    for differences in (True, False):
        ours, torchs = (
            kernel_blocks(kernel, A, unit_rows, unit_group, small=differences)
            for A in (Z, torch.as_tensor(Z))
        )
        for one, other in zip(ours, torchs, strict=True):
            for field in FIELDS:
                np.testing.assert_allclose(getattr(one, field), getattr(other, field), rtol=1e-11)


@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS.keys())
@pytest.mark.parametrize("edge", [1, 2, 3, 5, 8, 100])
def test_strips_cover_every_row_once(units, edge):
    unit_rows, unit_group = np.array(units[0]), np.array(units[1])
    strips = cut(unit_rows, unit_group, edge)
    of_row = np.repeat(np.arange(len(unit_rows)), unit_rows)
    position = 0
    for strip in strips:
        assert strip.start == position
        assert 1 <= strip.stop - strip.start <= edge
        position = strip.stop
        held = of_row[strip.rows]
        assert set(held) == set(range(strip.unit, strip.unit + strip.count))
        counts = np.bincount(held - strip.unit)
        assert counts.tolist() == list(strip.sizes or (counts[0],) * strip.count)
        expected = np.flatnonzero(np.diff(held, prepend=-1))
        np.testing.assert_array_equal(strip.unit_starts, expected)
        assert (unit_group[held] == strip.group).all()
    assert position == unit_rows.sum()


def test_units_of_many_sizes_share_strips():
    """Else there were a tile for every two units."""
    unit_rows = np.random.default_rng(0).integers(1, 40, size=200)
    strips = cut(unit_rows, np.repeat([0, 1], 100), 1024)
    assert len(strips) == 2 + 3  # of 2,034 and 2,215 rows: not 200
    long = cut(np.append(unit_rows, 3000), np.repeat([0, 1], [100, 101]), 1024)
    assert [strip.stop - strip.start for strip in long[-3:]] == [1000] * 3
    assert all(strip.sizes == () for strip in long[-3:])


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
