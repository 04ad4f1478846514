"""Level and power of paired rows: pairs stay together, and what is counted is what flips give."""

import dataclasses
import json
from itertools import combinations, product

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import repdist
from repdist import kernels
from repdist._questions import level, outcomes

mpl.use("Agg")

QUICK = {"paired": True, "n_repetitions": 20, "n_resamples": 19, "rng": 0}
BOTH = pytest.mark.parametrize("function", [repdist.check_level, repdist.estimate_power])


def pairs(n=40, d=2, shift=0.0, alike=0.9, seed=0):
    rng = np.random.default_rng(seed)
    X, noise = rng.normal(size=(2, n, d))
    return X, alike * X + np.sqrt(1 - alike**2) * noise + shift


def by_flips(X, Y):
    """The p-value for the linear kernel by all ways to exchange rows, in loops."""
    D = X - Y
    G = D @ D.T
    np.fill_diagonal(G, 0)
    values = [np.array(e) @ G @ e for e in product([1, -1], repeat=len(D))]
    return np.mean(np.array(values) >= values[0] - 1e-12)


@dataclasses.dataclass(frozen=True)
class Peeking(kernels.Kernel):
    """Looks at the order of the pooled rows: along the mean difference of its two halves."""

    direction: tuple[float, ...] | None = None

    def fit(self, Z):
        half = len(Z) // 2
        return Peeking(tuple(Z[:half].mean(axis=0) - Z[half:].mean(axis=0)))

    def evaluate(self, X, Y):
        w = np.array(self.direction)
        return np.outer(X @ w, Y @ w)


@pytest.fixture
def seen(monkeypatch):
    """The samples that were tested, and whether they were tested as pairs."""
    found = []

    def test(first, second, design, options):
        found.append((first[:, 0], second[:, 0], design.paired))
        return tested(first, second, design, options)

    tested = outcomes.tested
    monkeypatch.setattr(outcomes, "tested", test)
    return found


# --- level ---------------------------------------------------------------------------------------


def test_the_rows_of_each_pair_change_places_or_not(seen):
    X = np.arange(7.0)
    repdist.check_level(X, X + 100, n_jobs=1, **QUICK)
    assert len(seen) == 20
    for first, second, paired in seen:
        assert paired
        assert (np.abs(first - second) == 100).all()
        assert sorted(np.minimum(first, second)) == X.tolist()
    assert {x for first, _, _ in seen for x in first} == {*X, *(X + 100)}
    assert len({frozenset(first) for first, _, _ in seen}) > 10  # of 128


def test_the_pvalues_are_those_of_all_flips():
    """Five pairs have 32 flips: each p-value of a check is that of one, by loops."""
    X, Y = pairs(5, shift=1.0)
    either = np.stack([X, Y])
    expected = set()
    for flips in product([0, 1], repeat=5):
        first = np.array(flips)
        expected.add(by_flips(either[first, range(5)], either[1 - first, range(5)]))
    options = {"alpha": 0.2, "kernel": kernels.Linear(), "n_repetitions": 200, "rng": 0}
    check = repdist.check_level(X, Y, paired=True, **options)
    assert set(check.pvalues) == expected  # missing one of 16 in 200 draws: 4e-5
    assert expected <= {k / 16 for k in range(1, 17)}
    assert check.attainable == 3 / 16


def test_the_level_holds(chance_seed):
    """The check says otherwise with chance .01 at most, by its design, and the rest with 1e-4."""
    X, Y = pairs(30, shift=0.5)
    check = repdist.check_level(X, Y, **QUICK | {"n_repetitions": 200, "rng": chance_seed})
    assert check.holds
    low, high = check.confidence_interval(0.9999)
    assert low <= 0.05 <= high
    assert abs(check.pvalues.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 200)  # false failure 6e-7


def test_a_kernel_that_peeks_is_found_out():
    """In 20 dimensions some direction always separates: its level is near 1."""
    check = repdist.check_level(*pairs(20, d=20), kernel=Peeking(), **QUICK)
    assert not check.holds
    assert check.rate > 0.8


