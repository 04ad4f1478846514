"""The pass against landmarks: sums over units against whole matrices; a choice that sees no label.

Tests that leave the answer to chance say how often they fail falsely.
"""

import itertools

import numpy as np
import pytest
from given import needs, strided
from scipy import stats

from repdist import kernels
from repdist._pass import landmarks as of_pass
from repdist._pass.landmarks import Landmarks, choose, unit_sums
from repdist._questions.landmarks import drawn_from
from repdist._threads import Workers
from repdist.kernels._plan import plan

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(530, 3)) + 0.3
ROWS[500:] += 20  # near to no landmark
UNIT = RNG.permutation(np.repeat(np.arange(7), [200, 100, 100, 100, 27, 2, 1]))
KERNELS = {
    "multi-rbf": kernels.MultiRBF((0.5, 1.0, 3.0)),
    "not powers of each other": kernels.MultiRBF((0.5, 0.9)),
    "rbf": kernels.RBF(1.2),
    "laplacian": kernels.Laplacian(1.5),
    "matern": kernels.Matern(1.5, nu=0.5),
    "rational": kernels.RationalQuadratic(1.5),
}
EACH = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())


@pytest.fixture
def small_spans(monkeypatch):
    """Few rows in a tile, a block and a span, so that little data have many of each."""
    monkeypatch.setattr(of_pass, "_ROWS", 16)
    monkeypatch.setattr(of_pass, "_BLOCK", 40)
    monkeypatch.setattr(of_pass, "_SPAN", 50)


def alone(kernel):
    """The components of a kernel, each as a kernel."""
    if isinstance(kernel, kernels.MultiRBF):
        return [kernels.RBF(b) for b in kernel.bandwidths]
    return [kernel]


def made_of(kernel, rows, count=11, *, differences=False, precise=False):
    return Landmarks.of(plan(kernel), rows[:count], precise=precise, differences=differences)


def direct(kernel, rows, landmarks, unit):
    """Sums over units, row by row, and how many rows are far from all landmarks."""
    sums = []
    for component in alone(kernel):
        values = np.asarray(component(rows, landmarks), dtype=np.float64)
        sums.append([values[unit == u].sum(axis=0) for u in range(unit.max() + 1)])
    return np.array(sums), int((values.max(axis=1) < 0.5).sum())


@EACH
@pytest.mark.parametrize("differences", [True, False])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sums_and_unseen_rows_are_those_of_the_whole_matrix(
    small_spans, kernel, differences, dtype
):
    landmarks = made_of(kernel, ROWS.astype(dtype), differences=differences)
    got = unit_sums(landmarks, ROWS.astype(dtype), UNIT, 7, Workers())
    expected, unseen = direct(kernel, ROWS, ROWS[:11], UNIT)
    rtol = 1e-12 if dtype == np.float64 else 2e-5
    if not differences and isinstance(kernel, kernels.Matern):
        rtol = 1e-7 if dtype == np.float64 else 1e-3  # the root of what rounding leaves of 0
    np.testing.assert_allclose(got.sums, expected, rtol=rtol)
    assert got.sums.dtype == np.float64
    assert got.unseen == unseen
    assert 0 < unseen < len(ROWS)
    assert landmarks.epsilon >= np.finfo(dtype).eps


def test_precise_landmarks_compute_in_float64(small_spans):
    rows = ROWS.astype(np.float32)
    landmarks = made_of(kernels.RBF(1.2), rows, precise=True)
    assert landmarks.rows.dtype == np.float64
    got = unit_sums(landmarks, rows, UNIT, 7, Workers())
    expected, _ = direct(kernels.RBF(1.2), rows.astype(float), rows[:11].astype(float), UNIT)
    np.testing.assert_allclose(got.sums, expected, rtol=1e-12)


@pytest.mark.parametrize("far", [0.0, 1e6])
def test_the_order_of_rows_moves_sums_by_rounding_alone(small_spans, far):
    order = RNG.permutation(len(ROWS))
    landmarks = made_of(KERNELS["multi-rbf"], ROWS + far)
    one = unit_sums(landmarks, ROWS + far, UNIT, 7, Workers())
    other = unit_sums(landmarks, (ROWS + far)[order], UNIT[order], 7, Workers())
    np.testing.assert_allclose(one.sums, other.sums, rtol=1e-12)
    assert one.unseen == other.unseen


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_change_no_bit(small_spans, dtype):
    rows = ROWS.astype(dtype)
    landmarks = made_of(KERNELS["multi-rbf"], rows)
    one, two, five = (unit_sums(landmarks, rows, UNIT, 7, Workers(n)) for n in (1, 2, 5))
    np.testing.assert_array_equal(one.sums, two.sums)
    np.testing.assert_array_equal(one.sums, five.sums)
    assert one.unseen == two.unseen == five.unseen


def in_a_file(rows, path):
    np.save(path, rows)
    return np.load(path, mmap_mode="r")


