"""The studies of clusters and of strata: what they draw, the truth, and what they tell."""

import itertools

import numpy as np
import pytest
from oracles import mmd_squared, rbf_on_gaussians

import repdist
from benchmarks.evidence import clustered, runner, stratified
from benchmarks.evidence.grouped import MIXES, InClusters, InStrata, parted
from benchmarks.evidence.problems import Shift, mmd_of_gaussians
from benchmarks.evidence.tasks import Measured, Task

# --- clusters ------------------------------------------------------------------------------------

CLUSTER_KINDS = [
    InClusters(),
    InClusters((1, 60), (1, 60)),
    InClusters((1, 1), (20, 20)),
    InClusters(shift=0.35),
    InClusters(within=1.25),
    InClusters(between=1.8),
]


def test_moments_of_clusters():
    """Rows of one cluster have the correlation, others none; the parts of Y are scaled apart."""
    problem = InClusters((2, 2), (2, 2), correlation=0.4, shift=0.5, within=1.5, between=2)
    (X, Y), _ = parted(*problem(40_000, 40_000, np.random.default_rng(0)))
    np.testing.assert_allclose(Y.mean(axis=0), 0.5, atol=0.05)
    for rows, within, between in ((X, 0.6, 0.4), (Y, 0.6 * 1.5**2, 0.4 * 2**2)):
        covariance = np.cov(rows[::2].T, rows[1::2].T)
        np.testing.assert_allclose(
            covariance[:8, :8], (within + between) * np.eye(8), atol=0.02 * (within + between) * 2
        )
        np.testing.assert_allclose(covariance[:8, 8:], between * np.eye(8), atol=0.06)


def test_numbers_of_clusters_and_their_sizes():
    problem = InClusters((1, 60), (3, 3))
    (X, Y), (of_x, of_y) = parted(*problem(500, 4, np.random.default_rng(0)))
    assert (X.shape, Y.shape) == ((len(of_x), 8), (12, 8))
    assert of_y.tolist() == np.repeat([500, 501, 502, 503], 3).tolist()
    assert np.unique(of_x).tolist() == list(range(500))
    sizes = np.bincount(of_x)
    assert (sizes.min(), sizes.max()) == (1, 60)
    assert abs(sizes.mean() - 30.5) < 5 * np.sqrt((60**2 - 1) / 12 / 500)


def test_kinds_of_clusters():
    names = ["10", "1-to-60", "1-vs-20", "shift-10", "within-10", "between-10"]
    assert [kind.name for kind in CLUSTER_KINDS] == [f"clusters-{name}" for name in names]
    assert [kind.null for kind in CLUSTER_KINDS] == [True] * 3 + [False] * 3
    assert [kind.exchangeable for kind in CLUSTER_KINDS] == [True, True, *[False] * 4]


def test_mmd_of_clusters_is_that_of_their_rows():
    shifted = InClusters(shift=0.35)
    expected = rbf_on_gaussians(4.0, np.full(8, 0.35), 8)
    assert shifted.mmd_squared(4.0) == pytest.approx(expected, rel=1e-10)
    for correlation in (0.1, 0.3, 0.7):
        assert InClusters(correlation=correlation).mmd_squared(4.0) == 0
    spread = InClusters(correlation=0.5, within=1.2, between=1.6)
    expected = mmd_of_gaussians(4.0, 8, shift=0, variance=(1.2**2 + 1.6**2) / 2)
    assert spread.mmd_squared(4.0) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize(
    "problem",
    [InClusters((2, 2), (2, 2), within=1.5), InClusters((1, 1), (4, 4), between=2.5)],
    ids=lambda problem: problem.name,
)
def test_mmd_of_many_clusters_is_the_closed_form(problem):
    """Within 5 standard errors, which are less than a tenth of it."""
    task = Task("clustered", problem, 800, 800, clustered.METHODS, 1, 1)
    (X, Y), ids = parted(*problem(800, 800, np.random.default_rng(0)))
    found = repdist.mmd_test(
        X, Y, clusters=ids, kernel=repdist.kernels.RBF(clustered.BANDWIDTH), n_resamples=1, rng=0
    )
    expected = clustered.truth(task)
    assert abs(found.mmd_squared - expected) < 5 * found.standard_error < 0.5 * expected


def test_readings_of_clusters():
    rows, ids = np.array([[1.0, 2], [3, 4], [5, 6], [7, 9]]), np.array([0, 0, 0, 1])
    assert clustered.all_rows(rows, ids) is rows
    assert clustered.firsts(rows, ids).tolist() == [[1, 2], [7, 9]]
    assert clustered.means(rows, ids).tolist() == [[3, 4], [7, 9]]


def test_methods_for_clusters():
    problem = InClusters(shift=1.0)
    task = Task("clustered", problem, 12, 12, clustered.METHODS, 1, 1023)
    X, Y = problem(12, 12, np.random.default_rng(0))
    found = clustered.pvalues(task, X, Y, np.random.SeedSequence(0))
    assert tuple(found) == clustered.METHODS
    assert found.pop("interval") == 1
    assert all(p <= 2 / 1024 for p in found.values())
    null = Task("clustered", InClusters(), 12, 12, clustered.METHODS, 1, 1023)
    found = clustered.pvalues(null, X, Y, np.random.SeedSequence(0))
    assert found["interval"] == 0  # the truth would be 0


