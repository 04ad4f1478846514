"""Relabelings: how many there are, what they say of themselves, and that each is what it should be.

Shuffles are counted against the uniform distribution; swaps belong to the transform.
"""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from repdist._designs.relabelings import AT_ONCE, Relabelings, Swaps, random_total
from repdist._designs.units import Units

WANTED = [
    1,
    2,
    3,
    4,
    7,
    8,
    15,
    19,
    99,
    199,
    999,
    1023,
    1024,
    9999,
    65_535,
    65_536,
    2**18 - 1,
    10**6,
]


# --- how many ------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", WANTED)
def test_the_total_is_the_least_power_of_two_that_has_the_observed_one_beside_those_wanted(wanted):
    powers = [2**i for i in range(1, 22)]
    least = next(power for power in powers if power >= wanted + 1)
    assert random_total(wanted) == least
    for pairs in (1, 2, 5, 6, 13, 64, 1000):
        assert Swaps.at_least(wanted + 1, pairs, pairs).total == least


@pytest.mark.parametrize("wanted", WANTED)
def test_a_code_has_fewer_dimensions_than_pairs(wanted):
    for pairs in (*range(1, 30), 64, 300, 1000):
        swaps = Swaps.at_least(wanted + 1, pairs, pairs)
        assert min(1, pairs - 1) <= swaps.dimension <= min(12, pairs - 1)
        assert swaps.shuffles >= 1


@pytest.mark.parametrize("smaller", [1, 2, 5])
def test_few_units_are_shuffled_alone(smaller):
    drawn = Relabelings(Units(1, (smaller, 400), (0, 0)), 99)
    assert drawn.swaps == Swaps(128, 0)


@pytest.mark.parametrize("movable", [(2, 2), (3, 4), (5, 5), (6, 6), (4, 9), (1, 7), (1, 50)])
def test_all_are_enumerated_if_they_are_no_more_than_random_ones_would_be(movable):
    distinct = math.comb(sum(movable), movable[0])
    for wanted in WANTED[:13]:
        drawn = Relabelings(Units(1, movable, (0, 0)), wanted)
        assert drawn.exhaustive == (distinct <= random_total(wanted))
        assert drawn.total == (distinct if drawn.exhaustive else random_total(wanted))
        assert drawn.count == (distinct if drawn.exhaustive else random_total(wanted) - 1)


@pytest.mark.parametrize(
    ("units", "wanted", "least"),
    [
        (Units(1, (4, 4), (0, 0)), 99, 2 / 70),  # each twice: samples may be exchanged
        (Units(1, (4, 5), (0, 0)), 199, 1 / 126),
        (Units(2, (4, 4), (1, 0)), 99, 1 / 70),
        (Units(1, (40, 40), (0, 0)), 99, 1 / 128),
        (Units(1, (40, 40), (0, 0)), 9999, 1 / 16_384),
        (Units(1, (3, 500), (0, 0)), 999, 1 / 1024),
    ],
)
def test_the_least_pvalue_and_the_levels_that_can_be_attained(units, wanted, least):
    drawn = Relabelings(units, wanted)
    assert drawn.least_pvalue == least
    for alpha in (0.001, 0.01, 0.05, 0.3, 1.0):
        attained = drawn.attainable(alpha)
        assert attained <= alpha * (1 + 1e-9)
        assert attained + least > alpha * (1 + 1e-9)
        assert attained / least == pytest.approx(round(attained / least))
    assert drawn.attainable(3 * least) == 3 * least


# --- what they say -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("units", "wanted", "text"),
    [
        (
            Units(1, (4, 4), (0, 0)),
            99,
            "all 70 relabelings of single rows (4 in the smaller sample)",
        ),
        (
            Units(2, (4, 4), (1, 0)),
            99,
            "all 70 relabelings of bins of 2 rows (4 in the smaller sample; 1 rows keep their "
            "label)",
        ),
        (
            Units(1, (5, 500), (0, 9)),
            999,
            "1,023 random relabelings of single rows (5 in the smaller sample; 9 rows keep their "
            "label)",
        ),
        (
            Units(3, (64, 70), (1, 2)),
            9999,
            "16,383 relabelings of bins of 3 rows (64 in the smaller sample; 3 rows keep their "
            "label): 32 shuffles, each with 512 swaps",
        ),
        (
            Units(1, (40, 40), (0, 0)),
            9,
            "15 relabelings of single rows (40 in the smaller sample): 1 shuffle with 16 swaps",
        ),
    ],
)
def test_relabelings_are_described(units, wanted, text):
    assert Relabelings(units, wanted).describe() == text


@pytest.mark.parametrize(
    ("swaps", "text"),
    [
        (Swaps(1, 4), "1 shuffle with 16 swaps"),
        (Swaps(1024, 10), "1,024 shuffles, each with 1,024 swaps"),
        (Swaps(1024, 0), ""),
    ],
)
def test_swaps_are_described(swaps, text):
    assert swaps.describe() == text
    assert swaps.total == swaps.shuffles * 2**swaps.dimension


