"""The studies of models beside one reference and of equivalence: true distances, and what fails."""

import numpy as np
import pytest
from oracles import rbf_on_gaussians

import repdist
from benchmarks.evidence import equivalence, reference, runner
from benchmarks.evidence.models import Mixed, Shifted, digit_features, t3_mean
from benchmarks.evidence.tasks import Measured, Scope, Task
from repdist import kernels

KERNEL = kernels.MultiRBF((1.0, 4.0))
PROBLEMS = [
    Shifted("some", (0.3, 0.0), factor=1.2),
    Shifted("some", (0.3, 0.5), "t3"),
    Mixed("some", (0.3, 0.6)),
]


# --- problems ------------------------------------------------------------------------------------


def test_distances_of_gaussians_are_the_closed_form():
    problem = Shifted("some", (0.0, 0.3, -0.3), d=4)
    expected = [rbf_on_gaussians(3.0, np.full(4, s), 4) for s in (0, 0.3, 0.3)]
    np.testing.assert_allclose(problem.mmd_squared(kernels.RBF(3.0)), expected, atol=1e-15)
    both = [problem.mmd_squared(kernels.RBF(b)) for b in (1.0, 4.0)]
    np.testing.assert_allclose(problem.mmd_squared(KERNEL), np.mean(both, axis=0), rtol=1e-12)


@pytest.mark.parametrize("bandwidth", [0.5, 2.0, 30.0])
def test_the_mean_of_t3_is_its_integral(bandwidth):
    """By the quantiles of both, on a grid: the midpoint rule in tan(x)."""
    from scipy import stats

    angle = (np.arange(2000) + 0.5) / 2000 * np.pi - np.pi / 2
    x = np.tan(angle)
    weight = (1 + x**2) * np.pi / 2000 * stats.t(3).pdf(x)
    K = np.exp(-np.square(x[:, None] - 1.3 * x - 0.6) / (2 * bandwidth**2))
    assert t3_mean(bandwidth, 0.6, 1.0, 1.3) == pytest.approx(weight @ K @ weight, rel=1e-5)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_distances_are_those_of_many_rows(problem):
    """Within 5 standard errors, which are a fifth of them or less."""
    n = 1500
    X, Y = problem(n, n, np.random.default_rng(0))
    result = repdist.compare_to_reference(
        X, problem.split(Y, n, n), kernel=KERNEL, n_resamples=1, adjust="none", rng=0
    )
    estimate, truth = result.comparison.estimate, problem.mmd_squared(KERNEL)
    assert (np.abs(estimate.mmd_squared - truth) < 5 * estimate.standard_error).all()
    assert (estimate.standard_error < 0.2 * truth + 1e-4).all()
    effect = estimate.mmd_squared / result.comparison.spread
    np.testing.assert_allclose(effect, problem.effect(KERNEL), rtol=0.2, atol=1e-3)


def test_models_have_their_rows():
    problem = Shifted("some", (0.0, 5.0, 10.0), d=2, tail=1)
    X, Y = problem(200, 30, np.random.default_rng(0))
    parts = problem.split(Y, 200, 30)
    assert [len(rows) for rows in (X, *parts.values())] == [200, 30, 30, 200]
    np.testing.assert_allclose([rows.mean() for rows in parts.values()], [0, 5, 10], atol=0.6)


def test_digits_are_mixed():
    fours, nines = digit_features()
    _, Y = Mixed("some", (0.0, 1.0))(5, 200, np.random.default_rng(0))
    four, nine = ({tuple(row) for row in rows} for rows in (fours, nines))
    assert {tuple(row) for row in Y[:200]} <= four
    assert {tuple(row) for row in Y[200:]} <= nine


# --- what fails ----------------------------------------------------------------------------------


def compared(far=0.0):
    problem = Shifted("some", (0.0, 0.0, 2.0))
    X, Y = problem(60, 60, np.random.default_rng(0))
    result = repdist.compare_to_reference(
        X, problem.split(Y, 60, 60), n_resamples=1, adjust="none", rng=0
    )
    truth = problem.mmd_squared(result.kernel)
    return result, truth + far * np.array([1, 0, 0])


def test_nothing_fails_where_all_is_right():
    result, truth = compared()
    assert reference.judge(result, truth, (1, 2)) == {
        "differences": False, "one": False, "ranks": False, "surely": False, "overlap": False,
        "found": True, "found by overlap": True,
    }  # fmt: skip


def test_what_is_wrong_is_seen():
    """If the first model were the farthest, it would be wrong to call the last one farther."""
    result, truth = compared(far=5.0)
    judged = reference.judge(result, truth, (0, 2))
    assert judged == {
        "differences": True, "one": True, "ranks": True, "surely": True, "overlap": True,
        "found": False, "found by overlap": False,
    }  # fmt: skip


def test_a_tie_that_is_called_a_difference_fails():
    result, truth = compared()
    truth[1] = truth[2] = truth[0]
    judged = reference.judge(result, truth, (0, 2))
    assert judged["surely"]
    assert judged["ranks"]
    assert not judged["found"]


def test_tasks_are_of_settings():
    tasks = reference.tasks(Scope(0.05))
    assert [task.name for task in tasks] == list(reference.SETTINGS)
    for task in tasks:
        assert set(reference.FAILURES) <= set(task.methods)
    by_name = {task.name: task for task in tasks}
    assert "found" in by_name["models-gaussian-d5-near-n50-m50"].methods
    assert "found" not in by_name["models-gaussian-d5-apart-n50-m50"].methods


@pytest.mark.parametrize("name", ["models-t3-d5-far-n50-m50", "models-digits-steps-n50-m50"])
def test_one_repetition(name):
    (task,) = (t for t in reference.tasks(Scope(0.05)) if t.name == name)
    found = runner.one(task, 0)
    assert tuple(found) == task.methods
    assert set(found.values()) <= {0.0, 1.0}
    arrays = {method: np.repeat([0.0, 1.0], [2, 18]) for method in task.methods}
    assert reference.extra(Measured(task, "ranks", arrays, 1)) == {"coverage": 0.9}
    assert reference.extra(Measured(task, "overlap", arrays, 1)) == {}


# --- equivalence ---------------------------------------------------------------------------------


def test_margins():
    tasks = {task.name: task for task in equivalence.tasks(Scope(0.05))}
    at = [task for task in tasks.values() if equivalence.limit(task) is task.problem]
    assert len(at) == 8
    below = tasks["models-gaussian-d5-0.1-below-n50-m50"]
    assert equivalence.limit(below) is equivalence.MARGIN
    kinds = {
        name: equivalence.extra(Measured(task, "effect", {}, 1))["is"]
        for name, task in tasks.items()
    }
    sizes = {name for name, kind in kinds.items() if kind == "size"}
    assert sizes == {t.name for t in at} | {
        f"models-gaussian-d5-0.4-below-n{n}-m{n}" for n in equivalence.SIZES
    }


def test_a_close_model_is_equivalent_and_a_far_one_is_not():
    def tested(shift):
        problem = Shifted(f"{shift:g}", (shift,))
        task = Task("equivalence", problem, 200, 200, equivalence.METHODS, 1, 1, scheme="below")
        X, Y = problem(200, 200, np.random.default_rng(0))
        return equivalence.pvalues(task, X, Y, np.random.SeedSequence(0))

    close, far = tested(0.0), tested(0.8)
    assert tuple(close) == equivalence.METHODS
    assert max(close.values()) < 0.01
    assert min(far.values()) > 0.9
