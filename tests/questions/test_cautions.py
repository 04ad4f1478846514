"""What results say of their data: pairs, labels among the features, identifiers, rounding."""

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist import kernels
from repdist._questions.cautions import hiding_columns, look_paired, telling_columns

PAIRED = "`paired=True` does"


def said(result, words):
    return [caution for caution in result.cautions if words in caution]


def pairs(rng, n, d, correlation):
    X = rng.normal(size=(n, d))
    noise = np.sqrt(1 - correlation**2) * rng.normal(size=(n, d))
    return X, correlation * X + noise


# --- the same items twice ------------------------------------------------------------------------


def test_the_same_images_through_two_checkpoints():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 16))
    Y = 0.98 * X + 0.2 * rng.normal(size=X.shape)
    Y[:, 3] += 0.4
    assert said(repdist.mmd_test(X, Y, rng=0), PAIRED)
    assert not said(repdist.mmd_test(X, rng.permutation(Y), rng=0), PAIRED)
    assert said(repdist.pairwise_mmd_test({"a": X, "b": Y}, rng=0), PAIRED)


ALIKE = "more alike than rows dealt out at random"


@pytest.mark.parametrize("m", [300, 280])
def test_the_same_images_in_any_order_are_more_alike_than_chance_makes_them(m):
    """False-failure rate: nil, for the share of relabelings that are as alike is the least."""
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 16))
    Y = rng.permutation(0.98 * X + 0.2 * rng.normal(size=X.shape))[:m]
    assert said(repdist.mmd_test(X, Y, rng=0), ALIKE)
    assert not said(repdist.mmd_test(X, rng.normal(size=(m, 16)), rng=0), ALIKE)
    assert not said(repdist.mmd_test(X, Y + 1, rng=0), ALIKE)


def test_where_pairs_are_seen_or_said_no_more_is_told():
    X, Y = pairs(np.random.default_rng(4), 200, 6, 0.99)
    found = repdist.mmd_test(X, Y, rng=0)
    assert said(found, PAIRED)
    assert found.null.lower_pvalue() < 0.001
    assert not said(found, ALIKE)
    assert not said(repdist.mmd_test(X, Y, paired=True, rng=0), ALIKE)


def test_samples_drawn_to_be_alike_inside_classes_are_told_of():
    rng = np.random.default_rng(5)
    centres = 6 * np.arange(20).repeat(5)[:, None]
    X, Y = (centres + 0.1 * rng.normal(size=(100, 2)) for _ in range(2))
    (caution,) = said(repdist.mmd_test(X, Y, rng=0), ALIKE)
    assert "`strata=(ids_x, ids_y)`" in caution


def test_rows_at_random_are_rarely_called_alike():
    """Of 300 samples .3 are expected at most; more than 4 fail falsely once in 60,000."""
    rng = np.random.default_rng(6)
    results = [
        repdist.mmd_test(*rng.normal(size=(2, 40, 3)), n_resamples=1023, rng=seed, n_jobs=1)
        for seed in range(300)
    ]
    assert sum(bool(said(result, ALIKE)) for result in results) <= 4


def test_copies_of_partners_are_no_caution():
    """Partners that are equal are no rows that repeat; rows of one sample that do are told."""
    rng = np.random.default_rng(0)
    first = rng.normal(size=(60, 4))
    second = first + 0.01 * rng.normal(size=first.shape)
    second[:30] = first[:30]
    words = "repeat another row"
    paired = repdist.mmd_test(first, second, paired=True, rng=0)
    assert not any(words in caution for caution in paired.cautions)
    assert any(words in caution for caution in repdist.mmd_test(first, second, rng=0).cautions)
    first[40:] = first[:20]
    again = repdist.mmd_test(first, second, paired=True, rng=0)
    assert any(words in caution for caution in again.cautions)


