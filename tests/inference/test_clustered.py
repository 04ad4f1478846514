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
from repdist._blocks import Block
from repdist._designs.clusters import ClusterLayout, ClusterRelabelings, Clusters
from repdist._designs.relabelings import Swaps
from repdist._designs.units import Units, two_sample_units
from repdist._inference import cluster_labels
from repdist._inference.cluster_labels import Chosen, Swapped, labels
from repdist._inference.cluster_sums import ClusterSums, bins_as_rows, cluster_sums, in_units
from repdist._inference.clustered import Centred, findings, moments, studentised
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
    """Sums between single clusters, and the weights of the components."""
    bins = two_sample_units(first, len(clusters) - first, "rows")
    found, weights = all_sums_of(clusters, first, bins.rows, ties)
    return found.sums, weights


def all_sums_of(clusters, first, unit_clusters, ties=True):
    sizes = np.array([len(rows) for rows in clusters])
    how = plan(kernels.MultiRBF(BANDWIDTHS))
    layout = ClusterLayout(sizes, first, np.asarray(unit_clusters))
    assert layout.layout.ties_matter == ties
    weights = np.array(how.weights)
    blocks = kernel_blocks(how, np.concatenate(clusters), layout.layout, Workers())
    return cluster_sums(blocks, layout, weights), weights


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
    drawn = ClusterRelabelings.of_clusters(Clusters(first, second, 1, 9), wanted, "auto")
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
@pytest.mark.parametrize("at_once", [1, 2, 3])
def test_random_labels_and_their_products(monkeypatch, first, second, k, at_once):
    """Codes with fewer columns than pairs among them."""
    rng = np.random.default_rng(0)
    drawn = drawn_of(first, second, swaps=Swaps(3, k))
    K = rng.normal(size=(first + second,) * 2)
    K += K.T
    monkeypatch.setattr(cluster_labels, "LABELS", at_once * (first + second) << k)
    blocks = list(labels(drawn, rng))
    assert len(blocks) == -(-3 // at_once)
    for block in blocks:
        assert set(block.values.ravel()) == {0.0, 1.0}
        assert (block.values.sum(axis=1) == first).all()
        for of_shuffle in np.split(block.values, len(block.values) >> k):
            assert len(np.unique(of_shuffle, axis=0)) == 2**k
        np.testing.assert_allclose(block.times(K), block.values @ K, rtol=1e-10, atol=1e-12)
        form = np.einsum("bi,ij,bj->b", block.values, K, block.values)
        np.testing.assert_allclose(block.form(K[..., None])[0], form, rtol=1e-10, atol=1e-10)
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


def pvalue(sums, weights, ordering, drawn, combine, blocks):
    """The p-value if clusters came in this order; the labels are those of `blocks`."""
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
    return findings(
        ClusterSums(dealt, np.zeros((len(weights), 0)), np.zeros(2)),
        drawn.bins,
        weights,
        (combine, "unbiased"),
        lambda centred: moments(centred, blocks),
    ).null.pvalue


@pytest.mark.parametrize(
    ("movable", "lattice", "combine"),
    [
        ((3, 3), False, "max"),
        ((2, 4), True, "max"),
        ((3, 3), True, "mean"),
        ((2, 4), False, "mean"),
        ((3, 3), False, "fuse"),
        ((2, 4), True, "fuse"),
    ],
)
def test_one_code_over_all_orderings_of_6_clusters(movable, lattice, combine):
    """Random relabelings, with all that is random held fixed: all 720 orderings of the clusters.

    Half of all cases: each two of sizes, ties and combination meet.
    """
    sums, weights = sums_of(clusters_of(SIZES[:6], 1, lattice), movable[0])
    swaps = Swaps(1, movable[0] - 1)
    drawn = drawn_of(*movable, swaps=swaps)
    blocks = list(labels(drawn, np.random.default_rng(0)))
    found = [
        pvalue(sums, weights, list(ordering), drawn, combine, blocks)
        for ordering in itertools.permutations(range(6))
    ]
    assert excess(found, swaps.total) <= 0


@pytest.mark.slow
@COMBINE
def test_two_shuffles_over_all_orderings_of_5_clusters(combine):
    """The second shuffle is drawn anew for each ordering; the share of all may exceed by chance.

    With 40 draws for each of 120 orderings the excess has a standard error of at most .007.
    """
    sums, weights = sums_of(clusters_of(SIZES[:5], 2), 2)
    drawn = drawn_of(2, 3, swaps=Swaps(2, 1))
    found = [
        pvalue(sums, weights, list(ordering), drawn, combine, blocks)
        for seed in range(40)
        for blocks in [list(labels(drawn, np.random.default_rng(seed)))]
        for ordering in itertools.permutations(range(5))
    ]
    assert excess(found, 4) < 0.035


def test_swapped_is_what_a_code_swaps():
    pairs = np.array([[0, 1, 2], [3, 4, 5]])
    values = Swapped(pairs[None], drawn_of(3, 4, swaps=Swaps(1, 2))).values
    assert (values[:, pairs[0]] + values[:, pairs[1]] == 1).all()
    assert (values[:, 6] == 0).all()


# --- bins of clusters ----------------------------------------------------------------------------


def kbar_of(clusters):
    """Of each component, with what clusters have with themselves."""
    return np.array([naive_kernel(clusters, b) for b in BANDWIDTHS])


@pytest.mark.parametrize("at_a_time", [2, 3, 512])
@pytest.mark.parametrize(
    ("first", "unit_clusters"), [(3, [2, 1, 2, 2]), (4, [2, 2, 3]), (2, [2, 5]), (2, [1] * 7)]
)
def test_sums_between_units_of_clusters(monkeypatch, at_a_time, first, unit_clusters):
    """However many clusters a pass has at a time; a unit can lie in two chunks."""
    monkeypatch.setattr("repdist._designs.clusters.AT_A_TIME", at_a_time)
    clusters = clusters_of(SIZES)
    found, weights = all_sums_of(clusters, first, unit_clusters)
    K = kbar_of(clusters)
    unit = np.repeat(np.arange(len(unit_clusters)), unit_clusters)
    E = np.equal.outer(unit, np.arange(len(unit_clusters))) / 1.0
    own = np.einsum("rcc->rc", K).copy()
    off = K - own[:, None] * np.eye(7)
    np.testing.assert_allclose(found.sums.blocks, E.T @ off @ E, rtol=1e-11)
    np.testing.assert_allclose(found.sums.diagonal, own @ E, rtol=1e-11)
    W = np.tensordot(weights, off, 1)
    by_sample = np.stack([W[:, :first].sum(axis=1), W[:, first:].sum(axis=1)], axis=1)
    np.testing.assert_allclose(found.sums.first_rows, by_sample[:first], rtol=1e-11)
    np.testing.assert_allclose(found.sums.second_rows, by_sample[first:, ::-1], rtol=1e-11)
    np.testing.assert_allclose(found.sums.squares, (off**2).sum(axis=(1, 2)), rtol=1e-11)
    assert found.sums.sizes == (first, 7 - first)
    np.testing.assert_allclose(found.own, [first, 7 - first], rtol=1e-12)  # k(x, x) = 1


@pytest.mark.parametrize("at_a_time", [2, 512])
def test_values_beside_each_other_are_those_of_pairs_of_clusters(monkeypatch, at_a_time):
    monkeypatch.setattr("repdist._designs.clusters.AT_A_TIME", at_a_time)
    clusters = clusters_of([1, 4, 2, 7, 1, 3])
    found, _ = all_sums_of(clusters, 3, [1] * 6)
    np.testing.assert_allclose(
        found.beside, np.einsum("rcc->rc", kbar_of(clusters)[:, :3, 3:]), rtol=1e-12
    )


def test_bins_are_rows_and_what_is_frozen_is_left_out():
    """Two bins of two clusters and a frozen one; two bins of two, and none."""
    clusters = clusters_of([1, 4, 2, 7, 1, 3, 5, 2, 1])
    bins = Units(2, (2, 2), (1, 0))
    found, weights = all_sums_of(clusters, 5, bins.rows)
    moving = bins_as_rows(found.sums, bins, weights)
    members = [[0, 1], [2, 3], [5, 6], [7, 8]]
    K = kbar_of(clusters)
    means = np.array(
        [[[K[r][np.ix_(a, b)].mean() for b in members] for a in members] for r in range(3)]
    )
    own = np.einsum("rcc->rc", means).copy()
    off = means - own[:, None] * np.eye(4)
    np.testing.assert_allclose(moving.blocks, off, rtol=1e-12)
    np.testing.assert_allclose(moving.diagonal, own, rtol=1e-12)
    np.testing.assert_allclose(moving.squares, (off**2).sum(axis=(1, 2)), rtol=1e-12)
    W = np.tensordot(weights, off, 1)
    by_sample = np.stack([W[:, :2].sum(axis=1), W[:, 2:].sum(axis=1)], axis=1)
    np.testing.assert_allclose(moving.first_rows, by_sample[:2], rtol=1e-12)
    np.testing.assert_allclose(moving.second_rows, by_sample[2:, ::-1], rtol=1e-12)


def test_single_clusters_are_bins_of_one():
    found, weights = all_sums_of(clusters_of(SIZES), 3, [1] * 7)
    bins = Units(1, (3, 4), (0, 0))
    moving = bins_as_rows(found.sums, bins, weights)
    for name in ("blocks", "diagonal", "first_rows", "second_rows", "squares"):
        np.testing.assert_allclose(
            getattr(moving, name), getattr(found.sums, name), rtol=1e-12, atol=1e-15
        )


@pytest.mark.parametrize(("first", "second", "k"), [(6, 6, 4), (6, 9, 3), (40, 50, 4), (7, 7, 1)])
def test_quadratic_forms_of_labels(first, second, k):
    """By a transform: of symmetric matrices, whose rows need not sum to 0."""
    rng = np.random.default_rng(0)
    Q = rng.normal(size=(first + second, first + second, 2))
    Q += Q.transpose(1, 0, 2)
    kept = Q.copy()
    for block in labels(drawn_of(first, second, swaps=Swaps(3, k)), rng):
        A = block.values
        expected = np.einsum("bc,cdr,bd->rb", A, Q, A, optimize=True)
        np.testing.assert_allclose(block.form(Q), expected, rtol=1e-9, atol=1e-10)
    chosen = Chosen(np.array([[0, 1, 2], [3, 1, 5]]), first + second)
    expected = np.einsum("bc,cdr,bd->rb", chosen.values, Q, chosen.values, optimize=True)
    np.testing.assert_allclose(chosen.form(Q), expected, rtol=1e-10)
    np.testing.assert_array_equal(Q, kept)


@pytest.mark.parametrize(("first", "second", "k"), [(6, 7, 4), (20, 25, 5)])
def test_moments_of_random_labels_by_naive_formulas(first, second, k):
    clusters = clusters_of(np.tile(SIZES, 7)[: first + second].tolist(), 3)
    sums, _ = sums_of(clusters, first, ties=sum(map(len, clusters)) <= 256)
    drawn = drawn_of(first, second, swaps=Swaps(2, k))
    blocks = list(labels(drawn, np.random.default_rng(0)))
    T, variance = moments(Centred.of(sums), blocks)
    assert T.shape == (3, 2 << k)
    every = np.concatenate([block.values for block in blocks])
    K = naive_kernel(clusters, BANDWIDTHS[1])
    for b in (0, 1, 5, len(every) - 1):
        x, y = np.flatnonzero(every[b] == 1), np.flatnonzero(every[b] == 0)
        own = [K[np.ix_(i, i)].sum() - np.trace(K[np.ix_(i, i)]) for i in (x, y)]
        n, m = first, second
        expected = own[0] / (n * (n - 1)) + own[1] / (m * (m - 1)) - 2 * K[np.ix_(x, y)].mean()
        assert T[1, b] == pytest.approx(expected, rel=1e-9, abs=1e-12)
        assert variance[1, b] == pytest.approx(naive_variance(K, x, y), rel=1e-9)


def test_blocks_between_strata_of_clusters_are_summed_over_units():
    rng = np.random.default_rng(0)
    block = Block(
        0, 1, rng.normal(size=(2, 5, 4)), rng.normal(size=(2, 5)), *np.zeros((3, 1)),
        np.ones(1), 0.0,
    )  # fmt: skip
    found = in_units(block, np.array([2, 3, 1, 3]), np.array([0, 0, 1, 1]))
    rows, columns = [slice(0, 2), slice(2, 5)], [slice(0, 1), slice(1, 4)]
    expected = [[block.sums[:, r, c].sum(axis=(1, 2)) for c in columns] for r in rows]
    np.testing.assert_allclose(found.sums, np.moveaxis(np.array(expected), 2, 0), rtol=1e-12)
    own = [block.diagonal[:, r].sum(axis=1) for r in rows]
    np.testing.assert_allclose(found.diagonal, np.transpose(own), rtol=1e-12)
