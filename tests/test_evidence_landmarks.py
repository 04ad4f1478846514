"""The study of landmarks: what it draws, the rules that look at labels, and what it tells."""

import csv
import math

import numpy as np
import pytest
from oracles import mmd_squared

import repdist
from benchmarks.evidence import landmarks, landmarks_large, nystroem, runner
from benchmarks.evidence.grouped import InStrata
from benchmarks.evidence.problems import Gaussian, Pairs
from benchmarks.evidence.structures import (
    Embeddings,
    NewMode,
    RareModes,
    SparseUnits,
    TightClusters,
    Waves,
    network,
    with_mode,
)
from benchmarks.evidence.tasks import Measured, Scope, Task

# --- problems ------------------------------------------------------------------------------------

STRUCTURES = [
    RareModes(0.004),
    NewMode(0.01),
    NewMode(0.004, both=True),
    Waves(0.38, 2),
    SparseUnits(0.18),
    Embeddings(0.12),
    TightClusters(1000),
]


def test_names_of_structures():
    assert [problem.name for problem in STRUCTURES] == [
        "rare-modes-0.004",
        "new-mode-0.01",
        "two-modes-0.004",
        "waves-0.38",
        "sparse-units-0.18",
        "embeddings-0.12",
        "tight-clusters-1000",
    ]


@pytest.mark.parametrize("problem", STRUCTURES, ids=lambda problem: problem.name)
def test_a_structure_gives_finite_rows_of_its_width(problem):
    X, Y = problem(30, 40, np.random.default_rng(0))
    assert (X.shape, Y.shape) == ((30, problem.d), (40, problem.d))
    assert np.isfinite(X).all()
    assert np.isfinite(Y).all()


def test_a_share_of_rows_lies_in_the_mode():
    rows = with_mode(np.zeros((40_000, 3)), 0.1, 100.0, np.random.default_rng(0))
    there = rows[:, 0] > 50
    assert abs(there.mean() - 0.1) < 5 * math.sqrt(0.09 / 40_000)
    np.testing.assert_allclose(rows[there].mean(axis=0), [100, 0, 0], atol=0.01)
    np.testing.assert_allclose(rows[there].std(axis=0), 0.1, rtol=0.05)
    assert not rows[~there].any()


@pytest.mark.parametrize(("both", "in_x"), [(False, 0), (True, 1)])
def test_which_sample_has_a_mode(both, in_x):
    X, Y = NewMode(0.5, both=both)(100, 100, np.random.default_rng(0))
    assert (X[:, 0] > 50).any() == in_x
    assert (X[:, 0] > -50).all()
    assert (Y[:, 0] < -50).any()
    assert (Y[:, 0] < 50).all()


def test_waves_have_their_density():
    problem = Waves(0.8, 2)
    grid = (np.arange(64) + 0.5) / 64
    cube = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    values = problem.density(cube)
    assert values.mean() == pytest.approx(1, abs=1e-12)  # its integral
    assert (values.min(), values.max()) == pytest.approx((0.2, 1.8), abs=0.02)
    X, Y = problem(40_000, 40_000, np.random.default_rng(0))
    # the mean of cos cos is 0 for X and amplitude / 4 for Y; each term has a variance of 1 / 4
    for rows, expected in ((X, 0.0), (Y, 0.2)):
        found = np.cos(4 * math.pi * rows).prod(axis=1).mean()
        assert abs(found - expected) < 5 * 0.5 / math.sqrt(40_000)


def test_few_units_are_active_more_often():
    X, Y = SparseUnits(1.8, d=12)(40_000, 40_000, np.random.default_rng(0))
    often = (X > 0).mean(axis=0), (Y > 0).mean(axis=0)
    np.testing.assert_allclose(often[0], 0.0359, atol=0.005)
    np.testing.assert_allclose(often[1], [0.5] * 8 + [0.0359] * 4, atol=0.013)


@pytest.mark.slow
def test_embeddings_are_a_fixed_network_and_noise():
    problem = Embeddings(0.5, d=768)
    X, Y = problem(3000, 3000, np.random.default_rng(0))
    assert X.dtype == Y.dtype == np.float32
    first, second = network(8, 64, 768)
    assert (first.shape, second.shape) == ((8, 64), (64, 768))
    spectrum = np.linalg.svd(X - X.mean(axis=0), compute_uv=False) / math.sqrt(3000)
    assert spectrum[63] > 1.5 * spectrum[64]  # beyond the hidden units there is noise alone
    np.testing.assert_allclose(spectrum[200:500], 0.05, rtol=0.5)
    assert np.abs(Y.mean(axis=0) - X.mean(axis=0)).max() > 0.1


def test_shares_of_tight_clusters():
    problem = TightClusters(4, change=0.4, d=3)
    X, Y = problem(20_000, 20_000, np.random.default_rng(0))
    centres = 3 * np.random.default_rng(5).normal(size=(4, 3))
    for rows, shares in ((X, [0.25] * 4), (Y, [0.35, 0.35, 0.15, 0.15])):
        distance = np.square(rows[:, None] - centres).sum(axis=2)
        found = np.bincount(distance.argmin(axis=1)) / 20_000
        np.testing.assert_allclose(found, shares, atol=0.017)
        assert np.sqrt(distance.min(axis=1).mean() / 3) == pytest.approx(0.3, rel=0.05)