@pytest.mark.parametrize(("n", "d", "correlation"), [(30, 4, 0.95), (100, 3, 0.8), (300, 64, 0.5)])
def test_pairs_are_seen_in_any_units_and_dtype(n, d, correlation):
    X, Y = pairs(np.random.default_rng(1), n, d, correlation)
    units = 10.0 ** np.arange(d)[:5].repeat(-(-d // 5))[:d] if d > 5 else 10.0 ** np.arange(d)
    assert look_paired(X, Y)
    assert look_paired(X * units + 1e3, Y * units)
    assert look_paired(X.astype(np.float32), Y.astype(np.float32))


@pytest.mark.parametrize(
    "kind", ["independent", "heavy", "sorted", "in turn", "zigzag", "walk", "unequal", "few"]
)
def test_rows_that_are_no_pairs_are_not_called_so(kind):
    """No false caution in 100 data sets of each kind; one in 10,000 or fewer is expected."""
    for seed in range(100):
        rng = np.random.default_rng(seed)
        X, Y = rng.normal(size=(2, 200, 4))
        if kind == "heavy":
            X, Y = rng.standard_cauchy(size=(2, 200, 4))
        if kind == "sorted":  # both files in the order of the same classes
            classes = 5.0 * np.repeat(np.arange(10), 20)[:, None]
            X, Y = classes + X, classes + Y
        if kind in ("in turn", "zigzag"):  # both files have the classes in turn
            period = 2 if kind == "zigzag" else 10
            classes = 3 * rng.normal(size=(period, 4))[np.arange(200) % period]
            X, Y = classes + X, classes + Y
        if kind == "walk":  # a slow drift that both share
            drift = np.cumsum(rng.normal(size=(200, 4)), axis=0)
            X, Y = drift + X, drift + Y
        if kind == "unequal":
            Y = X[:-1]
        if kind == "few":
            X, Y = X[:5], X[:5]
        assert not look_paired(X, Y)


# --- columns that are no features ----------------------------------------------------------------


def frames():
    rng = np.random.default_rng(0)
    first = pd.DataFrame(rng.normal(size=(50, 3)), columns=list("abc"))
    second = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc"))
    return first, second


def test_a_column_that_is_a_label_is_called_by_its_name():
    first, second = frames()
    result = repdist.mmd_test(first.assign(week=0), second.assign(week=3), rng=0)
    (caution,) = said(result, "'week'")
    assert "constant in each sample and differs between them" in caution
    assert not said(result, "standardise")
    assert not said(repdist.mmd_test(first.assign(week=3), second.assign(week=3), rng=0), "differs")


def test_a_column_of_row_numbers_is_called_by_its_name():
    first, second = frames()
    first, second = first.assign(id=range(50)), second.assign(id=range(50, 110))
    assert said(repdist.mmd_test(first, second, rng=0), "'id' increases from row to row")
    shuffled = first.sample(frac=1, random_state=0), second.sample(frac=1, random_state=1)
    assert said(repdist.mmd_test(*shuffled, rng=0), "'id' has a number of its own for every row")
    again = first.assign(id=range(50)), second.assign(id=range(60))  # counted anew in each file
    assert said(repdist.mmd_test(*again, rng=0), "'id' increases")


def test_numbers_that_count_down_and_many_labels_are_told():
    first, second = frames()
    first, second = first.assign(t=-np.arange(50)), second.assign(t=-np.arange(60))
    assert said(repdist.mmd_test(first, second, rng=0), "'t' decreases from row to row")
    labels = {f"l{i}": i for i in range(12)}
    others = {f"l{i}": i + 1 for i in range(12)}
    result = repdist.mmd_test(frames()[0].assign(**labels), frames()[1].assign(**others), rng=0)
    assert len(said(result, "is constant in each sample")) == 5
    assert said(result, "7 more columns are so")


def test_a_table_of_groups_says_so_too():
    first, second = frames()
    groups = pd.concat([first.assign(week=0, group="p"), second.assign(week=3, group="q")])
    result = repdist.pairwise_mmd_test(groups, "group", rng=0)
    assert said(result, "'week' is constant in each sample and differs")


def test_arrays_have_columns_by_number():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 40, 3))
    X[:, 1], Y[:, 1] = 1, 2
    assert said(repdist.mmd_test(X, Y, rng=0), "column 1 is constant in each sample")


# --- columns of different units ------------------------------------------------------------------

UNITS = (
    "standardise columns of different units by all rows together, (Z - Z.mean(0)) / Z.std(0), or "
    "--standardize on the command line"
)


