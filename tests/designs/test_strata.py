"""Strata: how rows are cut inside them, and which relabelings stay there."""

import itertools
import math
import pickle

import numpy as np
import pytest
from scipy import stats

from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import AT_ONCE, Relabelings, Swaps, random_total
from repdist._designs.strata import (
    StrataRelabelings,
    StrataUnits,
    Stratum,
    order_in_strata,
)
from repdist._designs.units import Units, two_sample_units

# --- units ---------------------------------------------------------------------------------------


def cut(rows, n_bins="auto"):
    rows = np.array(rows)
    return StrataUnits.of([f"s{i}" for i in range(len(rows))], rows, n_bins)


SIZES = {
    "small": [(20, 30), (5, 9), (2, 2)],
    "large": [(500, 900), (800, 300), (120, 60)],
    "one tiny among large ones": [(5000, 4000), (3, 2)],
    "all but disjoint": [(900, 20), (30, 1200)],
    "many": [(20, 25)] * 60,
    "very unequal": [(40, 90_000), (50, 80_000)],
}
EACH = pytest.mark.parametrize("rows", SIZES.values(), ids=SIZES.keys())
N_BINS = pytest.mark.parametrize("n_bins", ["auto", "rows", 4, 200])


@EACH
@N_BINS
def test_units_hold_the_rows_of_one_stratum_and_sample(rows, n_bins):
    """The movable of one size, what is left over in one unit; at least two of them move."""
    units = cut(rows, n_bins)
    assert units.rows.sum() == np.sum(rows)
    np.testing.assert_array_equal(units.counts, rows)
    np.testing.assert_allclose(units.shares, np.sum(rows, axis=1) / np.sum(rows), rtol=1e-15)
    for s, stratum in enumerate(units.strata):
        assert stratum.name == f"s{s}"
        for g in (0, 1):
            here = (units.stratum == s) & (units.sample == g)
            assert units.rows[here].sum() == rows[s][g]
            assert (units.rows[here & units.can_move] == stratum.size).all()
            assert (here & units.can_move).sum() == stratum.movable[g] >= 2
            assert units.rows[here & ~units.can_move].tolist() == [
                n for n in [stratum.frozen[g]] if n
            ]
    assert units.movable == tuple(np.bincount(units.sample[units.can_move]).tolist())
    assert units.frozen == tuple(
        units.rows[(units.sample == g) & ~units.can_move].sum() for g in (0, 1)
    )
    assert units.size == units.rows[units.can_move].max()


@EACH
def test_the_layout_has_a_group_for_each_stratum_of_each_sample(rows):
    """The first sample's strata, then the second's, so that rows lie in the order of the groups."""
    layout = cut(rows).layout
    assert (np.diff(layout.unit_group) >= 0).all()
    of_groups = np.bincount(layout.unit_group, layout.unit_rows)
    assert of_groups.tolist() == [n for n, _ in rows] + [m for _, m in rows]
    assert layout.ties_matter == (np.sum(rows) <= 256)


@pytest.mark.parametrize(
    ("rows", "sizes", "movable"),
    [
        ([(20, 30), (5, 9)], [1, 1], (25, 39)),
        ([(640, 640), (640, 640)], [20, 20], (64, 64)),
        ([(600, 700), (40, 50)], [10, 5], (68, 80)),  # at least eight, as there are few strata
        ([(16, 16)] * 40, [8] * 40, (80, 80)),  # at least two
        ([(2, 2)] * 100, [1] * 100, (200, 200)),
        (
            [(4, 600), (600, 4)],
            [1, 1],
            (132, 132),
        ),  # 256 at most beside few, or eight times as many
    ],
)
def test_about_64_units_of_the_smaller_sample_move(rows, sizes, movable):
    units = cut(rows)
    assert [stratum.size for stratum in units.strata] == sizes
    assert units.movable == movable


@pytest.mark.parametrize("n_bins", ["auto", "rows", 2, 10, 100])
@pytest.mark.parametrize(
    ("n", "m"), [(20, 30), (11, 11), (500, 700), (130, 5000), (1000, 1000), (37, 40_000)]
)
def test_one_stratum_is_cut_as_two_samples_are(n, m, n_bins):
    units, one = two_sample_units(n, m, n_bins), cut([(n, m)], n_bins)
    for name in (
        "rows", "sample", "can_move", "movable", "frozen", "size", "n_relabelings",
        "least_pvalue_exhaustive",
    ):  # fmt: skip
        np.testing.assert_array_equal(getattr(one, name), getattr(units, name))
    np.testing.assert_array_equal(one.layout.unit_group, units.layout.unit_group)


