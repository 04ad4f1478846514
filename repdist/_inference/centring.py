"""Block sums less what changes no MMD^2, so that nothing cancels."""

import numpy as np
import numpy.typing as npt

from repdist._blocks import Sums
from repdist._typing import Estimator, Float64


def centred_blocks(sums: Sums, unit_rows: npt.NDArray[np.intp], estimator: Estimator) -> Float64:
    """Return block sums (R, U, U) of ``k(x, y) - g(x) - g(y)``, with g such that rows sum to 0.

    No g changes an MMD^2, for it enters every mean with the same weight.
    """
    if estimator == "unbiased":
        return without_row_sums(sums.blocks, unit_rows, with_diagonal=False)
    S, units = sums.blocks.copy(), np.arange(len(unit_rows))
    S[:, units, units] += sums.diagonal
    return without_row_sums(S, unit_rows, with_diagonal=True)


def without_row_sums(
    S: Float64, unit_rows: npt.NDArray[np.intp], *, with_diagonal: bool
) -> Float64:
    """Return the block sums S (R, U, U) less those of ``g(x) + g(y)``, so that rows sum to 0.

    `with_diagonal` says whether pairs of a row with itself count.

    Notes
    -----
    With N rows in all, R_u the sum over row u and n_u the rows of that unit, the sum G_u of g over
    a unit is ``(R_u - n_u sum(R) / (2 N)) / N`` if the diagonal counts, and
    ``(R_u - n_u sum(R) / (2 N - 2)) / (N - 2)`` if it does not. Between two units the sum of
    ``g(x) + g(y)`` is ``G_u n_v + G_v n_u``.
    """
    N, usual = int(unit_rows.sum()), unit_rows[0]
    if not with_diagonal:
        N -= 1
    totals = S.sum(axis=2)  # (R, U)
    G = totals - np.outer(totals.sum(axis=1) / (2 * N), unit_rows)
    G /= N if with_diagonal else N - 1
    of_usual = usual * G
    S = S - of_usual[:, :, None]
    S -= of_usual[:, None]
    for unit in np.flatnonzero(unit_rows != usual):
        more = (unit_rows[unit] - usual) * G
        S[:, :, unit] -= more
        S[:, unit] -= more
    if not with_diagonal:
        units = np.arange(len(unit_rows))
        S[:, units, units] += 2 * G
    return S