@pytest.mark.parametrize(
    ("n", "n_resamples", "attainable"),
    [(5, 1023, 0.0), (6, 1023, 1 / 32), (40, 1023, 51 / 1024), (40, 199, 12 / 256)],
)
def test_what_can_be_attained(n, n_resamples, attainable):
    check = repdist.check_level(*pairs(n), **QUICK | {"n_resamples": n_resamples})
    assert check.attainable == attainable
    assert (check.cautions == ()) == (attainable > 0)


def test_many_pairs_are_drawn_from(monkeypatch, seen):
    monkeypatch.setattr(level, "MOST_ROWS", 30)
    X = np.arange(80.0)
    check = repdist.check_level(X, X + 100, n_jobs=1, **QUICK)
    assert (check.n, check.m, check.counted) == (30, 30, "pairs")
    assert check.cautions == ("each repetition used 30 of the 80 pairs",)
    for first, second, _ in seen:
        assert (np.abs(first - second) == 100).all()
        assert len(set(np.minimum(first, second))) == 30
    assert {x for first, second, _ in seen for x in np.minimum(first, second)} == set(X)


# --- power ---------------------------------------------------------------------------------------


def test_pairs_are_drawn_without_replacement(seen):
    X = np.arange(20.0)
    curve = repdist.estimate_power(X, X + 100, n_jobs=1, **QUICK)
    assert curve.sizes == (6, 10)
    assert [len(first) for first, _, _ in seen] == [6] * 20 + [10] * 20
    for first, second, paired in seen:
        assert paired
        assert (second - first == 100).all()
        assert len(set(first)) == len(first)
    assert {x for first, _, _ in seen for x in first} == set(X)


def test_all_pairs_are_the_test_itself():
    X, Y = pairs(7, shift=0.5)
    options = QUICK | {"n_repetitions": 3, "kernel": kernels.Linear(), "n_resamples": 1023}
    curve = repdist.estimate_power(X, Y, sizes=[7], **options)
    np.testing.assert_allclose(curve.pvalues, np.full((1, 3), by_flips(X, Y)))
    assert curve.cautions == (
        "subsamples of more than 3 pairs overlap too much to stand for new pairs",
    )


def test_power_agrees_with_all_subsamples(chance_seed):
    """4 of 7 pairs: 35 subsamples, each by loops (alpha .2).

    Power of 400 of them within 5 standard errors (false failure 6e-7).
    """
    X, Y = pairs(7, d=1, shift=0.4)
    chosen = [list(rows) for rows in combinations(range(7), 4)]
    exact = np.mean([by_flips(X[rows], Y[rows]) <= 0.2 for rows in chosen])
    assert 0.1 < exact < 0.9
    options = {"kernel": kernels.Linear(), "alpha": 0.2, "n_repetitions": 400, "rng": chance_seed}
    curve = repdist.estimate_power(X, Y, paired=True, sizes=[4], **options)
    assert abs(curve.power[0] - exact) < 5 * np.sqrt(exact * (1 - exact) / 400)


def test_pairs_show_what_rows_do_not():
    X, Y = pairs(80, d=4, shift=0.15)
    options = QUICK | {"sizes": [40], "n_resamples": 199}
    assert repdist.estimate_power(X, Y, **options).power[0] > 0.8
    assert repdist.estimate_power(X, Y, **options | {"paired": False}).power[0] == 0


def test_sizes_that_cannot_reject_say_so():
    curve = repdist.estimate_power(*pairs(), sizes=(4, 5, 6), **QUICK | {"n_resamples": 31})
    assert curve.power[:2].tolist() == [0, 0]
    assert curve.cautions == ("with 4, 5 pairs no p-value is as small as 0.05: power 0",)


# --- both ----------------------------------------------------------------------------------------


