"""Regions: k-means beside loops, and what must not depend on labels, libraries or places."""

import itertools

import numpy as np
import pytest
from given import LIBRARIES, as_tensor, needs

from repdist._pass import regions as module
from repdist._pass.regions import regions


def clouds(sizes, d=3, seed=0):
    """Rows in clouds around far points, the rows of each cloud in turn."""
    rng = np.random.default_rng(seed)
    middles = 20 * rng.normal(size=(len(sizes), d))
    rows = [m + rng.normal(size=(n, d)) for m, n in zip(middles, sizes, strict=True)]
    return np.concatenate(rows), np.repeat(np.arange(len(sizes)), sizes)


def of(*samples, count, seed=0):
    return regions(np.concatenate(samples), samples, count, np.random.default_rng(seed))


def test_clouds_are_found_and_numbered_by_their_rows():
    Z, cloud = clouds((40, 25, 60, 10))
    found = of(Z[::2], Z[1::2], count=4)
    region = np.empty(len(Z), dtype=int)
    region[::2], region[1::2] = found.region
    assert np.bincount(region).tolist() == [60, 40, 25, 10]
    for number, members in enumerate((2, 0, 1, 3)):
        assert (region[cloud == members] == number).all()
        np.testing.assert_allclose(found.centres[number], Z[cloud == members].mean(axis=0))


def test_each_row_is_in_the_region_of_its_nearest_centre():
    rng = np.random.default_rng(1)
    X, Y = 1e3 + rng.normal(size=(50, 4)), 1e3 + rng.normal(size=(30, 4))
    found = of(X, Y, count=6)
    for rows, region, distance in zip((X, Y), found.region, found.distance, strict=True):
        apart = np.array([[np.linalg.norm(row - c) for c in found.centres] for row in rows])
        assert (apart.argmin(axis=1) == region).all()
        np.testing.assert_allclose(distance, apart.min(axis=1), rtol=1e-9)


def test_the_centres_are_the_means_of_their_regions():
    """Lloyd's algorithm has ended; all rows are in the pilot."""
    Z = np.random.default_rng(2).normal(size=(60, 2))
    found = of(Z, count=5)
    means = [Z[found.region[0] == r].mean(axis=0) for r in range(5)]
    np.testing.assert_allclose(found.centres, means, rtol=1e-9)


def test_a_draw_decides_and_all_rows_are_placed():
    Z, cloud = clouds((400, 300))
    found = regions(Z[::10], [Z], 2, np.random.default_rng(0))
    assert (found.region[0] == cloud).all()


def test_labels_have_no_say():
    """Rows that change samples keep their regions; the shuffle of all rows is the same."""
    Z = np.random.default_rng(3).normal(size=(40, 3))
    one = of(Z[:20], Z[20:], count=5)
    other = of(Z[:33], Z[33:], count=5)
    np.testing.assert_array_equal(one.centres, other.centres)
    assert np.concatenate(one.region).tolist() == np.concatenate(other.region).tolist()


def test_the_order_of_rows_is_forgotten(monkeypatch):
    """If the shuffle brings them into one order, whatever theirs was, all is the same."""
    Z = np.random.default_rng(4).normal(size=(40, 3))
    order = np.random.default_rng(5).permutation(40)
    one = of(Z, count=5)

    class Undone(np.random.Generator):
        def permutation(self, n):
            return np.argsort(order)[super().permutation(n)]

    rng = Undone(np.random.PCG64(0))
    other = regions(Z[order], [Z[order]], 5, rng)
    np.testing.assert_array_equal(one.centres, other.centres)
    assert one.region[0][order].tolist() == other.region[0].tolist()


def test_the_pilot_is_shuffled():
    """Else the first row, of a known sample, would be a centre at every start."""
    Z, drawn = np.arange(1000.0)[:, None], []
    for seed in range(20):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                module, "far_apart", lambda rows, chosen, *_: drawn.append(rows[0]) or [0]
            )
            of(Z, count=2, seed=seed)
    assert len({float(row[0]) for row in drawn}) > 15


