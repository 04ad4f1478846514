"""The test as users call it: agreement with scipy, repeatability, the result object."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from oracles import mmd_squared
from scipy import stats

import repdist
from repdist import kernels

mpl.use("Agg")


def samples(n=40, m=50, d=3, shift=0.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift
    return X.astype(dtype), Y.astype(dtype)


# --- p-values against other implementations ------------------------------------------------------


@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
@pytest.mark.parametrize("seed", range(3))
def test_exhaustive_pvalue_equals_scipy(seed, estimator):
    X, Y = samples(4, 5, d=1, shift=1.0, seed=seed)
    kernel = kernels.RBF(1.0)

    def statistic(x, y):
        return mmd_squared(
            lambda a, b: np.exp(-((a[0] - b[0]) ** 2) / 2), x[:, None], y[:, None], estimator
        )

    scipys = stats.permutation_test(
        (X[:, 0], Y[:, 0]), statistic, n_resamples=np.inf, alternative="greater"
    )
    ours = repdist.mmd_test(X, Y, kernel=kernel, estimator=estimator)
    assert ours.exhaustive
    assert ours.n_resamples == 126
    assert ours.pvalue == pytest.approx(scipys.pvalue, rel=1e-12)
    assert ours.statistic == pytest.approx(scipys.statistic, rel=1e-12)
    np.testing.assert_allclose(
        np.sort(ours.null_distribution), np.sort(scipys.null_distribution), rtol=1e-9, atol=1e-12
    )


def test_random_pvalue_agrees_with_scipy(chance_seed):
    """The two differ by less than 5 of their joint standard errors (false failure 1e-6).

    Swaps of one shuffle have pairs in common: ours vary as some 3,000 independent relabelings do.
    """
    X, Y = samples(30, 30, d=1, shift=0.35, seed=2)
    K = kernels.RBF(1.0)(np.concatenate([X, Y]), np.concatenate([X, Y]))

    def statistic(i, j):
        i, j = i.astype(int), j.astype(int)
        return K[np.ix_(i, i)].mean() + K[np.ix_(j, j)].mean() - 2 * K[np.ix_(i, j)].mean()

    scipys = stats.permutation_test(
        (np.arange(30.0), np.arange(30.0, 60.0)), statistic, n_resamples=1999,
        alternative="greater", random_state=chance_seed,
    )  # fmt: skip
    ours = repdist.mmd_test(X, Y, kernel=kernels.RBF(1.0), estimator="biased", rng=chance_seed)
    p = scipys.pvalue
    assert 0.01 < p < 0.5
    assert abs(ours.pvalue - p) < 5 * np.sqrt(p * (1 - p) * (1 / 2000 + 1 / 2000))


# --- repeatability -------------------------------------------------------------------------------


def same_to_the_bit(first, second):
    assert first.pvalue == second.pvalue
    assert first.mmd_squared == second.mmd_squared
    assert first.standard_error == second.standard_error
    np.testing.assert_array_equal(first.null_distribution, second.null_distribution)
    pd.testing.assert_frame_equal(first.components, second.components, check_exact=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "m"), [(40, 50), (900, 1300)])
def test_the_same_rng_gives_the_same_bits_on_any_number_of_threads(n, m, dtype):
    X, Y = samples(n, m, d=8, shift=0.05, dtype=dtype)
    one, *others = [repdist.mmd_test(X, Y, rng=7, n_jobs=n_jobs) for n_jobs in (1, 2, 3, -1)]
    for other in others:
        same_to_the_bit(one, other)
    same_to_the_bit(one, repdist.mmd_test(X, Y, rng=np.random.default_rng(7)))
    different = repdist.mmd_test(X, Y, rng=8)
    assert (different.null_distribution != one.null_distribution).any()


def test_threads_change_no_bit_of_a_million_relabelings():
    X, Y = samples(60, 70, d=2, shift=0.2)
    options = {"kernel": kernels.MultiRBF((0.5, 1.0, 2.0)), "n_resamples": 10**6, "rng": 7}
    one, *others = [repdist.mmd_test(X, Y, n_jobs=n_jobs, **options) for n_jobs in (1, 2, 3)]
    assert one.n_resamples == 2**20 - 1
    for other in others:
        same_to_the_bit(one, other)


def test_global_random_state_is_neither_read_nor_changed():
    """The legacy calls below set and read the state that must not matter."""
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    X, Y = samples()
    first = repdist.mmd_test(X, Y, rng=0)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    same_to_the_bit(first, repdist.mmd_test(X, Y, rng=0))


@pytest.mark.parametrize(("n", "m"), [(40, 50), (300, 400)])
def test_torch_gives_the_same_pvalue_in_float64(n, m):
    torch = pytest.importorskip("torch")
    X, Y = samples(n, m, shift=0.1)
    ours = repdist.mmd_test(X, Y, rng=0)
    torchs = repdist.mmd_test(torch.as_tensor(X), torch.as_tensor(Y), rng=0)
    assert torchs.pvalue == ours.pvalue
    assert torchs.mmd_squared == pytest.approx(ours.mmd_squared, rel=1e-9)
    assert torchs.standard_error == pytest.approx(ours.standard_error, rel=1e-9)
    np.testing.assert_allclose(torchs.components, ours.components, rtol=1e-6)


@pytest.mark.parametrize(("n", "m"), [(40, 50), (300, 400)])
def test_torch_gives_nearly_the_same_pvalue_in_float32(n, m):
    torch = pytest.importorskip("torch")
    X, Y = samples(n, m, shift=0.1, dtype=np.float32)
    ours = repdist.mmd_test(X, Y, rng=0)
    torchs = repdist.mmd_test(torch.as_tensor(X), torch.as_tensor(Y), rng=0)
    assert abs(torchs.pvalue - ours.pvalue) <= 5e-4


def test_torch_tensors_that_need_gradients_are_detached():
    torch = pytest.importorskip("torch")
    X, Y = (torch.as_tensor(Z).requires_grad_() for Z in samples())
    assert repdist.mmd_test(X, Y, rng=0).pvalue == repdist.mmd_test(*samples(), rng=0).pvalue


def test_swapping_the_samples_changes_nothing_when_exhaustive():
    X, Y = samples(4, 6, shift=1.0)
    first, second = repdist.mmd_test(X, Y), repdist.mmd_test(Y, X)
    assert first.pvalue == second.pvalue
    assert first.mmd_squared == pytest.approx(second.mmd_squared, rel=1e-12)
    assert (first.n, first.m, second.n, second.m) == (4, 6, 6, 4)


def test_row_order_changes_nothing_when_exhaustive():
    X, Y = samples(5, 5, shift=1.0)
    first, second = repdist.mmd_test(X, Y), repdist.mmd_test(X[::-1], Y[[2, 0, 1, 4, 3]])
    assert first.pvalue == second.pvalue
    assert first.statistic == pytest.approx(second.statistic, rel=1e-9)


# --- power and level, roughly --------------------------------------------------------------------


@pytest.mark.parametrize("combine", ["max", "fuse"])
def test_the_mixture_that_the_median_cannot_see(combine):
    """Four Gaussians, one of another width: the default sees it, the median does not."""
    rng = np.random.default_rng(0)
    centres = np.array([[20, 20], [20, -20], [-20, 20], [-20, -20]])
    X, Y = (centres[rng.integers(0, 4, 400)] for _ in range(2))
    widths = np.where((Y == [-20, -20]).all(axis=1), 0.4, 1.0)
    X = X + rng.normal(size=X.shape)
    Y = Y + rng.normal(size=Y.shape) * widths[:, None]
    several = repdist.mmd_test(X, Y, combine=combine, rng=0)
    median = repdist.mmd_test(X, Y, kernel=kernels.RBF(), rng=0)
    assert median.pvalue > 0.1
    assert several.pvalue < 0.01


def test_unequal_bins_do_not_drop_rows():
    """Rows left over from the bins count in the statistic: it is that of all rows."""
    X, Y = samples(211, 333, shift=0.2)
    result = repdist.mmd_test(X, Y, rng=0)
    assert result.n_bins * 3 < 211
    exact = repdist.mmd_squared(X, Y, kernel=result.kernel)
    assert result.mmd_squared == pytest.approx(exact, rel=1e-10)
    for rng in range(3):
        again = repdist.mmd_test(X, Y, rng=rng)
        assert again.mmd_squared == pytest.approx(exact, rel=1e-10)


@pytest.mark.slow
def test_a_file_sorted_by_class_keeps_its_level(chance_seed):
    """Bins of consecutive rows would be bins of one class, far too different from each other.

    The two samples are the same mixture; p is uniform. 60 samples, at most 12 with p <= .05:
    false failure 7e-5 for a right test, the mean of p included. Unshuffled bins give p near 1,
    which that mean shows.
    """
    rng = np.random.default_rng(chance_seed)
    pvalues = []
    for _ in range(60):
        X, Y = (np.sort(rng.normal(size=300) + 5 * rng.integers(0, 3, 300)) for _ in range(2))
        pvalues.append(repdist.mmd_test(X, Y, n_resamples=199, rng=rng).pvalue)
    assert sum(p <= 0.05 for p in pvalues) <= 12
    assert 0.35 < np.mean(pvalues) < 0.65  # 4 standard errors of .037


# --- the result ----------------------------------------------------------------------------------


def test_components_have_their_own_rows():
    X, Y = samples(shift=0.5)
    result = repdist.mmd_test(X, Y, kernel=kernels.MultiRBF((0.5, 1.0, 2.0)), rng=0)
    table = result.components
    assert list(table.columns) == ["bandwidth", "mmd_squared", "zscore", "pvalue"]
    assert table["bandwidth"].tolist() == [0.5, 1.0, 2.0]
    for row in table.itertuples():
        alone = repdist.mmd_test(X, Y, kernel=kernels.RBF(row.bandwidth), rng=0)
        assert row.mmd_squared == pytest.approx(alone.mmd_squared, rel=1e-9)
        assert row.pvalue == alone.pvalue
        null = alone.null_distribution
        everything = np.append(null, alone.statistic)
        z = (alone.statistic - everything.mean()) / everything.std()
        assert row.zscore == pytest.approx(z, rel=1e-9)
    assert result.mmd_squared == pytest.approx(table["mmd_squared"].mean(), rel=1e-12)


def test_null_distribution_leaves_the_observed_row_out_unless_exhaustive():
    drawn = repdist.mmd_test(*samples(), n_resamples=123, rng=0)
    assert (drawn.n_resamples, len(drawn.null_distribution), drawn.exhaustive) == (127, 127, False)
    reached = (drawn.null_distribution >= drawn.statistic).sum()
    assert drawn.pvalue == (1 + reached) / 128
    small = repdist.mmd_test(*samples(4, 4))
    assert (small.n_resamples, len(small.null_distribution), small.exhaustive) == (70, 70, True)
    assert small.pvalue == (small.null_distribution >= small.statistic - 1e-9).sum() / 70


@pytest.mark.parametrize(("n", "m", "n_bins"), [(5, 6, "rows"), (12, 15, 4), (10, 13, 3)])
@pytest.mark.parametrize("estimator", ["unbiased", "biased"])
def test_interval_follows_its_formula(n, m, n_bins, estimator):
    """Of the unbiased MMD^2 over all relabelings, of rows, of bins, and with frozen rows."""
    X, Y = samples(n, m, shift=3.0)
    kernel = kernels.RBF(2.0)
    result = repdist.mmd_test(X, Y, kernel=kernel, estimator=estimator, n_bins=n_bins, rng=0)
    assert result.exhaustive
    centre = repdist.mmd_squared(X, Y, kernel=kernel)
    unbiased = repdist.mmd_test(X, Y, kernel=kernel, n_bins=n_bins, rng=0)
    variance = result.standard_error**2 + 3 * unbiased.null_distribution.var()
    low, high = result.confidence_interval()
    z = stats.norm.ppf(0.975)
    assert low == pytest.approx(centre - z * result.standard_error, rel=1e-9)
    assert high == pytest.approx(centre + z * np.sqrt(variance), rel=1e-9)
    narrow = result.confidence_interval(0.5)
    assert low < narrow[0] < narrow[1] < high


def test_the_interval_is_cut_at_0():
    nothing = repdist.mmd_test(*samples(), rng=0).confidence_interval()
    assert nothing[0] == 0


def test_progress_is_quiet_where_there_is_no_terminal(capfd):
    repdist.mmd_test(*samples(300, 300), rng=0, progress=True)
    assert capfd.readouterr() == ("", "")


# --- data as they come ---------------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "far"), [(np.float64, 1e12), (np.float32, 1e8)])
def test_one_row_far_away_does_not_hide_a_difference(dtype, far):
    """Centred on the mean, all other rows would be equal to rounding."""
    X, Y = samples(300, 280, d=4, shift=0.6, dtype=dtype)
    X = np.concatenate([X, np.full((1, 4), far, dtype=dtype)])
    result = repdist.mmd_test(X, Y, rng=0)
    assert result.pvalue == 1 / 16_384
    assert result.cautions == ()


def test_columns_of_data_frames_are_matched_by_name():
    X, Y = (pd.DataFrame(Z, columns=list("abc")) for Z in samples())
    assert repdist.mmd_test(X, Y, rng=0).pvalue == repdist.mmd_test(*samples(), rng=0).pvalue
    same_to_the_bit(repdist.mmd_test(X, Y[["c", "a", "b"]], rng=0), repdist.mmd_test(X, Y, rng=0))
    with pytest.raises(ValueError, match=r"`X` and `Y` must have the same columns; got 'c' only"):
        repdist.mmd_test(X, Y.rename(columns={"c": "d"}), rng=0)


def test_overlapping_calls_leave_blas_as_it_was():
    from concurrent.futures import ThreadPoolExecutor

    from threadpoolctl import threadpool_info, threadpool_limits

    def threads():
        return [(info["filepath"], info["num_threads"]) for info in threadpool_info()]

    with threadpool_limits(2, user_api="blas"):  # of 1 there would be nothing to take back
        before = threads()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda seed: repdist.mmd_test(*samples(60, 60), rng=seed), range(24)))
        assert threads() == before


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_of_blas_change_no_bit(dtype):
    from threadpoolctl import threadpool_limits

    X, Y = samples(900, 700, d=64, dtype=dtype)

    def answers(threads):
        with threadpool_limits(threads, user_api="blas"):
            fitted = repdist.kernels.MultiRBF().fit(np.concatenate([X, Y]))
            result = repdist.mmd_test(X, Y, rng=0, n_resamples=999)
            return fitted, result.to_dict(), repdist.mmd_squared(X, Y)

    assert answers(1) == answers(3)


@pytest.mark.parametrize(
    "kernel", [kernels.Energy(), kernels.Polynomial(), kernels.Linear()], ids=repr
)
def test_float32_does_not_hide_a_difference_from_kernels_without_a_bound(kernel):
    """One huge value, or a huge offset, makes all values of the kernel large."""
    X, Y = samples(400, 400, d=16, shift=0.3, dtype=np.float32)
    X, Y = X + np.float32(300), Y + np.float32(300)
    ours = repdist.mmd_test(X, Y, kernel=kernel, rng=0)
    exact = repdist.mmd_test(X.astype(float), Y.astype(float), kernel=kernel, rng=0)
    assert ours.pvalue == exact.pvalue == 1 / 16_384
    assert ours.mmd_squared == pytest.approx(exact.mmd_squared, rel=1e-6)


def test_fuse_scales_by_the_smaller_sample():
    """`c = (n (n - 1))^1.5` with n the smaller sample, from the table of components."""
    X, Y = samples(30, 50, shift=0.3)
    kernel = kernels.MultiRBF((0.5, 1.0, 2.0))
    Z = np.concatenate([X, Y])
    for first, second in ((X, Y), (Y, X)):
        result = repdist.mmd_test(first, second, kernel=kernel, combine="fuse", rng=0)
        exponents = []
        for row in result.components.itertuples():
            K = kernels.RBF(row.bandwidth)(Z, Z)
            squares = (K**2).sum() - (np.diagonal(K) ** 2).sum()
            exponents.append((30 * 29) ** 1.5 * row.mmd_squared / np.sqrt(squares))
        expected = np.log(np.mean(np.exp(exponents)))
        assert result.statistic == pytest.approx(expected, rel=1e-9)


def test_very_many_columns_take_no_loop_over_columns():
    X, Y = samples(20, 20, d=5000, shift=0.15)
    result = repdist.mmd_test(X, Y, rng=0)
    exact = repdist.mmd_squared(X, Y, kernel=result.kernel)
    assert result.mmd_squared == pytest.approx(exact, rel=1e-9)
    assert result.pvalue == 1 / 16_384


def test_few_rows_hold_little_memory():
    X, Y = samples(10, 10)
    assert repdist.mmd_test(X, Y, n_resamples=99, rng=0).memory_bytes < 2**20
