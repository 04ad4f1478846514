"""The witness beside loops, and what holds of its means."""

import numpy as np
import pandas as pd
import pytest
from given import ALL_KERNELS, LIBRARIES, X, Y, in_order
from oracles import FORMULAS

import repdist
from repdist import kernels


def naive(k, own, other):
    """Mean over the other rows of the own sample, less the mean over the other sample."""
    return [
        np.mean([k(x, z) for place, z in enumerate(own) if place != i])
        - np.mean([k(x, y) for y in other])
        for i, x in enumerate(own)
    ]


@pytest.mark.parametrize("name", FORMULAS)
def test_values_are_those_of_loops(name):
    kernel, formula = FORMULAS[name]
    middle = np.median(np.concatenate([X, Y]), axis=0) if name == "linear" else 0
    A, B = X - middle, Y - middle
    result = repdist.witness(X, Y, kernel=kernel)
    np.testing.assert_allclose(result.values_x, naive(formula, A, B), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(-result.values_y, naive(formula, B, A), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kernel", ALL_KERNELS, ids=repr)
def test_the_means_differ_by_mmd_squared_of_the_kernel_that_mmd_test_fits(kernel):
    result = repdist.witness(X, Y, kernel=kernel)
    tested = repdist.mmd_test(X, Y, kernel=kernel, n_resamples=1, rng=0)
    assert result.mmd_squared == pytest.approx(tested.mmd_squared, rel=1e-9, abs=1e-14)
    assert result.values_x.mean() - result.values_y.mean() == result.mmd_squared
    assert result.kernel == tested.kernel


def test_swapped_samples_have_the_opposite_values():
    one, other = repdist.witness(X, Y), repdist.witness(Y, X, kernel=repdist.witness(X, Y).kernel)
    np.testing.assert_allclose(one.values_x, -other.values_y, rtol=1e-12)
    np.testing.assert_allclose(one.values_y, -other.values_x, rtol=1e-12)


def test_many_rows_in_tiles():
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(1500, 2)), rng.normal(size=(900, 2))
    kernel = kernels.RBF(1.0)
    result = repdist.witness(A, B, kernel=kernel)
    K = kernel(A, A)
    np.fill_diagonal(K, 0)
    expected = K.sum(axis=1) / 1499 - kernel(A, B).mean(axis=1)
    np.testing.assert_allclose(result.values_x, expected, rtol=1e-8, atol=1e-12)


@LIBRARIES
def test_libraries_agree(library):
    result = repdist.witness(library(X), library(Y))
    expected = repdist.witness(X, Y)
    np.testing.assert_allclose(result.values_x, expected.values_x, rtol=1e-10, atol=1e-14)
    np.testing.assert_allclose(result.values_y, expected.values_y, rtol=1e-10, atol=1e-14)
    assert isinstance(result.values_x, np.ndarray)


def test_rows_in_a_file_in_a_table_and_with_threads(tmp_path):
    np.save(tmp_path / "rows.npy", X)
    in_file = np.load(tmp_path / "rows.npy", mmap_mode="r")
    table = [pd.DataFrame(rows, columns=list("abc")) for rows in (X, Y)]
    expected = repdist.witness(X, Y)
    for found in (
        repdist.witness(in_file, Y),
        repdist.witness(*table),
        repdist.witness(X, Y, n_jobs=3),
    ):
        np.testing.assert_array_equal(found.values_x, expected.values_x)
        np.testing.assert_array_equal(found.values_y, expected.values_y)


def test_row_numbers_of_a_given_kernel():
    kernel = kernels.RBF(1.0)
    Z = np.concatenate([X, Y])
    given = kernels.Precomputed(kernel(Z, Z))
    found = repdist.witness(range(len(X)), range(len(X), len(Z)), kernel=given)
    np.testing.assert_allclose(found.values_x, repdist.witness(X, Y, kernel=kernel).values_x)


def test_the_most_typical_rows_are_where_the_other_sample_is_not():
    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(60, 2)), rng.normal(size=(50, 2))
    A[:6], B[44:] = rng.normal(6, 0.1, size=(6, 2)), rng.normal(-6, 0.1, size=(6, 2))
    result = repdist.witness(A, B)
    of_a, of_b = result.most_typical(n_rows=6)
    assert sorted(of_a) == list(range(6))
    assert sorted(of_b) == list(range(44, 50))
    assert result.values_x[of_a].tolist() == sorted(result.values_x)[::-1][:6]
    assert result.values_y[of_b].tolist() == sorted(result.values_y)[:6]


def test_the_table_is_sorted_and_names_rows():
    result = repdist.witness(X, Y)
    frame = result.to_frame()
    assert list(frame) == ["sample", "row", "witness"]
    assert frame["witness"].is_monotonic_decreasing
    for sample, values in (("X", result.values_x), ("Y", result.values_y)):
        own = frame[frame["sample"] == sample].sort_values("row")
        assert own["row"].tolist() == list(range(len(values)))
        assert own["witness"].tolist() == values.tolist()


def test_it_claims_no_more_than_a_ranking():
    result = repdist.witness(X, Y)
    assert not [name for name in dir(result) if "pvalue" in name]
    assert "without p-values" in str(result)
    assert "no p-values" in repdist.witness.__doc__
    above = int((result.values_x > 0).sum()), int((result.values_y > 0).sum())
    shares = f"at {above[0] / 12:.0%} of the rows of X and at {above[1] / 10:.0%} of those of Y"
    assert shares in str(result)
    assert repr(result).startswith("WitnessResult(n=12, m=10, mmd_squared=")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: repdist.witness(X, Y[:, :2]), ValueError, "`X` and `Y` must have the same number"),
        (lambda: repdist.witness(X[:1], Y), ValueError, "`X` must have at least 2 rows"),
        (lambda: repdist.witness(X, Y, kernel="rbf"), TypeError, "`kernel` must"),
        (lambda: repdist.witness(X, Y, n_jobs=0), ValueError, "`n_jobs` must be -1"),
        (lambda: repdist.witness(X, Y).most_typical(n_rows=0), ValueError, "`n_rows` must be at"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=in_order(message)):
        call()
