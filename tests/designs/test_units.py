"""Units: how samples are cut into them."""

import math

import numpy as np
import pytest

from repdist._designs.units import Units, row_order, two_sample_units

SIZES = [2, 3, 5, 17, 63, 64, 65, 100, 127, 128, 129, 191, 192, 200, 300, 777, 4160, 4224, 10_240]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("ratio", [1, 1.015, 2, 3.9])
def test_nearly_all_rows_move_and_none_is_lost(n, ratio):
    m = int(n * ratio)
    units = two_sample_units(n, m, "auto")
    for movable, frozen, rows in zip(units.movable, units.frozen, (n, m), strict=True):
        assert movable * units.size + frozen == rows
        assert movable * units.size >= 0.98 * rows
    assert units.rows.sum() == n + m
    assert units.rows[units.sample == 0].sum() == n


def test_4160_against_4224_rows_has_many_relabelings():
    """Bins of two sizes would leave one."""
    assert two_sample_units(4160, 4224, "auto").n_relabelings > 10**9


@pytest.mark.parametrize(
    ("n", "m", "n_bins", "size", "movable", "frozen"),
    [
        (100, 156, "auto", 1, (100, 156), (0, 0)),  # 256 in all: single rows
        (128, 130, "auto", 2, (64, 65), (0, 0)),
        (129, 131, "auto", 2, (64, 65), (1, 1)),
        (50, 1000, "auto", 1, (50, 400), (0, 600)),  # capped at eight times
        (3, 1000, "auto", 1, (3, 256), (0, 744)),
        (100, 100, 16, 6, (16, 16), (4, 4)),
        (1000, 1000, "rows", 1, (1000, 1000), (0, 0)),
        (64_000, 64_000, "auto", 1000, (64, 64), (0, 0)),
    ],
)
def test_units_of_two_samples(n, m, n_bins, size, movable, frozen):
    assert two_sample_units(n, m, n_bins) == Units(size, movable, frozen)


@pytest.mark.parametrize(
    ("units", "least"),
    [
        (Units(1, (3, 3), (0, 0)), 2 / 20),
        (Units(1, (3, 4), (0, 0)), 1 / 35),
        (Units(2, (3, 3), (1, 1)), 1 / 20),
    ],
)
def test_the_least_pvalue_of_an_enumeration(units, least):
    assert units.n_relabelings == math.comb(sum(units.movable), units.movable[0])
    assert units.least_pvalue_exhaustive == least


def test_rows_are_shuffled_before_they_are_cut_into_units():
    order = row_order(1000, np.random.default_rng(0))
    assert sorted(order) == list(range(1000))
    assert np.abs(np.corrcoef(order, np.arange(1000))[0, 1]) < 0.15
