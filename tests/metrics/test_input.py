"""What the metrics refuse, in the names of their arguments."""

import numpy as np
import pytest

from repdist import metrics

RNG = np.random.default_rng(3)
REAL, FAKE = RNG.normal(size=(50, 4)), RNG.normal(size=(45, 4))
ALL = pytest.mark.parametrize("metric", [metrics.kid, metrics.cmmd, metrics.kad, metrics.fid])
TESTS = pytest.mark.parametrize("metric", [metrics.kid, metrics.cmmd, metrics.kad])


def spoiled(rows, value):
    changed = rows.copy()
    changed[7, 2] = value
    return changed


@ALL
@pytest.mark.parametrize(
    ("real", "fake", "message"),
    [
        (spoiled(REAL, np.nan), FAKE, "`real` must hold finite numbers .* got nan in row 7"),
        (REAL, spoiled(FAKE, np.inf), "`fake` must hold finite numbers .* got inf in row 7"),
        (REAL, FAKE[:, :3], "`real` and `fake` must have the same number of columns; got 4 and 3"),
        (REAL[:1], FAKE, r"`real` must have at least (2|40) rows; got 1\."),
        (REAL, FAKE[:1], r"`fake` must have at least (2|40) rows; got 1\."),
        (REAL, FAKE[:0], "`fake` must have at least"),
        (REAL, FAKE[None], "`fake` must have shape"),
    ],
)
def test_rows_that_are_none(metric, real, fake, message):
    with pytest.raises(ValueError, match=message):
        metric(real, fake)


@ALL
@pytest.mark.parametrize("fake", [None, "fake.npy", [["a", "b", "c", "d"]] * 50])
def test_what_is_no_array(metric, fake):
    with pytest.raises(TypeError, match="`fake` must"):
        metric(REAL, fake)


@ALL
@pytest.mark.parametrize(("name", "value"), [("rng", "seed"), ("rng", True), ("n_jobs", 1.5)])
def test_options_of_the_wrong_kind(metric, name, value):
    with pytest.raises(TypeError, match=f"`{name}` must be"):
        metric(REAL, FAKE, **{name: value})


@TESTS
def test_constant_samples(metric):
    with pytest.raises(ValueError, match=r"sample of .*`real` and `fake` must not be constant"):
        metric(np.ones((9, 4)), np.ones((8, 4)))


def test_fid_needs_rows_to_leave_out():
    with pytest.raises(ValueError, match="`fake` must have at least 40 rows; got 39"):
        metrics.fid(REAL, FAKE[:39])


def test_kad_needs_distances_between_real_rows():
    with pytest.raises(ValueError, match="sample of `real` must not be constant"):
        metrics.kad(np.ones((9, 4)), FAKE)


def test_cmmd_needs_directions():
    spoiled = REAL * (np.arange(50) != 3)[:, None]
    with pytest.raises(ValueError, match="`fake` must have rows that are not all 0"):
        metrics.cmmd(REAL, spoiled)
    along = np.outer(np.arange(1.0, 9), np.ones(4))
    with pytest.raises(ValueError, match="directions of `real` and `fake` must not be constant"):
        metrics.cmmd(along, along[:5])


@TESTS
@pytest.mark.parametrize(
    ("clusters", "error", "message"),
    [
        ("video", TypeError, "`clusters` must be a pair, .* of `real` .* of `fake`; got 'video'"),
        (range(50), TypeError, "`clusters` must be a pair"),
        ((range(50), range(44)), ValueError, r"`clusters\[1\]` .* the 45 rows of `fake`; got 44"),
        ((range(50), range(49, 94)), ValueError, "rows of 49 in `real` and `fake` .1 such in all"),
    ],
)
def test_clusters_that_are_none(metric, clusters, error, message):
    with pytest.raises(error, match=message):
        metric(REAL, FAKE, clusters=clusters)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"subsets": -1}, ValueError, "`subsets` must be at least 0; got -1"),
        ({"subsets": 2.0}, TypeError, "`subsets` must be a whole number"),
        ({"subsets": 2, "subset_size": 1}, ValueError, "`subset_size` must be at least 2; got 1"),
        ({"subsets": 2}, ValueError, "`subset_size` must be at most the 45 rows .* got 1,000"),
        ({"n_resamples": 0}, ValueError, "`n_resamples` must be at least 1"),
    ],
)
def test_options_of_kid(options, error, message):
    with pytest.raises(error, match=message):
        metrics.kid(REAL, FAKE, **options)


@pytest.mark.parametrize("size", [1e149, 1e-100])
def test_sizes_that_products_of_covariances_do_not_hold_are_refused(size):
    real, fake = size * REAL, size * (FAKE + 1)
    with pytest.raises(ValueError, match=r"`real` and `fake` must differ by.*Scale the features"):
        metrics.fid(real, fake)