# --- the test in a few lines ---------------------------------------------------------------------


def chosen(rule, n=6, count=4, seed=0):
    Z = np.random.default_rng(1).normal(size=(20, 2))
    return nystroem.RULES[rule](nystroem.Draw(Z, n, count, np.random.default_rng(seed)))


@pytest.mark.parametrize("rule", nystroem.RULES)
def test_a_rule_takes_different_rows(rule):
    assert len(set(chosen(rule).tolist())) == 4


def test_what_rules_see_of_labels():
    assert (chosen("of-one") < 6).all()
    assert (chosen("half-each") < 6).sum() == 2
    assert chosen("farthest")[0] == 0
    assert chosen("farthest", seed=0).tolist() == chosen("farthest", seed=1).tolist()
    for rule in nystroem.BLIND:
        taken = [chosen(rule, seed=seed).tolist() for seed in range(20)]
        assert taken == [chosen(rule, n=12, seed=seed).tolist() for seed in range(20)]
        assert len({rows[0] for rows in taken}) > 5


def test_products_of_bins_are_those_of_the_kernel_if_all_rows_are_landmarks(monkeypatch):
    monkeypatch.setattr(nystroem, "LEAST", 0.0)
    Z = np.random.default_rng(0).normal(size=(12, 2))
    kernel = repdist.kernels.RBF(nystroem.BANDWIDTH)(Z, Z)
    expected = kernel.reshape(3, 4, 3, 4).mean(axis=(1, 3))
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(nystroem.products_of_bins(Z, Z), expected, rtol=1e-9, atol=1e-12)


def test_the_statistic_is_that_of_mean_features(monkeypatch):
    seen = []
    pooled = nystroem.pooled_mmd_squared
    monkeypatch.setattr(
        nystroem,
        "pooled_mmd_squared",
        lambda S, labels: seen.append((S, labels)) or pooled(S, labels),
    )
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(12, 2)), rng.normal(size=(20, 2))
    p = nystroem.pvalue(X, Y, nystroem.pooled, 8, np.random.default_rng(1))
    assert p * 256 == pytest.approx(round(p * 256))
    [(S, labels)] = seen
    assert (labels.shape, S.shape) == ((256, 8), (8, 8))
    assert labels[0].tolist() == [1] * 3 + [0] * 5
    assert (labels.sum(axis=1) == 3).all()
    found = pooled(S, labels[:1])[0]
    expected = mmd_squared(lambda u, v: S[int(u), int(v)], range(3), range(3, 8), "unbiased")
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_test_in_a_few_lines_sees_a_difference():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(64, 2)), 1.5 + rng.normal(size=(256, 2))
    for rule in nystroem.RULES.values():
        assert nystroem.pvalue(X, Y, rule, 32, np.random.default_rng(0)) == 1 / 256


# --- the study -----------------------------------------------------------------------------------


def task(problem, methods, n=64, m=64):
    return Task("landmarks", problem, n, m, methods, 1, 63)


@pytest.mark.parametrize(
    ("problem", "differs"),
    [(Gaussian(2), False), (Pairs(0.5), False), (Pairs(0.5, shift=2.0), True),
     (InStrata("other-mix"), False), (InStrata("other-mix", (2.0, 2.0, 2.0)), True)],
)  # fmt: skip
def test_methods_with_landmarks(problem, differs):
    methods = (landmarks.EXACT, "landmarks-16")
    found = runner.one(task(problem, methods), 0)
    for method in methods:
        assert (found[method] <= 2 / 64) == differs
    told = {f"landmarks-16 {what}" for what in landmarks.SEEN}
    assert set(found) == {*methods, *told}
    assert 0 < found["landmarks-16 captured"] < found["landmarks-16 captured_widest"] <= 1


def test_rules_are_tried_by_the_test_in_a_few_lines():
    found = runner.one(task(Gaussian(8), landmarks.RULES), 0)
    assert tuple(found) == landmarks.RULES
    assert all((256 * p) % 1 == 0 for p in found.values())


def test_exact_is_the_default_of_the_test():
    X, Y = Gaussian(2)(30, 40, np.random.default_rng(0))
    found = landmarks.tested(
        task(Gaussian(2), ("exact",)), "exact", X, Y, np.random.SeedSequence(0)
    )
    rng = np.random.default_rng(np.random.SeedSequence(0))
    assert found.pvalue == repdist.mmd_test(X, Y, n_resamples=63, rng=rng).pvalue
    assert found.landmarks is None
    assert landmarks.seen(found) == {}


def test_a_caution_is_counted():
    X, Y = TightClusters(100)(200, 200, np.random.default_rng(0))
    few, many = (
        landmarks.seen(
            repdist.mmd_test(
                X, Y, method="landmarks", n_landmarks=L, n_resamples=63, rng=0,
                kernel=repdist.kernels.RBF(b),
            )
        )
        for L, b in ((16, 0.5), (64, 100.0))
    )  # fmt: skip
    assert few["cautioned"] == 1
    assert few["captured"] == few["captured_widest"] < 0.5
    assert many["cautioned"] == 0
    assert many["captured"] > 0.9


