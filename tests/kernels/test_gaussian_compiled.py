"""The compiled tile pass against that of NumPy and against formulas."""

import importlib.util
import itertools

import numpy as np
import pytest
from given import needs

import repdist
from repdist import kernels
from repdist._blocks import Layout
from repdist._pass import geometry
from repdist._pass.geometry import Strip
from repdist._pass.sums import kernel_blocks
from repdist._pass.tiles import TilePass
from repdist._threads import Workers
from repdist.kernels import _gaussian_compiled
from repdist.kernels._plan import plan

KERNELS = {
    "grid": kernels.MultiRBF(),
    "squared twice": kernels.MultiRBF((0.5, 1.0, 2.0, 8.0)),
    "many squarings": kernels.MultiRBF(tuple(2.0 ** (k / 2) for k in range(-4, 10))),
    "other ratios": kernels.MultiRBF((0.7, 1.0, 1.9, 1.9)),
    "sum": kernels.MultiRBF.like_mmd_rbf(),
    "one": kernels.RBF(),
}
UNITS = {
    "bins and frozen rows": ([16] * 5 + [9] + [16] * 6 + [3], [0] * 6 + [1] * 7),
    "one unit": ([70, 131], [0, 1]),
}
FIELDS = ("sums", "diagonal", "rows", "columns", "squares")


@pytest.fixture
def compiled(monkeypatch):
    """Samples of any size are worth it."""
    monkeypatch.setattr(_gaussian_compiled, "LEAST_ROWS", 1)


def both(monkeypatch, function):
    """What a function returns with the compiled loop and with NumPy."""
    found = []
    for least in (1, 10**9):
        monkeypatch.setattr(_gaussian_compiled, "LEAST_ROWS", least)
        found.append(function())
    return found


@pytest.mark.parametrize("units", UNITS.values(), ids=UNITS.keys())
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
@pytest.mark.parametrize("squares", [True, False])
def test_blocks_equal_those_of_numpy(monkeypatch, kernel, units, squares):
    monkeypatch.setattr(geometry, "_EDGE", 48)
    unit_rows, unit_group = map(np.array, units)
    Z = np.random.default_rng(0).normal(size=(unit_rows.sum(), 5)).astype(np.float32)
    how, layout = plan(kernel.fit(Z)), Layout(unit_rows, unit_group, ties_matter=False)
    first, second = both(
        monkeypatch, lambda: list(kernel_blocks(how, Z, layout, Workers(2), squares=squares))
    )
    for ours, numpys in zip(first, second, strict=True):
        assert ours.epsilon == numpys.epsilon
        np.testing.assert_allclose(ours.magnitude, numpys.magnitude, rtol=1e-2)  # large powers
        for field in FIELDS:
            np.testing.assert_allclose(
                getattr(ours, field), getattr(numpys, field), rtol=2e-5, atol=1e-6, err_msg=field
            )


def test_the_loop_as_python_equals_formulas():
    """Each component, its units, rows and squares; the same function runs compiled."""
    rng = np.random.default_rng(1)
    exponents = -rng.exponential(size=(6, 5)).astype(np.float32)
    powers, squarings = np.float32([24, 4, 2, 1]), np.array([0, 1, 1, 0])
    weights = np.float32([0.1, 0.2, 0.3, 0.4])
    K = np.exp(exponents.astype(float) * powers[:, None, None])
    functions = [_gaussian_compiled.component_sums]
    if importlib.util.find_spec("numba") is not None:
        functions.append(_gaussian_compiled.compiled_component_sums())
    for function in functions:
        half, rows = np.zeros((4, 2, 5), np.float32), np.empty(6, np.float32)
        squares = np.zeros(4, np.float32)
        largest = function(exponents, powers, squarings, weights, half, rows, squares)
        np.testing.assert_allclose(half, K.reshape(4, 2, 3, 5).sum(axis=2), rtol=1e-6)
        np.testing.assert_allclose(rows, np.tensordot(weights, K, 1).sum(axis=1), rtol=1e-6)
        np.testing.assert_allclose(squares, (K**2).sum(axis=(1, 2)), rtol=1e-6)
        assert largest == pytest.approx(K[3].max(), rel=1e-6)


@needs("numba")
def test_the_exponential_is_that_of_numpy():
    """Over all of float32's range of results, with 0 below it and NaN where the exponent is NaN."""
    x = np.concatenate([np.linspace(-87, 1e-6, 10_001), [-88, -1e30, -np.inf]]).astype(np.float32)
    values, _ = exponentials(x)
    with np.errstate(under="ignore"):
        np.testing.assert_allclose(values[:-3], np.exp(x[:-3].astype(float)), rtol=4e-7)
    assert values[-3:].tolist() == [0, 0, 0]
    values, row = exponentials(np.float32([-1, np.nan, -2]))
    assert np.isnan(values).tolist() == [False, True, False]
    assert np.isnan(row)


