"""What a test holds in memory above the samples."""

from collections.abc import Sequence

from repdist import _arrays
from repdist._designs.relabelings import AT_ONCE, Drawn
from repdist._inference.transform import entries_of
from repdist._pass.geometry import tile_edge
from repdist._typing import Array
from repdist.kernels._plan import Plan

_MOST_BYTES = 2**34
_FEW = 2**18  # bytes of what is small whatever the rows


def memory_bytes(Z: Array, drawn: Drawn, plan: Plan, n_jobs: int, forms: int = 1) -> int:
    """Return an upper estimate of the bytes above the samples at the peak.

    `forms` is how many statistics each component of the kernel has.
    """
    R, U, (N, d) = len(plan.weights), len(drawn.units.rows), Z.shape
    strip_count = -(-N // tile_edge(Z))
    threads = min(_arrays.threads_for(Z, n_jobs), strip_count * (strip_count + 1) // 2)
    size = _arrays.item_size(Z) if plan.bounded else 8
    in_strips = _arrays.in_file(Z) and plan.bounded
    strips = 7 * threads * tile_edge(Z) * (d + 2)  # read and made into operands
    copies = strips if in_strips else 4 * N * (d + 2)
    edge = tile_edge(Z)
    tiles = threads * (6 * edge**2 + R * min(U, edge) * edge)  # and their sums over units of rows
    fit = min(N, 1000) * (4 * d + 2 * min(N, 1000))  # rows for bandwidths, and their distances
    block = d * min(N, _arrays.CHUNK)
    blocks = max(block, 3 * min(block, _arrays.ENTRIES))
    blocks += 8 * N  # projections that find copies
    R *= forms
    doubles = 8 * N + 5 * R * U**2 + (2 * R + 6) * drawn.total + _relabeled(drawn, R, threads)
    return int(size * (copies + tiles) + 8 * max(fit, blocks, doubles)) + _FEW


def _relabeled(drawn: Drawn, R: int, threads: int) -> int:
    """Return the doubles of relabelings in work."""
    units = drawn.units
    U, (K, others), frozen = len(units.rows), units.movable, int(sum(units.frozen))
    if drawn.exhaustive or drawn.swaps.dimension == 0:  # by products
        return 2 * min(512, drawn.total) * (R + 2) * U
    at_once = min(drawn.total, AT_ONCE)
    shuffles = at_once >> drawn.swaps.dimension
    places = 8 * min(K**2, 2**19)  # of pairs of pairs in the order of the code
    matrices = 2 * entries_of(K, shuffles)
    rest = shuffles * ((R + 1) * U + 4 * R * K) * (others > K or frozen > 0)
    of_thread = matrices + 5 * R * at_once + rest
    return int(places + (threads if drawn.total > AT_ONCE else 1) * of_thread)


def check_memory(unit_counts: Sequence[int], plan: Plan, forms: int = 1) -> None:
    """Raise if the block sums of groups of so many units would not fit into any usual memory."""
    entries = sum(count**2 for count in unit_counts)
    size = 5 * 8 * forms * len(plan.weights) * entries
    if size > _MOST_BYTES:
        raise ValueError(
            f"`n_bins` must leave sums that fit into {_MOST_BYTES >> 30} GiB; got "
            f'{sum(unit_counts):,} units, which need {size / 2**30:.0f}. Use fewer, e.g. "auto".'
        )


def check_bytes(argument: str, size: int, what: str) -> None:
    """Raise if so many bytes would not fit into any usual memory."""
    if size > _MOST_BYTES:
        raise ValueError(
            f"`{argument}` must have so few {what} that their sums fit into "
            f"{_MOST_BYTES >> 30} GiB; got some that need {size / 2**30:.0f}."
        )
