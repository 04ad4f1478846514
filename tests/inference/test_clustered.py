"""MMD^2 of cluster means and its standard deviation by label: by naive loops, and exactness.

Under the null the data are a random ordering of whole clusters. Over all ways to deal clusters of
unequal sizes to the two samples, at most a share a may have p <= a, for every a.
"""

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest
from oracles import mmd_squared

from repdist import kernels
from repdist._blocks import join
from repdist._designs.clusters import ClusterRelabelings, Clusters, cluster_layout
from repdist._designs.relabelings import Swaps
from repdist._inference.clustered import (
    Centred,
    Chosen,
    Swapped,
    cluster_sums,
    findings,
    labels,
    moments,
    studentised,
)
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers
from repdist.kernels._plan import plan

COMBINE = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
BANDWIDTHS = (0.7, 1.5, 4.0)
SIZES = [1, 4, 2, 7, 1, 3, 5]


def clusters_of(sizes, seed=0, lattice=False):
    rng = np.random.default_rng(seed)
    if lattice:
        return [rng.integers(0, 2, size=(n, 2)).astype(float) for n in sizes]
    return [rng.normal(size=(n, 2)) + rng.normal(size=2) for n in sizes]


def sums_of(clusters, first, ties=True):
    sizes = np.array([len(rows) for rows in clusters])
    how = plan(kernels.MultiRBF(BANDWIDTHS))
    layout = cluster_layout(sizes[:first], sizes[first:])
    assert layout.ties_matter == ties
    sums = join(*kernel_blocks(how, np.concatenate(clusters), layout, Workers()))
    return cluster_sums(sums, sizes, first, np.array(how.weights)), np.array(how.weights)


def naive_kernel(clusters, bandwidth):
    """The mean of k over the rows of two clusters, one pair of rows at a time."""
    return np.array(
        [
            [
                np.mean([np.exp(-((x - y) ** 2).sum() / (2 * bandwidth**2)) for x in a for y in b])
                for b in clusters
            ]
            for a in clusters
        ]
    )


def naive_variance(K, x, y):
    """Chen and Qin's, from the definition: every block centred by itself in both directions."""

    def centred(B):
        return B - B.mean(axis=0) - B.mean(axis=1, keepdims=True) + B.mean()

    def within(rows):
        n, B = len(rows), centred(K[np.ix_(rows, rows)])
        return (
            2 * sum(B[i, j] ** 2 for i in range(n) for j in range(n) if i != j) / (n * (n - 1)) ** 2
        )

    across = centred(K[np.ix_(x, y)])
    return within(x) + within(y) + 4 * (across**2).sum() / (len(x) * len(y)) ** 2


def drawn_of(first, second, wanted=9999, swaps=None):
    drawn = ClusterRelabelings.of_clusters(Clusters(first, second, 1, 9), wanted)
    if swaps is not None:
        vars(drawn).update(swaps=swaps, exhaustive=False)
    return drawn


# --- sums, MMD^2 and variance against loops ------------------------------------------------------


def test_the_kernel_between_clusters_by_naive_loops():
    clusters = clusters_of(SIZES)
    sums, weights = sums_of(clusters, 3)
    K = np.array([naive_kernel(clusters, b) for b in BANDWIDTHS])
    own = np.einsum("rcc->rc", K).copy()
    np.testing.assert_allclose(sums.diagonal, own, rtol=1e-12)
    K[:, range(7), range(7)] = 0
    np.testing.assert_allclose(sums.blocks, K, rtol=1e-12)
    np.testing.assert_allclose(sums.squares, (K**2).sum(axis=(1, 2)), rtol=1e-12)
    W = np.tensordot(weights, K, 1)
    by_sample = np.stack([W[:, :3].sum(axis=1), W[:, 3:].sum(axis=1)], axis=1)
    np.testing.assert_allclose(sums.first_rows, by_sample[:3], rtol=1e-12)
    np.testing.assert_allclose(sums.second_rows, by_sample[3:, ::-1], rtol=1e-12)
    assert sums.sizes == (3, 4)


@pytest.mark.parametrize("first", [2, 3])
def test_every_relabeling_by_naive_formulas(first):
    clusters = clusters_of(SIZES)
    sums, _ = sums_of(clusters, first)
    drawn = drawn_of(first, 7 - first)
    T, variance = moments(Centred.of(sums), labels(drawn, np.random.default_rng(0)))
    choices = list(itertools.combinations(range(7), first))
    assert T.shape == (3, len(choices))
    for r, bandwidth in enumerate(BANDWIDTHS):
        K = naive_kernel(clusters, bandwidth)
        for b, x in enumerate(choices):
            x, y = list(x), [i for i in range(7) if i not in x]
            expected = mmd_squared(
                lambda i, j, K=K: K[int(i[0]), int(j[0])], np.c_[x], np.c_[y], "unbiased"
            )
            assert T[r, b] == pytest.approx(expected, rel=1e-10, abs=1e-13)
            assert variance[r, b] == pytest.approx(naive_variance(K, x, y), rel=1e-10)


@pytest.mark.parametrize(("first", "second", "k"), [(6, 6, 4), (6, 9, 3), (40, 50, 4), (7, 7, 1)])
def test_random_labels_and_their_products(first, second, k):
    """Codes with fewer columns than pairs among them."""
    rng = np.random.default_rng(0)
    drawn = drawn_of(first, second, swaps=Swaps(3, k))
    K = rng.normal(size=(first + second,) * 2)
    blocks = list(labels(drawn, rng))
    assert len(blocks) == 3
    for block in blocks:
        assert set(block.values.ravel()) == {0.0, 1.0}
        assert (block.values.sum(axis=1) == first).all()
        assert len(np.unique(block.values, axis=0)) == 2**k
        np.testing.assert_allclose(block.times(K), block.values @ K, rtol=1e-10, atol=1e-12)
    assert blocks[0].values[0].tolist() == [1] * first + [0] * second


