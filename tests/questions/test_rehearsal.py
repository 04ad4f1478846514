"""Level and power on a user's own rows: what they count, what they catch, how they refuse."""

import dataclasses
import json
from math import comb

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import repdist
from repdist import kernels
from repdist._inference.rates import found_out
from repdist._questions import level, outcomes
from repdist._questions.designs import Design
from repdist._results.level import FALSE_ALARMS

mpl.use("Agg")


def samples(n=40, m=50, d=2, shift=0.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift
    return X.astype(dtype), Y.astype(dtype)


QUICK = {"n_repetitions": 20, "n_resamples": 19, "rng": 0}
BOTH = pytest.mark.parametrize("function", [repdist.check_level, repdist.estimate_power])


@dataclasses.dataclass(frozen=True)
class Peeking(kernels.Kernel):
    """Looks at the order of the pooled rows: along the line from its first to its last part."""

    direction: tuple[float, ...] | None = None

    def fit(self, Z):
        half = len(Z) // 2
        return Peeking(tuple(Z[:half].mean(axis=0) - Z[half:].mean(axis=0)))

    def evaluate(self, X, Y):
        w = np.array(self.direction)
        return np.outer(X @ w, Y @ w)


# --- level ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [0.0, 3.0])
def test_the_level_holds_whether_or_not_the_samples_differ(shift, chance_seed):
    """The check says otherwise with chance .01 at most, by its design, and the rest with 1e-4."""
    check = repdist.check_level(
        *samples(20, 30, shift=shift), n_repetitions=200, n_resamples=19, rng=chance_seed
    )
    assert check.holds
    low, high = check.confidence_interval(0.9999)
    assert low <= 0.05 <= high
    assert abs(check.pvalues.mean() - 0.5) < 5 * np.sqrt(1 / 12 / 200)  # false failure 6e-7


def test_a_kernel_that_peeks_is_found_out():
    """In 20 dimensions some direction always separates: its level is near 1."""
    check = repdist.check_level(*samples(20, 20, d=20), kernel=Peeking(), **QUICK)
    assert not check.holds
    assert check.rate > 0.8
    assert "does not hold" in str(check)


def test_what_is_counted():
    check = repdist.check_level(*samples(15, 12), **QUICK)
    assert check.rate == np.mean(check.pvalues <= 0.05)
    assert check.pvalues.shape == (20,)
    count = round(20 * check.rate)
    for confidence in (0.95, 0.5):
        interval = check.confidence_interval(confidence)
        expected = stats.binomtest(count, 20).proportion_ci(confidence, method="exact")
        assert interval == (expected.low, expected.high)


@pytest.mark.parametrize("alpha", [0.05, 0.2])
def test_the_verdict_is_the_exact_binomial_one(alpha, monkeypatch):
    """For every number of rejections; the level that the summary names fails 90 % of checks."""
    X, Y = samples(5, 5)
    repetitions, holds = 40, []
    for rejections in range(repetitions + 1):
        pvalues = np.where(np.arange(repetitions) < rejections, alpha, 0.9)
        monkeypatch.setattr(level, "pvalues_of", lambda *a, pvalues=pvalues, **_: pvalues)
        check = repdist.check_level(X, Y, alpha=alpha, n_repetitions=repetitions)
        holds.append(check.holds)
        tail = sum(
            comb(repetitions, k) * alpha**k * (1 - alpha) ** (repetitions - k)
            for k in range(rejections, repetitions + 1)
        )
        assert check.holds == (tail > 0.01)
    denied = found_out(repetitions, alpha, FALSE_ALARMS)
    assert stats.binom.sf(holds.index(False) - 1, repetitions, denied) == pytest.approx(0.9)


def test_the_rows_are_dealt_out_again(monkeypatch):
    """Every repetition tests all rows, of the same sizes, in another order."""
    X, Y = np.arange(7.0), np.arange(7.0, 12.0)
    seen = []

    def test(first, second, design, options):
        assert design == Design()
        seen.append((first[:, 0].tolist(), second[:, 0].tolist()))
        return tested(first, second, design, options)

    tested = outcomes.tested
    monkeypatch.setattr(outcomes, "tested", test)
    repdist.check_level(X, Y, n_jobs=1, **QUICK)
    assert len({tuple(first + second) for first, second in seen}) == 20
    for first, second in seen:
        assert (len(first), len(second)) == (7, 5)
        assert sorted(first + second) == list(range(12))


def test_large_samples_are_drawn_from(monkeypatch):
    monkeypatch.setattr(level, "MOST_ROWS", 30)
    check = repdist.check_level(*samples(20, 80), **QUICK)
    assert (check.n, check.m) == (20, 30)
    assert check.cautions == ("each repetition used 20 and 30 of the 20 and 80 rows",)
    assert check.cautions[0] in str(check)


def test_a_test_that_never_rejects_says_so():
    check = repdist.check_level(*samples(3, 3), **QUICK | {"n_resamples": 20})
    assert check.holds
    assert check.rate == 0
    assert check.cautions == ("no p-value below 0.1 can be reached: the test never rejects",)


# --- power ---------------------------------------------------------------------------------------


def test_power_grows_from_the_level_to_one():
    """Between the ends of the curve chance could turn it round, but not with this `rng`."""
    options = QUICK | {"n_repetitions": 60}
    curve = repdist.estimate_power(*samples(100, 120, shift=0.8), **options)
    assert curve.sizes == (5, 10, 20, 50)
    assert (np.diff(curve.power) > 0).all()
    assert curve.power[-1] > 0.9
    assert curve.rows_needed() == curve.sizes[np.argmax(curve.power >= 0.8)]
    assert curve.rows_needed(0.01) == 5
    assert curve.rows_needed(curve.power[2]) == 20
    same = repdist.estimate_power(*samples(100, 120), **options)
    assert same.power.max() < 0.25  # P(Binomial(60, .05) >= 15) = 6e-8, for each of four sizes
    assert same.rows_needed() is None


def test_subsamples_of_all_rows_are_the_test_itself():
    """Brute force: with 4 of 4 rows every repetition is the one exhaustive test, scipy's."""
    X, Y = samples(4, 4, d=1, shift=1.5)
    kernel = kernels.Linear()
    result = stats.permutation_test(
        (X[:, 0], Y[:, 0]), lambda x, y: (x.mean() - y.mean()) ** 2, alternative="greater"
    )
    curve = repdist.estimate_power(X, Y, sizes=[4], kernel=kernel, n_repetitions=5, rng=0)
    np.testing.assert_allclose(curve.pvalues, np.full((1, 5), result.pvalue))
    assert curve.cautions == (
        "subsamples of more than 2 rows overlap too much to stand for new rows",
    )


def test_power_agrees_with_all_subsamples(chance_seed):
    """3 of 5 rows: 100 pairs of subsamples, each with an exhaustive p-value (alpha .1).

    Power of 400 of them within 5 standard errors (false failure 6e-7).
    """
    from itertools import combinations

    X, Y = samples(5, 5, d=1, shift=2.0)
    kernel = kernels.RBF(1.0)
    choices = [list(c) for c in combinations(range(5), 3)]
    exact = np.mean(
        [
            repdist.mmd_test(X[i], Y[j], kernel=kernel).pvalue <= 0.1
            for i in choices
            for j in choices
        ]
    )
    assert 0.1 < exact < 0.9
    curve = repdist.estimate_power(
        X, Y, sizes=[3], kernel=kernel, alpha=0.1, n_repetitions=400, rng=chance_seed
    )
    assert abs(curve.power[0] - exact) < 5 * np.sqrt(exact * (1 - exact) / 400)


def test_rows_are_drawn_without_replacement_and_the_kernel_is_fitted_on_them(monkeypatch):
    X, Y = np.arange(20.0), np.arange(20.0, 50.0)
    seen = []

    def test(first, second, design, options):
        result = tested(first, second, design, options)
        seen.append((first[:, 0], second[:, 0], result.kernel))
        return result

    tested = outcomes.tested
    monkeypatch.setattr(outcomes, "tested", test)
    repdist.estimate_power(X, Y, kernel=kernels.RBF(), n_jobs=1, **QUICK)
    assert [len(first) for first, _, _ in seen] == [5] * 20 + [10] * 20
    for first, second, kernel in seen:
        assert len(set(first)) == len(set(second)) == len(first) == len(second)
        assert set(first) <= set(X)
        assert set(second) <= set(Y)
        assert kernel == kernels.RBF().fit(np.concatenate([first, second]))
    assert {x for first, _, _ in seen for x in first} == set(X)
    assert {y for _, second, _ in seen for y in second} == set(Y)


def test_the_table_of_a_curve():
    curve = repdist.estimate_power(*samples(shift=0.7), sizes=[20, 5, 20], **QUICK)
    table = curve.to_frame()
    assert list(table.columns) == ["n", "rejections", "power", "ci_low", "ci_high"]
    assert table["n"].tolist() == [5, 20] == list(curve.sizes)
    np.testing.assert_array_equal(table["rejections"], (curve.pvalues <= 0.05).sum(axis=1))
    for row in table.itertuples():
        expected = stats.binomtest(row.rejections, 20).proportion_ci(method="exact")
        assert (row.ci_low, row.ci_high) == (expected.low, expected.high)


def test_sizes_that_cannot_reject_say_so():
    curve = repdist.estimate_power(*samples(), sizes=(2, 3, 4), **QUICK | {"n_resamples": 20})
    assert curve.power[:2].tolist() == [0, 0]
    assert curve.cautions == ("with 2, 3 rows no p-value is as small as 0.05: power 0",)
    assert curve.cautions[0] in str(curve)


def test_equal_rows_of_a_subsample_count_as_no_difference():
    X, Y = np.zeros(40), np.repeat([0.0, 1.0], [20, 20])
    curve = repdist.estimate_power(X, Y, sizes=[2], **QUICK)  # (0, 0) and (0, 0) in a quarter
    assert curve.pvalues.max() == 1
    assert 0 < curve.pvalues.min() < 1


# --- both ----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_same_rng_gives_the_same_bits_on_any_number_of_threads(function, dtype):
    X, Y = samples(150, 140, d=5, shift=0.2, dtype=dtype)
    before = X.copy(), Y.copy()
    options = QUICK | {"n_repetitions": 12}
    if function is repdist.estimate_power:
        options["sizes"] = [6, 135]  # single rows, and bins
    one = function(X, Y, n_jobs=1, **options)
    for changed in ({"n_jobs": 2}, {"n_jobs": 3, "rng": np.random.default_rng(0)}):
        np.testing.assert_array_equal(one.pvalues, function(X, Y, **options | changed).pvalues)
    assert (function(X, Y, **options | {"rng": 1}).pvalues != one.pvalues).any()
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(Y, before[1])


@BOTH
def test_lists_tables_and_files_give_the_same(function, tmp_path):
    X, Y = samples(15, 12)
    ours = function(X, Y, **QUICK).pvalues
    for name, array in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", array)
    stored = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    others = {
        "list": [X.tolist(), Y.tolist()],
        "table": [pd.DataFrame(X), pd.DataFrame(Y)],
        "file": stored,
    }
    for given in others.values():
        np.testing.assert_allclose(function(*given, **QUICK).pvalues, ours, atol=1e-12)


@BOTH
def test_torch_gives_the_same(function):
    torch = pytest.importorskip("torch")
    X, Y = samples(15, 12)
    tensors = [torch.as_tensor(array).requires_grad_() for array in (X, Y)]
    ours, theirs = function(X, Y, **QUICK), function(*tensors, **QUICK)
    np.testing.assert_allclose(theirs.pvalues, ours.pvalues, atol=1e-12)


@BOTH
def test_a_kernel_matrix_gives_the_same(function):
    X, Y = samples(15, 12)
    Z = np.concatenate([X, Y])
    kernel = kernels.RBF(1.0)
    ours = function(X, Y, kernel=kernel, **QUICK)
    rows = np.arange(15), np.arange(15, 27)
    theirs = function(*rows, kernel=kernels.Precomputed(kernel(Z, Z)), **QUICK)
    np.testing.assert_array_equal(ours.pvalues, theirs.pvalues)


@BOTH
def test_a_result_can_be_read_kept_and_drawn(function):
    import matplotlib.pyplot as plt

    result = function(*samples(), **QUICK)
    assert str(result) == result.summary()
    assert all(len(line) <= 100 for line in str(result).splitlines())
    answer = result.to_dict()
    assert json.loads(json.dumps(answer)) == answer
    assert answer["repdist_version"] == repdist.__version__
    with pytest.raises(dataclasses.FrozenInstanceError):
        result.alpha = 0.1
    assert not result.pvalues.flags.writeable
    _, mine = plt.subplots()
    assert result.plot(ax=mine) is mine
    assert result.plot() is not mine
    plt.close("all")


# --- refusals ------------------------------------------------------------------------------------

FOR_BOTH = [
    ({"alpha": 0}, ValueError, "`alpha` must lie strictly between 0 and 1; got 0"),
    ({"alpha": 1.0}, ValueError, "`alpha` must lie strictly between 0 and 1; got 1"),
    ({"alpha": "5%"}, TypeError, "`alpha` must be a number"),
    ({"n_repetitions": 0}, ValueError, "`n_repetitions` must be at least 1; got 0"),
    ({"n_repetitions": 2.0}, TypeError, "`n_repetitions` must be a whole number"),
    ({"n_resamples": 0}, ValueError, "`n_resamples` must be at least 1; got 0"),
    ({"n_resamples": 15}, ValueError, "`n_resamples` must be at least 16 for .* 0.05; got 15"),
    ({"alpha": 5e-4}, ValueError, "`n_resamples` must be at least 1024 for .* 0.0005; got 1023"),
    ({"combine": "sum"}, ValueError, "`combine` must be one of"),
    ({"kernel": kernels.RBF}, TypeError, "`kernel` must be"),
    ({"rng": "0"}, TypeError, "`rng` must be"),
    ({"n_jobs": 0}, ValueError, "`n_jobs` must be"),
    ({"progress": 1}, TypeError, "`progress` must be"),
]


@BOTH
@pytest.mark.parametrize(("options", "error", "message"), FOR_BOTH)
def test_bad_options(function, options, error, message):
    with pytest.raises(error, match=message):
        function(*samples(), **options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_repetitions": 1}, ValueError, "`n_repetitions` must be at least 2 to show"),
        ({"alpha": 0.5, "n_repetitions": 6}, ValueError, "`n_repetitions` must be at least 7"),
        ({"n_bins": 41}, ValueError, "`n_bins` must be at most the 40 rows"),
        ({"estimator": "v"}, ValueError, "`estimator` must be one of"),
    ],
)
def test_bad_options_of_the_level(options, error, message):
    with pytest.raises(error, match=message):
        repdist.check_level(*samples(), **options)


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ("all", ValueError, '`sizes` must be one of "auto"'),
        (20, TypeError, '`sizes` must be "auto" or a list of whole numbers; got 20'),
        (None, TypeError, '`sizes` must be "auto" or a list of whole numbers; got None'),
        (b"20", TypeError, '`sizes` must be "auto" or a list'),
        ([], ValueError, "`sizes` must hold at least one number of rows; got none"),
        ([1, 5], ValueError, "`sizes` must be at least 2; got 1"),
        ([5.0], TypeError, "`sizes` must be a whole number"),
        (["5"], TypeError, "`sizes` must be a whole number"),
        ([True], TypeError, "`sizes` must be a whole number"),
        (np.array([[5]]), TypeError, "`sizes` must be a whole number"),
        ([5, 41], ValueError, "`sizes` must be at most the 40 rows of the smaller sample; got 41"),
    ],
)
def test_bad_sizes(sizes, error, message):
    with pytest.raises(error, match=message):
        repdist.estimate_power(*samples(), sizes=sizes)


def test_too_few_rows_for_the_series():
    with pytest.raises(ValueError, match=r'fewer than 10; got "auto" for 9. Use'):
        repdist.estimate_power(*samples(9, 20))
    assert repdist.estimate_power(*samples(10, 20), **QUICK).sizes == (5,)


def test_a_bad_power():
    curve = repdist.estimate_power(*samples(10, 20), **QUICK)
    with pytest.raises(ValueError, match="`power` must lie strictly between 0 and 1; got 80"):
        curve.rows_needed(80)


@BOTH
def test_bad_samples(function):
    X, Y = samples()
    for bad in (np.full_like(X, np.nan), X[:1], X[:, :1], X.astype(str)):
        with pytest.raises((TypeError, ValueError), match=r"`X`|`X` and `Y`"):
            function(bad, Y)
    with pytest.raises(ValueError, match="must not be constant"):
        function(np.ones((20, 2)), np.ones((20, 2)))


@BOTH
def test_samples_on_a_cluster_are_refused(function):
    lazy = pytest.importorskip("dask.array")
    X, Y = samples()
    with pytest.raises(TypeError, match=r"`Y` must lie in memory here; got a dask array"):
        function(X, lazy.from_array(Y))
