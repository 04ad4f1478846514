"""Clusters: how their rows are put in order, how a pass goes over them, and which bins move."""

import numpy as np
import pytest

from repdist._designs import clusters
from repdist._designs.clusters import (
    ClusterLayout,
    ClusterOrder,
    ClusterRelabelings,
    Clusters,
    layout_of_clusters,
)
from repdist._designs.units import two_sample_units

CODES = np.array([3, 0, 3, 5, 0, 0, 5, 9])

# --- order ---------------------------------------------------------------------------------------


def test_rows_follow_cluster_by_cluster_in_the_sequence_wanted():
    order = ClusterOrder.of(CODES, np.array([5, 0, 9, 3]))
    assert CODES[order.rows].tolist() == [5, 5, 0, 0, 0, 9, 3, 3]
    assert order.rows.tolist() == [3, 6, 1, 4, 5, 7, 0, 2]  # inside a cluster as they came
    assert order.sizes.tolist() == [2, 3, 1, 2]


def test_the_order_of_clusters_is_drawn():
    found = set()
    for seed in range(40):
        order = ClusterOrder.drawn(CODES, np.random.default_rng(seed))
        drawn = CODES[order.rows]
        assert sorted(order.rows) == list(range(8))
        starts = np.cumsum(order.sizes) - order.sizes
        assert np.repeat(drawn[starts], order.sizes).tolist() == drawn.tolist()
        found.add(tuple(drawn[starts].tolist()))
    assert len(found) > 15  # of 24


# --- the layout of a pass ------------------------------------------------------------------------


def test_a_pass_goes_over_some_clusters_of_one_sample_at_a_time(monkeypatch):
    monkeypatch.setattr(clusters, "AT_A_TIME", 3)
    sizes = np.array([1, 2, 3, 1, 2, 3, 1, 2, 3, 4, 5])
    layout = ClusterLayout(sizes, 4, np.array([2, 2, 3, 3, 1]))
    assert layout.group.tolist() == [0, 0, 0, 1, 2, 2, 2, 3, 3, 3, 4]
    assert layout.unit.tolist() == [0, 0, 1, 1, 2, 2, 2, 3, 3, 3, 4]
    assert layout.layout.unit_rows.tolist() == sizes.tolist()
    assert layout.layout.unit_group.tolist() == layout.group.tolist()
    assert layout.layout.ties_matter


def test_few_clusters_are_two_groups():
    layout = ClusterLayout(np.full(7, 2), 3, np.ones(7, dtype=int))
    assert layout.group.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert layout.unit.tolist() == list(range(7))


@pytest.mark.parametrize(("rows", "ties"), [(128, True), (129, False)])
def test_ties_matter_by_the_number_of_rows(rows, ties):
    layout = layout_of_clusters(np.array([rows, 64, 64]), np.array([0, 1, 1]), 1)
    assert layout.ties_matter == ties


# --- relabelings ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second", "n_bins", "size", "movable", "frozen"),
    [
        (7, 9, "auto", 1, (7, 9), (0, 0)),
        (128, 128, "auto", 1, (128, 128), (0, 0)),
        (129, 128, "auto", 2, (64, 64), (0, 1)),
        (300, 280, "auto", 4, (70, 75), (0, 0)),
        (300, 280, "rows", 1, (280, 300), (0, 0)),
        (14, 16, 4, 3, (4, 5), (2, 1)),
        (40, 3000, "auto", 1, (40, 320), (0, 2680)),
    ],
)
def test_which_bins_of_clusters_move(first, second, n_bins, size, movable, frozen):
    """As rows would: from more than 256 on at least 64 bins, of one size."""
    drawn = ClusterRelabelings.of_clusters(Clusters(first, second, 1, 9), 99, n_bins)
    few, many = sorted((first, second))
    assert drawn.bins == two_sample_units(few, many, n_bins)
    assert (drawn.bins.size, drawn.bins.movable, drawn.bins.frozen) == (size, movable, frozen)
    assert (drawn.units.size, drawn.units.movable, drawn.units.frozen) == (1, movable, (0, 0))


@pytest.mark.parametrize(
    ("clusters", "n_bins", "words"),
    [
        (Clusters(4, 5, 2, 2), "auto", "all 126 relabelings of 4 + 5 clusters of 2 rows"),
        (Clusters(4, 5, 1, 1), "auto", "all 126 relabelings of 4 + 5 clusters of 1 row"),
        (
            Clusters(9, 9, 1, 1200), 4,
            "all 70 relabelings of 4 + 4 bins of 2 clusters, of 9 + 9 clusters of 1 to 1,200 rows "
            "(2 clusters in no bin)",
        ),
        (Clusters(3, 600, 1, 2), "auto", "of 1 to 2 rows (344 clusters in no draw)"),
    ],
)  # fmt: skip
def test_words(clusters, n_bins, words):
    drawn = ClusterRelabelings.of_clusters(clusters, 9999 if "all" in words else 99, n_bins)
    assert words in drawn.describe()


def test_how_many_rows_clusters_have():
    found = Clusters.of(np.array([3, 1, 1]), np.array([4, 2]))
    assert found == Clusters(3, 2, 1, 4)
    assert found.describe() == "3 + 2 clusters of 1 to 4 rows"