LYING = {
    "memmap": in_a_file,
    "strided": lambda rows, path: strided(rows),
    "Fortran": lambda rows, path: np.asfortranarray(rows),
}


@pytest.mark.parametrize("n_jobs", [1, 3])
@pytest.mark.parametrize("lying", LYING.values(), ids=LYING.keys())
def test_wherever_rows_lie_the_bits_are_equal(small_spans, tmp_path, lying, n_jobs):
    landmarks = made_of(KERNELS["multi-rbf"], ROWS)
    expected = unit_sums(landmarks, ROWS, UNIT, 7, Workers())
    got = unit_sums(landmarks, lying(ROWS, tmp_path / "rows.npy"), UNIT, 7, Workers(n_jobs))
    np.testing.assert_array_equal(got.sums, expected.sums)
    assert got.unseen == expected.unseen


@needs("torch")
@EACH
@pytest.mark.parametrize("differences", [True, False])
def test_tensors_give_the_sums_of_arrays(small_spans, kernel, differences):
    import torch

    expected = unit_sums(made_of(kernel, ROWS, differences=differences), ROWS, UNIT, 7, Workers())
    rows = torch.as_tensor(ROWS)
    landmarks = made_of(kernel, rows, differences=differences)
    got = unit_sums(landmarks, rows, UNIT, 7, Workers(2))
    np.testing.assert_allclose(got.sums, expected.sums, rtol=1e-12)
    assert got.unseen == expected.unseen


def test_spans_cover_all_rows_once():
    for n in (1, 2, 131_072, 131_073, 1_000_003, 10**9):
        spans = of_pass._spans(n)
        assert spans[0].start == 0
        assert spans[-1].stop == n
        assert len(spans) <= 64
        assert all(a.stop == b.start for a, b in itertools.pairwise(spans))
        assert all(span.stop > span.start for span in spans)


# --- features ------------------------------------------------------------------------------------


@EACH
def test_products_of_features_are_the_projected_kernel(kernel):
    """``K_xz pinv(K_zz) K_zx``, by another way to invert."""
    landmarks = made_of(kernel, ROWS, count=12, precise=True, differences=True)
    single = unit_sums(landmarks, ROWS[:40], np.arange(40), 40, Workers())
    for component, A in zip(alone(kernel), landmarks.features(single.sums), strict=True):
        K, own = component(ROWS[:40], ROWS[:12]), component(ROWS[:12], ROWS[:12])
        w = np.linalg.eigvalsh(own)
        assert w[0] > 2e-6 * w[-1]  # so that nothing is left out
        np.testing.assert_allclose(A @ A.T, K @ np.linalg.solve(own, K.T), atol=1e-8)
        np.testing.assert_allclose((A @ A.T)[:12, :12], own, atol=1e-9)


def test_directions_that_are_rounding_are_left_out():
    rows = np.concatenate([ROWS[:6], ROWS[:6] + 1e-9])
    landmarks = made_of(kernels.RBF(1.0), rows, count=12, precise=True, differences=True)
    assert landmarks.roots[0].shape == (12, 6)


@EACH
def test_the_captured_share_is_what_the_projection_leaves_of_the_diagonal(kernel):
    landmarks = made_of(kernel, ROWS, precise=True)
    others = ROWS[100:220]
    captured, squares = landmarks.looked_at(others)
    for r, component in enumerate(alone(kernel)):
        K, own = component(others, ROWS[:11]), component(ROWS[:11], ROWS[:11])
        projected = np.diagonal(K @ np.linalg.solve(own, K.T))
        assert captured[r] == pytest.approx(projected.mean(), rel=1e-6)
        whole = component(others, others)
        pairs = ~np.eye(len(others), dtype=bool)
        assert squares[r] == pytest.approx(np.square(whole[pairs]).mean(), rel=1e-9)


def test_landmarks_capture_themselves_and_nothing_far_away():
    landmarks = made_of(kernels.RBF(0.5), ROWS, precise=True)
    assert landmarks.looked_at(ROWS[:11])[0] == pytest.approx(1.0)
    assert landmarks.looked_at(ROWS[:50] + 100)[0] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kernel", [kernels.RBF(1e-9), kernels.MultiRBF((1e-6, 1.0))], ids=str)
def test_rounding_makes_no_value_larger_than_one(kernel, dtype):
    """Rows that are landmarks are 1 from themselves, however narrow the kernel is."""
    rows = ROWS[:40].astype(dtype)
    landmarks = made_of(kernel, rows)
    single = unit_sums(landmarks, rows, np.arange(40), 40, Workers())
    assert single.sums.min() >= 0
    assert single.sums.max() <= 1 + 1e-6
    captured, squares = landmarks.looked_at(rows[11:])
    assert ((captured >= 0) & (captured <= 1)).all()
    assert ((squares >= 0) & (squares <= 1)).all()
    for r, root in enumerate(landmarks.roots):
        assert np.abs(single.sums[r] @ root).max() <= 1 + 1e-6


# --- which rows ----------------------------------------------------------------------------------

