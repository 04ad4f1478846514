"""A test through landmarks in a few lines of NumPy, whose landmarks may depend on the labels.

It shows what a wrong rule does: all rules below have the same bins, kernel and relabelings. Only
the first two do not look at which sample a row comes from.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.evidence.stratified import pooled_mmd_squared
from repdist import kernels

ROWS = 4  # of a bin
N_RESAMPLES = 255
BANDWIDTH = 0.5
LEAST = 1e-6  # eigenvalue, of the largest


@dataclass(frozen=True)
class Draw:
    """What a rule sees: the rows Z (N, d) of both samples, the first n of X, and how many to take.

    X and Y each stand in a random order.
    """

    Z: np.ndarray
    n: int
    count: int
    rng: np.random.Generator


Rule = Callable[[Draw], np.ndarray]


def pooled(of: Draw) -> np.ndarray:
    """Draw from all rows."""
    return of.rng.choice(len(of.Z), of.count, replace=False)


def spread(of: Draw) -> np.ndarray:
    """Draw far from those that are drawn, from a random start (k-means++)."""
    chosen = [int(of.rng.integers(len(of.Z)))]
    nearest = squared(of.Z, chosen[0])
    while len(chosen) < of.count:
        chosen.append(int(of.rng.choice(len(of.Z), p=nearest / nearest.sum())))
        nearest = np.minimum(nearest, squared(of.Z, chosen[-1]))
    return np.array(chosen)


def half_each(of: Draw) -> np.ndarray:
    """Draw half from each sample."""
    half = of.count // 2
    first = of.rng.choice(of.n, half, replace=False)
    second = of.n + of.rng.choice(len(of.Z) - of.n, of.count - half, replace=False)
    return np.concatenate([first, second])


def of_one(of: Draw) -> np.ndarray:
    """Draw from the first sample alone."""
    return of.rng.choice(of.n, of.count, replace=False)


def farthest(of: Draw) -> np.ndarray:
    """Take the row that is farthest from those taken, beginning with the first row of X."""
    chosen = [0]
    nearest = squared(of.Z, 0)
    while len(chosen) < of.count:
        chosen.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, squared(of.Z, chosen[-1]))
    return np.array(chosen)


RULES: dict[str, Rule] = {
    "pooled": pooled,
    "spread": spread,
    "half-each": half_each,
    "of-one": of_one,
    "farthest": farthest,
}
BLIND = ("pooled", "spread")  # to the labels


def squared(Z: np.ndarray, i: int) -> np.ndarray:
    """Return the squared distances (N,) of rows to row i."""
    return np.asarray(np.square(Z - Z[i]).sum(axis=1))


def pvalue(
    X: np.ndarray, Y: np.ndarray, rule: Rule, n_landmarks: int, rng: np.random.Generator
) -> float:
    """Return the p-value of MMD^2 of mean features of bins, with landmarks by the rule.

    The numbers of rows must be multiples of `ROWS`.
    """
    Z = np.concatenate([rng.permutation(X), rng.permutation(Y)])
    landmarks = Z[rule(Draw(Z, len(X), n_landmarks, rng))]
    S = products_of_bins(Z, landmarks)
    of_x = len(X) // ROWS
    labels = np.tile(np.repeat([1.0, 0.0], [of_x, len(S) - of_x]), (N_RESAMPLES + 1, 1))
    labels[1:] = rng.permuted(labels[1:], axis=1)
    T = pooled_mmd_squared(S, labels)
    return float((T[0] - 1e-12 <= T).mean())


def products_of_bins(Z: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Return the products of the mean features of bins (U, U), of a bin with itself 0.

    Features of rows have as their products the kernel projected on the landmarks.
    """
    kernel = kernels.RBF(BANDWIDTH)
    w, V = np.linalg.eigh(kernel(landmarks, landmarks))
    kept = w > LEAST * w[-1]
    features = kernel(Z, landmarks) @ (V[:, kept] / np.sqrt(w[kept]))
    means = features.reshape(-1, ROWS, features.shape[1]).mean(axis=1)
    S = means @ means.T
    np.fill_diagonal(S, 0)
    return np.asarray(S)