def test_rows_are_cut_stratum_by_stratum_in_an_order_by_chance():
    numbers = np.random.default_rng(0).integers(3, size=200)
    one, again, other = (order_in_strata(numbers, np.random.default_rng(s)) for s in (0, 0, 1))
    assert sorted(one.tolist()) == list(range(200))
    assert (np.diff(numbers[one]) >= 0).all()
    assert one.tolist() == again.tolist() != other.tolist()
    assert (np.diff(one[numbers[one] == 0]) < 0).any()


def test_units_are_values():
    units = cut(SIZES["large"])
    assert units == cut(SIZES["large"]) != cut(SIZES["small"])
    assert hash(units) == hash(cut(SIZES["large"]))
    _ = units.rows
    drawn = pickle.loads(pickle.dumps(StrataRelabelings(units, 99)))
    assert drawn == StrataRelabelings(units, 99)


# --- relabelings ---------------------------------------------------------------------------------


def arranged(*strata):
    """Units of strata, each given as (rows of a unit, movable units, frozen rows)."""
    return StrataUnits(
        tuple(
            Stratum(name, tuple((size * np.array(movable) + frozen).tolist()), size, movable)
            for name, (size, movable, frozen) in zip("abcdef", strata, strict=False)
        )
    )


LAID_OUT = [
    arranged((1, (20, 20), (0, 0)), (1, (9, 12), (0, 0))),
    arranged((2, (15, 4), (1, 0)), (3, (4, 30), (2, 2)), (1, (2, 2), (0, 0))),
    arranged((1, (3, 300), (0, 7)), (1, (40, 2), (0, 0))),
    arranged((1, (2, 9), (0, 3)), (1, (12, 3), (4, 0))),
]
DRAWN = pytest.mark.parametrize("units", LAID_OUT, ids=range(len(LAID_OUT)))


@DRAWN
@pytest.mark.parametrize("wanted", [20, 999, 20_000])
def test_every_shuffle_pairs_movable_units_of_one_stratum_and_none_twice(units, wanted):
    drawn = StrataRelabelings(units, wanted)
    blocks = list(drawn.shuffled(np.random.default_rng(0)))
    shuffles = np.concatenate(blocks)
    pairs = [min(stratum.movable) for stratum in units.strata]
    assert drawn.total >= min(wanted + 1, drawn.units.n_relabelings)
    assert shuffles.shape == (drawn.swaps.shuffles, 2, sum(pairs))
    assert units.can_move[shuffles].all()
    for x, y in units.stratum[shuffles]:
        assert x.tolist() == y.tolist() == np.repeat(range(len(pairs)), pairs).tolist()
    for shuffle in shuffles:
        assert len(np.unique(shuffle)) == 2 * sum(pairs)
    for block in blocks:
        assert len(block) <= 512
        assert len(block) << drawn.swaps.dimension <= AT_ONCE


@DRAWN
def test_the_first_shuffle_leaves_every_unit_in_its_sample(units):
    """Later ones mix both, and are not all alike."""
    drawn = StrataRelabelings(units, 999)
    first, *others = np.concatenate(list(drawn.shuffled(np.random.default_rng(0))))
    assert (units.sample[first] == [[0], [1]]).all()
    assert {0, 1} == set(units.sample[np.array(others)[:, 0]].ravel().tolist())
    assert len({tuple(other.ravel()) for other in others}) > 0.9 * len(others)


@DRAWN
def test_every_shuffle_puts_as_many_units_into_the_first_sample(units):
    """Those in the first of each pair, and what is left where the first sample has more."""
    drawn = StrataRelabelings(units, 999)
    shuffles = np.concatenate(list(drawn.shuffled(np.random.default_rng(0))))
    firsts = drawn.movable_firsts(shuffles)
    for shuffle, chosen in zip(shuffles, firsts, strict=True):
        assert len(np.unique(chosen)) == len(chosen)
        assert set(shuffle[0]) <= set(chosen)
        assert not set(shuffle[1]) & set(chosen)
        of_strata = np.bincount(units.stratum[chosen]).tolist()
        assert of_strata == [stratum.movable[0] for stratum in units.strata]
    assert sorted(firsts[0]) == np.flatnonzero((units.sample == 0) & units.can_move).tolist()


def test_a_unit_that_stands_in_no_pair_is_where_the_more_are():
    drawn = StrataRelabelings(LAID_OUT[1], 999)
    left, units = drawn.first_if_left, drawn.units
    more = np.array([True, False, False])[units.stratum]
    assert left.tolist() == np.where(units.can_move, more, units.sample == 0).tolist()


@pytest.mark.parametrize(
    "drawn", [Relabelings(Units(2, (6, 9), (1, 1)), 99), Flips(PairedUnits(40, 8), 99)], ids=str
)
def test_in_other_designs_no_movable_unit_is_left_in_the_first_sample(drawn):
    shuffles = next(drawn.shuffled(np.random.default_rng(0)))
    assert not (drawn.first_if_left & drawn.units.can_move).any()
    assert drawn.first_if_left.sum() == ((drawn.units.sample == 0) & ~drawn.units.can_move).sum()
    np.testing.assert_array_equal(drawn.movable_firsts(shuffles), shuffles[:, 0])


