"""The global test over all groups, from coarse block sums."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from repdist._array import Float64
from repdist._null import Combine, Null, null_distribution, tie_tolerance
from repdist._pairs import WholeSums

_ENTRIES = 2**22  # of kernel sums gathered at a time


def whole_null(
    sums: WholeSums,
    sizes: list[int],
    *,
    combine: Combine,
    weights: Float64,
    n_resamples: int,
    rng: np.random.Generator,
) -> Null:
    """Return the null distribution and p-value of "all groups come from one distribution".

    The statistic of a component is the sum over pairs of groups of their unbiased MMD^2,

        ``sum_g (k - 1) q_g / (n_g (n_g - 1)) - sum_{g != h} q_gh / (n_g n_h)``,

    with q the sums within and between groups. Units of one size are shuffled over all groups,
    which stand in the order that their names give, wherever the table has them.
    ``O(B (U^2 + sum U_g^2))`` time a component.
    """
    sums, sizes = _by_name(sums, sizes)
    k = len(sizes)
    units = [len(sums.blocks[g, g][0]) for g in range(k)]
    of_position = np.repeat(np.arange(k), units)  # the group that a position belongs to
    movable = np.concatenate(
        [np.arange(u) < cut.movable for u, cut in zip(units, sums.cuts, strict=True)]
    )
    S = _centred(sums, sizes)
    block = max(1, _ENTRIES // max(units) ** 2)
    n = np.array(sizes, dtype=np.float64)
    T = np.empty((n_resamples + 1, len(S)))
    start = 0
    for order in _orders(movable, n_resamples, block, rng):
        rows = slice(start, start + len(order))
        start = rows.stop
        V = np.zeros(order.shape)
        np.put_along_axis(V, order, 1 / n[of_position][None], axis=1)  # 1 / n_g of each unit
        for r, S_r in enumerate(S):
            within = np.stack([_within(S_r, order[:, of_position == g]) for g in range(k)], axis=1)
            all_pairs = np.einsum("bu,bu->b", V @ S_r, V)  # sum_{g, h} q_gh / (n_g n_h)
            T[rows, r] = within @ ((k - 1) / (n * (n - 1)) + 1 / n**2) - all_pairs
    tolerance = tie_tolerance(sums.magnitude, sums.epsilon, min(sizes), min(sizes))
    return null_distribution(
        T,
        tolerance * k * (k - 1) / 2,
        combine,
        weights=weights,
        squares=sums.squares,
        n=min(sizes),
    )


def _by_name(sums: WholeSums, sizes: list[int]) -> tuple[WholeSums, list[int]]:
    """Return the sums and sizes of the groups in the order that their names give."""
    place = {group: i for i, group in enumerate(sums.order)}
    blocks = {}
    for (g, h), S in sums.blocks.items():
        i, j = place[g], place[h]
        blocks[min(i, j), max(i, j)] = S if i <= j else S.transpose(0, 2, 1)
    cuts = [sums.cuts[g] for g in sums.order]
    return dataclasses.replace(sums, blocks=blocks, cuts=cuts), [sizes[g] for g in sums.order]


def _orders(
    movable: npt.NDArray[np.bool_], n_resamples: int, block: int, rng: np.random.Generator
) -> Iterator[npt.NDArray[np.intp]]:
    """Yield in blocks which unit stands at each position, (b, U); row 0 is the observed order."""
    observed = np.arange(len(movable))
    for start in range(0, n_resamples + 1, block):
        order = np.repeat(observed[None], min(block, n_resamples + 1 - start), axis=0)
        order[:, movable] = rng.permuted(order[:, movable], axis=1)
        if start == 0:
            order[0] = observed
        yield order


def _within(S: Float64, units: npt.NDArray[np.intp]) -> Float64:
    """Return the sum of S (U, U) over all pairs of `units` (b, u) in each row, (b,)."""
    return np.asarray(S[units[:, :, None], units[:, None, :]].sum(axis=(1, 2)))


def _centred(sums: WholeSums, sizes: list[int]) -> Float64:
    """Put the blocks together, (R, U, U), less the mean kernel value times their pairs."""
    k = len(sizes)
    S = np.concatenate(
        [
            np.concatenate(
                [
                    sums.blocks[g, h] if g <= h else sums.blocks[h, g].transpose(0, 2, 1)
                    for h in range(k)
                ],
                axis=2,
            )
            for g in range(k)
        ],
        axis=1,
    )
    rows = np.concatenate([np.diff(cut.edges(n)) for cut, n in zip(sums.cuts, sizes, strict=True)])
    pairs = np.outer(rows, rows) - np.diag(rows)
    mean = S.sum(axis=(1, 2)) / pairs.sum()
    return np.asarray(S - mean[:, None, None] * pairs)