def test_a_few_columns_that_hide_many_are_called_by_name():
    rng = np.random.default_rng(0)
    sizes = [15, 20_000, 9_000, 4, 1, 1]
    names = ["age", "income", "rent", "bmi", "sleep", "mood"]
    X, Y = (pd.DataFrame(rng.normal(size=(80, 6)) * sizes, columns=names) for _ in range(2))
    variances = pd.concat([X, Y]).var(ddof=0)
    share = variances[["income", "rent"]].sum() / variances.sum()
    result = repdist.mmd_test(X, Y, rng=0)
    told = (
        f"columns 'income' and 'rent' hold {share:.0%} of the variance and hide the others: {UNITS}"
    )
    assert result.cautions == (told,)
    numbered = repdist.mmd_test(X.to_numpy(), Y.to_numpy(), rng=0)
    assert numbered.cautions == (told.replace("'income' and 'rent'", "1 and 2"),)
    Z = pd.concat([X, Y])
    X, Y = ((rows - Z.mean()) / Z.std() for rows in (X, Y))
    assert repdist.mmd_test(X, Y, rng=0).cautions == ()


def test_many_columns_that_hide_others_are_counted():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 40, 20)) * np.repeat([500, 1], [8, 12])
    (caution,) = said(repdist.mmd_test(X, Y, rng=0), "variance")
    assert caution.startswith("7 of 20 columns hold 90% of the variance and hide the others: ")


def test_an_id_is_told_and_hides_no_other_caution():
    first, second = frames()
    first, second = (rows.assign(id=np.arange(len(rows)) * 1e6, a=1e3 * rows["a"])
                     for rows in (first, second))  # fmt: skip
    result = repdist.mmd_test(first, second, rng=0)
    assert said(result, "'id' increases from row to row")
    assert said(result, "column 'a' holds 100% of the variance and hides the others")


def test_which_columns_hide_others():
    """By the rule: one holds more than .9; or few do, and medians lie a factor of 100 apart."""
    ones = np.ones(10)
    for variances, hiding in (
        ([91, 9], [0]),
        ([9, 91, 0], [1]),
        ([90, 10], []),
        ([0, 7], []),
        ([0, 0], []),
        ([1e4, 1e4, 1, 1], [0, 1]),
        ([0.9e4, 0.9e4, 1, 1], []),
        ([1, 2e6, 1, 1e6, 2, 0], [1, 3]),
        (
            [*(1e6 * ones), *ones],
            np.arange(10),
        ),  # 9.0... of 10 are too few: the 10th goes with them
        ([*(1e6 * ones), *ones[:9]], []),  # more than half are no few
    ):
        np.testing.assert_array_equal(hiding_columns(np.array(variances, float)), hiding)


def test_ordinary_features_hide_nothing():
    features, _ = repdist.example_features()
    for first in range(10):
        for second in range(first):
            Z = np.concatenate([features[first], features[second]])
            assert not len(hiding_columns(Z.var(axis=0, dtype=float)))
    for d in (10, 100, 1000, 10_000):
        assert not len(hiding_columns(1 / np.arange(1, d + 1)))  # a usual spectrum
    rng = np.random.default_rng(0)
    for bias in (0, -1, -2, -3):  # after a ReLU, of which many are 0 most of the time
        before = rng.normal(size=(1000, 50)) @ rng.normal(size=(50, 256)) / np.sqrt(50)
        rows = np.maximum(before + bias + rng.normal(size=256), 0)
        assert not len(hiding_columns(rows.var(axis=0)))


def test_a_spectrum_in_a_test_is_quiet():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, 60, 64)) / np.sqrt(np.arange(1, 65))
    assert repdist.mmd_test(X, Y, rng=0).cautions == ()


def test_features_are_not_called_labels():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        X, Y = rng.normal(size=(30, 4)), 100 + rng.normal(size=(40, 4))  # apart, but no integers
        assert telling_columns([X, Y]) == {}
        counts = rng.poisson(3, size=(30, 4)), rng.poisson(90, size=(40, 4))
        assert telling_columns(counts) == {}


def test_one_sorted_column_is_no_row_number():
    assert repdist.mmd_test(np.arange(20.0), np.arange(20.0) + 30, rng=0).cautions == ()


# --- constant and dominant columns, copies -------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table.assign(c=5.0), "('c')"),
        (lambda table: table.assign(b=1e6 * table["b"]), "column 'b' holds"),
        (lambda table: pd.concat([table, table]), "repeat another row"),
    ],
)
def test_a_test_and_a_table_say_the_same_of_the_same_rows(change, words):
    first, second = map(change, frames())
    test = said(repdist.mmd_test(first, second, rng=0), words)
    table = repdist.pairwise_mmd_test({"x": first, "y": second}, rng=0)
    assert test
    assert test == said(table, words)


