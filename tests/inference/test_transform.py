"""Swaps of a code: what patterns there are, and the form under each of them."""

import itertools

import numpy as np
import pytest

from repdist._designs.relabelings import Relabelings, Swaps
from repdist._designs.units import Units
from repdist._inference.transform import columns, forms_of_swaps

CODES = [
    *((2, 1), (5, 1), (3, 2), (4, 2), (9, 2), (4, 3), (7, 3), (8, 3), (30, 3), (5, 4), (6, 5)),
    *((12, 5), (64, 5), (7, 6), (9, 8), (13, 8), (64, 9), (10, 9), (128, 9), (200, 12)),
]
EACH = pytest.mark.parametrize(("pairs", "k"), CODES)


def patterns(pairs, k):
    """Which pairs each pattern x swaps: those whose column has an odd number of ones in common."""
    return [
        [bin(x & column).count("1") % 2 == 1 for column in columns(pairs, k).tolist()]
        for x in range(1 << k)
    ]


# --- the code ------------------------------------------------------------------------------------


@EACH
def test_all_patterns_differ_and_none_swaps_all_pairs(pairs, k):
    """The first swaps none; the sum of two is another: a group of 2^k."""
    found = {tuple(pattern) for pattern in patterns(pairs, k)}
    assert columns(pairs, k).shape == (pairs,)
    assert len(found) == 1 << k
    assert tuple([True] * pairs) not in found
    assert not any(patterns(pairs, k)[0])
    some = list(itertools.islice(found, 40))
    for one, other in itertools.combinations(some, 2):
        assert tuple(a != b for a, b in zip(one, other, strict=True)) in found


@EACH
def test_columns_repeat_only_where_there_are_more_pairs_than_numbers(pairs, k):
    found = columns(pairs, k)
    least = 0 if k == 1 else 1
    assert found.min() >= least
    assert found.max() < 1 << k
    _, counts = np.unique(found, return_counts=True)
    numbers = (1 << k) - least
    assert counts.max() == -(-pairs // numbers)
    assert pairs < numbers or counts.min() >= pairs // numbers


def test_columns_are_the_same_for_all_and_cannot_be_changed():
    assert columns(20, 4) is columns(20, 4)
    with pytest.raises(ValueError, match="read-only"):
        columns(20, 4)[0] = 1


def test_no_test_asks_for_a_code_that_does_not_exist():
    """None has so many dimensions as pairs without swapping them all: the search would not end."""
    for pairs, wanted in itertools.product(range(1, 40), (1, 3, 10, 99, 999, 9999, 10**5, 10**6)):
        asked = Swaps.at_least(wanted + 1, pairs)
        drawn = Relabelings(Units(1, (pairs, pairs + 3), (0, 0)), wanted).swaps
        for swaps in (asked, drawn):
            assert swaps.dimension < pairs
        if asked.dimension and pairs < 20:
            assert len(columns(pairs, asked.dimension)) == pairs


# --- the forms -----------------------------------------------------------------------------------


@pytest.mark.parametrize("R", [1, 2, 3])
@pytest.mark.parametrize(("pairs", "k"), [*CODES[:14], (600, 3), (700, 1)])
def test_forms_are_those_of_the_signs_one_by_one(pairs, k, R):
    """The mean, and each less it; the first has all signs +1. More pairs than fit into a block."""
    rng = np.random.default_rng(pairs)
    C, linear = rng.normal(size=(pairs, pairs, R)), rng.normal(size=(pairs, R))
    upper = np.where(np.arange(pairs)[:, None] < np.arange(pairs), 1.0, 0.0)
    signs = np.where(patterns(pairs, k), -1.0, 1.0)
    expected = np.einsum("xi,ij,ijr,xj->rx", signs, upper, C, signs, optimize=True)
    expected += (signs @ linear).T
    values, mean = forms_of_swaps(lambda i, j: C[i, j], linear, k)
    close = {"rtol": 1e-12, "atol": 1e-13 * np.abs(expected).max()}
    np.testing.assert_allclose(values + mean[:, None], expected, **close)
    np.testing.assert_allclose(mean, expected.mean(axis=1), **close)
    np.testing.assert_allclose(values.mean(axis=1), 0, atol=close["atol"])


def test_each_pair_of_pairs_is_asked_for_once_and_the_smaller_number_first():
    for pairs in (40, 600):
        asked = []

        def one(i, j, asked=asked):
            asked.extend(zip(i.tolist(), j.tolist(), strict=True))
            return np.ones((len(i), 1))

        forms_of_swaps(one, np.zeros((pairs, 1)), 3)
        assert sorted(asked) == list(itertools.combinations(range(pairs), 2))


def test_what_a_form_is_made_of_is_not_changed():
    linear = np.random.default_rng(0).normal(size=(12, 1))
    kept = linear.copy()
    linear.setflags(write=False)
    first, _ = forms_of_swaps(lambda i, j: np.ones((len(i), 1)), linear, 4)
    again, _ = forms_of_swaps(lambda i, j: np.ones((len(i), 1)), linear, 4)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(linear, kept)
