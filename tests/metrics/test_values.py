"""Values of KID, CMMD, KAD and FID beside the formulas that their papers and packages have."""

import numpy as np
import pytest
from given import LIBRARIES
from scipy import linalg, spatial

import repdist
from repdist import kernels, metrics
from repdist._results.words import interval_words
from repdist.metrics import _fid, _mmd

RNG = np.random.default_rng(21)
REAL, FAKE = RNG.normal(size=(70, 6)), RNG.normal(0.3, 1.2, size=(55, 6))
WIDE = RNG.normal(size=(2, 60, 90)) * np.linspace(0.5, 2, 90)  # fewer rows than columns
FEW = {"n_resamples": 99, "rng": 0}
NAMES = ["kid", "cmmd", "kad", "fid"]


def metric(name, real, fake, **options):
    few = {"rng": 0} if name == "fid" else FEW
    return getattr(metrics, name)(real, fake, **few, **options)


def kid_of_clean_fid(x, y):
    """`kernel_distance` of clean-fid, of one subset of all rows."""
    m, d = x.shape
    a = (x @ x.T / d + 1) ** 3 + (y @ y.T / d + 1) ** 3
    b = (x @ y.T / d + 1) ** 3
    return ((a.sum() - np.diag(a).sum()) / (m - 1) - b.sum() * 2 / m) / m


def gaussian(x, y, bandwidth):
    return np.exp(-spatial.distance.cdist(x, y, "sqeuclidean") / (2 * bandwidth**2))


def unbiased(k, x, y):
    """The mean of a kernel over pairs of different rows."""
    within = [
        (k(z, z).sum() - np.trace(k(z, z))) / (len(z) * (len(z) - 1)) for z in (x, y)
    ]  # fmt: skip
    return sum(within) - 2 * k(x, y).mean()


def fid_of_the_paper(x, y):
    first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    return moved(x, y) + np.trace(first + second - 2 * linalg.sqrtm(first @ second).real)


def fid_by_eigenvalues(x, y):
    """The same where `sqrtm` has no answer: of singular covariances."""
    first, second = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    values, vectors = np.linalg.eigh(first)
    half = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    root = np.sqrt(np.maximum(np.linalg.eigvalsh(half @ second @ half), 0)).sum()
    return moved(x, y) + np.trace(first + second) - 2 * root


def moved(x, y):
    return np.square(x.mean(axis=0) - y.mean(axis=0)).sum()


# --- kernels -------------------------------------------------------------------------------------


def test_kid_is_the_mean_over_pairs():
    found = metrics.kid(REAL, FAKE, **FEW)
    d = REAL.shape[1]
    expected = unbiased(lambda x, y: (x @ y.T / d + 1) ** 3, REAL, FAKE)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.value == found.unbiased
    alone = repdist.mmd_squared(REAL, FAKE, kernel=kernels.Polynomial())
    assert found.value == pytest.approx(alone, rel=1e-12)
    test = repdist.mmd_test(REAL, FAKE, kernel=kernels.Polynomial(), **FEW)
    assert (found.pvalue, found.standard_error) == (test.pvalue, test.standard_error)
    assert found.confidence_interval(0.9) == test.confidence_interval(0.9)
    assert metrics.kid(REAL[:55], FAKE, **FEW).value == pytest.approx(
        kid_of_clean_fid(REAL[:55], FAKE), rel=1e-12
    )


def test_cmmd_is_a_thousand_times_the_biased_one_of_unit_vectors():
    found = metrics.cmmd(5 * REAL, FAKE, **FEW)
    x, y = (z / np.linalg.norm(z, axis=1, keepdims=True) for z in (REAL, FAKE))
    expected = gaussian(x, x, 10).mean() + gaussian(y, y, 10).mean() - 2 * gaussian(x, y, 10).mean()
    assert found.value == pytest.approx(1000 * expected, rel=1e-9)
    pairs = unbiased(lambda a, b: gaussian(a, b, 10), x, y)
    assert found.unbiased == pytest.approx(1000 * pairs, rel=1e-9)
    assert found.standard_error == 1000 * found.test.standard_error
    low, high = found.test.confidence_interval()
    assert found.confidence_interval() == (1000 * low, 1000 * high)


