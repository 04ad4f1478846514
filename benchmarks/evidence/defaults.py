"""Are the defaults the best? Other bandwidths, bins and rules on the harder problems, paired.

All settings see the same samples. The private parts of repdist are imported here and in
`relabelings`: the statistics T (R, B) of the components are made once for a setting, and
several rules are applied to them, some of which the library does not have.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from benchmarks.evidence import power
from benchmarks.evidence.problems import Mixture, PerturbedUniform, PooledDigits, Problem
from benchmarks.evidence.tasks import LEVEL, Bins, Combine, Measured, Scope, Task
from repdist import kernels
from repdist._blocks import join
from repdist._designs.relabelings import Relabelings
from repdist._designs.units import row_order, two_sample_units
from repdist._inference import two_samples
from repdist._inference.combine import Combination, Null, Statistics
from repdist._pass.sums import kernel_blocks
from repdist._threads import Workers, one_blas_thread
from repdist.kernels._bandwidths import grid, positive_distances
from repdist.kernels._plan import plan

NAME = "defaults"
COLUMNS = ("gained", "lost", "paired_pvalue")

SECONDS = 0.5
N = 500
N_RESAMPLES = 499
BASELINE = "grid-10-max"


@dataclass(frozen=True)
class Setting:
    """Kernels, bins, and the rules that are tried with them."""

    kernel: kernels.MultiRBF
    n_bins: Bins = "auto"
    laplacians: int = 0  # beside the kernel's components
    rules: tuple[str, ...] = ("max", "fuse")


GRID, ALL = (
    kernels.MultiRBF(),
    (
        "max",
        "components",
        "less-skewness",
        "fuse",
        "fuse-n",
        "mean",
        "score-mean",
        "min-p",
        "mahalanobis",
    ),
)
SETTINGS = {
    "grid-10": Setting(GRID, rules=ALL),
    "grid-5": Setting(kernels.MultiRBF(size=5)),
    "grid-20": Setting(kernels.MultiRBF(size=20)),
    "median-10": Setting(kernels.MultiRBF("median")),
    "bins-16": Setting(GRID, 16),
    "bins-32": Setting(GRID, 32),
    "bins-128": Setting(GRID, 128),
    "with-laplacian": Setting(GRID, laplacians=5, rules=ALL),
}
METHODS = tuple(f"{name}-{rule}" for name, setting in SETTINGS.items() for rule in setting.rules)


def tasks(scope: Scope) -> list[Task]:
    """Return the whole study."""
    return [
        Task(NAME, problem, N, N, METHODS, scope.repetitions(200), N_RESAMPLES)
        for problem in problems(scope.mnist)
    ]


def problems(mnist: str | None) -> list[Problem]:
    """Return the problems at which power is neither 0 nor 1."""
    return [
        *(Mixture(sd) for sd in (0.6, 0.7, 1.4, 1.6, 1.8)),
        *(PerturbedUniform(1, amplitude) for amplitude in (0.2, 0.3)),
        *(PerturbedUniform(2, amplitude) for amplitude in (0.4, 0.6)),
        *(PooledDigits(digits, mnist) for digits in ("Q4", "Q5")),
        *(power.one_column(d) for d in (1, 2, 5, 50, 200)),
        *(power.scale(d) for d in (2, 50, 200)),
    ]


def pvalues(
    task: Task, X: np.ndarray, Y: np.ndarray, seed: np.random.SeedSequence
) -> dict[str, float]:
    """Test by every setting and rule of the task."""
    found: dict[str, float] = {}
    for name, setting in SETTINGS.items():
        rules = [rule for rule in setting.rules if f"{name}-{rule}" in task.methods]
        if rules:
            parts = components_of(setting, X, Y, task.n_resamples, seed)
            found |= {f"{name}-{rule}": parts.pvalue(rule) for rule in rules}
    return found


def extra(found: Measured) -> dict[str, Any]:
    """Return how many samples this one rejects and the default does not, and the reverse.

    With the two-sided p-value of McNemar's exact test, not corrected for the number of rows.
    """
    pvalues = found.pvalues
    if found.method == BASELINE or BASELINE not in pvalues:
        return {}
    ours, default = pvalues[found.method] <= LEVEL, pvalues[BASELINE] <= LEVEL
    gained, lost = int((ours & ~default).sum()), int((default & ~ours).sum())
    chance = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return {"gained": gained, "lost": lost, "paired_pvalue": float(chance)}


# --- statistics, and rules on them ---------------------------------------------------------------


@dataclass(frozen=True)
class Components:
    """The statistics of relabelings, the observed one first, and what rules need beside them."""

    statistics: Statistics
    tolerance: np.ndarray  # (R,)
    squares: np.ndarray  # (R,)
    n: int

    def pvalue(self, rule: str) -> float:
        """Combine the components by a rule, and count."""
        if rule in RULES:
            combined = RULES[rule](self)
            return float((combined >= combined[0] - 1e-12 * abs(combined[0])).mean())
        weights = np.full(len(self.values), 1 / len(self.values))
        how = Combination(OF_LIBRARY[rule], weights, self.squares, self.n)
        return Null(self.statistics, self.tolerance, how).pvalue

    @property
    def values(self) -> np.ndarray:
        """MMD^2 of each component, (R, B)."""
        return self.statistics.deviations + self.statistics.mean[:, None]

    @property
    def z(self) -> np.ndarray:
        """Standardised over all relabelings, the observed one included, for an exact level."""
        return standardised(self.statistics.deviations)


def components_of(
    setting: Setting, X: np.ndarray, Y: np.ndarray, n_resamples: int, seed: np.random.SeedSequence
) -> Components:
    """Compute the components' statistics as `mmd_test` does, X being the smaller sample."""
    rng, n, m = np.random.default_rng(seed), len(X), len(Y)
    Z = np.concatenate([X[row_order(n, rng)], Y[row_order(m, rng)]])
    units = two_sample_units(n, m, setting.n_bins)
    drawn, labels = Relabelings(units, n_resamples), rng.integers(2**63)  # for every kernel
    parts = []
    for kernel in kernels_of(setting, Z):
        with one_blas_thread:
            blocks = kernel_blocks(plan(kernel), Z, units.layout, Workers(1, False), squares=True)
            sums = join(*blocks)
            S = two_samples.quadratic_form(sums, units, "unbiased")
            forms = two_samples.forms(drawn, np.random.default_rng(labels))
            found = two_samples.statistics(S, drawn, forms)
        parts.append(
            (
                found.deviations,
                found.mean,
                two_samples.tolerance(sums, units, "unbiased"),
                sums.squares,
            )
        )
    D, mean, tolerance, squares = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Components(Statistics(D, mean), tolerance, squares, n)