SIX = np.array([[0.0, 0.0], [0.2, 0.1], [1.0, -0.5], [2.0, 2.0], [-1.0, 3.0], [6.0, 1.0]])


def law_of_pairs():
    """The chance of each pair of landmarks: one uniform, one by squared distance to it."""
    D = np.square(SIX[:, None] - SIX[None]).sum(axis=-1)
    step = D / D.sum(axis=1, keepdims=True)
    return {(i, j): (step[i, j] + step[j, i]) / 6 for i, j in itertools.combinations(range(6), 2)}


def law_of_triples():
    """Two uniform ones, then one by squared distance to the nearer."""
    D = np.square(SIX[:, None] - SIX[None]).sum(axis=-1)
    law = dict.fromkeys(itertools.combinations(range(6), 3), 0.0)
    for i, j in itertools.combinations(range(6), 2):
        nearest = np.minimum(D[i], D[j])
        for k in np.flatnonzero(nearest):
            law[tuple(sorted((i, j, int(k))))] += nearest[k] / nearest.sum() / 15
    return law


ORDERS = {"as they are": [0, 1, 2, 3, 4, 5], "mixed": [4, 2, 5, 0, 3, 1]}


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS.keys())
@pytest.mark.parametrize("law", [law_of_pairs(), law_of_triples()], ids=["two", "three"])
def test_the_law_of_landmarks_depends_on_no_place(law, order, chance_seed):
    """Whatever the order of the pooled rows, and so the labels, sets have the chances of the rule.

    False failure 1e-4 each; chances that are off by a third are found with probability 1.
    """
    count, rng = len(next(iter(law))), np.random.default_rng(chance_seed)
    found = dict.fromkeys(law, 0)
    for _ in range(3000):
        chosen, others = choose(SIX[order], count, rng)
        found[tuple(sorted(order[i] for i in chosen))] += 1
        assert sorted([*chosen, *others]) == list(range(6))
    expected = 3000 * np.array(list(law.values()))
    assert expected.sum() == pytest.approx(3000)
    rare = expected < 5  # together, as the test wants it
    counts = np.array(list(found.values()))
    both = ([*each[~rare], *[each[rare].sum()] * bool(rare.any())] for each in (counts, expected))
    assert stats.chisquare(*both).pvalue > 1e-4


@pytest.mark.parametrize("cut", [1, 3, 5])
def test_the_pilot_is_a_uniform_draw_from_all_samples(cut, chance_seed):
    """False failure 1e-4 each."""
    rng = np.random.default_rng(chance_seed)
    numbers = np.arange(6.0)[:, None]
    found = dict.fromkeys(itertools.combinations(range(6), 3), 0)
    for _ in range(2000):
        rows = drawn_from([numbers[:cut], numbers[cut:]], 3, rng)
        found[tuple(sorted(rows[:, 0].astype(int)))] += 1
    assert stats.chisquare(list(found.values())).pvalue > 1e-4


def test_a_small_pilot_is_all_rows():
    rows = drawn_from([ROWS[:200], ROWS[200:]], 4096, np.random.default_rng(0))
    np.testing.assert_array_equal(rows, ROWS)


def test_half_of_landmarks_look_for_far_rows():
    """One far row of 400 is a landmark, whatever the seed."""
    rows = np.concatenate([ROWS[:400], [[60.0, 60.0, 60.0]]])
    for seed in range(20):
        chosen, _ = choose(rows, 8, np.random.default_rng(seed))
        assert 400 in chosen
        assert len(set(chosen.tolist())) == 8


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
def test_rows_that_repeat_each_other_make_fewer_landmarks(dtype):
    rows = np.repeat(np.array([[0, 0], [3, 1], [7, 7]], dtype=dtype), 20, axis=0)
    chosen, others = choose(rows.astype(float), 12, np.random.default_rng(0))
    assert len(np.unique(rows[chosen], axis=0)) == 3
    assert 6 <= len(chosen) <= 8  # six drawn uniformly, and those of which none was among them
    assert not set(chosen.tolist()) & set(others.tolist())


@pytest.mark.parametrize("far", [1e3, 1e5])
def test_equal_float32_rows_far_from_zero_are_landmarks_once(far):
    rows = (np.repeat(ROWS[:5], 30, axis=0) + far).astype(np.float32)
    chosen, _ = choose(rows, 20, np.random.default_rng(0))
    drawn = np.random.default_rng(0).permutation(150)[:10]
    missing = 5 - len(np.unique(rows[drawn], axis=0))
    assert len(chosen) == 10 + missing


@pytest.mark.parametrize("scale", [1e30, 1e-30, 1.0])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_scale_of_rows_changes_no_choice(scale, dtype):
    rows = ROWS[:60]
    expected, _ = choose(rows.astype(dtype), 16, np.random.default_rng(0))
    chosen, _ = choose((rows * scale).astype(dtype), 16, np.random.default_rng(0))
    np.testing.assert_array_equal(chosen, expected)
