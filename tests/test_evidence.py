"""The studies of level and power: their densities, published figures, seeds, how a run goes on."""

import csv
import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from oracles import rbf_on_gaussians
from scipy import stats

import repdist
from benchmarks import results
from benchmarks.evidence import __main__ as suite
from benchmarks.evidence import (
    again,
    defaults,
    figures,
    level,
    paired,
    power,
    published,
    rates,
    relabelings,
    runner,
    small,
    table,
)
from benchmarks.evidence.problems import (
    DIGITS,
    Clusters,
    Gaussian,
    HeavyTails,
    Lattice,
    Mixture,
    Pairs,
    PerturbedUniform,
    PooledDigits,
    Scale,
    Shift,
    SparseFeatures,
    bump,
    pooled_digits,
)
from benchmarks.evidence.tasks import Measured, Scope, Task
from repdist._designs.relabelings import Relabelings, Swaps
from repdist._designs.units import Units
from repdist._inference.combine import Statistics

# --- problems ------------------------------------------------------------------------------------


def naive_bump(t):
    if -1 < t < -0.5:
        return np.exp(-1 / (1 - (4 * t + 3) ** 2))
    if -0.5 < t < 0:
        return -np.exp(-1 / (1 - (4 * t + 1) ** 2))
    return 0.0


def naive_density(u, signs, amplitude):
    d, P = len(u), signs.shape[0]
    total = sum(
        signs[tuple(i - 1 for i in nu)]
        * np.prod([naive_bump(P * x - i) for x, i in zip(u, nu, strict=True)])
        for nu in itertools.product(range(1, P + 1), repeat=d)
    )
    return 1 + amplitude * np.exp(d) * total


@pytest.mark.parametrize("d", [1, 2])
def test_the_perturbed_density_is_the_formula_and_a_density(d):
    problem = PerturbedUniform(d, 1.0)
    rng = np.random.default_rng(d)
    signs = problem.signs(rng)
    u = rng.random((200, d))
    expected = [naive_density(x, signs, 1.0) for x in u]
    np.testing.assert_allclose(problem.density(u, signs), expected, rtol=1e-12, atol=1e-14)
    grid = (np.arange(400) + 0.5) / 400
    cube = np.stack(np.meshgrid(*[grid] * d), axis=-1).reshape(-1, d)
    values = problem.density(cube, signs)
    assert values.mean() == pytest.approx(1, abs=1e-9)  # its integral
    assert -1e-12 < values.min() < 0.01  # an amplitude of 1 just touches 0
    assert 1.99 < values.max() <= 2
    assert bump(np.array([-1.0, -0.5, 0.0, 0.5])).tolist() == [0, 0, 0, 0]


def test_rows_follow_the_perturbed_density():
    """Counts in 8 intervals, by chi-square; false failure 1e-4, but the seed is fixed."""
    problem, edges = PerturbedUniform(1, 0.8), np.linspace(0, 1, 9)
    seed = np.random.SeedSequence(5)
    signs = problem.signs(np.random.default_rng(seed))  # those that the call draws first
    X, Y = problem(20_000, 20_000, np.random.default_rng(seed))
    fine = problem.density(((np.arange(8000) + 0.5) / 8000)[:, None], signs).reshape(8, 1000)
    for sample, shares in ((X, fine.mean(axis=1) / 8), (Y, np.full(8, 1 / 8))):
        counts = np.histogram(sample[:, 0], edges)[0]
        assert stats.chisquare(counts, 20_000 * shares).pvalue > 1e-4
    assert stats.chisquare(np.histogram(X[:, 0], edges)[0]).pvalue < 1e-4


def test_the_mixture_differs_in_one_mode():
    X, Y = Mixture(0.5)(40_000, 40_000, np.random.default_rng(0))
    for sample, sds in ((X, (1, 1, 1, 1)), (Y, (1, 1, 1, 0.5))):
        mode = (sample[:, 0] < 0) + 2 * (sample[:, 1] < 0)
        centres = np.array([(20, 20), (-20, 20), (20, -20), (-20, -20)])
        np.testing.assert_allclose(np.bincount(mode) / 40_000, 0.25, atol=0.01)
        rest = sample - centres[mode]
        np.testing.assert_allclose([rest[mode == k].std() for k in range(4)], sds, rtol=0.02)