@pytest.mark.parametrize("count", [6, 100])
def test_products_with_labels_of_few_clusters(count):
    rng = np.random.default_rng(0)
    chosen = Chosen(np.array([[0, 1, 2], [3, 1, 5]]), count)
    K = rng.normal(size=(count, count))
    kept = K.copy()
    np.testing.assert_allclose(chosen.times(K), chosen.values @ K, rtol=1e-12)
    np.testing.assert_array_equal(K, kept)


def test_the_weighted_kernel_stands_behind_its_components():
    sums, weights = sums_of(clusters_of(SIZES), 3)
    centred = Centred.of(sums).with_weighted(weights)
    blocks = list(labels(drawn_of(3, 4), np.random.default_rng(0)))
    T, variance = moments(centred, blocks)
    np.testing.assert_allclose(T[3], weights @ T[:3], rtol=1e-9, atol=1e-15)
    K = sum(w * naive_kernel(clusters_of(SIZES), b)
            for w, b in zip(weights, BANDWIDTHS, strict=True))  # fmt: skip
    assert variance[3, 0] == pytest.approx(naive_variance(K, [0, 1, 2], [3, 4, 5, 6]), rel=1e-10)


# --- ratios --------------------------------------------------------------------------------------


def test_ratios_and_the_least_standard_deviation():
    T, variance = np.array([[0.3, 0.1, -0.2]]), np.array([[0.0, 0.04, 0.05]])
    ratios, moved = studentised(T, variance, np.array([1e-15]))
    floor = 0.1 * np.sqrt(0.03)
    np.testing.assert_allclose(ratios, [[0.3 / floor, 0.5, -0.2 / np.sqrt(0.05)]], rtol=1e-12)
    assert 1e-15 / floor < moved[0] < 1e-11


def test_a_component_that_varies_by_rounding_alone_is_0():
    T = np.array([[1e-17, -1e-17, 0.0], [0.1, -0.1, 0.2]])
    variance = np.array([[1e-4, 1e-4, 1e-4], [0.1, 0.1, 0.1]])
    ratios, _ = studentised(T, variance, np.array([1e-14, 1e-14]))
    assert (ratios[0] == 0).all()
    assert (ratios[1] != 0).all()
    none, _ = studentised(T, np.zeros((2, 3)), np.array([1e-14, 1e-14]))
    assert (none == 0).all()


# --- exactness without chance --------------------------------------------------------------------


def excess(found, total):
    """The most by which the share of p-values up to a exceeds a, over all a; in whole numbers."""
    counts = np.rint(np.array(found) * total).astype(int)
    np.testing.assert_allclose(counts / total, found, rtol=1e-12)
    return max(
        Fraction(int((counts <= count).sum()), len(counts)) - Fraction(count, total)
        for count in set(counts.tolist())
    )


def pvalue(sums, weights, ordering, drawn, combine, seed=0):
    """The p-value if clusters came in this order."""
    first = drawn.units.movable[0]
    W = np.tensordot(weights, sums.blocks, 1)[np.ix_(ordering, ordering)]
    by_sample = np.stack([W[:, :first].sum(axis=1), W[:, first:].sum(axis=1)], axis=1)
    dealt = dataclasses.replace(
        sums,
        blocks=sums.blocks[:, ordering][:, :, ordering],
        diagonal=sums.diagonal[:, ordering],
        first_rows=by_sample[:first],
        second_rows=by_sample[first:, ::-1],
    )
    blocks = list(labels(drawn, np.random.default_rng(seed)))
    return findings(
        dealt, drawn.units, weights, (combine, "unbiased"), lambda centred: moments(centred, blocks)
    ).null.pvalue


@COMBINE
@pytest.mark.parametrize("lattice", [False, True], ids=["continuous", "ties"])
@pytest.mark.parametrize("movable", [(3, 3), (2, 4)])
def test_one_code_over_all_orderings_of_6_clusters(movable, lattice, combine):
    """Random relabelings, with all that is random held fixed: all 720 orderings of the clusters."""
    sums, weights = sums_of(clusters_of(SIZES[:6], 1, lattice), movable[0])
    swaps = Swaps(1, movable[0] - 1)
    drawn = drawn_of(*movable, swaps=swaps)
    found = [
        pvalue(sums, weights, list(ordering), drawn, combine)
        for ordering in itertools.permutations(range(6))
    ]
    assert excess(found, swaps.total) <= 0


@COMBINE
def test_two_shuffles_over_all_orderings_of_5_clusters(combine):
    """The second shuffle is drawn anew for each ordering; the share of all may exceed by chance.

    With 40 draws for each of 120 orderings the excess has a standard error of at most .007.
    """
    sums, weights = sums_of(clusters_of(SIZES[:5], 2), 2)
    drawn = drawn_of(2, 3, swaps=Swaps(2, 1))
    found = [
        pvalue(sums, weights, list(ordering), drawn, combine, seed)
        for seed in range(40)
        for ordering in itertools.permutations(range(5))
    ]
    assert excess(found, 4) < 0.035


def test_swapped_is_what_a_code_swaps():
    pairs = np.array([[0, 1, 2], [3, 4, 5]])
    values = Swapped(pairs, 7, 2).values
    assert (values[:, pairs[0]] + values[:, pairs[1]] == 1).all()
    assert (values[:, 6] == 0).all()
