"""Paired rows as users test them: against naive flips, and exact without chance."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from given import assert_same_answer, needs
from oracles import FORMULAS, assert_exact, mahalanobis, normal_scores
from scipy import stats

import repdist
from repdist import kernels
from repdist._designs.paired import Flips
from repdist._inference.transform import columns

COMBINATIONS = pytest.mark.parametrize("combine", ["max", "mean", "fuse"])
ESTIMATORS = pytest.mark.parametrize("estimator", ["unbiased", "biased"])
BANDWIDTHS = (0.5, 1.0, 3.0)
Z95 = stats.norm.ppf(0.975)


def pairs(n, d=3, correlation=0.9, shift=0.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    noise = math.sqrt(1 - correlation**2) * rng.normal(size=(n, d))
    return X.astype(dtype), (correlation * X + noise + shift).astype(dtype)


def paired_test(X, Y, **options):
    return repdist.mmd_test(X, Y, paired=True, **{"rng": 0, **options})


def H_of(k, X, Y):
    """By its definition, one pair of pairs at a time."""
    X, Y = np.asarray(X, dtype=float).tolist(), np.asarray(Y, dtype=float).tolist()
    both = list(zip(X, Y, strict=True))
    return np.array([[k(x, u) + k(y, v) - k(x, v) - k(y, u) for u, v in both] for x, y in both])


def of_flips(H, estimator):
    """MMD^2 of all 2^n flips, the observed one first."""
    n = len(H)
    H, of = (H, n * n) if estimator == "biased" else (H - np.diag(np.diag(H)), n * (n - 1))
    signs = np.array(list(itertools.product([1, -1], repeat=n)))
    return np.einsum("bi,ij,bj->b", signs, H, signs) / of


def share_that_reach(values):
    return (values >= values[0] - 1e-12 * np.abs(values).max()).mean()


# --- against a naive reference -------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("n", [2, 3, 6])
@ESTIMATORS
def test_one_kernel_by_all_flips(name, n, estimator):
    """MMD^2, its standard error, p, and the interval."""
    kernel, k = FORMULAS[name]
    X, Y = pairs(n, shift=0.4, seed=n)
    ours = paired_test(X, Y, kernel=kernel, combine="mean", estimator=estimator)
    H = H_of(k, X, Y)
    T = of_flips(H, estimator)
    assert ours.exhaustive
    assert ours.n_resamples == 2 ** (n - 1)
    assert ours.mmd_squared == pytest.approx(T[0], rel=1e-9)
    assert ours.statistic == pytest.approx(T[0], rel=1e-9)
    assert ours.pvalue == share_that_reach(T)
    np.testing.assert_allclose(
        np.sort(np.repeat(ours.null_distribution, 2)), np.sort(T), rtol=1e-8, atol=1e-12
    )
    influence = (H.sum(axis=1) - np.diag(H)) / (n - 1)
    se = math.sqrt(4 * influence.var(ddof=1) / n)
    assert ours.standard_error == pytest.approx(se, rel=1e-8)
    v0 = of_flips(H, "unbiased").var()
    low, high = ours.confidence_interval()
    assert low == pytest.approx(max(0, influence.mean() - Z95 * se), rel=1e-6, abs=1e-12)
    assert high == pytest.approx(influence.mean() + Z95 * math.sqrt(se**2 + 3 * v0), rel=1e-6)


@pytest.mark.parametrize(("n", "seed"), [(5, 0), (8, 1), (9, 2), (9, 3)])
@COMBINATIONS
@ESTIMATORS
def test_components_by_all_flips(n, seed, combine, estimator):
    X, Y = pairs(n, shift=0.3, seed=seed)
    kernel = kernels.MultiRBF(BANDWIDTHS)
    ours = paired_test(X, Y, kernel=kernel, combine=combine, estimator=estimator)

    def rbf(bandwidth):
        return lambda x, y: math.exp(-(math.dist(x, y) ** 2) / (2 * bandwidth**2))

    T = np.stack([of_flips(H_of(rbf(b), X, Y), estimator) for b in BANDWIDTHS])  # (R, 2^n)
    scores = {
        "mean": lambda: T.mean(axis=0),
        "max": lambda: largest_scores(T),
        "fuse": lambda: soft_maxima(T, np.concatenate([X, Y]), n),
    }[combine]()
    assert ours.pvalue == share_that_reach(scores)
    assert ours.statistic == pytest.approx(scores[0], rel=1e-7)
    assert ours.mmd_squared == pytest.approx(T[:, 0].mean(), rel=1e-9)
    np.testing.assert_allclose(ours.components["mmd_squared"], T[:, 0], rtol=1e-9)
    z = (T[:, 0] - T.mean(axis=1)) / T.std(axis=1)
    np.testing.assert_allclose(ours.components["zscore"], z, rtol=1e-8)
    np.testing.assert_array_equal(ours.components["pvalue"], [share_that_reach(t) for t in T])


def largest_scores(T):
    lengths, count = mahalanobis(T.T)
    together = np.where(count, normal_scores(lengths), -np.inf)
    return np.max([*(normal_scores(t) for t in T), together], axis=0)


def soft_maxima(T, Z, n):
    D = np.square(Z[:, None] - Z[None]).sum(-1)
    off = 1 - np.eye(len(Z))
    squares = np.array([np.square(off * np.exp(-D / (2 * b * b))).sum() for b in BANDWIDTHS])
    exponents = T * ((n * (n - 1)) ** 1.5 / np.sqrt(squares))[:, None]
    return np.log(np.exp(exponents).mean(axis=0))


@pytest.mark.parametrize("n_bins", [2, 3, 5])
@ESTIMATORS
def test_bins_change_no_estimate(n_bins, estimator):
    """Nor does the shuffle of the pairs."""
    X, Y = pairs(11, shift=0.3)
    _, k = FORMULAS["rbf"]
    H = H_of(k, X, Y)
    for rng in range(3):
        ours = paired_test(
            X, Y, kernel=kernels.RBF(1.3), estimator=estimator, n_bins=n_bins, rng=rng
        )
        assert ours.mmd_squared == pytest.approx(of_flips(H, estimator)[0], rel=1e-9)
        influence = (H.sum(axis=1) - np.diag(H)) / 10
        assert ours.estimate.mmd_squared == pytest.approx(influence.mean(), rel=1e-9)
        assert ours.standard_error == pytest.approx(2 * influence.std(ddof=1) / 11**0.5, rel=1e-9)
        assert n_bins <= ours.n_bins <= 5
        assert ours.n_resamples == 2 ** (ours.n_bins - 1)


@pytest.mark.parametrize(("n", "n_bins"), [(100, "auto"), (200, "auto"), (300, "rows")])
def test_many_pairs_have_the_estimate_of_the_formula(n, n_bins):
    """Single pairs, bins of them, and more than float32 could tell apart."""
    X, Y = pairs(n, shift=0.1)
    ours = paired_test(X, Y, kernel=kernels.RBF(1.5), n_bins=n_bins, n_resamples=99)
    K = kernels.RBF(1.5)
    H = K(X, X) + K(Y, Y) - K(X, Y) - K(Y, X)
    np.fill_diagonal(H, 0)
    influence = H.sum(axis=1) / (n - 1)
    assert ours.mmd_squared == pytest.approx(influence.mean(), rel=1e-8)
    assert ours.standard_error == pytest.approx(2 * influence.std(ddof=1) / n**0.5, rel=1e-8)


def test_a_matrix_gives_the_answer_of_its_kernel():
    X, Y = pairs(30, shift=0.2)
    kernel = kernels.RBF(1.0)
    looked_up = kernels.Precomputed(kernel(*[np.concatenate([X, Y])] * 2))
    ours = paired_test(range(30), range(30, 60), kernel=looked_up)
    assert_same_answer(ours, paired_test(X, Y, kernel=kernel), 1e-8)
    assert ours.cautions == ()


def test_differences_within_pairs_are_seen():
    """What the test of independent rows, which compares clouds alone, does not see."""
    X, Y = pairs(60, d=5, correlation=0.98, shift=0.1)
    assert paired_test(X, Y).pvalue == 1 / 16_384
    assert repdist.mmd_test(X, Y, rng=0).pvalue > 0.5


# --- exactness without chance --------------------------------------------------------------------
#
# Under the null the data are a random flip of fixed pairs. So over all flips, at most a share a of
# the p-values is at most a, for every a, if what is random in the test is held fixed and the flips
# that it uses are a group; or if it runs through all there are.

DATA = {
    "gaussian": pairs(6, d=2, correlation=0.5),
    "ties": np.random.default_rng(1).integers(0, 2, size=(2, 6, 2)).astype(float),
    "copies among the pairs": np.repeat(np.random.default_rng(2).normal(size=(2, 3, 2)), 2, axis=1),
    "equal partners": (np.arange(6.0)[:, None], np.array([0, 1, 2, 4, 3, 9.0])[:, None]),
    "an outlier": (np.array([0, 0.1, 0.2, 0.3, 0.4, 50.0])[:, None], np.full((6, 1), 0.25)),
    "float32": pairs(6, d=2, correlation=0.5, seed=3, dtype=np.float32),
}
EACH = pytest.mark.parametrize("data", DATA.values(), ids=DATA.keys())


def flipped(X, Y, pattern):
    change = np.array(pattern, dtype=bool)[:, None]
    return np.where(change, Y, X), np.where(change, X, Y)


def pvalues_of_all_flips(X, Y, **options):
    return [
        paired_test(*flipped(X, Y, pattern), n_jobs=1, **options).pvalue
        for pattern in itertools.product([0, 1], repeat=len(X))
    ]


def pvalues_of_half_of_the_flips(X, Y, **options):
    """Those that leave the first pair as it is: the others exchange the samples of one of these.

    That this changes no p-value is tested below.
    """
    return [
        paired_test(*flipped(X, Y, (0, *pattern)), n_jobs=1, **options).pvalue
        for pattern in itertools.product([0, 1], repeat=len(X) - 1)
    ]


# Each of the data with each combination, under one of the estimators; each two of these three meet.
CASES = [
    (data, combine, ["unbiased", "biased"][(i + j) % 2])
    for (i, data), (j, combine) in itertools.product(
        enumerate(DATA), enumerate(["max", "mean", "fuse"])
    )
]


@pytest.mark.parametrize(("data", "combine", "estimator"), CASES)
def test_all_flips_of_single_pairs(data, combine, estimator):
    assert_exact(pvalues_of_all_flips(*DATA[data], combine=combine, estimator=estimator))


@EACH
@pytest.mark.parametrize(
    "kernel",
    [kernels.RBF(), kernels.MultiRBF("mean", size=3), kernels.Energy(), kernels.Linear()],
    ids=repr,
)
def test_all_flips_for_other_kernels(data, kernel):
    assert_exact(pvalues_of_half_of_the_flips(*data, kernel=kernel))


@pytest.mark.parametrize("seed", range(2))
@COMBINATIONS
def test_all_flips_of_bins(seed, combine):
    """Two bins of two pairs and one of three, which `rng` holds fixed, though all pairs flip."""
    X, Y = pairs(7, d=2, correlation=0.5, seed=seed)
    found = pvalues_of_half_of_the_flips(X, Y, combine=combine, n_bins=3, rng=seed)
    assert set(found) <= {0.25, 0.5, 0.75, 1.0}
    assert_exact(found)


def test_all_flips_of_bins_with_ties():
    X, Y = np.random.default_rng(4).integers(0, 3, size=(2, 6, 1)).astype(float)
    for seed in range(3):
        assert_exact(pvalues_of_half_of_the_flips(X, Y, n_bins=3, rng=seed))


@pytest.mark.parametrize("n_resamples", [1, 3, 7, 15])
@pytest.mark.parametrize("lattice", [False, True], ids=["continuous", "ties"])
def test_all_flips_for_random_relabelings_of_one_code(n_resamples, lattice):
    """So few that they are the swaps of one code, whatever `rng`."""
    X, Y = pairs(7, d=2, correlation=0.5)
    if lattice:
        X, Y = X.round(), Y.round()
    one = paired_test(X, Y, n_resamples=n_resamples)
    assert not one.exhaustive
    assert one.relabelings.swaps.shuffles == 1
    assert_exact(pvalues_of_half_of_the_flips(X, Y, n_resamples=n_resamples))
    found = pvalues_of_half_of_the_flips(X, Y, n_resamples=n_resamples, combine="mean")
    assert_exact(found)
    if not lattice:
        total = n_resamples + 1
        assert np.bincount(np.rint(np.array(found) * total).astype(int)).tolist() == [
            0,
            *[64 // total] * total,
        ]


@COMBINATIONS
def test_all_flips_and_all_second_shuffles(monkeypatch, combine):
    """Two shuffles of a code with 16 swaps: the second is in each of the four cosets in turn."""
    X, Y = pairs(7, d=2, correlation=0.5)
    drawn = paired_test(X, Y, n_resamples=31).relabelings
    assert (drawn.swaps.shuffles, drawn.swaps.dimension) == (2, 4)
    found = []
    for second in cosets(7, 4):
        given = np.stack([np.arange(7), np.arange(7) + 7 * second])
        shuffles = np.stack([given, (given + 7) % 14], axis=1)
        monkeypatch.setattr(Flips, "shuffled", lambda self, rng, shuffles=shuffles: [shuffles])
        found += pvalues_of_half_of_the_flips(X, Y, combine=combine, n_resamples=31)
    assert len(found) == 4 * 64
    assert_exact(found)
    assert min(found) == 1 / 32


def cosets(K, k):
    """One flip (K,) of each coset of the code; a flip and its opposite are one."""
    swapped = {
        tuple(bin(x & g).count("1") % 2 for g in columns(K, k).tolist()) for x in range(1 << k)
    }
    left = set(itertools.product([0, 1], repeat=K))
    while left:
        some = min(left)
        for swap in swapped:
            one = tuple(a ^ b for a, b in zip(some, swap, strict=True))
            left -= {one, tuple(1 - a for a in one)}
        yield np.array(some)


@COMBINATIONS
def test_every_pvalue_is_reached(combine):
    """The bound above is not met by p-values that are simply too large."""
    kernel = kernels.MultiRBF(BANDWIDTHS)
    found = pvalues_of_all_flips(*DATA["gaussian"], kernel=kernel, combine=combine)
    np.testing.assert_array_equal(np.sort(found)[::2], np.arange(1, 33) / 32)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(5))
def test_ties_have_the_pvalue_of_exact_arithmetic(seed, dtype):
    """Of a linear kernel on whole numbers, for which ``n (n - 1) T`` is a whole number."""
    X, Y = np.random.default_rng(seed).integers(0, 3, size=(2, 7, 2))
    step = X - Y
    H = step @ step.T
    np.fill_diagonal(H, 0)
    signs = np.array(list(itertools.product([1, -1], repeat=7)))
    T = np.einsum("bi,ij,bj->b", signs, H, signs)
    ours = paired_test(X.astype(dtype), Y.astype(dtype), kernel=kernels.Linear())
    assert ours.pvalue == (T[0] <= T).mean()


# --- what must change nothing --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "options"),
    [
        (7, {}), (40, {}), (300, {}), (7, {"n_bins": 3}), (30, {"n_bins": 10}),
        *((7, {"n_resamples": count}) for count in (1, 3, 7, 15, 31)),
    ],
)  # fmt: skip
@COMBINATIONS
def test_exchanging_the_samples_changes_no_pvalue(n, options, combine):
    """Of all flips, and of random ones."""
    X, Y = pairs(n, shift=0.05)
    one = paired_test(X, Y, combine=combine, **options)
    other = paired_test(Y, X, combine=combine, **options)
    assert_same_answer(other, one, 1e-6)


def test_row_order_changes_nothing_when_exhaustive():
    X, Y = pairs(9, shift=0.3)
    order = np.random.default_rng(0).permutation(9)
    one, other = paired_test(X, Y), paired_test(X[order], Y[order])
    assert other.pvalue == one.pvalue
    for name in ("statistic", "mmd_squared", "standard_error"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-9)


@pytest.mark.parametrize("n", [40, 300])
def test_row_order_changes_p_by_chance_alone(n, chance_seed):
    """By less than 5 standard errors of 1,000 relabelings each (of 300 pairs, bins change too)."""
    X, Y = pairs(n, shift=0.35 / n**0.5)
    order = np.random.default_rng(chance_seed).permutation(n)
    one, other = paired_test(X, Y), paired_test(X[order], Y[order], rng=chance_seed)
    for name in ("mmd_squared", "standard_error"):
        assert getattr(other, name) == pytest.approx(getattr(one, name), rel=1e-8)
    p = one.pvalue
    assert 0.001 < p < 0.5
    assert abs(other.pvalue - p) < 5 * math.sqrt(2 * p * (1 - p) / 1000)


def test_who_is_paired_matters():
    X, Y = pairs(40, shift=0.3)
    one, other = paired_test(X, Y), paired_test(X, Y[::-1])
    assert one.pvalue < 0.001 < other.pvalue
    assert other.mmd_squared != one.mmd_squared


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [40, 900])
def test_threads_change_no_bit(n, dtype):
    X, Y = pairs(n, d=8, shift=0.02, dtype=dtype)
    options = {"n_resamples": 2**16 - 1}
    one, *others = [paired_test(X, Y, n_jobs=n_jobs, **options) for n_jobs in (1, 2, 3, -1)]
    for other in others:
        without = [{**each.to_dict(), "memory_bytes": 0} for each in (one, other)]
        assert without[0] == without[1]
        np.testing.assert_array_equal(one.null_distribution, other.null_distribution)
    again = paired_test(X, Y, rng=np.random.default_rng(0), **options)
    np.testing.assert_array_equal(one.null_distribution, again.null_distribution)


@pytest.mark.parametrize(("n", "tolerance"), [(40, 0), (300, 5e-4)])
def test_single_precision_gives_nearly_the_same(n, tolerance):
    """Up to 256 rows, the same: these are computed in float64."""
    X, Y = pairs(n, shift=0.02, dtype=np.float32)
    single, double = paired_test(X, Y), paired_test(X.astype(float), Y.astype(float))
    assert abs(single.pvalue - double.pvalue) <= tolerance
    assert single.mmd_squared == pytest.approx(double.mmd_squared, rel=2e-3 if tolerance else 1e-9)


@needs("torch")
@pytest.mark.parametrize("n", [7, 40, 300])
def test_torch_gives_the_same(n):
    import torch

    X, Y = pairs(n, shift=0.03)
    expected = paired_test(X, Y)
    assert_same_answer(paired_test(torch.as_tensor(X), torch.as_tensor(Y)), expected, 1e-6)
    with_gradient = [torch.as_tensor(Z).requires_grad_() for Z in (X, Y)]
    assert paired_test(*with_gradient).pvalue == expected.pvalue


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n", [7, 40, 900])
@pytest.mark.parametrize(
    "kernel", [kernels.MultiRBF(), kernels.Energy()], ids=lambda kernel: type(kernel).__name__
)
def test_rows_in_files_give_the_same_bits(tmp_path, n, dtype, kernel):
    X, Y = pairs(n, shift=0.03, dtype=dtype)
    for name, rows in (("x", X), ("y", Y)):
        np.save(tmp_path / f"{name}.npy", rows)
    on_disk = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    ours, expected = paired_test(*on_disk, kernel=kernel), paired_test(X, Y, kernel=kernel)
    assert {**ours.to_dict(), "memory_bytes": 0} == {**expected.to_dict(), "memory_bytes": 0}
    np.testing.assert_array_equal(ours.null_distribution, expected.null_distribution)


def test_tables_lists_and_integers():
    X, Y = (np.round(4 * Z).astype(int) for Z in pairs(30, shift=0.2))
    expected = paired_test(X.astype(float), Y.astype(float))
    first, second = (pd.DataFrame(Z, columns=list("abc")) for Z in (X, Y))
    for ours in (
        paired_test(X, Y),
        paired_test(X.tolist(), Y.tolist()),
        paired_test(first, second[["b", "c", "a"]]),  # by name
    ):
        assert_same_answer(ours, expected, 1e-12)


def test_rows_are_not_changed():
    X, Y = pairs(20)
    before = X.copy(), Y.copy()
    for array in (X, Y):
        array.setflags(write=False)
    paired_test(X, Y)
    np.testing.assert_array_equal((X, Y), before)


# --- the edges -----------------------------------------------------------------------------------


def test_two_pairs():
    """Two relabelings, and the interval is there."""
    result = paired_test(*pairs(2, shift=3.0))
    assert (result.n_resamples, result.exhaustive, result.n_bins) == (2, True, 2)
    assert result.pvalue in (0.5, 1.0)
    assert any("no p-value below 0.5" in caution for caution in result.cautions)
    low, high = result.confidence_interval()
    assert 0 <= low <= high < math.inf


@pytest.mark.parametrize("n", [5, 40, 300])
def test_partners_that_are_equal_do_not_differ(n):
    X, _ = pairs(n)
    result = paired_test(X, X.copy())
    assert result.pvalue == 1
    assert abs(result.mmd_squared) < 1e-15
    assert result.standard_error < 1e-15
    assert any("varies less over relabelings" in caution for caution in result.cautions)


def test_a_single_pair_is_refused():
    X, Y = pairs(2)
    with pytest.raises(ValueError, match="`X` must have at least 2 rows; got 1"):
        paired_test(X[:1], Y[:1])


def test_rows_without_a_partner_are_refused():
    X, Y = pairs(20)
    with pytest.raises(ValueError, match=r"as many rows if `paired`.*got 20 and 19"):
        paired_test(X, Y[:19])
    assert repdist.mmd_test(X, Y[:19], rng=0).m == 19


@pytest.mark.parametrize("bad", [1, 0, None, "yes", [True]])
def test_paired_is_true_or_false(bad):
    with pytest.raises(TypeError, match="`paired` must be True or False; got"):
        repdist.mmd_test(*pairs(5), paired=bad)
    assert repdist.mmd_test(*pairs(5), paired=np.bool_(True)).paired is True


def test_arrays_on_a_cluster_are_refused():
    da = pytest.importorskip("dask.array")
    with pytest.raises(TypeError, match="`paired` must be False for dask arrays"):
        paired_test(*(da.from_array(Z) for Z in pairs(20)))


def test_more_bins_than_pairs_are_refused():
    with pytest.raises(ValueError, match="`n_bins` must be at most the 5 pairs"):
        paired_test(*pairs(5), n_bins=6)


def alike(dtype):
    rng = np.random.default_rng(0)
    first = rng.normal(size=(200, 64)).astype(np.float32)
    second = first + (0.01 * rng.normal(size=first.shape)).astype(np.float32)
    second[:, 0] += np.float32(0.02)
    return first.astype(dtype), second.astype(dtype)


def test_small_differences_within_pairs_of_single_precision_are_seen():
    """Far smaller than what float32 can tell of kernel values: computed in float64."""
    single, double = (
        repdist.mmd_test(*alike(dtype), paired=True, rng=0) for dtype in (np.float32, np.float64)
    )
    assert single.pvalue == double.pvalue == 2**-14
    assert single.mmd_squared == pytest.approx(double.mmd_squared, rel=1e-9)
    assert single.standard_error == pytest.approx(double.standard_error, rel=1e-9)
