"""Regions of rows: k-means on a draw of them, then each row to the nearest centre.

The draw stands in random order and nothing else is looked at, so no label has a say in the regions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._pass.landmarks import far_apart
from repdist._typing import Array, Float64

_STARTS, _ITERATIONS = 4, 25
_TRIED = 2048  # rows from which the best start is found
_ROUNDING = 1e-12  # of the size of a product: centres that are as near to a row but for it
_POINTS = 2000  # rows on the map
_SMALL, _SUBSPACE, _STEPS = 200, 12, 20  # of matrices whose eigenvectors are not all computed

Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Plane:
    """Some rows and all centres in the plane of the first two principal components.

    Attributes
    ----------
    points : (p, 2)
    region : (p,)
        Of each of these rows.
    centres : (k, 2)
    explained : float
        The share of the variance of the rows that the plane holds.
    """

    points: Float64
    region: Numbers
    centres: Float64
    explained: float


@dataclass(frozen=True)
class Regions:
    """Rows of several samples in k regions, numbered from 0, those of most rows first.

    Attributes
    ----------
    centres : (k, d)
    region : tuple of (n_g,)
        Of the rows of each sample.
    distance : tuple of (n_g,)
        To the centre of the region.
    plane : Plane
    """

    centres: Float64
    region: tuple[Numbers, ...]
    distance: tuple[Float64, ...]
    plane: Plane


@dataclass(frozen=True)
class _Ruler:
    """What takes rows into the cloud around 0, of size 1, in which centres are found."""

    shift: Float64
    scale: float

    @classmethod
    def of(cls, rows: Float64) -> "_Ruler":
        shift = _arrays.column_medians(rows)
        return cls(shift, float(np.abs(rows - shift).max()) or 1.0)

    def measured(self, rows: Any) -> Float64:
        found = np.array(rows, dtype=np.float64)
        found -= self.shift
        found /= self.scale
        return found


def regions(
    pilot: Array, samples: Sequence[Array], count: int, rng: np.random.Generator
) -> Regions:
    """Cut samples into at most `count` regions.

    There are fewer if the pilot has fewer different rows, or no row is nearest to a centre. The
    pilot must be all rows, or a uniform draw of them. It is put in the order of its values, then
    shuffled: the regions are a function of its rows without their order or labels, and of `rng`.

    ``O((n + m) k d)`` time, memory for the pilot in float64 and some blocks of rows.
    """
    rows = _in_order(_arrays.to_numpy(pilot))[rng.permutation(len(pilot))].astype(np.float64)
    ruler = _Ruler.of(rows)
    rows = ruler.measured(rows)
    centres = _found(rows, count, rng)
    found = [_arrays.over_rows(_placed, sample, ruler, centres) for sample in samples]
    placed = [[np.concatenate(parts) for parts in zip(*blocks, strict=True)] for blocks in found]
    sizes = sum(np.bincount(region, minlength=len(centres)) for region, _ in placed)
    order = np.argsort(-np.asarray(sizes), kind="stable")[: np.count_nonzero(sizes)]
    number = np.full(len(centres), -1)
    number[order] = np.arange(len(order))
    return Regions(
        centres=centres[order] * ruler.scale + ruler.shift,
        region=tuple(number[region] for region, _ in placed),
        distance=tuple(distance * ruler.scale for _, distance in placed),
        plane=_plane(rows[:_POINTS], centres[order], ruler.scale),
    )


def _in_order(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return rows in the order of their bytes, whatever their order was."""
    held = np.ascontiguousarray(rows + 0.0)  # there is one 0
    return rows[np.argsort(held.view(np.dtype((np.void, held[0].nbytes))).ravel(), kind="stable")]


def _found(rows: Float64, count: int, rng: np.random.Generator) -> Float64:
    """Return centres (k, d), from the start that ends nearest to some of the rows."""
    some = rows[:_TRIED]
    ended = [
        _k_means(some, some[far_apart(some, [start], count, rng)])
        for start in range(min(_STARTS, len(some)))
    ]
    costs = [float(np.square(some - centres[_nearest(some, centres)]).sum()) for centres in ended]
    best = ended[int(np.argmin(costs))]
    return best if len(some) == len(rows) else _k_means(rows, best)