def test_what_is_lost_beside_exact():
    method = landmarks.USUAL
    pvalues = {
        landmarks.EXACT: np.repeat([0.01, 0.5], [60, 40]),
        method: np.repeat([0.5, 0.01, 0.5], [20, 50, 30]),
        f"{method} captured": np.repeat([0.2, 0.4], 50),
        f"{method} captured_widest": np.ones(100),
        f"{method} cautioned": np.repeat([1.0, 0.0], [15, 85]),
    }
    differs = Task("landmarks", landmarks.DIFFERENCES[0], 2048, 2048, tuple(pvalues), 100, 63)
    told = landmarks.extra(Measured(differs, method, pvalues, 1))
    # 20 are lost, of which 5 without a caution; 10 are gained, all without one
    assert told["lost"] == pytest.approx(0.1)
    assert told["lost_silently"] == pytest.approx(-0.05)
    assert told["paired_pvalue"] == pytest.approx(0.09873715)  # binomial, 20 of 30
    assert told["captured"] == pytest.approx(0.3)
    assert told["cautioned"] == pytest.approx(0.15)
    assert set(told) < set(landmarks.COLUMNS)
    assert landmarks.extra(Measured(differs, landmarks.EXACT, pvalues, 1)) == {}
    alone = {name: values for name, values in pvalues.items() if name != landmarks.EXACT}
    assert set(landmarks.extra(Measured(differs, method, alone, 1))) == set(landmarks.SEEN)


def test_which_pvalues_are_checked():
    pvalues = dict.fromkeys((*landmarks.RULES, landmarks.EXACT), np.arange(1, 101) / 100)
    told = {
        method: bool(landmarks.extra(Measured(task(Gaussian(2), (method,)), method, pvalues, 1)))
        for method in pvalues
    }
    blind = {"rule-pooled", "rule-spread", "exact"}
    assert {method for method, checked in told.items() if checked} == blind


def test_the_study_has_both_parts():
    tasks = landmarks.tasks(Scope())
    assert [landmarks.is_null(task) for task in tasks] == [True] * 11 + [False] * 10
    assert {task.repetitions for task in tasks if landmarks.is_null(task)} == {2000, 10_000}
    assert all(task.methods[0] == "exact" for task in tasks[1:])


# --- many rows -----------------------------------------------------------------------------------


def run(folder, *more):
    arguments = [
        "--rows", "300", "--columns", "16", "--methods", "exact", "landmarks-16",
        "--out", str(folder), *more,
    ]  # fmt: skip
    assert landmarks_large.main(arguments) == 0
    with (folder / "landmarks_large.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_of_many_rows_goes_on(tmp_path):
    run(tmp_path, "--repetitions", "2")
    first = (tmp_path / "landmarks_large_runs.csv").read_text().splitlines()
    assert len(first) == 1 + 2 * 2
    rows = run(tmp_path, "--repetitions", "3")
    after = (tmp_path / "landmarks_large_runs.csv").read_text().splitlines()
    assert after[:5] == first
    assert len(after) == 1 + 3 * 2
    assert [row["method"] for row in rows] == ["exact", "landmarks-16"]
    assert {row["repetitions"] for row in rows} == {"3"}
    assert list(rows[0]) == list(landmarks_large.COLUMNS)
    assert float(rows[0]["shift"]) == pytest.approx(0.12 * math.sqrt(2048 / 300), rel=1e-3)
    assert rows[0]["captured"] == ""
    assert float(rows[1]["captured"]) > 0
    assert float(rows[1]["lost"]) == pytest.approx(
        float(rows[0]["rate"]) - float(rows[1]["rate"]), abs=1e-3
    )


def test_a_run_stops_after_the_time(tmp_path):
    rows = run(tmp_path, "--repetitions", "5", "--minutes", "0")
    assert {row["repetitions"] for row in rows} == {"1"}


@pytest.mark.slow
def test_many_rows_in_two_processes(tmp_path):
    found = []
    for jobs in ("1", "2"):
        run(tmp_path / jobs, "--repetitions", "3", "--jobs", jobs)
        with (tmp_path / jobs / "landmarks_large_runs.csv").open(newline="") as file:
            found.append(
                [(r["repetition"], r["method"], r["pvalue"]) for r in csv.DictReader(file)]
            )
    assert found[0] == found[1]


def test_many_rows_may_be_tensors():
    torch = pytest.importorskip("torch")
    problem = Embeddings(0.5, d=16)
    some = Task("landmarks_large", problem, 200, 200, ("landmarks-16",), 1, 63)
    X, Y = problem(200, 200, np.random.default_rng(0))
    found = [
        landmarks_large.tested(some, "landmarks-16", samples, np.random.SeedSequence(0)).pvalue
        for samples in ((X, Y), (torch.as_tensor(X), torch.as_tensor(Y)))
    ]
    assert found[0] == found[1]
