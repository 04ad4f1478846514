"""The post's numbers: its formula, its windows, and what must come out of them."""

import importlib
import itertools
import math

import numpy as np
import oracles
import pytest

import repdist

post = importlib.import_module("repdist._experiments.lenet_gap.post")

NAMES = ["a", "b", "c"]
ONE_AGAINST_ONE = 10 - 2 * sum(math.exp(-p) for p in (4, 2, 1, 0.5, 0.25))


def groups(seed=0, shape=(3, 9, 4)):
    """Random groups, each somewhere else."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape) + np.arange(shape[0])[:, None, None]


@pytest.fixture(scope="module")
def example():
    return repdist.example_features()


# --- the formula ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 3, 10])
@pytest.mark.parametrize("scale", [1e-3, 1, 1e4])
def test_the_value_is_that_of_the_well_known_function(n, scale):
    X, Y, _ = scale * groups(n, (3, n, 5))
    assert post.mmd_rbf(X, Y) == pytest.approx(oracles.mmd_rbf(X, Y), rel=1e-12)


def test_one_against_one_is_a_constant():
    assert post.value_of_one_against_one() == pytest.approx(ONE_AGAINST_ONE, rel=1e-14)
    assert pytest.approx(6.1863, abs=5e-5) == ONE_AGAINST_ONE
    rng = np.random.default_rng(0)
    for scale, d in itertools.product((1e-6, 1, 1e6), (1, 64)):
        X, Y = scale * rng.normal(size=(2, 1, d))
        assert post.mmd_rbf(X, Y) == pytest.approx(ONE_AGAINST_ONE, rel=1e-12)


def test_two_equal_rows_have_no_value():
    with pytest.raises(ValueError, match="must not be"):
        post.mmd_rbf(np.ones((1, 3)), np.ones((1, 3)))


@pytest.mark.parametrize("n", [1, 2, 5, 10, 32])
def test_the_floor_of_one_class(n):
    """Exact for equal distances, which Gaussian rows in 50,000 dimensions nearly have."""
    floor = post.floor_of_one_class(n)
    assert floor == pytest.approx(ONE_AGAINST_ONE / n, rel=1e-14)
    unit = np.eye(2 * n)
    assert post.mmd_rbf(unit[:n], unit[n:]) == pytest.approx(floor, rel=1e-12)
    X, Y = np.random.default_rng(n).normal(size=(2, n, 50_000))
    assert post.mmd_rbf(X, Y) == pytest.approx(floor, rel=0.01)


def test_two_points_are_at_saturation():
    """The mean squared distance is n / (2 n - 1) of that between the points."""
    assert post.saturation() == pytest.approx(7.743, abs=5e-4)
    n = 1500
    X = np.random.default_rng(0).normal(size=(n, 3))
    value = post.mmd_rbf(1e-9 * X, 1e-9 * X + 1)
    ratio = (2 * n - 1) / n
    expected = 2 * (5 - sum(math.exp(-ratio / factor) for factor in (0.25, 0.5, 1, 2, 4)))
    assert value == pytest.approx(expected, rel=1e-9)
    assert value == pytest.approx(post.saturation(), rel=1e-3)


def test_normalize():
    features = groups()
    got = post.normalize(features)
    mean, spread = features.sum() / features.size, features.max() - features.min()
    np.testing.assert_allclose(got, (features - mean) / spread, rtol=1e-12, atol=1e-15)


def test_normalizing_changes_no_cell(example):
    features, names = example
    for x in (2, 10):
        exact = post.post_table(features.astype(float), names, x)
        normalized = post.post_table(post.normalize(features.astype(float)), names, x)
        np.testing.assert_allclose(normalized, exact, rtol=0, atol=1e-9)


# --- windows and tables --------------------------------------------------------------------------


@pytest.mark.parametrize(("x", "start"), [(1, 1), (2, 1), (10, 1), (50, 1), (149, 1), (150, 0)])
def test_the_rows_that_the_post_takes(x, start):
    numbers = np.arange(600).reshape(2, 300, 1)
    first, second = post.windows(numbers, x)
    for group in (0, 1):
        rows = [300 * group + start + i for i in range(2 * x)]
        assert first[group].ravel().tolist() == rows[:x]
        assert second[group].ravel().tolist() == rows[x:]


@pytest.mark.parametrize("x", [-1, 0, 151])
def test_windows_that_do_not_fit(x):
    with pytest.raises(ValueError, match=f"`x` must be 1 to 150, half the rows .*; got {x}"):
        post.windows(np.zeros((2, 300, 1)), x)


@pytest.mark.parametrize("x", [1, 2, 4])
def test_a_table_is_the_formula_cell_by_cell(x):
    features = groups()
    table = post.post_table(features, NAMES, x)
    assert table.index.tolist() == table.columns.tolist() == NAMES
    for i, j in np.ndindex(3, 3):
        X, Y = features[i, 1 : 1 + x], features[j, 1 + x : 1 + 2 * x]
        assert table.iloc[i, j] == pytest.approx(oracles.mmd_rbf(X, Y), rel=1e-12)


def test_a_table_is_not_symmetric():
    table = post.post_table(groups(), NAMES, 4).to_numpy()
    assert np.abs(table - table.T)[np.triu_indices(3, 1)].min() > 1e-3


@pytest.mark.parametrize("x", [2, 3])
def test_pvalues_count_all_relabelings(x):
    features = groups(1, (3, 7, 2))
    table = post.post_pvalues(features, NAMES, x)
    for i, j in np.ndindex(3, 3):
        Z = np.concatenate([features[i, 1 : 1 + x], features[j, 1 + x : 1 + 2 * x]])
        values = []
        for chosen in itertools.combinations(range(2 * x), x):  # the first is that of the data
            rest = [row for row in range(2 * x) if row not in chosen]
            values.append(oracles.mmd_rbf(Z[list(chosen)], Z[rest]))
        expected = np.mean(np.array(values) >= values[0] - 1e-12)
        assert table.iloc[i, j] == pytest.approx(expected, rel=1e-12)


def test_two_rows_prove_nothing():
    far = groups() + 1000 * np.arange(3)[:, None, None]
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(post.post_pvalues(far, NAMES, 2).to_numpy()[off], 1 / 3, rtol=1e-12)


@pytest.mark.parametrize("shift", [0, 1e6])
def test_the_ruler_of_a_cell_is_its_mean_squared_distance(shift):
    features = groups()
    table = post.mean_squared_distances(features + shift, NAMES, 3)
    for i, j in np.ndindex(3, 3):
        Z = np.concatenate([features[i, 1:4], features[j, 4:7]]).tolist()
        squares = [oracles.distance(a, b) ** 2 for a, b in itertools.permutations(Z, 2)]
        expected = sum(squares) / 30
        assert table.iloc[i, j] == pytest.approx(expected, rel=1e-8 if shift else 1e-12)


def test_the_curve(monkeypatch):
    monkeypatch.setattr(post, "CURVE_SIZES", (1, 2, 4))
    monkeypatch.setattr(post, "N_WINDOWS", 5)
    features = groups(2, (2, 8, 3))
    curve = post.curve(features, np.random.default_rng(3))
    assert curve["n"].tolist() == [1, 2, 4]
    np.testing.assert_allclose(curve["floor"], ONE_AGAINST_ONE / curve["n"], rtol=1e-12)
    rng = np.random.default_rng(3)
    for _, row in curve.iterrows():
        n = int(row["n"])
        values = {"same": [], "other": [], "same_unbiased": [], "other_unbiased": []}
        for _ in range(5):
            i, j = rng.choice(2, size=2, replace=False)
            chosen = rng.permutation(8)[: 2 * n]
            X = features[i, chosen[:n]]
            for name, Y in (("same", features[i, chosen[n:]]), ("other", features[j, chosen[n:]])):
                values[name].append(oracles.mmd_rbf(X, Y))
                unbiased = without_diagonal(X, Y) if n > 1 else math.nan
                values[f"{name}_unbiased"].append(unbiased)
        for name, drawn in values.items():
            expected = [np.mean(drawn), np.quantile(drawn, 0.05), np.quantile(drawn, 0.95)]
            got = row[[name, f"{name}_low", f"{name}_high"]]
            np.testing.assert_allclose(got.astype(float), expected, rtol=1e-10, atol=1e-12)


def without_diagonal(X, Y):
    """The well-known function without k(z, z), which is 5."""
    n = len(X)
    D = np.square(np.concatenate([X, Y])[:, None] - np.concatenate([X, Y])[None]).sum(-1)
    b = D.sum() / (2 * n * (2 * n - 1))

    def k(x, y):
        return sum(math.exp(-(oracles.distance(x, y) ** 2) / (b * f)) for f in (0.25, 0.5, 1, 2, 4))

    return oracles.mmd_squared(k, X, Y, "unbiased")


# --- the features that come with repdist ---------------------------------------------------------


def diagonal_and_rest(table):
    values = table.to_numpy()
    return np.diagonal(values), values[~np.eye(len(values), dtype=bool)]


def test_the_example_has_the_shape_of_the_post(example):
    features, names = example
    assert features.shape == (10, 300, 64)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert (features >= 0).all()
    assert names == [*"0123456789"]


def test_the_example_is_new_at_each_call(example):
    features, _ = repdist.example_features()
    features[:] = 0
    np.testing.assert_array_equal(repdist.example_features()[0], example[0])


def test_a_missing_example(tmp_path, monkeypatch):
    module = importlib.import_module("repdist._experiments")
    monkeypatch.setattr(module, "__path__", [str(tmp_path)])
    with pytest.raises(FileNotFoundError, match=r"lenet_gap/features\.npz.* Install repdist again"):
        repdist.example_features()


def test_the_example_at_one_row(example):
    table = post.post_table(*example, 1)
    np.testing.assert_allclose(table, ONE_AGAINST_ONE, rtol=1e-6)


def test_the_example_at_two_rows(example):
    pvalues = post.post_pvalues(*example, 2).to_numpy()
    assert pvalues.min() == pytest.approx(1 / 3, rel=1e-12)
    diagonal, rest = diagonal_and_rest(post.post_table(*example, 2))
    assert diagonal.max() > rest.min()  # they overlap


def test_the_example_at_ten_rows(example):
    diagonal, rest = diagonal_and_rest(post.post_table(*example, 10))
    floor = post.floor_of_one_class(10)
    assert floor == pytest.approx(0.61863, abs=5e-6)
    assert (np.abs(diagonal - floor) < 0.3).all()  # "same class <= 1"
    assert diagonal.mean() < rest.min()


@pytest.mark.parametrize("x", [1, 2, 10, 50, 150])
def test_no_cell_of_the_example_is_beyond_saturation(x, example):
    table = post.post_table(*example, x).to_numpy()
    assert (table > 0).all()
    assert (table < 8).all()


@pytest.mark.parametrize("x", [50, 150])
def test_the_diagonal_of_the_example_falls_to_0(x, example):
    diagonal, rest = diagonal_and_rest(post.post_table(*example, x))
    assert diagonal.max() < 3 * post.floor_of_one_class(x) < rest.min()