def _k_means(rows: Float64, centres: Float64) -> Float64:
    """Return the centres (k, d) that Lloyd's algorithm ends at; those of no row stay in place."""
    from scipy.sparse import csr_array

    before = np.full(len(rows), -1)
    for _ in range(_ITERATIONS):
        region = _nearest(rows, centres)
        if (region == before).all():
            break
        sizes = np.bincount(region, minlength=len(centres))
        ends = np.concatenate([[0], np.cumsum(sizes)])
        places = np.argsort(region, kind="stable")
        total = csr_array((np.ones(len(rows)), places, ends), shape=(len(centres), len(rows)))
        some = sizes > 0
        centres = centres.copy()
        centres[some] = (total @ rows)[some] / sizes[some, None]
        before = region
    return centres


def _nearest(rows: Float64, centres: Float64) -> Numbers:
    """Return the nearest centre of each row; the first of those as near but for rounding.

    So that equal rows are in one region, wherever they lie.
    """
    sizes = np.sqrt(np.einsum("kd,kd->k", centres, centres))
    scores = rows @ centres.T - sizes**2 / 2  # (b, k), above others where nearer
    best = scores.max(axis=1, keepdims=True)
    of_rows = np.sqrt(np.einsum("pd,pd->p", rows, rows))
    slack = _ROUNDING * sizes * (of_rows[:, None] + sizes)
    return np.asarray((scores + slack >= best).argmax(axis=1))


def _placed(block: Array, ruler: _Ruler, centres: Float64) -> tuple[Numbers, Float64]:
    """Return the region of some rows, and their distances to its centre."""
    rows = ruler.measured(_arrays.to_numpy(block))
    region = _nearest(rows, centres)
    rows -= centres[region]
    return region, np.sqrt(np.einsum("pd,pd->p", rows, rows))


def _plane(rows: Float64, centres: Float64, scale: float) -> Plane:
    """Return rows and centres, of that scale, in the plane in which the rows vary most."""
    mean = rows.mean(axis=0)
    axes, explained = _axes(rows - mean)
    axes *= scale
    points, middles = (rows - mean) @ axes, (centres - mean) @ axes
    return Plane(points, _nearest(rows, centres), middles, explained)


def _axes(rows: Float64) -> tuple[Float64, float]:
    """Return the first two principal axes (d, 2) of centred rows, and their share of the variance.

    The largest entry of each is above 0; the second is 0 if there is one column.
    """
    p, d = rows.shape
    S = rows @ rows.T if d > p else rows.T @ rows
    values, vectors = _largest_two(S)
    axes = rows.T @ vectors if d > p else vectors
    lengths = np.sqrt(np.square(axes).sum(axis=0))
    axes = axes / np.where(lengths > 0, lengths, 1)
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), range(axes.shape[1])] < 0, -1, 1)
    total = float(np.trace(S))
    explained = float(values.sum()) / total if total > 0 else 1.0
    return np.pad(axes, ((0, 0), (0, 2 - axes.shape[1]))), explained


def _largest_two(S: Float64) -> tuple[Float64, Float64]:
    """Return the two largest eigenvalues of S (c, c) and their vectors (c, 2), or one of one.

    Of a large S by subspace iteration, near enough for a picture.
    """
    if len(S) <= _SMALL:
        values, vectors = np.linalg.eigh(S)
    else:
        V = S[:, :_SUBSPACE]
        for _ in range(_STEPS):
            V = S @ np.linalg.qr(V)[0]
        Q = np.linalg.qr(V)[0]
        values, vectors = np.linalg.eigh(Q.T @ S @ Q)
        vectors = Q @ vectors
    return values[::-1][:2], vectors[:, ::-1][:, :2]