# --- the interval and the p-value ----------------------------------------------------------------


@pytest.mark.parametrize("kernel", [kernels.MultiRBF(), kernels.RBF(), kernels.Linear()])
def test_a_note_says_where_interval_and_pvalue_disagree(kernel):
    """Whatever the kernel: for some samples one says that they differ, and the other does not."""
    noted = disagreed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X, Y = rng.normal(size=(40, 2)), rng.normal(0.35, 1, size=(40, 2))
        result = repdist.mmd_test(X, Y, kernel=kernel, n_resamples=199, rng=0)
        disagree = (result.pvalue <= 0.05) != (result.confidence_interval()[0] > 0)
        assert disagree == ("\n  note" in str(result))
        noted, disagreed = noted + ("\n  note" in str(result)), disagreed + disagree
    assert noted == disagreed > 0


# --- kernels that are none, numbers at the edge --------------------------------------------------


def distances():
    Z = np.random.default_rng(0).normal(size=(40, 3))
    return np.linalg.norm(Z[:, None] - Z, axis=2)


@pytest.mark.parametrize("spoil", [lambda D: D, lambda D: D**2, lambda D: D + 1e-9 * np.eye(40)])
def test_a_matrix_of_distances_is_no_kernel(spoil):
    with pytest.raises(ValueError, match=r"`K` must be larger for rows that are more alike.*`-K`"):
        kernels.Precomputed(spoil(distances()))


def test_negated_distances_are_one():
    kernel = kernels.Precomputed(-distances())
    assert repdist.mmd_squared(range(20), range(20, 40), kernel=kernel, estimator="biased") > 0


@pytest.mark.parametrize(
    "question",
    [
        lambda X, Y, kernel: repdist.mmd_test(X, Y, kernel=kernel, rng=0),
        lambda X, Y, kernel: repdist.mmd_squared(X, Y, kernel=kernel),
        lambda X, Y, kernel: repdist.pairwise_mmd_test([X, Y], kernel=kernel, rng=0),
    ],
)
def test_a_kernel_whose_squared_distance_is_negative_is_refused(question):
    class Distance(kernels.Kernel):
        def evaluate(self, X, Y):
            return np.linalg.norm(X[:, None] - Y, axis=2)

    X, Y = np.random.default_rng(0).normal(size=(2, 30, 2))
    with pytest.raises(ValueError, match=r"`kernel` must be .*positive definite"):
        question(X, Y + 1, Distance())


def test_masks_are_no_row_numbers():
    kernel, mask = kernels.Precomputed(-distances()), np.arange(40) < 20
    for call in (
        lambda: repdist.mmd_test(mask, ~mask, kernel=kernel, rng=0),
        lambda: repdist.mmd_squared(mask.tolist(), (~mask).tolist(), kernel=kernel),
        lambda: repdist.pairwise_mmd_test({"a": mask, "b": ~mask}, kernel=kernel, rng=0),
        lambda: repdist.check_level(mask, ~mask, kernel=kernel, rng=0),
    ):
        with pytest.raises(TypeError, match=r"must hold row numbers.*np\.flatnonzero"):
            call()