def test_equal_rows_are_in_one_region_wherever_they_lie():
    """Halfway between two centres, where products round in another way at the end of a block."""
    apart = 0
    for seed, d in itertools.product(range(5), (33, 64)):
        rng = np.random.default_rng(seed)
        middle, way = rng.normal(size=(2, d))
        centres, rows = np.stack([middle - way, middle + way]), np.repeat(middle[None], 9, axis=0)
        apart += len(np.unique((rows @ centres.T - np.square(centres).sum(1) / 2).argmax(1))) > 1
        assert module._nearest(rows, centres).tolist() == [0] * 9
    if apart == 0:
        pytest.skip("this BLAS rounds alike everywhere")


def test_fewer_regions_than_asked_for_if_few_rows_differ():
    Z = np.random.default_rng(0).integers(0, 2, size=(50, 2)).astype(float)
    found = of(Z, count=9)
    assert sorted(map(tuple, found.centres.tolist())) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len(np.unique(found.region[0])) == 4


@LIBRARIES
def test_libraries_agree(library):
    Z = np.random.default_rng(6).normal(size=(5000, 3)).astype(np.float32)
    samples = library(Z[:2000]), library(Z[2000:])
    found = regions(library(Z), samples, 6, np.random.default_rng(0))
    expected = of(Z[:2000], Z[2000:], count=6)
    np.testing.assert_array_equal(found.centres, expected.centres)
    for got, wanted in zip(found.region, expected.region, strict=True):
        assert got.tolist() == wanted.tolist()


@needs("torch")
def test_half_of_a_cloud_in_a_file(tmp_path):
    Z, _ = clouds((40, 25, 60))
    np.save(tmp_path / "rows.npy", Z)
    in_file = np.load(tmp_path / "rows.npy", mmap_mode="r")
    found, expected = of(in_file, count=3), of(Z, count=3)
    assert found.region[0].tolist() == expected.region[0].tolist()
    assert regions(as_tensor(Z), [as_tensor(Z)], 3, np.random.default_rng(0)).region[
        0
    ].tolist() == (expected.region[0].tolist())


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_any_unit_of_measurement(scale):
    Z, cloud = clouds((40, 25))
    found = of(scale * Z, count=2)
    assert (found.region[0] == cloud).all()
    np.testing.assert_allclose(found.centres, scale * of(Z, count=2).centres, rtol=1e-9)


# --- the map -------------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [2, 5, 250, 400])
def test_the_map_is_the_first_two_principal_components(d):
    """More columns than rows, and matrices above the size of which all eigenvectors are taken."""
    rng = np.random.default_rng(7)
    Z = rng.normal(size=(300, d))
    Z[:, :2] *= [[40.0, 20.0]]
    plane = of(Z, count=4).plane
    centred = Z - Z.mean(axis=0)
    _, s, V = np.linalg.svd(centred, full_matrices=False)
    assert plane.explained == pytest.approx((s[:2] ** 2).sum() / (s**2).sum(), rel=1e-6)
    assert plane.points.shape == (300, 2)
    own = np.sort(np.abs(centred @ V[:2].T), axis=0)
    np.testing.assert_allclose(np.sort(np.abs(plane.points), axis=0), own, atol=1e-3 * s[0])


def test_a_map_of_one_column_is_a_line():
    plane = of(np.arange(30.0)[:, None], count=3).plane
    assert not plane.points[:, 1].any()
    assert plane.explained == pytest.approx(1)
    assert np.ptp(plane.points[:, 0]) == pytest.approx(29)


def test_the_map_holds_centres_and_at_most_2000_rows():
    Z, cloud = clouds((2000, 1500))
    plane = of(Z, count=2).plane
    assert plane.points.shape == (2000, 2)
    for region in (0, 1):
        middle = plane.points[plane.region == region].mean(axis=0)
        assert np.linalg.norm(plane.centres[region] - middle) < 0.2
    assert len(np.unique(cloud)) == 2
