"""The kernel of row i of one sample with row i of the other, against naive values and the sums."""

import dataclasses

import numpy as np
import pytest
from given import ALL_KERNELS, LIBRARIES, of_values
from oracles import FORMULAS

from repdist import kernels
from repdist._blocks import Layout, join
from repdist._pass import beside, geometry
from repdist._pass.beside import values_beside
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers
from repdist.kernels._kernel import fit
from repdist.kernels._plan import plan

SMALL = pytest.mark.parametrize("small", [True, False], ids=["small", "large"])


def layout_of(n, small=False):
    """Single rows, n against n."""
    return Layout(np.ones(2 * n, dtype=int), np.repeat([0, 1], n), small)


def rows_of(n, d=3, dtype=np.float64, seed=0):
    """Rows of two samples of n; their median is 0, as the pass takes it off."""
    Z = np.random.default_rng(seed).normal(size=(2 * n, d))
    return (Z - np.median(Z, axis=0)).astype(dtype)


def weighted(kernel, Z, n, small=False):
    how = plan(kernel)
    found = values_beside(how, Z, layout_of(n, small))
    assert found.shape == (len(how.weights), n)
    assert found.dtype == np.float64
    return np.array(how.weights) @ found


@SMALL
@pytest.mark.parametrize("name", FORMULAS)
def test_values_are_those_of_the_formula(name, small):
    kernel, k = FORMULAS[name]
    Z = rows_of(9)
    expected = [k(x, y) for x, y in zip(Z[:9].tolist(), Z[9:].tolist(), strict=True)]
    np.testing.assert_allclose(weighted(kernel, Z, 9, small), expected, rtol=1e-12)


@pytest.mark.parametrize(
    "bandwidths", [(0.5, 1.0, 2.0, 4.0), (0.3, 0.7, 5.0), (1.0, 1.4142135623730951)]
)
def test_every_component_has_its_own_value(bandwidths):
    """Squares of the next wider one, or new exponentials."""
    Z = rows_of(100)
    found = values_beside(plan(kernels.MultiRBF(bandwidths)), Z, layout_of(100))
    squares = np.square(Z[:100] - Z[100:]).sum(axis=1)
    expected = [np.exp(-squares / (2 * b * b)) for b in bandwidths]
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize(("dtype", "atol"), [(np.float64, 1e-13), (np.float32, 2e-6)])
@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
@SMALL
def test_values_are_those_that_the_sums_hold(kernel, dtype, atol, small):
    """To the rounding of the dtype, so that the sums can be rid of them."""
    n = 70
    Z = rows_of(n, 5, dtype) + dtype(3)
    how = plan(fit(kernel, Z))
    layout = layout_of(n, small)
    sums = join(*kernel_blocks(how, Z, layout, Workers(1)))
    inside = sums.blocks[:, np.arange(n), np.arange(n, 2 * n)]
    size = np.abs(inside).max(axis=1, keepdims=True)
    found = values_beside(how, Z, layout)
    np.testing.assert_allclose(found / size, inside / size, rtol=0, atol=atol)


@pytest.mark.parametrize(("rows", "edge"), [(64, 512), (7, 512), (64, 5), (1, 1)])
def test_the_size_of_tiles_changes_rounding_alone(monkeypatch, rows, edge):
    monkeypatch.setattr(beside, "_ROWS", rows)
    monkeypatch.setattr(geometry, "_EDGE", edge)
    Z = rows_of(131)
    expected = np.exp(-np.square(Z[:131] - Z[131:]).sum(axis=1) / 2)
    np.testing.assert_allclose(weighted(kernels.RBF(1.0), Z, 131), expected, rtol=1e-11)


def test_small_samples_have_distances_from_differences():
    """Of partners that are near to each other and far from 0; a product loses what differs."""
    rng = np.random.default_rng(0)
    X = 1e8 * rng.normal(size=(20, 2)).round(3)
    Y = X + rng.integers(-1, 2, size=X.shape)
    Z = np.concatenate([X, Y])
    expected = np.exp(-np.square(X - Y).sum(axis=1) / 2)
    np.testing.assert_allclose(weighted(kernels.RBF(1.0), Z, 20, small=True), expected, rtol=1e-12)
    assert np.abs(weighted(kernels.RBF(1.0), Z, 20) - expected).max() > 0.1


@SMALL
def test_small_samples_of_single_precision_are_computed_in_double(small):
    Z = rows_of(30, dtype=np.float32)
    double = weighted(kernels.RBF(1.0), Z.astype(float), 30, small)
    single = weighted(kernels.RBF(1.0), Z, 30, small)
    assert (single == double).all() == small
    np.testing.assert_allclose(single, double, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
def test_torch_gives_the_values_of_numpy(kernel, dtype):
    torch = pytest.importorskip("torch")
    Z = rows_of(80, 4, dtype)
    fitted = fit(kernel, Z)
    ours, torchs = weighted(fitted, Z, 80), weighted(fitted, torch.as_tensor(Z), 80)
    assert isinstance(torchs, np.ndarray)
    rtol = 1e-11 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(torchs, ours, rtol=rtol, atol=rtol * np.abs(ours).max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
@SMALL
def test_rows_in_a_file_give_the_same_bits(tmp_path, kernel, dtype, small):
    Z = rows_of(150, 4, dtype)
    np.save(tmp_path / "rows.npy", Z)
    on_disk = np.load(tmp_path / "rows.npy", mmap_mode="r")
    fitted = fit(kernel, Z)
    np.testing.assert_array_equal(
        weighted(fitted, on_disk, 150, small), weighted(fitted, Z, 150, small)
    )


def test_a_matrix_and_a_kernel_of_a_user():
    Z = rows_of(40)
    K = kernels.Laplacian(1.0)(Z, Z)
    numbers = np.random.default_rng(0).permutation(80)[:, None].astype(float)
    at = numbers[:, 0].astype(int)
    np.testing.assert_array_equal(
        weighted(kernels.Precomputed(K), numbers, 40), K[at[:40], at[40:]]
    )
    own = of_values(lambda X, Y: (X @ Y.T) ** 2)
    expected = np.einsum("id,id->i", Z[:40], Z[40:]) ** 2
    np.testing.assert_allclose(weighted(own, Z, 40), expected, rtol=1e-10)


@LIBRARIES
@SMALL
def test_rows_are_not_changed(library, small):
    Z = rows_of(70, dtype=np.float32)
    before = Z.copy()
    for kernel in (kernels.MultiRBF((0.5, 1.0)), kernels.Laplacian(1.0), kernels.Linear()):
        layout = dataclasses.replace(layout_of(70), ties_matter=small)
        values_beside(plan(kernel), library(Z), layout)
        np.testing.assert_array_equal(Z, before)