# --- what they are -------------------------------------------------------------------------------

LAID_OUT = [
    Units(1, (20, 20), (0, 0)),
    Units(2, (15, 30), (1, 0)),
    Units(3, (12, 40), (2, 1)),
    Units(1, (4, 300), (0, 7)),
]
EACH = pytest.mark.parametrize("units", LAID_OUT, ids=str)


@EACH
@pytest.mark.parametrize("wanted", [20, 999, 20_000])
def test_every_shuffle_moves_movable_units_alone_and_none_twice(units, wanted):
    drawn = Relabelings(units, wanted)
    blocks = list(drawn.shuffled(np.random.default_rng(0)))
    shuffles = np.concatenate(blocks)
    K = units.movable[0]
    assert shuffles.shape == (drawn.swaps.shuffles, 2, K)
    assert units.can_move[shuffles].all()
    for shuffle in shuffles:
        assert len(np.unique(shuffle)) == 2 * K
    for block in blocks:
        assert len(block) <= 512
        assert len(block) << drawn.swaps.dimension <= AT_ONCE


@EACH
def test_the_first_shuffle_leaves_every_unit_in_its_sample(units):
    """Later ones mix both, and are not all alike."""
    first, *others = np.concatenate(
        list(Relabelings(units, 999).shuffled(np.random.default_rng(0)))
    )
    movable = np.flatnonzero(units.can_move)
    assert first[0].tolist() == movable[: units.movable[0]].tolist()
    assert (units.sample[first[1]] == 1).all()
    assert {0, 1} == set(units.sample[np.array(others)[:, 0]].ravel().tolist())
    assert len({tuple(other.ravel()) for other in others}) == len(others)


def test_a_shuffle_is_drawn_by_the_generator_alone():
    drawn = Relabelings(LAID_OUT[1], 999)
    one, again, other = (
        np.concatenate(list(drawn.shuffled(np.random.default_rng(seed)))) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def counts_of(rows, base):
    _, counts = np.unique(rows @ base ** np.arange(rows.shape[1]), return_counts=True)
    return counts


@pytest.mark.parametrize(("movable", "cells"), [((2, 2), 24), ((2, 3), 120), ((1, 4), 20)])
def test_shuffles_are_uniform(movable, cells, chance_seed):
    """Chi-square over all ways to fill the paired places; fails falsely once in 10,000 seeds.

    It sees a way among 20 or 24 that is 1.3 times too frequent with probability .97, one among 120
    that is twice too frequent with .997.
    """
    units = Units(1, movable, (0, 0))
    shuffles = np.concatenate(
        list(Relabelings(units, 2**14 - 1).shuffled(np.random.default_rng(chance_seed)))
    )[1:]
    counts = counts_of(shuffles.reshape(len(shuffles), -1), 5)
    assert len(counts) == cells
    assert stats.chisquare(counts).pvalue > 1e-4


def test_partners_of_the_first_shuffle_are_uniform(chance_seed):
    """Chi-square over the 24 ways to give two places partners among four.

    It fails falsely once in 10,000 seeds, and sees a way that is 1.6 times too frequent with .99.
    """
    drawn = Relabelings(Units(1, (3, 4), (0, 0)), 1)
    partners = np.array(
        [
            next(drawn.shuffled(np.random.default_rng([chance_seed, seed])))[0, 1]
            for seed in range(5000)
        ]
    )
    counts = counts_of(partners, 7)
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    "units",
    [Units(2, (2, 3), (1, 0)), Units(1, (3, 3), (0, 0)), Units(5, (2, 12), (0, 4))],
    ids=str,
)
def test_every_one_is_there_once_the_observed_one_first(units):
    drawn = Relabelings(units, 199)
    chosen = np.concatenate(list(drawn.every())).tolist()
    movable = np.flatnonzero(units.can_move).tolist()
    assert drawn.exhaustive
    assert chosen[0] == movable[: units.movable[0]]
    assert sorted(chosen) == sorted(map(list, itertools.combinations(movable, units.movable[0])))


def test_many_are_made_a_block_at_a_time():
    drawn = Relabelings(Units(1, (6, 7), (0, 0)), 1999)
    blocks = list(drawn.every())
    assert sum(map(len, blocks)) == math.comb(13, 6) == drawn.total
    assert max(map(len, blocks)) <= 512


@pytest.mark.parametrize(
    ("pairs", "others", "shuffles"),
    [
        (64, 64, 32),
        (500, 900, 32),
        (63, 63, 64),
        (40, 50, 64),
        (20, 25, 128),
        (64, 128, 64),
        (50, 400, 256),
        (12, 200, 512),
    ],
)
def test_few_pairs_and_unequal_samples_are_shuffled_more_often(pairs, others, shuffles):
    """As one shuffle shows a part of the relabelings that there are: p would depend on `rng`."""
    assert Swaps.at_least(10_000, pairs, others) == Swaps(shuffles, 14 - shuffles.bit_length() + 1)