def test_moments_of_shift_and_scale():
    rng = np.random.default_rng(0)
    _, Y = Shift(4, 0.5)(2, 20_000, rng)
    np.testing.assert_allclose(Y.mean(axis=0), [0.5, 0, 0, 0], atol=0.03)
    _, Y = Shift(4, 0.5, spread=True)(2, 20_000, rng)
    np.testing.assert_allclose(Y.mean(axis=0), 0.25, atol=0.03)
    X, Y = Scale(4, 1.5)(20_000, 20_000, rng)
    np.testing.assert_allclose((X.std(), Y.std()), (1, 1.5), rtol=0.02)


def test_digits_of_both_samples_are_pooled_and_different_images():
    images, labels = pooled_digits(None)
    assert images.shape == (13_000, 49)
    assert 0 <= images.min() < images.max() <= 1
    drawn = PooledDigits("Q1")(500, 500, np.random.default_rng(0))
    rows = [{tuple(row) for row in sample} for sample in drawn]
    assert not rows[0] & rows[1]
    digit_of = {tuple(row): label for row, label in zip(images, labels, strict=True)}
    assert {int(digit_of[row]) for row in rows[1]} == set(DIGITS["Q1"])
    assert {int(digit_of[row]) for row in rows[0]} == set(range(10))
    assert set(range(10)) - set(DIGITS["Q5"]) == {8}


@pytest.mark.parametrize(
    "problem",
    [Gaussian(3), SparseFeatures(), Lattice(), HeavyTails(), Clusters(), Mixture(2), Scale(2, 2)],
    ids=lambda problem: problem.name,
)
def test_a_problem_gives_finite_rows_of_its_width(problem):
    X, Y = problem(30, 40, np.random.default_rng(0))
    assert (X.shape, Y.shape) == ((30, problem.d), (40, problem.d))
    assert np.isfinite(X).all()
    assert problem.continuous == (len(np.unique(np.concatenate([X, Y]), axis=0)) == 70)


def test_sparse_features_have_dead_units_and_many_zeros():
    X, _ = SparseFeatures()(200, 2, np.random.default_rng(0))
    assert ((X == 0).all(axis=0)).sum() >= 32
    assert 0.4 < (X[:, 1::2] == 0).mean() < 0.9


# --- published figures, rates and checks ---------------------------------------------------------


def test_published_figures():
    assert published.rates("mixture-0.7") == {"fuse": 0.51, "mmdagg": 0.46, "median": 0.03}
    assert published.rates("mixture-2")["mmdagg"] == 0.945
    assert published.rates("perturbed-d1-0.3") == {"fuse": 0.505, "mmdagg": 0.605, "median": 0.29}
    assert published.rates("perturbed-d2-1")["fuse"] == 0.995
    assert published.rates("mnist-Q5") == {"mmdagg": 0.248}
    assert published.rates("scale-50") == {}
    named = {problem.name for problem in power.problems(None)}
    for family, (values, _, powers) in published.TABLES.items():
        assert {f"{family}-{x}" for x in values} <= named
        assert {len(power) for power in powers.values()} == {len(values)}


def test_a_rate_outside_the_published_one_is_told():
    def told(hits):
        task = Task("power", Mixture(0.7), 500, 500, ("max",), 200, 999)
        pvalues = {"max": np.where(np.arange(200) < hits, 0.01, 1)}
        return power.extra(Measured(task, "max", pvalues, 1))

    assert told(105)["beside"] == "best"
    assert [told(hits)["outside"] for hits in (30, 90, 105, 190)] == ["below", "", "", "above"]


def test_intervals_are_exact():
    low, high = rates.interval(3, 50)
    assert stats.binom.sf(2, 50, low) == pytest.approx(0.005)
    assert stats.binom.cdf(3, 50, high) == pytest.approx(0.005)


@pytest.mark.parametrize("steps", [35, 200])
def test_checks_of_pvalues_pass_what_is_uniform_and_find_what_is_not(steps):
    rng = np.random.default_rng(0)
    good = rng.integers(1, steps + 1, size=2000) / steps
    assert rates.uniform_pvalue(good, steps) > 0.01
    assert rates.superuniform_pvalue(good, steps) > 0.01
    too_small = np.where(rng.random(2000) < 0.05, 1 / steps, good)
    assert rates.uniform_pvalue(too_small, steps) < 1e-5
    assert rates.superuniform_pvalue(too_small, steps) < 1e-5
    too_large = np.maximum(good, good[::-1])
    assert rates.uniform_pvalue(too_large, steps) < 1e-5
    assert rates.superuniform_pvalue(too_large, steps) == 1


