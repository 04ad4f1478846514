"""How well a noise floor is known: ``python -m benchmarks.evidence.floors`` (under a minute).

The floor of one and the same set of rows varies with `rng`: its coefficient of variation over 20
seeds, in five settings. Beside it that of 20 sets of rows of one distribution, which holds what
rows vary as well (fours are drawn from 300).
"""

import sys
from collections.abc import Callable

import numpy as np

import repdist
from repdist import kernels

SEEDS = 20
Draw = Callable[[np.random.Generator], np.ndarray]


def digits(n: int) -> Draw:
    """Return what draws n images of fours, as the example network sees them."""
    fours = repdist.example_features()[0][4]
    return lambda rng: fours[rng.permutation(len(fours))[:n]]


def gaussian(n: int, d: int) -> Draw:
    """Return what draws independent Gaussian columns."""
    return lambda rng: rng.normal(size=(n, d))


def heavy_tails(n: int, d: int) -> Draw:
    """Return what draws independent columns of Student's t with two degrees of freedom."""
    return lambda rng: rng.standard_t(2, size=(n, d))


SETTINGS: dict[str, Draw] = {
    "20 fours, 64 features": digits(20),
    "150 fours, 64 features": digits(150),
    "100 x 2 Gaussian": gaussian(100, 2),
    "1000 x 64 Gaussian": gaussian(1000, 64),
    "2000 x 5 heavy tails": heavy_tails(2000, 5),
}


def main() -> int:
    """Measure, and print a table."""
    print(f"noise floor over {SEEDS} seeds: coefficient of variation")
    print(f"{'rows':24} {'of one set of rows':>20} {'of new rows':>12}")
    for name, draw in SETTINGS.items():
        several = [draw(np.random.default_rng([seed, 0])) for seed in range(SEEDS)]
        kernel = kernels.MultiRBF().fit(several[0])
        same = variation([floor(several[0], kernel, seed) for seed in range(SEEDS)])
        new = variation([floor(rows, kernel, seed) for seed, rows in enumerate(several)])
        print(f"{name:24} {same:20.4f} {new:12.4f}", flush=True)
    return 0


def floor(rows: np.ndarray, kernel: kernels.Kernel, seed: int) -> float:
    """Return the floor of the rows for two samples of their size."""
    groups = {"these": rows, "few of them": rows[:4]}
    rng = np.random.default_rng([seed, 1])
    table = repdist.pairwise_mmd_test(groups, kernel=kernel, n_resamples=99, rng=rng)
    return float(table.noise_floor.to_numpy()[0, 0])


def variation(values: list[float]) -> float:
    """Return the standard deviation over the mean."""
    return float(np.std(values, ddof=1) / np.mean(values))


if __name__ == "__main__":
    sys.exit(main())