def test_kad_takes_its_bandwidth_from_the_real_rows():
    found = metrics.kad(REAL, FAKE, **FEW)
    bandwidth = np.median(spatial.distance.pdist(REAL))
    expected = 100 * unbiased(lambda x, y: gaussian(x, y, bandwidth), REAL, FAKE)
    assert found.value == pytest.approx(expected, rel=1e-12)
    assert found.value == found.unbiased
    assert metrics.kad(FAKE, REAL, **FEW).value != pytest.approx(found.value, rel=0.01)


def test_clusters_reach_the_test():
    ids = np.arange(70) // 5, -1 - np.arange(55) // 5
    for name in ("kid", "cmmd", "kad"):
        assert metric(name, REAL, FAKE, clusters=ids).test.clusters is not None
    apart = metrics.kid(REAL, FAKE, clusters=ids, **FEW)
    with_test = repdist.mmd_test(REAL, FAKE, kernel=kernels.Polynomial(), clusters=ids, **FEW)
    assert apart.pvalue == with_test.pvalue
    assert apart.value == with_test.mmd_squared


# --- subsets, as papers quote them ---------------------------------------------------------------


def test_the_spread_is_that_of_random_subsets(monkeypatch):
    drawn = []

    def kept(x, y, kernel):
        drawn.append((x, y))
        return repdist.mmd_squared(x, y, kernel=kernel)

    monkeypatch.setattr(_mmd, "mmd_squared", kept)
    found = metrics.kid(REAL, FAKE, subsets=7, subset_size=20, **FEW).spread
    values = [kid_of_clean_fid(x, y) for x, y in drawn]
    assert found.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert found.std == pytest.approx(np.std(values, ddof=0), rel=1e-12)  # as torchmetrics has it
    assert (found.subsets, found.subset_size, len(values)) == (7, 20, 7)
    for subset in drawn:
        for some, rows in zip(subset, (REAL, FAKE), strict=True):
            assert len(np.unique(some, axis=0)) == 20
            assert {tuple(row) for row in some} <= {tuple(row) for row in rows}
    assert len({x[0, 0] for x, _ in drawn}) > 1


def test_the_spread_of_whole_samples_is_no_error():
    found = metrics.kid(REAL[:55], FAKE, subsets=3, subset_size=55, **FEW)
    assert found.spread.std == pytest.approx(0, abs=1e-14)
    assert found.spread.mean == pytest.approx(found.value, rel=1e-12)
    assert found.standard_error > 0
    assert "no error of the value" in str(found)
    assert found.to_dict()["spread"]["subset_size"] == 55


def test_no_subsets_unless_asked_for():
    found = metrics.kid(REAL, FAKE, **FEW)  # of fewer rows than the default of `subset_size`
    assert found.spread is None
    assert found.to_dict()["spread"] is None


# --- FID -----------------------------------------------------------------------------------------


def test_fid_is_the_formula_of_the_paper():
    found = metrics.fid(REAL, FAKE, rng=0)
    assert found.value == pytest.approx(fid_of_the_paper(REAL, FAKE), rel=1e-10)
    assert (found.pvalue, found.test, found.degrees, found.cautions) == (None, None, 19, ())
    assert found.to_dict()["pvalue"] is None


@pytest.mark.parametrize(("n", "m"), [(60, 60), (60, 400), (400, 60), (90, 90), (95, 93)])
def test_fid_of_fewer_rows_than_columns(n, m):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(n, 90)), rng.normal(0.2, 1, size=(m, 90))
    found = metrics.fid(x, y, rng=0)
    assert found.value == pytest.approx(fid_by_eigenvalues(x, y), rel=1e-6)
    few = [f"fewer rows ({min(n, m)}) than columns (90)"] if min(n, m) < 90 else []
    assert [caution.partition(":")[0] for caution in found.cautions] == few
    assert ("not to be trusted: see the caution\n" in str(found)) == bool(few)
    assert np.isfinite([found.value, found.unbiased, found.standard_error]).all()
    assert isinstance(found.value, float)