def test_shuffles_are_uniform_and_strata_independent(chance_seed):
    """Chi-square over all ways to fill the pairs of two strata; false once in 10,000 seeds.

    6 times 6 ways; one that is 1.5 times too frequent is seen with probability .99.
    """
    drawn = StrataRelabelings(arranged((1, (2, 1), (0, 0)), (1, (1, 2), (0, 0))), 2**14 - 1)
    shuffles = np.concatenate(list(drawn.shuffled(np.random.default_rng(chance_seed))))[1:]
    _, counts = np.unique(
        shuffles.reshape(len(shuffles), -1) @ 6 ** np.arange(4), return_counts=True
    )
    assert len(counts) == 36
    assert stats.chisquare(counts).pvalue > 1e-4


def test_partners_of_the_first_shuffle_are_uniform(chance_seed):
    """3 times 3 ways to take a place of the first sample that has a partner, and its partner.

    Chi-square: false once in 10,000 seeds; one that is 1.3 times too frequent is seen with .99.
    """
    drawn = StrataRelabelings(arranged((1, (3, 1), (0, 0)), (1, (1, 3), (0, 0))), 1)
    firsts = np.array(
        [
            next(drawn.shuffled(np.random.default_rng([chance_seed, seed])))[0, [0, 1], [0, 1]]
            for seed in range(3000)
        ]
    )
    _, counts = np.unique(firsts @ [10, 1], return_counts=True)
    assert len(counts) == 9
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize(
    "units",
    [
        arranged((1, (2, 3), (0, 0)), (1, (3, 2), (0, 0))),
        arranged((2, (2, 2), (1, 0)), (3, (1, 3), (0, 2)), (1, (2, 1), (0, 0))),
    ],
    ids=range(2),
)
def test_every_one_is_there_once_the_observed_one_first(units):
    drawn = StrataRelabelings(units, 999)
    chosen = np.concatenate(list(drawn.every()))
    assert drawn.exhaustive
    assert drawn.total == drawn.count == len(chosen) == units.n_relabelings
    assert chosen[0].tolist() == [
        u for s in range(len(units.strata))
        for u in np.flatnonzero(units.can_move & (units.sample == 0) & (units.stratum == s))
    ]  # fmt: skip
    expected = itertools.product(
        *(
            itertools.combinations(
                np.flatnonzero(units.can_move & (units.stratum == s)).tolist(), stratum.movable[0]
            )
            for s, stratum in enumerate(units.strata)
        )
    )
    assert sorted(chosen.tolist()) == sorted([list(sum(each, ())) for each in expected])


@pytest.mark.parametrize(
    ("units", "count", "least"),
    [
        (arranged((1, (2, 2), (0, 0)), (1, (3, 3), (0, 0))), 120, 2 / 120),
        (arranged((1, (2, 2), (0, 0)), (1, (3, 2), (0, 0))), 60, 1 / 60),
        (arranged((1, (2, 2), (1, 0)), (1, (3, 3), (0, 0))), 120, 1 / 120),
        (arranged((1, (40, 40), (0, 0)), (1, (3, 3), (0, 0))), 20 * math.comb(80, 40), 1 / 1024),
    ],
    ids=range(4),
)
def test_the_least_pvalue(units, count, least):
    drawn = StrataRelabelings(units, 999)
    assert units.n_relabelings == count
    assert drawn.least_pvalue == least


@pytest.mark.parametrize(
    ("movable", "swaps"),
    [
        ([(30, 34), (34, 30)], Swaps.at_least(10_000, 60, 68)),
        ([(10, 200), (200, 10)], Swaps.at_least(10_000, 20, 400)),
        ([(2, 40), (3, 40)], Swaps(random_total(9_999), 0)),
    ],
)
def test_how_often_they_are_shuffled(movable, swaps):
    units = arranged(*((1, counts, (0, 0)) for counts in movable))
    assert StrataRelabelings(units, 9_999).swaps == swaps


@pytest.mark.parametrize(
    ("units", "start", "end"),
    [
        (LAID_OUT[0], "1,023 relabelings of single rows inside 2 strata (29 in", "with 16 swaps"),
        (LAID_OUT[1], "1,023 relabelings of bins of 1 to 3 rows inside 3 strata (21", "swaps"),
        (LAID_OUT[3], "1,023 random relabelings of single rows inside", "7 rows keep their label)"),
        (arranged((2, (2, 2), (0, 0))), "all 6 relabelings of bins of 2 rows inside 1", "sample)"),
    ],
    ids=range(4),
)
def test_they_are_described(units, start, end):
    text = StrataRelabelings(units, 999).describe()
    assert text.startswith(start)
    assert text.endswith(end)
