"""Swaps of a code: what patterns there are, and the form under each of them."""

import itertools

import numpy as np
import pytest

from repdist._designs.relabelings import Relabelings, Swaps
from repdist._designs.units import Units
from repdist._inference.transform import FormsOfSwaps, columns

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
        asked = Swaps.at_least(wanted + 1, pairs, pairs)
        drawn = Relabelings(Units(1, (pairs, pairs + 3), (0, 0)), wanted).swaps
        for swaps in (asked, drawn):
            assert swaps.dimension < pairs
        if asked.dimension and pairs < 20:
            assert len(columns(pairs, asked.dimension)) == pairs


# --- the forms -----------------------------------------------------------------------------------


def direct(S, shuffles, k, factors, linear):
    """The forms under each sign pattern, one pair of pairs at a time, (R, J, 2^k)."""
    found, K = [], shuffles.shape[-1]
    i, other = np.triu_indices(K)
    halves = np.where(i == other, 2, 1)[:, None]
    signs = np.where(patterns(K, k), -1.0, 1.0)
    of_two = signs[:, i] * signs[:, other]
    for j, (x, y) in enumerate(shuffles):
        D = S[x] - S[y]
        C = (D[:, x] - D[:, y]) / 2  # (K, K, R)
        of_pairs = C[i, other] * factors[j][:, None] / halves
        values = of_two @ of_pairs + signs @ linear[j]
        found.append(values.T)
    return np.stack(found, axis=1)


def given(pairs, R, J, more=3):
    """A symmetric S of a few more units than stand in pairs, and shuffles of them."""
    rng = np.random.default_rng(pairs)
    U = 2 * pairs + more
    S = rng.normal(size=(U, U, R))
    shuffles = np.array([rng.permutation(U)[: 2 * pairs].reshape(2, pairs) for _ in range(J)])
    return S + S.transpose(1, 0, 2), shuffles, rng.normal(size=(J, pairs, R))


@pytest.mark.parametrize("R", [1, 3])
@pytest.mark.parametrize(("pairs", "k", "J"), [*((*code, 3) for code in CODES[:14]), (90, 5, 80)])
def test_forms_are_those_of_the_signs_one_by_one(pairs, k, J, R):
    """The mean, and each less it; the first has all signs +1. With and without factors."""
    S, shuffles, linear = given(pairs, R, J)
    i, j = np.triu_indices(pairs)
    own = np.random.default_rng(1).normal(size=(J, pairs, pairs))
    for factors, there in ((None, np.ones((J, len(i)))), (own, own[:, i, j])):
        function = None if factors is None else lambda i, j: own[:, i, j]
        forms = FormsOfSwaps(shuffles, len(S), k, function)
        for some in (linear, None):
            values, mean = forms(S, some)
            l = np.zeros_like(linear) if some is None else some  # noqa: E741 (as in the formula)
            expected = direct(S, shuffles, k, there, l)
            close = {"rtol": 1e-11, "atol": 1e-13 * np.abs(expected).max()}
            np.testing.assert_allclose(values + mean[..., None], expected, **close)
            np.testing.assert_allclose(mean, expected.mean(axis=-1), **close)
            np.testing.assert_allclose(values.mean(axis=-1), 0, atol=close["atol"])


@pytest.mark.parametrize(("pairs", "k"), [(600, 3), (560, 1)])
def test_more_pairs_than_are_kept(pairs, k):
    """Their sparse matrices come in blocks, one after the other, for every S anew."""
    S, shuffles, linear = given(pairs, 1, 2)
    expected = direct(S, shuffles, k, np.ones((2, pairs * (pairs + 1) // 2)), linear)
    forms = FormsOfSwaps(shuffles, len(S), k)
    for _ in range(2):
        values, mean = forms(S, linear)
        close = {"rtol": 1e-10, "atol": 1e-13 * np.abs(expected).max()}
        np.testing.assert_allclose(values + mean[..., None], expected, **close)


def test_shuffles_and_forms_are_not_changed_and_serve_any_form():
    """What one S leaves behind does not show in the next."""
    S, shuffles, linear = given(12, 2, 3)
    for array in (S, shuffles, linear):
        array.setflags(write=False)
    forms = FormsOfSwaps(shuffles, len(S), 4)
    first, _ = forms(S, linear)
    forms(2 * S + 1)
    again, _ = forms(S, linear)
    np.testing.assert_array_equal(first, again)


def test_the_first_of_several_shuffles_is_what_it_is_alone():
    S, shuffles, linear = given(40, 2, 5)
    together = FormsOfSwaps(shuffles, len(S), 6)(S, linear)[0]
    for j in range(5):
        one = slice(j, j + 1)
        alone = FormsOfSwaps(shuffles[one], len(S), 6)(S, linear[one])[0]
        np.testing.assert_allclose(together[:, one], alone, rtol=1e-12, atol=1e-12)
