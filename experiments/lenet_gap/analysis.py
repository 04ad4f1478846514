"""What can be read from features beside the table: how many images, which images, which errors."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import repdist

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.floating]

SIZES = (2, 3, 4, 5, 6, 8, 10, 20, 50, 100)  # images of each class
N_SUBSAMPLES = 20
N_RESAMPLES = 1023
LEVEL = 0.05  # at which classes are said to differ
SHARE = 0.9  # of the subsamples that must tell the classes apart


def images_needed(features: Floats, names: list[str], rng: np.random.Generator) -> "pd.DataFrame":
    """Find how many images a class tell each pair apart.

    The least of ten sizes, 2 to 100 images a class, at which 18 of 20 random subsamples have
    p <= .05 with 1,023 relabelings. With 2 or 3 images there are 6 or 20 relabelings, of which two
    give the same value, so that p cannot be below 1/3 or 1/10.

    Parameters
    ----------
    features : ndarray, shape (k, n, d)
    names : list of str
    rng : Generator

    Returns
    -------
    DataFrame
        One row a pair: `first`, `second`, `images_needed` (0 where 100 are not enough), and the
        share of subsamples with p <= .05 at each size tried (`share_5`, ...; NaN beyond).
    """
    import pandas as pd

    rows = []
    k = len(features)
    streams = iter(rng.spawn(k * (k - 1) // 2))  # one a pair: none depends on where others stop
    for i in range(k):
        for j in range(i + 1, k):
            stream = next(streams)
            row: dict[str, object] = {"first": names[i], "second": names[j], "images_needed": 0}
            for n in SIZES:
                share = _share_told_apart(features[i], features[j], n, stream)
                row[f"share_{n}"] = share
                if share >= SHARE:
                    row["images_needed"] = n
                    break
            rows.append(row)
    columns = ["first", "second", "images_needed", *(f"share_{n}" for n in SIZES)]
    return pd.DataFrame(rows, columns=columns)


def nearest(table: "pd.DataFrame") -> list[int]:
    """Return the position of the nearest other group for each group of a table of distances."""
    distances = table.to_numpy(copy=True)
    np.fill_diagonal(distances, np.inf)
    return [int(place) for place in distances.argmin(axis=1)]


def confusion(
    labels: NDArray[np.integer], predicted: NDArray[np.integer], k: int
) -> NDArray[np.int64]:
    """Count for each class (rows) what it was taken for (columns).

    Parameters
    ----------
    labels, predicted : ndarray of int, shape (n,)
        0 to ``k - 1``.
    k : int

    Returns
    -------
    ndarray of int, shape (k, k)
    """
    counts = np.zeros((k, k), np.int64)
    np.add.at(counts, (labels, predicted), 1)
    return counts


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's correlation of distances and confusions over the pairs of classes.

    Attributes
    ----------
    value : float
    pvalue : float
        Two-sided, from relabelings of the classes of one of the two tables (Mantel 1967). Pairs
        that share a class are not independent; under the null hypothesis the classes of one table
        are exchangeable.
    """

    value: float
    pvalue: float


def rank_correlation(
    distances: Floats,
    counts: NDArray[np.integer],
    rng: np.random.Generator,
    n_resamples: int = 9999,
) -> RankCorrelation:
    """Correlate the ranks of the distances with those of the confusions, both ways added.

    Parameters
    ----------
    distances : ndarray, shape (k, k)
        Symmetric.
    counts : ndarray of int, shape (k, k)
        As `confusion` gives them; the diagonal does not matter.
    rng : Generator
    n_resamples : int, default 9999
        Random relabelings of the classes.

    Returns
    -------
    RankCorrelation
    """
    from scipy.stats import rankdata

    k = len(distances)
    upper = np.triu_indices(k, 1)
    ranks = np.zeros((k, k))
    ranks[upper] = rankdata((counts + counts.T)[upper])
    ranks += ranks.T
    wanted = _standardised(rankdata(distances[upper]))
    orders = np.vstack([np.arange(k), *(rng.permutation(k) for _ in range(n_resamples))])
    values = np.array(
        [_standardised(ranks[np.ix_(order, order)][upper]) @ wanted for order in orders]
    )
    extreme = np.abs(values) >= abs(values[0]) - 1e-12
    return RankCorrelation(float(values[0]), float(extreme.mean()))


def accuracy_interval(n_right: int, n: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a proportion (Clopper and Pearson)."""
    from scipy.stats import binomtest

    found = binomtest(n_right, n).proportion_ci(method="exact")
    return float(found.low), float(found.high)


def _share_told_apart(X: Floats, Y: Floats, n: int, rng: np.random.Generator) -> float:
    told = 0
    for _ in range(N_SUBSAMPLES):
        rows = rng.choice(len(X), size=n, replace=False), rng.choice(len(Y), size=n, replace=False)
        result = repdist.mmd_test(X[rows[0]], Y[rows[1]], n_resamples=N_RESAMPLES, rng=rng)
        told += result.pvalue <= LEVEL
    return told / N_SUBSAMPLES


def _standardised(values: Floats) -> Floats:
    """Shift and scale values to mean 0 and length 1; zeros if they are all the same."""
    centred = values - values.mean()
    length = np.linalg.norm(centred)
    return np.asarray(centred / length) if length > 0 else centred
