"""Many small groups in one tile against a tile, or more, for every block."""

import itertools

import numpy as np
import pytest
from given import of_values
from oracles import FORMULAS

from repdist import kernels
from repdist._blocks import Layout
from repdist._pass import bundles, geometry, in_threads, sums
from repdist._threads import Workers
from repdist.kernels._plan import plan

FIELDS = ("sums", "diagonal", "rows", "columns", "squares", "magnitude")


def of_sizes(sizes, units):
    """Rows of units, and their groups: cut into units of some rows each, and what is left over."""
    rows, group = [], []
    for g, (n, size) in enumerate(zip(sizes, units, strict=True)):
        own = [size] * (n // size) + [n % size] * (n % size > 0)
        rows += own
        group += [g] * len(own)
    return np.array(rows), np.array(group)


# Of more than 1,024 rows in all, so that tiles are as large as they are for users.
SIZES = {
    "single rows": of_sizes([100, 60, 256, 40, 2, 200, 130, 300], [1] * 8),
    "bins and frozen rows": of_sizes(
        [100, 63, 255, 41, 17, 203, 130, 250], [4, 4, 8, 2, 8, 1, 3, 16]
    ),
    "one unit a group": of_sizes([100, 63, 255, 41, 17, 203, 130, 250], [999] * 8),
    "small and large groups": of_sizes(
        [30, 257, 31, 32, 300, 33, 256, 400, 34], [4, 8, 4, 8, 4, 8, 4, 8, 1]
    ),
}
KERNELS = {name: FORMULAS[name][0] for name in ("multi-rbf-sum", "laplacian", "linear", "energy")}
KERNELS |= {
    "with powers": kernels.MultiRBF((0.5, 1.0, 2.0, 4.0)),
    "a kernel of the user": of_values(lambda X, Y: np.cos(X[:, :1] - Y[:, 0])),
}


def blocks_of(kernel, Z, units, *, squares=True, n_jobs=1):
    layout = Layout(*units, ties_matter=True)
    return list(sums.kernel_blocks(plan(kernel), Z, layout, Workers(n_jobs), squares=squares))


def rows_of(units):
    return np.random.default_rng(0).normal(size=(units[0].sum(), 3))


@pytest.fixture
def apart(monkeypatch):
    """Return a function that gives the blocks without bundles."""

    def blocks(*arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(in_threads, "bundled", lambda _groups, _edge: [])
            return blocks_of(*arguments, **options)

    return blocks


def by_pair(blocks):
    found = {(block.first, block.second): block for block in blocks}
    assert len(found) == len(blocks)
    return found


def assert_same_blocks(ours, theirs):
    ours, theirs = by_pair(ours), by_pair(theirs)
    assert set(ours) == set(theirs)
    for pair, block in ours.items():
        for field in FIELDS:
            expected = getattr(theirs[pair], field)
            slack = 1e-12 * max(1e-3, np.abs(expected).max(initial=0))
            np.testing.assert_allclose(
                getattr(block, field), expected, rtol=1e-12, atol=slack, err_msg=f"{pair} {field}"
            )


@pytest.mark.parametrize("units", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_bundles_give_the_blocks_of_single_tiles(apart, kernel, units):
    """Each once, those within groups first, in their order."""
    Z = rows_of(units)
    ours = blocks_of(kernel, Z, units)
    assert_same_blocks(ours, apart(kernel, Z, units))
    groups = units[1].max() + 1
    assert [(block.first, block.second) for block in ours[:groups]] == [
        (g, g) for g in range(groups)
    ]
    assert all(block.first < block.second for block in ours[groups:])


@pytest.mark.parametrize("edge", [4, 7, 16, 50])
@pytest.mark.parametrize("size", [1, 3, 99])
def test_bundles_keep_to_the_edge_of_a_tile(monkeypatch, apart, size, edge):
    units = of_sizes([10, 2, 3, 7, 21, 2, 9, 4, 26], [size] * 9)
    Z, kernel = rows_of(units), kernels.RBF(1.0)
    expected = apart(kernel, Z, units)
    monkeypatch.setattr(geometry, "_EDGE", edge)
    assert_same_blocks(blocks_of(kernel, Z, units), expected)


def test_bundles_of_rows_of_a_matrix(apart):
    units = SIZES["bins and frozen rows"]
    N = units[0].sum()
    features = np.random.default_rng(0).normal(size=(2 * N, 4))
    kernel = kernels.Precomputed(features @ features.T)
    numbers = np.random.default_rng(1).permutation(2 * N)[:N, None].astype(float)
    ours = blocks_of(kernel, numbers, units)
    assert_same_blocks(ours, apart(kernel, numbers, units))
    group = np.repeat(units[1], units[0])
    chosen = numbers[:, 0].astype(int)
    K = kernel.K[np.ix_(chosen, chosen)]
    for (g, h), block in by_pair(ours).items():
        if g < h:
            np.testing.assert_allclose(block.rows, K[group == g][:, group == h].sum(axis=1))


def test_squares_are_0_unless_they_are_asked_for():
    units = SIZES["single rows"]
    for block in blocks_of(kernels.MultiRBF((1.0, 2.0)), rows_of(units), units, squares=False):
        assert (block.squares == 0).all()


def test_the_order_of_groups_moves_blocks():
    """Group g of one order is group `places[g]` of the other."""
    sizes, units = [100, 63, 255, 41, 300, 203, 130, 250], [4, 4, 8, 2, 4, 1, 3, 16]
    order = np.random.default_rng(1).permutation(len(sizes))
    places = np.argsort(order)
    given = of_sizes(sizes, units)
    Z, kernel = rows_of(given), kernels.MultiRBF((0.5, 1.0, 2.0))
    moved = of_sizes([sizes[g] for g in order], [units[g] for g in order])
    parts = np.split(Z, np.cumsum(sizes)[:-1])
    theirs = by_pair(blocks_of(kernel, np.concatenate([parts[g] for g in order]), moved))
    for (g, h), ours in by_pair(blocks_of(kernel, Z, given)).items():
        turned = places[g] > places[h]
        other = theirs[tuple(sorted((places[g], places[h])))]
        sums_there = other.sums.transpose(0, 2, 1) if turned else other.sums
        np.testing.assert_allclose(ours.sums, sums_there, rtol=1e-12)
        rows, columns = (other.columns, other.rows) if turned else (other.rows, other.columns)
        np.testing.assert_allclose(ours.rows, rows, rtol=1e-12)
        np.testing.assert_allclose(ours.columns, columns, rtol=1e-12)
        np.testing.assert_allclose(ours.squares, other.squares, rtol=1e-12)
        np.testing.assert_array_equal(ours.magnitude, other.magnitude)


@pytest.mark.parametrize("units", SIZES.values(), ids=SIZES)
def test_threads_do_not_change_a_bit(units):
    Z, kernel = rows_of(units), kernels.MultiRBF((0.5, 1.0, 2.0))
    one, three = (blocks_of(kernel, Z, units, n_jobs=n_jobs) for n_jobs in (1, 3))
    for ours, theirs in zip(one, three, strict=True):
        assert (ours.first, ours.second) == (theirs.first, theirs.second)
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))


@pytest.mark.parametrize("units", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("edge", [3, 64, 130, 1024])
def test_small_groups_that_follow_each_other_are_bundled(units, edge):
    groups = geometry.by_group(geometry.cut(*units, edge))
    most = min(512, edge)
    sizes = np.bincount(units[1], units[0]).astype(int)
    found = [
        [strips[0].group for strips in bundle.groups] for bundle in bundles.bundled(groups, edge)
    ]
    assert list(itertools.chain(*found)) == [g for g, n in enumerate(sizes) if n <= most // 2]
    for bundle in found:
        assert bundle == list(range(bundle[0], bundle[-1] + 1))
        assert sizes[bundle].sum() <= most
    for bundle, after in itertools.pairwise(found):
        if after[0] == bundle[-1] + 1:
            assert sizes[[*bundle, after[0]]].sum() > most
