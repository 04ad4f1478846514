"""Pairs: how they are cut into bins, and which of them change sides."""

import itertools

import numpy as np
import pytest
from scipy import stats

from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import AT_ONCE, Swaps, random_total

# --- bins ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pairs", "n_bins", "sizes"),
    [
        (2, "auto", [1, 1]),
        (128, "auto", [1] * 128),  # 256 rows in all
        (129, "auto", [3] + [2] * 63),
        (191, "auto", [3] + [2] * 94),
        (192, "auto", [3] * 64),
        (300, "rows", [1] * 300),
        (7, 3, [3, 2, 2]),
        (8, 3, [2] * 4),  # at least 3
        (11, 4, [3, 2, 2, 2, 2]),
        (5, 5, [1] * 5),
        (9, 2, [5, 4]),
        (64_000, "auto", [1000] * 64),
    ],
)
def test_bins_of_pairs(pairs, n_bins, sizes):
    units = PairedUnits.of(pairs, n_bins)
    assert units.in_bins.tolist() == sizes
    assert units.size == sizes[0]
    assert units.movable == (len(sizes), len(sizes))


@pytest.mark.parametrize("pairs", [2, 3, 17, 100, 129, 777, 4160])
@pytest.mark.parametrize("n_bins", ["auto", "rows", 2, 3, 10, 64])
def test_every_pair_is_in_a_bin_and_sizes_differ_by_one_at_most(pairs, n_bins):
    if not isinstance(n_bins, str) and n_bins > pairs:
        return  # refused by the options
    units = PairedUnits.of(pairs, n_bins)
    sizes = units.in_bins
    assert sizes.sum() == pairs
    assert sizes.max() - sizes.min() <= 1
    assert units.size == sizes.max()
    assert len(sizes) >= {"rows": pairs, "auto": min(pairs, 64)}.get(n_bins, n_bins)


def test_the_rows_of_a_bin_lie_alike_in_both_samples():
    """So that unit u of the first sample holds the partners of unit U + u."""
    units = PairedUnits.of(7, 3)
    assert units.rows.tolist() == [3, 2, 2, 3, 2, 2]
    assert units.sample.tolist() == [0, 0, 0, 1, 1, 1]
    assert units.can_move.tolist() == [True] * 6
    layout = units.layout
    assert layout.unit_rows.tolist() == units.rows.tolist()
    assert layout.unit_group.tolist() == units.sample.tolist()
    assert [PairedUnits.of(n, "auto").layout.ties_matter for n in (128, 129)] == [True, False]


# --- how many ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [2, 3, 5, 8, 11, 15, 16])
@pytest.mark.parametrize("wanted", [1, 3, 19, 99, 999, 9999])
def test_all_are_enumerated_if_they_are_no_more_than_random_ones_would_be(bins, wanted):
    """To flip all pairs changes nothing, so half of the sign patterns are distinct."""
    drawn = Flips(PairedUnits(bins, bins), wanted)
    assert drawn.units.n_relabelings == 2 ** (bins - 1)
    assert drawn.exhaustive == (drawn.units.n_relabelings <= random_total(wanted))
    assert drawn.total == min(drawn.units.n_relabelings, random_total(wanted))
    assert drawn.count == (drawn.total if drawn.exhaustive else drawn.total - 1)
    assert drawn.least_pvalue == 1 / drawn.total


def test_the_levels_that_can_be_attained():
    assert Flips(PairedUnits(5, 5), 999).attainable(0.05) == 0
    assert Flips(PairedUnits(6, 6), 999).attainable(0.05) == 1 / 32
    assert Flips(PairedUnits(50, 50), 999).attainable(0.05) == 51 / 1024


# --- what they say -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "wanted", "text"),
    [
        (PairedUnits(2, 2), 99, "all 2 ways to change sides within 2 pairs"),
        (PairedUnits(15, 15), 9999, "all 16,384 ways to change sides within 15 pairs"),
        (PairedUnits(12, 4), 99, "all 8 ways to change sides within 4 bins of 3 pairs"),
        (
            PairedUnits(300, 75),
            9999,
            "16,383 ways to change sides within 75 bins of 4 pairs: 32 shuffles, each with 512 "
            "swaps",
        ),
        (
            PairedUnits(129, 64),
            9999,
            "16,383 ways to change sides within 64 bins of 2 or 3 pairs: 32 shuffles, each with "
            "512 swaps",
        ),
        (
            PairedUnits(1200, 1200),
            9,
            "15 ways to change sides within 1,200 pairs: 1 shuffle with 16 swaps",
        ),
    ],
)
def test_flips_are_described(units, wanted, text):
    assert Flips(units, wanted).describe() == text


