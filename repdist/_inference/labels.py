"""Relabelings as labels: which units lie in the first sample."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from repdist._designs.relabelings import Drawn, Places
from repdist._inference.transform import columns

Labels = npt.NDArray[np.bool_]

_AT_ONCE = 4096  # relabelings in one block, about


def label_blocks(drawn: Drawn, rng: np.random.Generator) -> Iterator[Labels]:
    """Yield which units lie in the first sample, (b, U), under all relabelings, in blocks.

    The first is the observed one.
    """
    units, k = drawn.units, drawn.swaps.dimension
    frozen = (units.sample == 0) & ~units.can_move
    if drawn.exhaustive:
        yield from (in_first(frozen, chosen) for chosen in drawn.every())
        return
    for shuffles in drawn.shuffled(rng):
        if k == 0:
            yield in_first(frozen, drawn.movable_firsts(shuffles))
            continue
        step = max(1, _AT_ONCE >> k)
        for start in range(0, len(shuffles), step):
            some = shuffles[start : start + step]
            yield in_first_after_swaps(drawn.first_if_left, some, k)


def in_first(left: Labels, chosen: Places) -> Labels:
    """Return labels (b, U) of the chosen units (b, h), and of those that are `left` there (U,)."""
    found = np.repeat(left[None], len(chosen), axis=0)
    np.put_along_axis(found, chosen, True, axis=1)
    return found


def in_first_after_swaps(left: Labels, pairs: Places, k: int) -> Labels:
    """Return labels (J 2^k, U) under all swaps of a code after shuffles of pairs (J, 2, K).

    Units in no pair are in the first sample if they are `left` there (U,).
    """
    J, _, K = pairs.shape
    patterns = np.arange(1 << k)[:, None]
    swapped = (np.bitwise_count(patterns & columns(K, k)) & 1).astype(bool)  # (2^k, K)
    found = np.empty((J, 1 << k, len(left)), dtype=bool)
    found[:] = left
    for labels, (x, y) in zip(found, pairs, strict=True):
        labels[:, x], labels[:, y] = ~swapped, swapped
    return found.reshape(J << k, -1)
