"""The online detectors of alibi-detect, done again here: a score after every row.

Formulas of `MMDDriftOnline` and `LSDDDriftOnline` of alibi-detect 0.13, with their defaults. Only
the thresholds are not theirs, which are found by bootstraps for a run of so many *rows* and would
need ten times as many bootstraps as rows. What is given here is the largest score of each batch,
for a level that is found as for the other methods.
"""

import math

import numpy as np

WINDOW = 256  # rows: as many as a batch here has
_LAMBDAS = 4.0 ** -np.arange(10)
_MOST_LOST = 0.2  # of LSDD by regularisation
_SPLITS = 100  # of the reference, of which the mean loss is taken


class OnlineMMD:
    """The unbiased MMD^2 of a sliding window and the reference, at the median bandwidth."""

    def __init__(self, rows: np.ndarray, rng: np.random.Generator, window: int = WINDOW) -> None:
        distances = squared_distances(rows, rows)
        self._scale = median_scale(distances)
        order = rng.permutation(len(rows))
        kept = order[: len(rows) - (2 * window - 1)]
        self._reference, self._tail = rows[kept], rows[order[-window:]]
        K = np.exp(-distances[np.ix_(kept, kept)] / self._scale)
        self._own = (K.sum() - len(kept)) / (len(kept) * (len(kept) - 1))
        self._across = self._to_reference(self._tail)
        self.pvalue = math.nan

    def __call__(self, batch: np.ndarray) -> float:
        """Return the largest score after the rows of a batch."""
        return float(self.scores(batch).max())

    def scores(self, batch: np.ndarray) -> np.ndarray:
        """Return the score after each row."""
        W = len(self._tail)
        Z = np.concatenate([self._tail, batch])
        across = np.concatenate([self._across, self._to_reference(batch)])
        K = np.exp(-squared_distances(Z, Z) / self._scale)
        np.fill_diagonal(K, 0)
        corner = np.zeros((len(Z) + 1, len(Z) + 1))
        corner[1:, 1:] = K.cumsum(axis=0).cumsum(axis=1)
        stop = np.arange(W + 1, len(Z) + 1)
        begin = stop - W
        within = corner[stop, stop] - 2 * corner[begin, stop] + corner[begin, begin]
        self._tail, self._across = Z[-W:], across[-W:]
        return np.asarray(self._own + within / (W * (W - 1)) - 2 * sliding_sums(across, W)[1:] / W)

    def _to_reference(self, rows: np.ndarray) -> np.ndarray:
        """Return the mean kernel value of each row to the reference."""
        K = np.exp(-squared_distances(rows, self._reference) / self._scale)
        return np.asarray(K.mean(axis=1))


class OnlineLSDD:
    """The least-squares distance of the densities of a sliding window and the reference."""

    def __init__(self, rows: np.ndarray, rng: np.random.Generator, window: int = WINDOW) -> None:
        self._mean, self._sd = rows.mean(axis=0), rows.std(axis=0, ddof=1) + 1e-12
        rows = (rows - self._mean) / self._sd
        self._scale = median_scale(squared_distances(rows, rows))
        order = rng.permutation(len(rows))
        self._centres, others = rows[order[: 2 * window]], rows[order[2 * window :]]
        seen = self._see(others)
        kept = len(others) - (2 * window - 1)
        H = np.exp(-squared_distances(self._centres, self._centres) / (2 * self._scale))
        splits = [rng.permutation(len(others)) for _ in range(_SPLITS)]
        h = [seen[s[:kept]].mean(axis=0) - seen[s[kept : kept + window]].mean(axis=0)
             for s in splits]  # fmt: skip
        self._form = regularised(H, np.stack(h))
        split = rng.permutation(len(others))
        self._reference = seen[split[:kept]].mean(axis=0)
        self._tail = seen[split[-window:]]
        self.pvalue = math.nan

    def __call__(self, batch: np.ndarray) -> float:
        """Return the largest score after the rows of a batch."""
        return float(self.scores(batch).max())

    def scores(self, batch: np.ndarray) -> np.ndarray:
        """Return the score after each row."""
        W = len(self._tail)
        seen = np.concatenate([self._tail, self._see((batch - self._mean) / self._sd)])
        h = self._reference - sliding_sums(seen, W)[1:] / W  # (rows, centres)
        self._tail = seen[-W:]
        return np.asarray(((h @ self._form) * h).sum(axis=1))

    def _see(self, rows: np.ndarray) -> np.ndarray:
        return np.asarray(np.exp(-squared_distances(rows, self._centres) / self._scale))


def regularised(H: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Return the quadratic form of LSDD under the largest lambda that loses a fifth at most."""
    for each in _LAMBDAS:
        inverse = np.linalg.inv(H + each * np.eye(len(H)))
        omega = h @ inverse
        lost = 1 - ((omega @ H) * omega).sum(axis=1) / (omega * h).sum(axis=1)
        if lost.mean() < _MOST_LOST:
            break
    return np.asarray(2 * inverse - inverse.T @ H @ inverse)


def sliding_sums(values: np.ndarray, window: int) -> np.ndarray:
    """Return the sums of each `window` values that follow each other."""
    sums = np.cumsum(values, axis=0)
    first = np.zeros_like(sums[:1])
    return np.asarray(sums[window - 1 :] - np.concatenate([first, sums[:-window]]))


def squared_distances(X: np.ndarray, Y: np.ndarray) -> np.ndarray:
    """Return those of all pairs of rows."""
    found = np.square(X).sum(axis=1)[:, None] + np.square(Y).sum(axis=1) - 2 * X @ Y.T
    return np.asarray(np.maximum(found, 0))


def median_scale(distances: np.ndarray) -> float:
    """Return twice the squared bandwidth: the median of the squared distances of two rows."""
    n = len(distances)
    place = n + (n * n - n) // 2 - 1
    return float(np.partition(distances, place, axis=None)[place])
