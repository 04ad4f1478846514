"""Published power, to compare with: rejection rates at level .05.

The mixture and the perturbed uniforms are from the results stored with the MMD-FUSE paper (Biggs,
Schrab, Gretton, NeurIPS 2023; antoninschrab/mmdfuse-paper): 200 repetitions, 2,000 permutations,
500 rows a sample. MNIST is from the MMDAgg paper (Schrab and others, JMLR 2023): 500 repetitions,
500 rows a sample.
"""

FUSE, AGG, MEDIAN = "fuse", "mmdagg", "median"

Rates = tuple[float, ...]

MIXTURE: Rates = (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.4, 1.6, 1.8, 2)
ONE: Rates = (0, 0.1, 0.2, 0.3, 0.4, 0.5)
TWO: Rates = (0, 0.2, 0.4, 0.6, 0.8, 1)
_DIGITS = ("Q1", "Q2", "Q3", "Q4", "Q5")

# What varies; repetitions; power by method.
TABLES: dict[str, tuple[tuple[float | str, ...], int, dict[str, Rates]]] = {
    "mixture": (MIXTURE, 200, {
        FUSE: (.995, .945, .51, .135, .065, .035, .105, .235, .635, .84, .905),
        AGG: (.995, .915, .46, .12, .09, .05, .105, .25, .675, .91, .945),
        MEDIAN: (.055, .05, .03, .035, .065, .035, .04, .04, .03, .035, .05),
    }),
    "perturbed-d1": (ONE, 200, {
        FUSE: (.045, .085, .18, .505, .825, .975),
        AGG: (.035, .08, .21, .605, .88, .985),
        MEDIAN: (.04, .06, .105, .29, .465, .675),
    }),
    "perturbed-d2": (TWO, 200, {
        FUSE: (.045, .055, .17, .485, .885, .995),
        AGG: (.045, .055, .145, .395, .83, .99),
        MEDIAN: (.05, .065, .065, .05, .06, .075),
    }),
    "mnist": (_DIGITS, 500, {AGG: (1, 1, .996, .89, .248)}),
}  # fmt: skip


def rates(problem: str) -> dict[str, float]:
    """Return the published power of each method on a problem, by its name, if there is any."""
    family, _, x = problem.rpartition("-")
    values, _, powers = TABLES.get(family, ((), 0, {}))
    names = [str(value) for value in values]
    return {method: power[names.index(x)] for method, power in powers.items() if x in names}


def repetitions(problem: str) -> int:
    """Return how many repetitions the published rates of a problem are of."""
    return TABLES[problem.rpartition("-")[0]][1]