# --- what they are -------------------------------------------------------------------------------


@pytest.mark.parametrize("bins", [2, 3, 6, 11])
def test_every_sign_pattern_is_there_once_the_observed_one_first(bins):
    """Pair 0 stays: a pattern and its opposite are one relabeling."""
    drawn = Flips(PairedUnits(2 * bins, bins), 9999)
    blocks = list(drawn.every())
    assert max(map(len, blocks)) <= 512
    chosen = np.concatenate(blocks)
    assert drawn.exhaustive
    assert chosen[0].tolist() == list(range(bins))
    patterns = itertools.product([0, 1], repeat=bins - 1)
    expected = [[i + bins * flip for i, flip in enumerate((0, *rest))] for rest in patterns]
    assert sorted(chosen.tolist()) == sorted(expected)
    assert len(chosen) == drawn.total


@pytest.mark.parametrize(
    ("units", "wanted"),
    [
        (PairedUnits(20, 20), 999),
        (PairedUnits(129, 64), 9999),
        (PairedUnits(30, 10), 20),
        (PairedUnits(700, 700), 20_000),
        (PairedUnits(8, 8), 60),
        (PairedUnits(64, 64), 2**18),
    ],
    ids=str,
)
def test_a_shuffle_moves_units_to_the_place_of_their_partners_alone(units, wanted):
    """The first one moves none; the others are not all alike."""
    drawn = Flips(units, wanted)
    assert not drawn.exhaustive
    blocks = list(drawn.shuffled(np.random.default_rng(1)))
    for block in blocks:
        assert len(block) <= 512
        assert len(block) << drawn.swaps.dimension <= AT_ONCE
    shuffles, K = np.concatenate(blocks), units.bins
    assert shuffles.shape == (drawn.swaps.shuffles, 2, K)
    assert drawn.swaps.total == drawn.total
    np.testing.assert_array_equal(shuffles % K, np.broadcast_to(np.arange(K), shuffles.shape))
    np.testing.assert_array_equal(
        shuffles.sum(axis=1), np.tile(2 * np.arange(K) + K, (len(shuffles), 1))
    )
    np.testing.assert_array_equal(shuffles[0], np.arange(2 * K).reshape(2, K))
    if len(shuffles) > 1:
        assert {0, 1} == set((shuffles[1:, 0] // K).ravel().tolist())


def test_a_shuffle_is_drawn_by_the_generator_alone():
    drawn = Flips(PairedUnits(40, 40), 9999)
    one, again, other = (
        np.concatenate(list(drawn.shuffled(np.random.default_rng(seed)))) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_shuffles_are_uniform(chance_seed):
    """Chi-square over all 16 patterns of four pairs; fails falsely once in 10,000 seeds.

    It sees a pattern that is 1.8 times too frequent among the 2,047 with probability .99.
    """
    drawn = Flips(PairedUnits(4, 4), 2**14 - 1)
    vars(drawn)["swaps"] = Swaps(2**11, 3)  # not all, though pairs are few
    shuffles = np.concatenate(list(drawn.shuffled(np.random.default_rng(chance_seed))))[1:, 0]
    counts = np.bincount(shuffles // 4 @ 2 ** np.arange(4), minlength=16)
    assert counts.sum() == 2047
    assert stats.chisquare(counts).pvalue > 1e-4


# --- bins of given sizes -------------------------------------------------------------------------


def test_bins_of_given_sizes():
    units = PairedUnits.of_sizes(np.array([2, 2, 1, 5]))
    assert (units.pairs, units.bins, units.size) == (10, 4, 5)
    assert units.in_bins.tolist() == [2, 2, 1, 5]
    assert units.rows.tolist() == [2, 2, 1, 5] * 2
    assert units.n_relabelings == 8
    assert units == PairedUnits.of_sizes(np.array([2, 2, 1, 5])) != PairedUnits(10, 4)
    assert hash(units) == hash(PairedUnits.of_sizes(np.array([2, 2, 1, 5])))


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ([1, 1, 1], "all 4 ways to change sides within 3 donors"),
        ([2, 2, 2], "all 4 ways to change sides within 3 bins of 2 donors"),
        ([2, 3, 2], "all 4 ways to change sides within 3 bins of 2 or 3 donors"),
        ([2, 5, 1], "all 4 ways to change sides within 3 bins of 1 to 5 donors"),
    ],
)
def test_words_of_bins_of_given_sizes(sizes, words):
    assert Flips(PairedUnits.of_sizes(np.array(sizes)), 99, "donors").describe() == words
