"""The numbers of the post that the case study goes back to, as it computed them, and why."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import repdist
from repdist.kernels import MultiRBF

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.floating]

SIZES = (1, 2, 10, 50, 150)  # rows a side in the tables; the post shows 1 and 10, its code has 2
START = 1  # the first row that the post takes
FACTORS = (0.25, 0.5, 1.0, 2.0, 4.0)  # of the five kernels, on the mean squared distance
CURVE_SIZES = (1, 2, 3, 5, 10, 20, 50, 100, 150)
N_WINDOWS = 20  # random windows behind each point of the curve


def mmd_rbf(X: Floats, Y: Floats) -> float:
    """Compute what the function of that name computes: five Gaussian kernels, summed, biased.

    The range is 0 to 10, on a squared scale. The bandwidths follow from the mean squared distance
    of the rows given, so that each call has its own ruler.

    Parameters
    ----------
    X, Y : ndarray, shape (n, d) and (m, d)
    """
    return float(repdist.mmd_squared(X, Y, kernel=MultiRBF.like_mmd_rbf(), estimator="biased"))


def normalize(features: Floats) -> Floats:
    """Shift and scale the whole array as the post's `Normalize` most likely does."""
    return np.asarray((features - features.mean()) / (features.max() - features.min()))


def windows(features: Floats, x: int) -> tuple[Floats, Floats]:
    """Cut the rows that the post compares: `x` of each class, and the `x` after them.

    It starts at row 1; where a class is too short for that, at row 0.

    Parameters
    ----------
    features : ndarray, shape (classes, n, d)
    x : int
        At most ``n // 2``.

    Returns
    -------
    first, second : ndarray, shape (classes, x, d)
    """
    n = features.shape[1]
    if not 1 <= x <= n // 2:
        raise ValueError(f"`x` must be 1 to {n // 2}, half the rows of a class; got {x}.")
    start = START if START + 2 * x <= n else 0
    return features[:, start : start + x], features[:, start + x : start + 2 * x]


def post_table(features: Floats, names: list[str], x: int) -> "pd.DataFrame":
    """Compute the post's table for windows of `x` rows; row i, column j is ``mmd_rbf(A_i, B_j)``.

    It is not symmetric, for cell (j, i) takes other rows than (i, j), and its diagonal compares
    two halves of one class.
    """
    import pandas as pd

    first, second = windows(features, x)
    values = [[mmd_rbf(X, Y) for Y in second] for X in first]
    return pd.DataFrame(values, index=names, columns=names)


def post_pvalues(features: Floats, names: list[str], x: int) -> "pd.DataFrame":
    """Compute the exact permutation p-values of the post's cells, all relabelings used."""
    import pandas as pd

    first, second = windows(features, x)
    values = [
        [
            repdist.mmd_test(
                X, Y, kernel=MultiRBF.like_mmd_rbf(), estimator="biased", combine="mean",
                n_resamples=999, rng=0,
            ).pvalue
            for Y in second
        ]
        for X in first
    ]  # fmt: skip
    return pd.DataFrame(values, index=names, columns=names)


def mean_squared_distances(features: Floats, names: list[str], x: int) -> "pd.DataFrame":
    """Compute the ruler of each cell: the mean squared distance of its pooled rows."""
    import pandas as pd

    first, second = windows(features, x)
    values = [[_mean_squared_distance(np.concatenate([X, Y])) for Y in second] for X in first]
    return pd.DataFrame(values, index=names, columns=names)


def value_of_one_against_one() -> float:
    """Return the constant 6.1863 that every cell shows at one row against one.

    With two rows the mean squared distance is the squared distance itself, so every kernel sees
    the same ratio whatever the data.
    """
    return 2 * (len(FACTORS) - _kernel_sum(1.0))


def floor_of_one_class(n: Floats | int) -> Floats:
    """Return what two samples of `n` rows of one class show: 6.1863 / n.

    The diagonal of the kernel matrix is kept, and in many dimensions all other distances are about
    the mean one.
    """
    return 2 / np.asarray(n, dtype=np.float64) * (len(FACTORS) - _kernel_sum(1.0))


def saturation() -> float:
    """Return 7.743, to which the value of two classes that are points tends with many rows.

    The mean squared distance tends to half of that between the classes. Samples of equal size
    cannot show more.
    """
    return 2 * (len(FACTORS) - _kernel_sum(2.0))


def curve(features: Floats, rng: np.random.Generator) -> "pd.DataFrame":
    """Compute the post's value against the number of rows, for the same and for other classes.

    Returns
    -------
    DataFrame
        One row for each size: `n`; mean, 5 % and 95 % quantile over random windows of `mmd_rbf`
        for the same class (`same`, `same_low`, `same_high`) and for two classes (`other`, ...);
        the same for the unbiased estimate of the same sum of kernels (`same_unbiased`, ...), NaN
        at one row; and `floor`, the theory.
    """
    import pandas as pd

    rows = []
    for n in CURVE_SIZES:
        row: dict[str, float] = {"n": n, "floor": float(floor_of_one_class(n))}
        draws: dict[str, list[float]] = {name: [] for name in _CURVES}
        for _ in range(N_WINDOWS):
            i, j = rng.choice(len(features), size=2, replace=False)
            chosen = rng.permutation(features.shape[1])[: 2 * n]
            X, Y = features[i, chosen[:n]], features[i, chosen[n:]]
            Z = features[j, chosen[n:]]
            draws["same"].append(mmd_rbf(X, Y))
            draws["other"].append(mmd_rbf(X, Z))
            draws["same_unbiased"].append(_unbiased(X, Y))
            draws["other_unbiased"].append(_unbiased(X, Z))
        for name, values in draws.items():
            row[name] = float(np.mean(values))
            row[f"{name}_low"], row[f"{name}_high"] = np.quantile(values, [0.05, 0.95])
        rows.append(row)
    return pd.DataFrame(rows)


_CURVES = ("same", "other", "same_unbiased", "other_unbiased")


def _unbiased(X: Floats, Y: Floats) -> float:
    if len(X) < 2:
        return math.nan
    return float(repdist.mmd_squared(X, Y, kernel=MultiRBF.like_mmd_rbf()))


def _kernel_sum(ratio: float) -> float:
    """Sum the five kernels at a squared distance of `ratio` times the mean one."""
    return sum(math.exp(-ratio / factor) for factor in FACTORS)


def _mean_squared_distance(Z: Floats) -> float:
    """Average the squared distances of different rows, from their spread about the mean."""
    spread = Z.astype(np.float64) - Z.mean(axis=0, dtype=np.float64)
    return float(2 * len(Z) * (spread**2).sum() / (len(Z) * (len(Z) - 1)))
