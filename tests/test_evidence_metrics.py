"""The study of metrics: true values in closed form, what is told, numbers beside other packages."""

import csv
import itertools
from importlib.util import find_spec

import numpy as np
import pytest
from scipy import integrate, linalg, stats

from benchmarks import cases, competitors, ours, peers
from benchmarks.evidence import metric_numbers
from benchmarks.evidence import metrics as study
from benchmarks.evidence.features import LAWS, Features, Law, mean_kernel, true_fid, true_kid
from benchmarks.evidence.tasks import Measured, Scope, Task
from repdist import metrics

RNG = np.random.default_rng(4)
MIXED = Law(np.array([0.3, 0.7]), RNG.normal(size=(2, 2)), RNG.uniform(0.5, 2, size=(2, 2)))
OTHER = Law(np.array([1.0]), RNG.normal(size=(1, 2)), RNG.uniform(0.5, 2, size=(1, 2)))

# --- laws ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("cut", [False, True])
def test_moments_are_integrals(cut):
    law = Law(MIXED.shares, MIXED.locations, MIXED.scales, cut=cut)
    for power, part, column in itertools.product((1, 2, 3), range(2), range(2)):
        a, s = law.locations[part, column], law.scales[part, column]
        low = 0.0 if cut else a - 12 * s
        density = stats.norm(a, s).pdf
        expected, _ = integrate.quad(
            lambda x, power=power, density=density: x**power * density(x), low, a + 12 * s
        )
        found = law.moments()[power - 1, part, column]
        assert found == pytest.approx(expected, rel=1e-7)


def test_the_mean_of_the_kernel_is_an_integral():
    """By Gauss-Hermite points, of which four a column are exact for a cubic."""
    points, weights = np.polynomial.hermite_e.hermegauss(4)
    weights = weights / weights.sum()
    expected = 0.0
    for (a, of_a), (b, of_b) in itertools.product(enumerate(MIXED.shares), enumerate(OTHER.shares)):
        for i, j, k, l in itertools.product(range(4), repeat=4):  # noqa: E741
            x = MIXED.locations[a] + MIXED.scales[a] * points[[i, j]]
            y = OTHER.locations[b] + OTHER.scales[b] * points[[k, l]]
            chance = of_a * of_b * weights[[i, j, k, l]].prod()
            expected += chance * (x @ y / 2 + 1) ** 3
    assert mean_kernel(MIXED, OTHER) == pytest.approx(expected, rel=1e-12)


def test_the_true_fid_is_that_of_the_root():
    (mean_x, S), (mean_y, T) = MIXED.mean_and_covariance(), OTHER.mean_and_covariance()
    expected = np.square(mean_x - mean_y).sum() + np.trace(S + T - 2 * linalg.sqrtm(S @ T).real)
    assert true_fid(MIXED, OTHER) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("kind", LAWS)
def test_true_values_are_those_of_many_rows(kind):
    """Within 5 standard errors, which are less than half of what differs."""
    problem = Features(kind, 6)
    X, Y = problem(6000, 4000, np.random.default_rng(0))
    assert (X.shape, Y.shape) == ((6000, 6), (4000, 6))
    truth = problem.truth()
    found = {
        "fid": metrics.fid(X, Y, rng=0),
        "kid": metrics.kid(X, Y, n_resamples=1, rng=0),
    }
    for name, result in found.items():
        assert abs(result.unbiased - truth[name]) < 5 * result.standard_error
    assert (truth == {"fid": 0, "kid": 0}) is problem.null
    if not problem.null:
        assert found["fid"].standard_error < 0.5 * truth["fid"]
        assert true_kid(*problem.laws()) == truth["kid"] > 0


def test_values_below_0_are_cut():
    X, Y = Features("relu", 5)(200, 200, np.random.default_rng(0))
    assert X.min() == Y.min() == 0
    assert (X == 0).mean() == pytest.approx(stats.norm.cdf(0.5), abs=0.1)


# --- the study -----------------------------------------------------------------------------------