def test_attainable_levels():
    assert rates.attainable(0.05, 200) == 0.05
    assert rates.attainable(0.05, 35) == 1 / 35
    assert rates.attainable(0.01, 35) == 0


@pytest.mark.parametrize("task", level.tasks(Scope(0.05)), ids=lambda task: task.name)
def test_pvalues_of_continuous_data_have_the_steps_that_the_check_assumes(task):
    method = task.methods[0]
    one = runner.one(suite.chosen([task], [task.row_name(method)])[0], 0)
    steps = one[method] * level.steps(task)
    if task.problem.continuous:
        assert steps == pytest.approx(round(steps), abs=1e-6)


def test_hotelling_on_one_column_is_the_t_test():
    X, Y = Shift(1, 0.5)(8, 11, np.random.default_rng(0))
    expected = stats.ttest_ind(X[:, 0], Y[:, 0]).pvalue
    assert small.hotelling(X, Y) == pytest.approx(expected, rel=1e-10)


# --- rules ---------------------------------------------------------------------------------------


def test_the_components_are_those_of_the_test():
    X, Y = Mixture(0.5)(150, 150, np.random.default_rng(0))
    seed = np.random.SeedSequence(1)
    found = defaults.components_of(defaults.SETTINGS["with-laplacian"], X, Y, 99, seed)
    result = repdist.mmd_test(X, Y, n_resamples=99, rng=0)
    R = len(result.kernel.bandwidths)
    expected = result.components["mmd_squared"]
    np.testing.assert_allclose(found.values[:R, 0], expected, rtol=1e-9)
    assert len(found.values) - R in (4, 5)


@pytest.mark.parametrize("rule", defaults.ALL)
def test_a_rule_is_symmetric_in_the_relabelings(rule):
    """With each row in turn as the observed one, p-values are uniform: no row is special."""
    rng = np.random.default_rng(0)
    T = rng.normal(size=(3, 40))
    total = [
        defaults.Components(
            Statistics.of(np.roll(T, i, axis=1)), np.zeros(3), np.full(3, 1e6), 50
        ).pvalue(rule)
        for i in range(40)
    ]
    np.testing.assert_allclose(np.sort(total), np.arange(1, 41) / 40, atol=0.05 + 1e-9)
    assert all((np.array(total) <= a + 1e-9).mean() <= a + 1e-9 for a in total)


# --- pairs ---------------------------------------------------------------------------------------


def test_moments_of_pairs():
    X, Y = Pairs(0.6, shift=0.3, scale=1.2)(40_000, 40_000, np.random.default_rng(0))
    np.testing.assert_allclose(Y.mean(axis=0), 0.3, atol=0.03)
    np.testing.assert_allclose((X.std(), Y.std()), (1, 1.2), rtol=0.01)
    found = np.corrcoef(X.T, Y.T)[:5, 5:]
    np.testing.assert_allclose(found, 0.6 * np.eye(5), atol=0.02)


def test_turned_pairs_have_one_distribution_and_are_not_exchangeable():
    """A column of X goes with the next one of Y, and one of Y not with the next one of X."""
    X, Y = Pairs(0.6, turned=True)(40_000, 40_000, np.random.default_rng(0))
    found = np.corrcoef(X.T, Y.T)
    np.testing.assert_allclose(found[:5, 5:], 0.6 * np.roll(np.eye(5), 1, axis=1), atol=0.02)
    np.testing.assert_allclose(found[5:, 5:], np.eye(5), atol=0.02)
    np.testing.assert_allclose(Y.std(axis=0), 1, rtol=0.02)
    kinds = [Pairs(0.5), Pairs(0.5, turned=True), Pairs(0.5, shift=0.1), Pairs(0.5, scale=2)]
    assert [kind.exchangeable for kind in kinds] == [True, False, False, False]


@pytest.mark.parametrize("problem", [Pairs(0), Pairs(0.9, turned=True), Pairs(0.5, shift=0.15)])
def test_mmd_of_pairs_is_the_closed_form(problem):
    expected = rbf_on_gaussians(3.0, np.full(5, problem.shift), 5)
    assert problem.mmd_squared(3.0) == pytest.approx(expected, rel=1e-10, abs=1e-300)


def test_mmd_of_scaled_pairs_is_that_of_many():
    """Within 5 standard errors, which are a tenth of it."""
    problem = Pairs(0.9, shift=0.1, scale=1.3)
    X, Y = problem(1500, 1500, np.random.default_rng(0))
    found = repdist.mmd_test(
        X, Y, paired=True, kernel=repdist.kernels.RBF(3.0), n_resamples=1, rng=0
    )
    expected = problem.mmd_squared(3.0)
    assert abs(found.mmd_squared - expected) < 5 * found.standard_error < 0.5 * expected


