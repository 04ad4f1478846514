"""How many groups are cut, how many relabelings a pair gets, and streams that belong to names."""

import itertools
import math

import numpy as np
import pytest

from repdist._blocks import Block
from repdist._designs.relabelings import Relabelings
from repdist._designs.table_cuts import Streams, TableCuts, small_pvalue
from repdist._designs.units import Units


def cuts_of(sizes, n_resamples=99, names=None, n_bins="auto"):
    streams = Streams(0, tuple(range(len(sizes))) if names is None else names)
    return TableCuts.of(list(sizes), n_bins, n_resamples, streams)


# --- units ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [[300, 300], [40, 50, 1000], [129, 700, 5000, 64], [2, 3, 900]])
def test_the_units_of_every_pair_are_made_of_the_groups_edges(sizes):
    cuts = cuts_of(sizes)
    for pair in itertools.combinations(range(len(sizes)), 2):
        ordered = cuts.ordered(*pair)
        drawn, finer = cuts.relabelings(*ordered)
        assert finer.units == drawn.units
        for g, cut in zip(ordered, drawn.units.cuts, strict=True):
            assert set(cut.edges(sizes[g])) <= set(cuts.edges[g])
            assert cut.edges(sizes[g])[-1] == sizes[g]
    assert len({cut.size for cut in cuts.whole_cuts}) == 1


def test_groups_are_laid_out_unit_by_unit():
    cuts = cuts_of([300, 40, 700])
    layout = cuts.layout
    for g, n in enumerate(cuts.sizes):
        assert layout.unit_rows[layout.unit_group == g].sum() == n
    assert (np.diff(layout.unit_group) >= 0).all()
    assert not layout.ties_matter
    assert cuts_of([100, 150, 20]).layout.ties_matter


def cuts_of_group(cuts, group):
    """Into which units its pairs cut a group."""
    found = set()
    for other in set(range(len(cuts.sizes))) - {group}:
        ordered = cuts.ordered(group, other)
        found.add(cuts.relabelings(*ordered)[0].units.cuts[ordered.index(group)])
    return found


@pytest.mark.parametrize("g", [0, 1])
def test_a_block_is_reduced_to_the_sums_of_larger_units(g):
    """Within a group, and between two."""
    cuts = cuts_of([300, 600, 2000])
    rng = np.random.default_rng(0)
    shape = [len(cuts.edges[group]) - 1 for group in (g, 1)]
    sums, diagonal = rng.normal(size=(2, *shape)), rng.normal(size=(2, shape[0]))
    block = Block(g, 1, sums, diagonal, *np.zeros((3, 1)), np.ones(1), 0.0)
    for both in itertools.product(cuts_of_group(cuts, g), cuts_of_group(cuts, 1)):
        into = [
            np.searchsorted(cut.edges(cuts.sizes[group]), cuts.edges[group][:-1], "right") - 1
            for group, cut in zip((g, 1), both, strict=True)
        ]
        expected = np.zeros((2, into[0][-1] + 1, into[1][-1] + 1))
        for u, v in np.ndindex(*shape):
            expected[:, into[0][u], into[1][v]] += sums[:, u, v]
        reduced = cuts.reduce(block, *both)
        np.testing.assert_allclose(reduced.sums, expected, atol=1e-12)
        of_units = [diagonal[:, into[0] == u].sum(axis=1) for u in range(into[0][-1] + 1)]
        np.testing.assert_allclose(reduced.diagonal, np.transpose(of_units), atol=1e-12)


# --- more relabelings for small p-values ---------------------------------------------------------


@pytest.mark.parametrize(
    ("groups", "pairs", "total"),
    [
        (10, 45, 2**14),
        (20, 190, 2**14),
        (21, 210, 2**15),
        (40, 780, 2**16),
        (50, 1225, 2**17),
        (100, 4950, 2**18),
        (162, 13_041, 2**18),
        (163, 13_203, 2**14),  # over .05 of 2^18: Bonferroni's bound would be out of reach
        (1000, 499_500, 2**14),
    ],
)
def test_pairs_get_as_many_relabelings_as_their_number_asks_for(groups, pairs, total):
    """A fourth of the level is left for each pair, as far as any can be significant at all."""
    assert math.comb(groups, 2) == pairs
    drawn, finer = cuts_of([50] * groups, 9999).relabelings(0, 1)
    assert drawn == Relabelings(Units(1, (50, 50), (0, 0)), 9999)
    assert finer.swaps.total == total
    assert (finer == drawn) == (total == 2**14)
    if finer != drawn:
        assert finer.least_pvalue * pairs <= 0.05
        assert finer.least_pvalue * pairs <= 0.05 / 4 or total == 2**18


def test_whoever_asks_for_more_relabelings_has_them_at_once():
    drawn, finer = cuts_of([50] * 100, 2**18 - 1).relabelings(0, 1)
    assert finer == drawn
    assert drawn.total == 2**18


def test_a_pvalue_is_small_if_at_most_16_relabelings_reach_the_observed_one():
    assert small_pvalue(Relabelings(Units(1, (50, 50), (0, 0)), 9999)) == 16 / 2**14
    assert small_pvalue(Relabelings(Units(1, (3, 500), (0, 0)), 999)) == 16 / 1024
    assert small_pvalue(Relabelings(Units(1, (5, 5), (0, 0)), 999)) == 0  # all there are


def test_all_relabelings_that_there_are_are_no_reason_for_more():
    """8 + 8 rows have 12,870: enumerated; 9 + 9 have 48,620: only if p is small."""
    few, some = cuts_of([8] * 100, 9999), cuts_of([9] * 100, 9999)
    drawn, finer = few.relabelings(0, 1)
    assert drawn.exhaustive
    assert finer.total == drawn.total == 12_870
    drawn, finer = some.relabelings(0, 1)
    assert not drawn.exhaustive
    assert finer.exhaustive
    assert finer.total == 48_620


# --- names ---------------------------------------------------------------------------------------


def test_streams_belong_to_names_and_purposes_not_to_places():
    def draw(rng):
        return rng.integers(2**62)

    names = ("a", "b", 1, "1", True)
    here, there = Streams(7, names), Streams(7, names[::-1])
    for i, j in itertools.permutations(range(5), 2):
        assert here.precedes(i, j) == there.precedes(4 - i, 4 - j)
        assert here.precedes(i, j) != here.precedes(j, i)
    for g in range(5):
        assert draw(here.group(g, "x")) == draw(there.group(4 - g, "x"))
    assert draw(here.shared("x", 3, 4)) == draw(there.shared("x", 3, 4))
    drawn = [
        draw(stream)
        for streams in (here, Streams(8, names))
        for purpose in ("x", "y")
        for stream in [
            *(streams.group(g, purpose) for g in range(5)),
            *(streams.shared(purpose, i, j) for i, j in itertools.permutations(range(5), 2)),
        ]
    ]
    assert len(set(drawn)) == len(drawn)
    assert [names[g] for g in here.order] == [names[::-1][g] for g in there.order]
    assert sorted(here.order) == list(range(5))


def test_the_smaller_group_of_a_pair_comes_first_and_of_equal_ones_a_name_decides():
    sizes, names = [40, 30, 40], ("a", "b", "c")
    cuts = cuts_of(sizes, names=names)
    turned = cuts_of(sizes[::-1], names=names[::-1])
    for i, j in itertools.permutations(range(3), 2):
        g, h = cuts.ordered(i, j)
        assert sizes[g] <= sizes[h]
        assert cuts.ordered(j, i) == (g, h)
        assert turned.ordered(2 - i, 2 - j) == (2 - g, 2 - h)