@pytest.mark.parametrize("method", ["clusters", "one row", "means"])
@pytest.mark.parametrize(("n", "m", "expected"), [(4, 4, 35), (3, 12, 455), (12, 12, 1024)])
def test_pvalues_of_clusters_have_the_steps_that_the_check_assumes(method, n, m, expected):
    task = Task("clustered", InClusters(), n, m, (method,), 1, 1023)
    assert clustered.steps(task) == expected
    found = runner.one(task, 0)[method] * expected
    assert found == pytest.approx(round(found), abs=1e-6)


def test_what_is_told_of_clusters():
    pvalues = dict.fromkeys(clustered.METHODS, np.arange(1, 101) / 100)
    pvalues["interval"] = np.repeat([0.0, 1.0], [7, 93])

    def told(problem, method, n=12):
        task = Task("clustered", problem, n, n, clustered.METHODS, 100, 1023)
        return clustered.extra(Measured(task, method, pvalues, 1))

    checked = {
        kind.name: {
            method for method in ("clusters", "one row", "means", "rows") if told(kind, method)
        }
        for kind in CLUSTER_KINDS
    }
    exact = {"clusters", "one row", "means"}
    assert list(checked.values()) == [exact, exact, {"one row"}, set(), set(), set()]
    assert told(InClusters(), "clusters")["attainable"] == pytest.approx(51 / 1024)
    assert told(InClusters(), "clusters", n=4)["attainable"] == pytest.approx(1 / 35)
    shifted = InClusters(shift=0.35)
    expected = {"truth": shifted.mmd_squared(clustered.BANDWIDTH), "coverage": 0.93}
    assert told(shifted, "interval") == expected
    assert set(told(InClusters(), "clusters")) | set(expected) == set(clustered.COLUMNS)


# --- strata --------------------------------------------------------------------------------------

SHIFTED = InStrata("other-mix", (0.2, 0.2, 0.2))
OPPOSITE = InStrata("other-mix", (0.3, 0.0, -0.3))


def test_moments_of_strata():
    problem = InStrata("other-mix", (0.3, 0.0, -0.3))
    rows, ids = parted(*problem(60_000, 40_000, np.random.default_rng(0)))
    for sample, numbers, counts, by in zip(
        rows, ids, ((36, 12, 12), (8, 8, 24)), (0, 1), strict=True
    ):
        assert (np.bincount(numbers) / 1000).tolist() == list(counts)
        for s, shift in enumerate(problem.shifts):
            some = sample[numbers == s]
            np.testing.assert_allclose(
                some.mean(axis=0), by * shift + 2 * (np.arange(8) == s), atol=0.06
            )
            np.testing.assert_allclose(np.cov(some.T), np.eye(8), atol=0.08)


@pytest.mark.parametrize("mix", MIXES)
@pytest.mark.parametrize(("n", "m"), stratified.SIZES)
def test_rows_of_strata_add_up(mix, n, m):
    rows = InStrata(mix).rows(n, m)
    assert rows.sum(axis=1).tolist() == [n, m]
    assert rows.min() >= 4
    np.testing.assert_allclose(rows / [[n], [m]], MIXES[mix])


def test_kinds_of_strata():
    kinds = [InStrata("same-mix"), SHIFTED, OPPOSITE]
    names = ["strata-same-mix", "strata-shift-other-mix", "strata-opposite-other-mix"]
    assert [kind.name for kind in kinds] == names
    assert [kind.null for kind in kinds] == [True, False, False]


def naive_adjusted(problem, n, m):
    """One pair of strata at a time."""

    def mean(a, b):
        spread = 4.0**2 + 2
        squared = sum((u - v) ** 2 for u, v in zip(a, b, strict=True))
        return (16 / spread) ** 4 * np.exp(-squared / (2 * spread))

    of_x = [[2.0 * (j == s) for j in range(8)] for s in range(3)]
    of_y = [[v + shift for v in row] for row, shift in zip(of_x, problem.shifts, strict=True)]
    in_all = [(n * x + m * y) / (n + m) for x, y in zip(*MIXES[problem.mix], strict=True)]
    return sum(
        in_all[s] * in_all[t] * sign * mean(a[s], b[t])
        for s, t in itertools.product(range(3), repeat=2)
        for a, b, sign in ((of_x, of_x, 1), (of_y, of_y, 1), (of_x, of_y, -1), (of_y, of_x, -1))
    )


@pytest.mark.parametrize("problem", [SHIFTED, OPPOSITE])
@pytest.mark.parametrize(("n", "m"), [(100, 100), (40, 160)])
def test_adjusted_mmd_of_strata_is_the_closed_form(problem, n, m):
    expected = naive_adjusted(problem, n, m)
    assert problem.mmd_squared(4.0, n, m) == pytest.approx(expected, rel=1e-10)
    assert InStrata(problem.mix).mmd_squared(4.0, n, m) == 0
    assert InStrata("same-mix").mmd_squared(4.0, n, m) == 0