def test_methods_for_pairs():
    problem = Pairs(0.9, shift=0.3)
    task = Task("paired", problem, 50, 50, paired.METHODS, 1, 1023)
    X, Y = problem(50, 50, np.random.default_rng(0))
    found = paired.pvalues(task, X, Y, np.random.SeedSequence(0))
    assert tuple(found) == paired.METHODS
    assert found["paired"] == 1 / 1024
    assert found["unpaired"] > 0.05
    assert found["interval"] == 1
    assert paired.pvalue(task, "interval", X, Y + 1, np.random.SeedSequence(0)) == 0


def test_what_is_told_of_pairs():
    pvalues = {
        "paired": np.arange(1, 101) / 100,
        "unpaired": np.ones(100),
        "interval": np.repeat([0.0, 1.0], [7, 93]),
    }

    def told(problem, method):
        task = Task("paired", problem, 50, 50, paired.METHODS, 100, 1023)
        return paired.extra(Measured(task, method, pvalues, 1))

    shifted = Pairs(0.5, shift=0.15)
    expected = {"truth": shifted.mmd_squared(paired.BANDWIDTH), "coverage": 0.93}
    assert told(shifted, "interval") == expected
    assert table.counted(pvalues["interval"])["rate"] == 0.07
    assert told(Pairs(0.5), "interval")["truth"] == 0
    assert told(Pairs(0.5), "paired")["attainable"] == pytest.approx(51 / 1024)
    for problem, method in (
        (shifted, "paired"),
        (Pairs(0.5, turned=True), "paired"),  # p is right in the limit alone
        (Pairs(0.5), "unpaired"),
    ):
        assert told(problem, method) == {}
    assert set(told(Pairs(0.5), "paired")) | set(expected) == set(paired.COLUMNS)


# --- shuffles beside swaps -----------------------------------------------------------------------


def test_shuffles_keep_sizes_and_frozen_units_and_begin_with_the_observed_labels():
    """From forms that are 1 where a unit is in the first sample."""
    units = Units(4, (5, 6), (3, 2))
    U = len(units.rows)
    S = np.zeros((U, U, U))
    S[range(U), range(U), range(U)] = 1
    found = relabelings.shuffled(S, Relabelings(units, 400), np.random.default_rng(0))
    labels = np.round(found.deviations + found.mean[:, None], 9)  # (U, relabelings)
    assert labels.shape == (U, 401)
    assert set(np.unique(labels)) == {0, 1}
    first = units.sample == 0
    np.testing.assert_array_equal(labels[:, 0], first)
    assert (labels.sum(axis=0) == 5 + 1).all()
    frozen = ~units.can_move
    assert (labels[frozen] == first[frozen, None]).all()
    rates = labels[units.can_move, 1:].mean(axis=1)
    np.testing.assert_allclose(rates, 5 / 11, atol=5 * np.sqrt(5 / 11 * 6 / 11 / 400))
    assert len(np.unique(labels, axis=1).T) > 250  # of C(11, 5) = 462


@pytest.mark.parametrize(("pairs", "expected"), [(100, (1, 14)), (12, (8, 11)), (2, (2**13, 1))])
def test_few_units_have_a_smaller_code_and_as_many_relabelings(pairs, expected):
    units = Units(1, (pairs, pairs), (0, 0))
    found = relabelings.WithSwaps(units, 9999, Swaps(1, 14)).swaps
    assert (found.shuffles, found.dimension) == expected
    assert found.total == 2**14


@pytest.mark.parametrize(("n", "m", "n_bins"), [(12, 20, "rows"), (150, 160, "auto"), (20, 300, 8)])
def test_all_kinds_of_relabelings_test_alike(n, m, n_bins):
    """Their p-values differ by less than 5 standard errors of some hundred relabelings."""
    task = Task("relabelings", Shift(2, 0.3), n, m, relabelings.METHODS, 1, 9999, n_bins)
    X, Y = task.problem(n, m, np.random.default_rng(2))
    found = relabelings.pvalues(task, X, Y, np.random.SeedSequence(0))
    assert tuple(found) == relabelings.METHODS
    assert all(0 < p <= 1 for p in found.values())
    p = found[relabelings.BASELINE]
    assert p * 10_000 == pytest.approx(round(p * 10_000))
    assert 0.02 < p < 0.8
    for method in relabelings.SWAPS:
        steps = found[method] * 2**14
        assert steps == pytest.approx(round(steps))
        assert abs(found[method] - p) < 5 * np.sqrt(p * (1 - p) / 400)