def kernels_of(setting: Setting, Z: np.ndarray) -> list[kernels.Kernel]:
    """Fit the kernel, and a grid of Laplacians to the L1 distances as that of `MultiRBF` is."""
    found: list[kernels.Kernel] = [setting.kernel.fit(Z)]
    if setting.laplacians:
        bandwidths = grid(positive_distances(Z, "cityblock"), setting.laplacians)
        found += [kernels.Laplacian(bandwidth) for bandwidth in bandwidths]
    return found


def standardised(values: np.ndarray) -> np.ndarray:
    """Return values (..., B) less their mean and over their standard deviation."""
    less = values - values.mean(axis=-1, keepdims=True)
    return np.asarray(less / less.std(axis=-1, keepdims=True))


def normal_scores(z: np.ndarray) -> np.ndarray:
    """Return z (..., B) corrected for the skewness of its null, as the library does."""
    g = np.clip((z**3).mean(axis=-1, keepdims=True), 1e-4, np.sqrt(8))
    return np.asarray((6 / g) * (np.cbrt(np.maximum(g * z / 2 + 1, 0)) - 1) + g / 6)


def components(c: Components) -> np.ndarray:
    """Return the largest normal score of the components, without that of all together."""
    return np.asarray(normal_scores(c.z).max(axis=0))


def less_skewness(c: Components) -> np.ndarray:
    """Return the largest normal score less a quarter of its component's skewness over relabelings.

    Wide bandwidths have skewed nulls, so that narrow ones count for more, as they do in FUSE; with
    the length of all together as in ``"max"``.
    """
    skewness = (c.z**3).mean(axis=1, keepdims=True)
    scores = (normal_scores(c.z) - skewness / 4).max(axis=0)
    larger = np.maximum(scores, normal_scores(standardised(lengths(c.z, 1e-4))))
    return np.asarray(np.where(c.z.max(axis=0) + c.z.min(axis=0) > 0, larger, scores))


def fuse_n(c: Components) -> np.ndarray:
    """Return the soft maximum of FUSE with exponents n (n - 1) instead of their power 1.5."""
    return np.asarray(
        special.logsumexp(c.values * (c.n * (c.n - 1)) / np.sqrt(c.squares)[:, None], axis=0)
    )


def score_mean(c: Components) -> np.ndarray:
    """Return the mean of the standardised components."""
    return np.asarray(c.z.mean(axis=0))


def min_p(c: Components) -> np.ndarray:
    """Return the least p-value of the components, each taken among the same relabelings."""
    ranks = stats.rankdata(-c.values, method="max", axis=1)  # 1 for the largest
    return -np.asarray(ranks.min(axis=0))


def mahalanobis(c: Components) -> np.ndarray:
    """Return z' (C + ridge)^-1 z, with C the correlations over relabelings.

    After A. Chatterjee and B. B. Bhattacharya, "Boosting the power of kernel two-sample tests",
    arXiv 2302.10687, 2023. A ridge is needed: neighbouring bandwidths are all but collinear.
    """
    return lengths(c.z, RIDGE)


def lengths(z: np.ndarray, ridge: float) -> np.ndarray:
    """Return the squared Mahalanobis length of each relabeling's components, (B,)."""
    C = z @ z.T / z.shape[1] + ridge * np.eye(len(z))  # (R, R)
    return np.asarray(np.einsum("rb,rb->b", z, np.linalg.solve(C, z)))


RIDGE = 1e-3
OF_LIBRARY: dict[str, Combine] = {"max": "max", "mean": "mean", "fuse": "fuse"}
RULES: dict[str, Callable[[Components], np.ndarray]] = {
    "components": components,
    "less-skewness": less_skewness,
    "fuse-n": fuse_n,
    "score-mean": score_mean,
    "min-p": min_p,
    "mahalanobis": mahalanobis,
}