@pytest.mark.parametrize("shifts", [(0.4, 0.4, 0.4), (0.8, 0.0, -0.4)])
def test_adjusted_mmd_of_many_rows_is_the_closed_form(shifts):
    """Within 5 standard errors, which are less than a tenth of it."""
    problem = InStrata("other-mix", shifts)
    (X, Y), strata = parted(*problem(1000, 2000, np.random.default_rng(0)))
    found = repdist.mmd_test(X, Y, strata=strata, kernel=stratified.KERNEL, n_resamples=1, rng=0)
    expected = problem.mmd_squared(stratified.BANDWIDTH, 1000, 2000)
    assert abs(found.mmd_squared - expected) < 5 * found.standard_error < 0.5 * expected


def test_the_pooled_statistic_is_that_of_all_rows():
    X, Y = Shift(3, 0.5)(5, 7, np.random.default_rng(0))
    Z = np.concatenate([X, Y])
    K = stratified.KERNEL(Z, Z)
    np.fill_diagonal(K, 0)
    labels = np.array([[1.0] * 5 + [0.0] * 7, [0.0] * 7 + [1.0] * 5])
    found = stratified.pooled_mmd_squared(K, labels)
    k = lambda x, y: np.exp(-sum((u - v) ** 2 for u, v in zip(x, y, strict=True)) / 32)  # noqa: E731
    expected = [mmd_squared(k, Z[a == 1], Z[a == 0], "unbiased") for a in labels]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_pooled_relabelings_stay_inside_strata(monkeypatch):
    seen = []
    pooled = stratified.pooled_mmd_squared

    def watched(K, labels):
        seen.append((K, labels))
        return pooled(K, labels)

    monkeypatch.setattr(stratified, "pooled_mmd_squared", watched)
    problem = InStrata("other-mix")
    (X, Y), strata = parted(*problem(20, 30, np.random.default_rng(0)))
    p = stratified.pooled_pvalue(X, Y, strata, 499, np.random.default_rng(1))
    assert p * 500 == pytest.approx(round(p * 500))
    [(K, labels)] = seen
    assert not np.diagonal(K).any()
    assert labels[0].tolist() == [1] * 20 + [0] * 30
    for s, count in enumerate((12, 4, 4)):
        here = labels[:, np.concatenate(strata) == s]
        assert (here.sum(axis=1) == count).all()
        np.testing.assert_allclose(here[1:].mean(axis=0), here[0].mean(), atol=0.12)


def test_methods_for_strata():
    """Another mix alone is a difference to `rows`, and to none of the others."""
    found = {}
    for shifts in ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)):
        problem = InStrata("other-mix", shifts)
        task = Task("stratified", problem, 100, 100, stratified.METHODS, 1, 1023)
        X, Y = problem(100, 100, np.random.default_rng(1))
        found[shifts[0]] = stratified.pvalues(task, X, Y, np.random.SeedSequence(0))
        assert tuple(found[shifts[0]]) == stratified.METHODS
        assert found[shifts[0]]["interval"] == 1
        moved = Y + 2.0 * (np.arange(9) > 0)
        assert stratified.pvalue(task, "interval", X, moved, np.random.SeedSequence(0)) == 0
    assert found[0]["rows"] <= 2 / 1024
    assert all(found[0][method] > 0.05 for method in stratified.EXACT)
    assert all(found[1][method] <= 2 / 1024 for method in stratified.EXACT)


@pytest.mark.parametrize(
    ("kind", "method", "is_tried"),
    [(InStrata("other-mix"), "rows", True), (SHIFTED, "rows", False), (SHIFTED, "pooled", True)],
)
def test_rows_are_tried_where_mixes_do_not_tell_the_samples_apart(kind, method, is_tried):
    assert (method in stratified.methods_for(kind)) is is_tried
    assert "rows" in stratified.methods_for(InStrata("same-mix", SHIFTED.shifts))


def test_what_is_told_of_strata():
    pvalues = dict.fromkeys(stratified.METHODS, np.arange(1, 101) / 100)
    pvalues["interval"] = np.repeat([0.0, 1.0], [7, 93])

    def told(problem, method):
        task = Task("stratified", problem, 100, 100, stratified.METHODS, 100, 1023)
        return stratified.extra(Measured(task, method, pvalues, 1))

    null = InStrata("other-mix")
    assert [bool(told(null, method)) for method in stratified.METHODS] == [True] * 3 + [False, True]
    assert not any(told(SHIFTED, method) for method in (*stratified.EXACT, "rows"))
    expected = {"truth": SHIFTED.mmd_squared(4.0, 100, 100), "coverage": 0.93}
    assert told(SHIFTED, "interval") == expected
    assert told(null, "strata")["attainable"] == pytest.approx(51 / 1024)
    assert set(told(null, "strata")) | set(expected) == set(stratified.COLUMNS)