def test_row_numbers_that_occur_twice_are_told():
    kernel = kernels.Precomputed(-distances())
    result = repdist.mmd_test(range(25), range(15, 40), kernel=kernel, rng=0)
    assert result.cautions == ("10 row numbers name a row of `K` again: are rows independent?",)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_code_of_a_user_cannot_change_the_rows(method):
    class InPlace(kernels.Kernel):
        def fit(self, Z):
            if method == "fit":
                Z *= 0
            return self

        def evaluate(self, X, Y):
            if method == "evaluate":
                X -= 1
            return X @ Y.T

    X, Y = np.random.default_rng(0).normal(size=(2, 30, 3))
    for question in (repdist.mmd_test, repdist.mmd_squared):
        with pytest.raises(ValueError, match="read-only"):
            question(X, Y, kernel=InPlace())


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_whole_numbers_that_float64_cannot_tell_apart_are_refused(dtype):
    X, Y = (2**60 + np.arange(start, start + 40, dtype=dtype) for start in (0, 100))
    with pytest.raises(ValueError, match=r"`X` must hold whole numbers of at most 2\^53"):
        repdist.mmd_test(X, Y, rng=0)
    frame = pd.DataFrame({"b": np.arange(40.0), "id": X})
    with pytest.raises(ValueError, match="in column 'id'"):
        repdist.mmd_test(frame, frame, rng=0)
    assert repdist.mmd_test(X // 2**8, Y // 2**8 + 9, rng=0).pvalue <= 1


@pytest.mark.parametrize("size", [1e30, 1e60, 1e100])
@pytest.mark.parametrize("kernel", [kernels.Polynomial(), kernels.Polynomial(degree=9)])
def test_values_whose_squares_overflow_are_refused(kernel, size):
    X, Y = size * np.random.default_rng(0).normal(size=(2, 30, 3))
    with pytest.raises(ValueError, match="`kernel` must give finite values of at most"):
        repdist.mmd_test(X, Y, kernel=kernel, rng=0)


def test_single_precision_that_would_overflow_is_refused():
    X, Y = (3e38 * np.random.default_rng(0).uniform(-1, 1, size=(2, 30, 3))).astype(np.float32)
    with pytest.raises(ValueError, match=r"`X` must hold finite numbers of at most 1e\+37"):
        repdist.mmd_test(X, Y, rng=0)


def test_a_kernel_matrix_is_finite():
    X = np.full((2, 3), 1e120)
    with pytest.raises(ValueError, match="`Polynomial` must give finite values"):
        kernels.Polynomial()(X, X + 1e119)


def test_a_blind_kernel_is_warned_of():
    X, Y = np.random.default_rng(0).normal(size=(2, 30, 3))
    with pytest.warns(repdist.RepdistWarning, match="0 between all different rows"):
        assert repdist.mmd_squared(X, Y, kernel=kernels.RBF(1e-9)) == 0


def test_a_blind_kernel_is_warned_of_where_it_is_a_loss():
    torch = pytest.importorskip("torch")
    X = torch.randn(20, 3, requires_grad=True)
    with pytest.warns(repdist.RepdistWarning, match="its gradient say nothing"):
        repdist.mmd_squared(X, torch.randn(20, 3), kernel=kernels.MultiRBF((1e-9, 1e-8)))


# --- the caller's error state --------------------------------------------------------------------


CALLS = {
    "mmd_test": lambda X, Y, n: repdist.mmd_test(X, Y, rng=0, n_jobs=n, n_resamples=99).pvalue,
    "mmd_squared": lambda X, Y, _: repdist.mmd_squared(X, Y),
    "table": lambda X, Y, n: (
        repdist.pairwise_mmd_test([X, Y], rng=0, n_jobs=n).global_test(99).pvalue
    ),
    "level": lambda X, Y, n: (
        repdist.check_level(X, Y, n_repetitions=4, n_resamples=99, rng=0, n_jobs=n).rate
    ),
    "kernel": lambda X, Y, _: kernels.RBF(0.05)(X, Y).sum(),
    "fit": lambda X, _Y, _n: kernels.MultiRBF("mean").fit(X).bandwidths[0],
    "median": lambda X, Y, _: repdist.median_heuristic(X, Y),
}


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("name", CALLS)
def test_the_error_state_of_the_caller_changes_nothing(name, n_jobs):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(40, 2)), 50 * rng.normal(size=(45, 2))
    expected = CALLS[name](X, Y, n_jobs)
    with np.errstate(all="raise"):
        assert CALLS[name](X, Y, n_jobs) == expected


# --- memory --------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "m", "options"),
    [
        (200, 250, {"n_bins": "rows", "n_resamples": 99}),
        (2, 20_000, {"n_resamples": 99}),
        (60, 60, {"n_resamples": 100_000}),
        (5, 6, {}),
        (5, 60, {"n_resamples": 100_000}),
        (9, 11, {"n_resamples": 200_000}),
        (20, 30, {}),
        (300, 1000, {"n_bins": 150, "n_resamples": 999}),
        (100, 120, {"kernel": kernels.Polynomial()}),
        (600, 700, {"kernel": kernels.Laplacian()}),
        (600, 700, {"combine": "fuse"}),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_memory_stated_is_an_upper_bound(n, m, options, dtype, n_jobs):
    import tracemalloc

    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(n, 5)).astype(dtype), rng.normal(size=(m, 5)).astype(dtype)
    repdist.mmd_test(X[:2], Y[:2], rng=0)  # what is imported and kept at a first call
    tracemalloc.start()
    try:
        result = repdist.mmd_test(X, Y, rng=0, n_jobs=n_jobs, **options)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= result.memory_bytes