def task_of(problem, n=60):
    return Task(study.NAME, problem, n, n, study.METHODS, 1, 1)


def test_settings():
    tasks = study.tasks(Scope())
    assert len({task.name for task in tasks}) == len(tasks) >= 10
    assert {task.problem.d for task in tasks} == {64, 512}
    assert {task.problem.kind for task in tasks} == set(LAWS)


def test_methods_are_what_they_are_called():
    problem = Features("shift", 4)
    X, Y = problem(60, 70, np.random.default_rng(0))
    found = study.measured(study.METHODS, X, Y, np.random.SeedSequence(1))
    rng = np.random.default_rng(np.random.SeedSequence(1))
    of_fid = metrics.fid(X, Y, rng=rng)
    low, high = of_fid.confidence_interval()
    assert found["fid"] == (of_fid.unbiased, of_fid.standard_error, (low, high))
    value, error, ends = found["fid-plain"]
    assert (value, error) == (of_fid.value, of_fid.standard_error)
    np.testing.assert_allclose(np.diff(ends), 2 * stats.t.ppf(0.975, 19) * error, rtol=1e-12)
    np.testing.assert_allclose(np.mean(ends), value, rtol=1e-12)
    rng = np.random.default_rng(np.random.SeedSequence(1))
    of_kid = metrics.kid(X, Y, subsets=20, subset_size=12, n_resamples=1, rng=rng)
    assert found["kid"][2] == of_kid.confidence_interval()
    value, error, ends = found["kid-subsets"]
    assert (value, error) == (of_kid.spread.mean, of_kid.spread.std)
    np.testing.assert_allclose(ends, [value - 1.96 * error, value + 1.96 * error], rtol=1e-3)


def test_an_interval_that_misses_the_truth_is_counted(monkeypatch):
    problem = Features("shift", 4)
    X, Y = problem(200, 200, np.random.default_rng(0))
    found = study.pvalues(task_of(problem), X, Y, np.random.SeedSequence(0))
    assert [found[method] for method in study.METHODS] == [1.0] * 4
    monkeypatch.setattr(study, "truth_of", lambda _: {"fid": 40.0, "kid": 40.0})
    found = study.pvalues(task_of(problem), X, Y, np.random.SeedSequence(0))
    assert [found[method] for method in study.METHODS] == [0.0] * 4


def test_what_is_told_of_an_interval():
    task = task_of(Features("shift", 4))
    found = {
        "kid": np.repeat([0.0, 1.0], [7, 93]),
        "kid value": np.arange(100.0),
        "kid error": np.full(100, 58.0),
    }
    told = study.extra(Measured(task, "kid", found, 1))
    assert set(told) == set(study.COLUMNS)
    assert (told["metric"], told["coverage"], told["mean"]) == ("kid", 0.93, 49.5)
    assert told["truth"] == task.problem.truth()["kid"]
    assert told["error"] == pytest.approx(58 / np.arange(100.0).std(ddof=1))
    bounds = stats.beta.ppf([0.005, 0.995], [93, 94], [8, 7])
    np.testing.assert_allclose([told["coverage_low"], told["coverage_high"]], bounds, rtol=1e-9)


# --- numbers beside others -----------------------------------------------------------------------