def test_what_swaps_gain_and_lose_beside_shuffles():
    task = Task("relabelings", Shift(2, 0.3), 50, 50, relabelings.METHODS, 6, 9999)
    pvalues = {
        relabelings.BASELINE: np.array([0.04, 0.04, 0.06, 0.005, 0.02, 0.0005]),
        "32 x 512": np.array([0.06, 0.05, 0.06, 0.02, 0.01, 0.001]),
    }
    ours = relabelings.extra(Measured(task, "32 x 512", pvalues, 1))
    assert (ours["rejections_01"], ours["rejections_001"]) == (2, 1)
    assert (ours["gained_05"], ours["lost_05"]) == (0, 1)
    assert (ours["gained_01"], ours["lost_01"]) == (1, 1)
    assert (ours["gained_001"], ours["lost_001"]) == (0, 0)
    assert [ours[f"paired_pvalue_{level}"] for level in relabelings.LEVELS] == [1, 1, 1]
    theirs = relabelings.extra(Measured(task, relabelings.BASELINE, pvalues, 1))
    assert theirs == {"rejections_01": 2, "rejections_001": 1}
    assert set(ours) == set(relabelings.COLUMNS)


# --- the runner ----------------------------------------------------------------------------------

TINY = [
    Task("level", Gaussian(2), 4, 4, ("max", "mean"), 30, 99, "auto", "tiny"),
    Task("small", Shift(2, 2.0), 5, 5, ("energy", "hotelling"), 30, 99, scheme="n5"),
]


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setattr(suite, "all_tasks", lambda *_: TINY)
    monkeypatch.setattr(suite.results, "commit", lambda: "1234567")


def run(folder, *arguments):
    code = suite.main([*arguments, "--share", "0.01", "--out", str(folder), "--jobs", "1"])
    rows = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="") as file:
            rows += csv.DictReader(file)
    return code, rows


@pytest.mark.usefixtures("tiny")
def test_a_run_writes_rows_and_goes_on(tmp_path, capsys):
    code, [row] = run(tmp_path, "level/*/max")
    assert code == 0
    assert list(row) == table.columns("level")
    assert (row["problem"], row["method"], row["n"]) == ("gaussian-2-tiny", "max", "4")
    assert float(row["attainable"]) == pytest.approx(1 / 35, rel=1e-3)
    assert float(row["low"]) <= float(row["rate"]) <= float(row["high"])
    assert row["commit"] == "1234567"

    _, rows = run(tmp_path)  # all: what is there of the first problem is not enough
    assert [table.key(r) for r in rows] == [t.row_name(m) for t in TINY for m in t.methods]
    assert {k: rows[0][k] for k in row if k not in ("date", "seconds")} == {
        k: row[k] for k in row if k not in ("date", "seconds")
    }
    assert (tmp_path / "small.png").stat().st_size > 0
    capsys.readouterr()
    _, again = run(tmp_path)
    assert again == rows
    assert "0 problems to do, 2 kept" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("panels", "lines_of"),
    [
        (figures.PUBLISHED_PANELS, figures.curves),
        (figures.DIMENSION_PANELS, lambda rows, f: figures.lines(rows, f, figures.OTHERS)),
        (figures.SMALL_PANELS, figures.sizes),
    ],
)
def test_names_in_figures_can_be_read_where_they_are_shown(panels, lines_of):
    """At least 9 pixels high where a page is 736 wide, dark enough, and none on another."""
    rows = list(table.load(suite.RESULTS).values())
    figure = figures.figure_of(panels, lambda family: lines_of(rows, family))
    figure.draw_without_rendering()
    assert len(figure.axes) == len(panels)
    for text in (t for t in figure.findobj(Text) if t.get_text() and t.get_visible()):
        assert text.get_fontsize() / 72 * 736 / figure.get_figwidth() >= 9
        assert np.mean(to_rgb(text.get_color())) <= 0.45
    for ax in figure.axes:
        boxes = [[Text.get_window_extent(t) for t in ts] for ts in (ax.texts, ax.get_xticklabels())]
        assert len(boxes[0]) >= 3
        for some in boxes:
            for a, b in itertools.combinations(some, 2):
                width = min(a.x1, b.x1) - max(a.x0, b.x0)
                height = min(a.y1, b.y1) - max(a.y0, b.y0)
                assert min(width, height) < 0