def exponentials(x):
    """exp(x), and its sum, by the loop."""
    half, rows = np.zeros((1, 1, len(x)), np.float32), np.empty(1, np.float32)
    one = np.ones(1, np.float32)
    _gaussian_compiled.compiled_component_sums()(
        x[None], one, np.zeros(1, np.int64), one, half, rows, np.zeros(0, np.float32)
    )
    return half[0, 0], rows[0]


def test_values_that_are_not_finite_are_found(monkeypatch):
    """Products of rows that overflow, where their norms do not."""
    Z = np.zeros((600, 2), np.float32)
    Z[::3] = 1.5e19
    layout = Layout(np.array([300, 300]), np.array([0, 1]), ties_matter=False)

    def blocks():
        with pytest.raises(ValueError, match="finite values"):
            list(kernel_blocks(plan(kernels.RBF(1.0)), Z, layout, Workers()))

    both(monkeypatch, blocks)


@needs("numba")
@pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
def test_tests_give_the_same_answer(monkeypatch, combine):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(900, 4)).astype(np.float32)
    Y = rng.normal(0.08, size=(700, 4)).astype(np.float32)
    ours, numpys = both(monkeypatch, lambda: repdist.mmd_test(X, Y, rng=0, combine=combine))
    assert ours.mmd_squared != numpys.mmd_squared  # else the loop did not run
    assert ours.mmd_squared == pytest.approx(numpys.mmd_squared, rel=1e-4)
    assert ours.standard_error == pytest.approx(numpys.standard_error, rel=1e-4)
    assert ours.pvalue == pytest.approx(numpys.pvalue, abs=5e-4)


def test_threads_and_files_change_no_bit(compiled, tmp_path):
    rng = np.random.default_rng(3)
    X, Y = (rng.normal(size=(n, 3)).astype(np.float32) for n in (1500, 1400))
    np.save(tmp_path / "X.npy", X)
    in_file = np.load(tmp_path / "X.npy", mmap_mode="r")
    results = [
        repdist.mmd_test(first, Y, rng=0, n_jobs=n_jobs)
        for first, n_jobs in itertools.product([X, in_file], [1, 2, 3])
    ]
    for result in results:
        assert result.mmd_squared == results[0].mmd_squared
        np.testing.assert_array_equal(result.null_distribution, results[0].null_distribution)


@needs("numba")
def test_what_it_is_used_for(monkeypatch):
    """Large samples of float32 under Gaussians, if numba is there."""
    torch = pytest.importorskip("torch")
    rows, many = np.zeros((2, 1), np.float32), _gaussian_compiled.LEAST_ROWS

    def compiles(kernel, left, n_rows):
        return TilePass(plan(kernel), 8, False, False, n_rows)._compiles(left)

    assert compiles(kernels.RBF(1.0), rows, many)
    assert compiles(kernels.MultiRBF((1.0, 2.0)), rows, many)
    assert not compiles(kernels.RBF(1.0), rows, many - 1)
    assert not compiles(kernels.RBF(1.0), rows.astype(float), many)
    assert not compiles(kernels.Laplacian(1.0), rows, many)
    assert not compiles(kernels.Matern(1.0), rows, many)
    assert not compiles(kernels.RBF(1.0), torch.zeros(2, 1), many)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert not compiles(kernels.RBF(1.0), rows, many)


@needs("numba")
def test_without_a_folder_for_compiled_code(monkeypatch):
    """It is compiled in each process instead."""
    import numba

    njit, seen = numba.njit, []

    def refuse_to_keep(**options):
        seen.append(options.pop("cache", False))
        if seen[-1]:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", refuse_to_keep)
    _gaussian_compiled.compiled_component_sums.cache_clear()
    values, _ = exponentials(np.float32([-1]))
    _gaussian_compiled.compiled_component_sums.cache_clear()
    assert values[0] == pytest.approx(np.exp(-1))
    assert seen == [True, False]


@needs("numba")
def test_diagonal_tiles_leave_pairs_of_a_row_with_itself_out(compiled):
    """k(x, x) = 1 is counted apart, whatever rounding gives for it."""
    Z = np.random.default_rng(4).normal(50, size=(40, 7)).astype(np.float32)
    strip = Strip(0, 40, 0, 4, 0)
    how = plan(kernels.MultiRBF((1.0, 2.0)))
    left, right = how.operands(Z, Z.mean(axis=0), differences=False)
    tiles = TilePass(how, 64, differences=False, squares=True, n_rows=40)
    tile = tiles._compiled_sums(left, right, strip, strip, tiles.workspace(left))
    K = np.stack([kernels.RBF(b)(Z.astype(float), Z.astype(float)) for b in (1.0, 2.0)])
    K *= 1 - np.eye(40)
    assert tile.diagonal.tolist() == [[10] * 4] * 2
    np.testing.assert_allclose(tile.sums, K.reshape(2, 4, 10, 4, 10).sum(axis=(2, 4)), rtol=1e-4)
    assert tile.magnitude[-1] == pytest.approx(K[1].max(), rel=1e-4)