def numbers(folder):
    assert metric_numbers.main(["--out", str(folder)]) == 0
    with (folder / "metric_numbers.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_numbers_are_those_of_the_formulas(monkeypatch, tmp_path, capsys):
    some = metric_numbers.Samples(60, 50, 16), metric_numbers.Samples(45, 45, 60)
    monkeypatch.setattr(metric_numbers, "SAMPLES", some)
    monkeypatch.setattr(metric_numbers, "find_spec", lambda _: None)
    rows = numbers(tmp_path)
    assert [row["metric"] for row in rows] == ["KID", "FID", "CMMD", "KAD"] * 2
    assert {row["library"] for row in rows} == {"formula"}
    assert all(abs(float(row["difference"])) < 1e-7 for row in rows)  # the root of singular ones
    assert all(float(row["value"]) == pytest.approx(float(row["ours"])) for row in rows)
    assert list(rows[0]) == list(metric_numbers.COLUMNS)
    assert "torchmetrics is not installed: left out" in capsys.readouterr().out


def test_packages_are_asked_for_one_subset_and_for_their_defaults(monkeypatch, tmp_path, capsys):
    asked = []

    def kid(real, fake, subsets, size):
        asked.append((len(real), len(fake), subsets, size))
        value = metrics.kid(real, fake, n_resamples=1).value
        return value + abs(value)

    monkeypatch.setattr(metric_numbers, "SUBSET_SIZE", 30)
    monkeypatch.setattr(metric_numbers, "SAMPLES", (metric_numbers.Samples(45, 40, 16),))
    monkeypatch.setattr(metric_numbers, "find_spec", lambda _: True)
    monkeypatch.setattr(peers, "KID", {"some": kid})
    monkeypatch.setattr(peers, "FID", {"some": lambda *_: 1.0})
    monkeypatch.setattr(
        metric_numbers.metrics, "kid",
        lambda *args, kid=metrics.kid, **options: kid(*args, subset_size=30, **options),
    )  # fmt: skip
    rows = numbers(tmp_path)
    capsys.readouterr()
    assert asked == [(45, 40, 1, 40), (45, 40, 100, 30)]
    kids = [row for row in rows if (row["library"], row["metric"]) == ("some", "KID")]
    assert [row["of"] for row in kids] == ["1 subset of 40", "100 subsets of 1,000"]
    assert [float(row["difference"]) for row in kids] == [1.0, 1.0]


@pytest.mark.parametrize("library", peers.KID)
def test_a_package_gives_our_number(library):
    if find_spec(metric_numbers.MODULES.get(library, library)) is None:
        pytest.skip(f"{library} is not installed")
    real, fake = metric_numbers.Samples(80, 80, 16).draw()
    expected = metrics.kid(real, fake, n_resamples=1).value
    assert peers.KID[library](real, fake, 1, 80) == pytest.approx(expected, rel=1e-10)
    assert peers.FID[library](real, fake) == pytest.approx(metrics.fid(real, fake).value, rel=1e-10)


# --- times ---------------------------------------------------------------------------------------


def test_cases_of_metrics():
    names = {case.name: case for case in cases.metrics()}
    assert set(names) == {
        f"{library}{metric}"
        for library in ("", "torchmetrics-", "torch-fidelity-")
        for metric in ("kid-5000", "kid-50000", "fid-50000")
    }
    assert {case.d for case in names.values()} == {2048}
    assert names["torchmetrics-kid-5000"].subsets == names["kid-50000"].subsets == 0
    assert names["torch-fidelity-kid-50000"].subsets == 100


@pytest.mark.parametrize("metric", ["kid", "fid"])
@pytest.mark.parametrize("subsets", [0, 3])
def test_a_case_calls_the_metric(metric, subsets, monkeypatch):
    case = cases.Case("some", 50, 60, d=4, metric=metric, subsets=subsets, library="some")
    groups = list(RNG.normal(size=(2, 60, 4)))
    asked = []
    monkeypatch.setitem(peers.KID, "some", lambda *a: asked.append(("kid", *a[2:])) or 0.0)
    monkeypatch.setitem(peers.FID, "some", lambda *_: asked.append(("fid",)) or 0.0)
    assert competitors.of_pairs(competitors.package)(case, groups) == {"components": 1}
    of_kid = ("kid", 3, 60) if subsets else ("kid", 1, 60)
    assert asked == [of_kid if metric == "kid" else ("fid",)]

    called = []
    monkeypatch.setattr(ours.metrics, metric, lambda *_, **options: called.append(options))
    assert ours.run(case, groups) == {"components": 1}
    assert called == [{"rng": 0} | ({"n_resamples": 9999} if metric == "kid" else {})]