@pytest.mark.usefixtures("tiny")
def test_a_row_of_other_settings_is_measured_anew(monkeypatch, tmp_path, capsys):
    run(tmp_path, "level")
    monkeypatch.setattr(suite.results, "commit", lambda: "7654321")
    _, [row, _] = run(tmp_path, "level")
    assert row["commit"] == "7654321"
    assert "1 problems to do, 0 kept" in capsys.readouterr().out


def test_seeds_do_not_depend_on_processes_or_on_other_methods():
    found = []
    for jobs, tasks in ((1, TINY), (2, TINY[::-1]), (1, suite.chosen(TINY, ["*/mean", "small"]))):
        each = {}
        runner.run(
            tasks, jobs, lambda task, pvalues, _, each=each: each.update({task.study: pvalues})
        )
        found.append(each)
    for study, method in (("level", "mean"), ("small", "energy"), ("small", "hotelling")):
        first, *others = (each[study][method] for each in found)
        assert len(np.unique(first)) > 5
        for other in others:
            np.testing.assert_array_equal(first, other)


def test_a_wrong_name_is_refused(capsys):
    with pytest.raises(SystemExit):
        suite.main(["power/none", "--share", "0.01"])
    assert "no row is named 'power/none'" in capsys.readouterr().err


def test_rows_have_names_of_their_own():
    names = [t.row_name(m) for t in suite.all_tasks(Scope(0.05)) for m in t.methods]
    assert len(set(names)) == len(names)


# --- a shorter run beside the tables -------------------------------------------------------------


def recorded(folder, hits, repetitions, **other):
    """Write rows of a study with so many rejections each."""
    rows = [
        {
            "study": "small", "problem": f"p{i}", "method": "max", "n": 5, "m": 5, "d": 2,
            "n_bins": "auto", "n_resamples": 99, "pool": "", "repetitions": repetitions,
            "rejections": k, "rate": k / repetitions, "commit": folder.name, "date": "2026",
        }
        | other
        for i, k in enumerate(hits)
    ]  # fmt: skip
    results.save(folder / "small.csv", rows, table.columns("small"))


def test_a_shorter_run_is_compared_by_exact_tests(tmp_path, capsys):
    """A rate of .95 in place of .05 is another, .06 is not."""
    then, now = tmp_path / "then", tmp_path / "now"
    recorded(then, [100, 100, 1000], 2000)
    recorded(now, [12, 190, 100], 200)
    assert again.main([str(now), "--out", str(then)]) == 1
    [row] = results.load(then / "again.csv")
    assert (row["rows"], row["repetitions"], row["rejections"]) == ("3", "600", "302")
    assert (row["expected"], row["different"], row["row"]) == ("120", "1", "small/p1/max")
    pvalue = stats.fisher_exact([[100, 1900], [190, 10]]).pvalue
    assert float(row["least_pvalue"]) == pytest.approx(3 * pvalue, rel=1e-3)
    assert (row["commit_then"], row["commit"]) == ("then", "now")
    assert "others: 1; not compared: 0" in capsys.readouterr().out
    recorded(now, [12, 10, 100], 200)
    assert again.main([str(now), "--out", str(then)]) == 0


def test_a_run_of_two_commits_names_both():
    now = {name: {"commit": name[-1]} for name in ("small/b", "small/a", "level/c")}
    assert again.commits(now, ["small/b", "small/a", "small/a"]) == "a b"


def test_rows_of_other_settings_are_not_compared(tmp_path, capsys):
    then, now = tmp_path / "then", tmp_path / "now"
    recorded(then, [100], 2000)
    recorded(now, [200], 200, n_resamples=199)
    assert again.main([str(now), "--out", str(then)]) == 0
    [row] = results.load(then / "again.csv")
    assert (row["rows"], row["not_compared"]) == ("0", "1")
    with pytest.raises(SystemExit):
        again.main([str(tmp_path / "none"), "--out", str(then)])
    assert "no tables in" in capsys.readouterr().err


@pytest.mark.parametrize("share", ["0", "1.5", "nan"])
def test_a_share_that_is_none_is_refused(share, capsys):
    with pytest.raises(SystemExit):
        suite.main(["--share", share])
    assert "--share: must be above 0" in capsys.readouterr().err


def test_a_share_of_the_repetitions_is_rounded_up():
    assert [Scope(share).repetitions(200) for share in (1, 0.1, 0.013, 1e-9)] == [200, 20, 3, 1]