@pytest.mark.parametrize(
    ("n", "m", "told"),
    [(41, 41, 0), (41, 43, 0), (41, 44, 1), (300, 41, 1), (159, 200, 1), (160, 800, 0)],
)
def test_fid_of_unequal_samples_says_when_rows_are_too_few(n, m, told):
    rng = np.random.default_rng(1)
    found = metrics.fid(rng.normal(size=(n, 40)), rng.normal(size=(m, 40)), rng=0)
    few, many = sorted((n, m))
    expected = f"{few} rows against {many}, of 40 columns: the jackknife takes away more than"
    assert [caution[: len(expected)] for caution in found.cautions] == [expected] * told
    _, error, *_ = str(found).splitlines()[1:]
    interval = interval_words(*found.confidence_interval())
    marked = ", not to be trusted: see the caution" * told
    assert error.endswith(f"{interval}{marked}")


@pytest.mark.parametrize(
    "samples",
    [
        (REAL, REAL),
        (REAL * [1, 1, 1, 0, 0, 0], FAKE * [1, 1, 1, 0, 0, 0]),  # constant features
        (REAL * 0, FAKE),
        (np.hstack([REAL, REAL]), np.hstack([FAKE, FAKE])),  # singular
        (REAL + 1e6, FAKE + 1e6),
        (WIDE[0], WIDE[0]),
        (WIDE[0] * 0 + 1, WIDE[1]),
    ],
    ids=["equal", "constant", "one point", "singular", "far away", "few equal", "few constant"],
)
def test_fid_is_a_number_of_at_least_0(samples):
    x, y = samples
    found = metrics.fid(x, y, rng=0)
    numbers = found.value, found.unbiased, found.standard_error, *found.confidence_interval()
    assert np.isfinite(numbers).all()
    assert found.value >= 0
    assert found.value == pytest.approx(fid_by_eigenvalues(x, y), rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("rows", [REAL, WIDE[0], REAL * [1, 1, 1, 0, 0, 0] + 1e4])
def test_what_is_left_without_a_group_is_computed_of_the_other_rows(rows):
    moments = _fid._Moments(rows, np.random.default_rng(0))
    groups = moments._groups
    np.testing.assert_array_equal(np.sort(np.concatenate(groups)), np.arange(len(rows)))
    for k in (0, 7, 19):
        kept = np.delete(rows, groups[k], axis=0)
        left = moments.without(k)
        covariance = left.matrix.T @ left.matrix if left.few else left.matrix
        np.testing.assert_allclose(left.mean, kept.mean(axis=0), rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(covariance, np.cov(kept, rowvar=False), rtol=1e-9, atol=1e-12)
        F = left.factor()
        np.testing.assert_allclose(F.T @ F, covariance, atol=1e-10)
        assert left.trace == pytest.approx(np.trace(covariance))


def test_the_jackknife_of_fid_by_hand():
    found = metrics.fid(REAL, FAKE, rng=3)
    rng = np.random.default_rng(3)
    groups = [np.array_split(rng.permutation(len(rows)), 20) for rows in (REAL, FAKE)]
    left = [
        fid_of_the_paper(np.delete(REAL, one, axis=0), np.delete(FAKE, other, axis=0))
        for one, other in zip(*groups, strict=True)
    ]
    pseudo = 20 * found.value - 19 * np.array(left)
    assert found.unbiased == pytest.approx(pseudo.mean(), rel=1e-8)
    assert found.standard_error == pytest.approx(pseudo.std(ddof=1) / np.sqrt(20), rel=1e-8)
    low, high = found.confidence_interval()
    assert (high - low) / 2 == pytest.approx(2.0930240544 * found.standard_error, rel=1e-9)
    assert (high + low) / 2 == pytest.approx(found.unbiased, rel=1e-12)


def test_the_jackknife_takes_the_bias_away(chance_seed):
    """Means of 40 samples within four standard errors of the truth: a false failure in 15,000.

    The plain value is too large by some hundred of its standard errors.
    """
    rng, d, n = np.random.default_rng(chance_seed), 12, 100
    truth = d * 0.1**2 + d * 0.2**2  # of means, and of deviations 1 and 1.2
    found = [
        metrics.fid(rng.normal(size=(n, d)), rng.normal(0.1, 1.2, size=(n, d)), rng=rng)
        for _ in range(40)
    ]
    mean = np.mean([result.unbiased for result in found])
    error = np.std([result.unbiased for result in found], ddof=1) / np.sqrt(40)
    assert abs(mean - truth) < 4 * error
    assert np.mean([result.value for result in found]) > truth + 10 * error
    inside = [low <= truth <= high for low, high in (r.confidence_interval() for r in found)]
    assert np.sum(inside) >= 30  # of 40 at .95, or even at .9: fewer once in 2,000


def test_threads_change_no_bit():
    one, two = (metrics.fid(REAL, FAKE, rng=0, n_jobs=n_jobs) for n_jobs in (1, 2))
    assert one.to_dict() == two.to_dict()


# --- intervals, libraries, dtypes ----------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_an_interval_holds_the_estimate_and_widens(name):
    found = metric(name, REAL, FAKE)
    narrow, wide = found.confidence_interval(0.5), found.confidence_interval(0.99)
    assert wide[0] <= narrow[0] <= found.unbiased <= narrow[1] <= wide[1]
    assert wide[0] < wide[1]
    assert found.confidence_interval() == tuple(found.to_dict()["confidence_interval_95"])
    with pytest.raises(ValueError, match="`confidence_level` must lie strictly between 0 and 1"):
        found.confidence_interval(1)


@pytest.mark.parametrize("name", NAMES)
def test_an_interval_does_not_go_below_0(name):
    rows = np.random.default_rng(2).normal(size=(2, 50, 3))
    low, high = metric(name, *rows).confidence_interval()
    assert (low, high > 0) == (0, True)


@LIBRARIES
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_any_library_gives_the_same_number(library, name, dtype):
    found = metric(name, library(REAL.astype(dtype)), library(FAKE.astype(dtype)))
    expected = metric(name, REAL, FAKE)
    rel = 1e-10 if dtype == "f8" else 1e-4
    assert type(found.value) is float
    assert found.value == pytest.approx(expected.value, rel=rel)
    assert found.standard_error == pytest.approx(expected.standard_error, rel=rel)


@pytest.mark.parametrize("name", NAMES)
def test_tensors_that_want_a_gradient_are_detached(name):
    torch = pytest.importorskip("torch")
    real, fake = (torch.tensor(rows, requires_grad=True) for rows in (REAL, FAKE))
    options = {"subsets": 2, "subset_size": 9} if name == "kid" else {}
    assert metric(name, real, fake, **options).value == pytest.approx(
        metric(name, REAL, FAKE).value, rel=1e-10
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_arguments_is_in_the_sizes(name):
    found = metric(name, REAL, FAKE)
    assert (found.n, found.m) == (70, 55)
    assert "55 generated against 70 real rows" in str(found)


# --- other packages, where they are installed ----------------------------------------------------


def test_torchmetrics_has_the_same_kid():
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("torchmetrics.image.kid")
    x, y = torch.as_tensor(REAL[:55]), torch.as_tensor(FAKE)
    expected = theirs.poly_mmd(x, y)
    assert metrics.kid(x, y, **FEW).value == pytest.approx(float(expected), rel=1e-10)


def test_clean_fid_has_the_same_numbers():
    theirs = pytest.importorskip("cleanfid.fid", exc_type=ImportError)
    kid = theirs.kernel_distance(REAL[:55], FAKE, num_subsets=1, max_subset_size=55)
    assert metrics.kid(REAL[:55], FAKE, **FEW).value == pytest.approx(kid, rel=1e-10)
    moments = [f(z) for z in (REAL, FAKE) for f in (lambda z: z.mean(0), lambda z: np.cov(z.T))]
    assert metrics.fid(REAL, FAKE, rng=0).value == pytest.approx(
        theirs.frechet_distance(*moments), rel=1e-6
    )