@BOTH
def test_any_form_of_the_rows_gives_the_same(function, tmp_path):
    X, Y = pairs(14)
    before = X.copy(), Y.copy()
    ours = function(X, Y, **QUICK).pvalues
    np.testing.assert_array_equal(ours, function(X, Y, n_jobs=1, **QUICK).pvalues)
    for name, array in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
    stored = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    tables = pd.DataFrame(X, columns=["a", "b"]), pd.DataFrame(Y[:, ::-1], columns=["b", "a"])
    for given in ([X.tolist(), Y.tolist()], tables, stored):
        np.testing.assert_allclose(function(*given, **QUICK).pvalues, ours, atol=1e-12)
    Z, kernel = np.concatenate([X, Y]), kernels.RBF(1.0)
    of_rows = function(X, Y, kernel=kernel, **QUICK).pvalues
    numbers = np.arange(14), np.arange(14, 28)
    of_matrix = function(*numbers, kernel=kernels.Precomputed(kernel(Z, Z)), **QUICK).pvalues
    np.testing.assert_array_equal(of_rows, of_matrix)
    np.testing.assert_array_equal([X, Y], before)


@BOTH
def test_torch_gives_the_same(function):
    torch = pytest.importorskip("torch")
    X, Y = pairs(14)
    tensors = [torch.as_tensor(array).requires_grad_() for array in (X, Y)]
    ours, theirs = function(X, Y, **QUICK), function(*tensors, **QUICK)
    np.testing.assert_allclose(theirs.pvalues, ours.pvalues, atol=1e-12)


@BOTH
def test_equal_rows_in_every_pair_are_no_difference(function):
    X, _ = pairs(14)
    assert (function(X, X, **QUICK).pvalues == 1).all()


@BOTH
def test_results_speak_of_pairs(function):
    import matplotlib.pyplot as plt

    result = function(*pairs(40, shift=0.5), **QUICK)
    assert result.counted == "pairs"
    assert result.to_dict()["counted"] == "pairs"
    assert json.loads(json.dumps(result.to_dict())) == result.to_dict()
    title = str(result).splitlines()[0]
    assert "paired MMD test" in title
    assert "pairs" in title
    ax = result.plot()
    words = [ax.get_xlabel(), ax.get_title("left"), *(line.get_label() for line in ax.get_lines())]
    assert "pairs" in " ".join(words)
    plt.close("all")
    unpaired = function(*pairs(40, shift=0.5), **QUICK | {"paired": False})
    assert unpaired.to_dict()["counted"] == "rows"
    assert "pair" not in str(unpaired).partition("caution")[0]
    looks_paired = any("`paired=True` does" in caution for caution in unpaired.cautions)
    assert looks_paired == (function is repdist.check_level)


def test_the_rows_that_are_needed_are_pairs():
    curve = repdist.estimate_power(*pairs(40, shift=2.0), sizes=[10, 20], **QUICK)
    assert "  pairs    power 0.8 with 10 pairs; power 0.9 with 10 pairs" in str(curve)
    assert curve.rows_needed() == 10


# --- refusals ------------------------------------------------------------------------------------


@BOTH
def test_samples_that_cannot_be_paired_are_refused(function):
    X, Y = pairs()
    with pytest.raises(ValueError, match=r"as many rows if `paired`.*got 40 and 39"):
        function(X, Y[:39], **QUICK)
    with pytest.raises(TypeError, match="`paired` must be"):
        function(X, Y, paired=1)
    with pytest.raises(TypeError, match="`paired` must be"):
        function(X, Y, paired=None)


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ([41], "`sizes` must be at most the 40 pairs; got 41. Pairs are drawn"),
        ([], "`sizes` must hold at least one number of pairs; got none"),
    ],
)
def test_bad_sizes(sizes, message):
    with pytest.raises(ValueError, match=message):
        repdist.estimate_power(*pairs(), sizes=sizes, paired=True)


def test_too_few_pairs_for_the_series():
    with pytest.raises(ValueError, match=r'numbers of pairs .* fewer than 12; got "auto" for 11'):
        repdist.estimate_power(*pairs(11), paired=True)
    assert repdist.estimate_power(*pairs(12), **QUICK).sizes == (6,)
