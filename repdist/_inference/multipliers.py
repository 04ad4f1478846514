"""A null of random signs, for clusters whose sizes differ between the samples.

Labels of such clusters are not exchangeable: means of few large clusters vary less than those of
many small ones, and relabelings mix both. Signs keep every cluster where it is. With Kc the kernel
between clusters, centred in both directions within each sample (of a stratum), ``T* = sum_{i != j}
|a_i a_j| e_i e_j Kc_ij`` varies as MMD^2 does where nothing differs, for independent signs e_i = 1
or -1. It is right for many clusters, and asks for no equal sizes: A. Leucht, M. H. Neumann,
"Dependent wild bootstrap for degenerate U- and V-statistics", Journal of Multivariate Analysis 117,
257-280, 2013; centred values are made larger by n / (n - 1), as they vary less than their rows.
"""

import numpy as np
import numpy.typing as npt

from repdist._designs.strata import StrataUnits
from repdist._designs.units import Units
from repdist._inference.combine import Combination, Null, Statistics
from repdist._typing import Float64

_BITS = 62  # of a number that tells signs
_ENTRIES = 2**18  # signs in work at a time
UNEQUAL = 1.5  # mean inverse sizes of clusters, over each other, from which sizes differ


def differ_in_size(first: npt.NDArray[np.intp], second: npt.NDArray[np.intp]) -> bool:
    """Tell whether means of the clusters of two samples differ in precision by their sizes."""
    means = [float((1 / sizes).mean()) for sizes in (first, second)]
    return max(means) > UNEQUAL * min(means)


def null_of_signs(  # noqa: PLR0913 (what it is made of)
    blocks: Float64,
    diagonal: Float64,
    units: Units | StrataUnits,
    combination: Combination,
    draws: tuple[int, np.random.Generator],
    *,
    within: bool = False,
) -> Null:
    """Return the null distribution of MMD^2 over so many draws, the observed one the first.

    Parameters
    ----------
    blocks, diagonal : (R, U, U) and (R, U)
        Sums of the kernel between clusters over units of these, as in `Sums`. Each unit that moves
        counts as one row.
    units : Units or StrataUnits
    combination : Combination
        Of R components, or of 2 R with what is `within`.
    draws : (int, numpy.random.Generator)
    within : bool
        Whether the mean of the distances inside strata stands behind the adjusted distance.
    """
    moves = np.flatnonzero(units.can_move)
    size, sample = units.rows[moves].astype(np.float64), units.sample[moves]
    stratum, shares = np.zeros(len(moves), dtype=np.intp), np.ones(1)
    if isinstance(units, StrataUnits):
        stratum, shares = units.stratum[moves], units.shares
    K = blocks[:, moves[:, None], moves]
    every = np.arange(len(moves))
    K[:, every, every] += diagonal[:, moves]
    K /= np.outer(size, size)
    group = sample * len(shares) + stratum
    forms = [_form(group, len(shares), shares[stratum])]
    if within:
        inside = _form(group, len(shares), np.sqrt(shares)[stratum])
        forms.append(np.where(stratum[:, None] == stratum, inside, 0.0))
    Kc = _centred(K, group)
    T = np.concatenate([np.tensordot(K, form, 2) for form in forms])  # (F R,)
    F = np.concatenate([np.abs(form) * Kc for form in forms])  # (F R, U, U)
    rounding = 64 * np.finfo(np.float64).eps * np.abs(F).sum(axis=(1, 2))
    return Null(Statistics.of(_drawn(T, F, *draws)), rounding, combination)


def sign_bytes(units: Units | StrataUnits, R: int, count: int) -> int:
    """Return about how many bytes a null of signs holds at a time."""
    U = len(units.rows)
    return 8 * (4 * R * U**2 + 4 * R * count + 4 * max(_ENTRIES, U))


def _form(group: npt.NDArray[np.intp], strata: int, shares: Float64) -> Float64:
    """Return what pairs i != j count in MMD^2, (U, U); below 0 between the samples."""
    n = np.bincount(group)[group]
    a = np.where(group < strata, 1.0, -1.0) * shares / n
    form = np.outer(a, a)
    form *= np.where(group[:, None] == group, n / (n - 1), 1.0)  # n (n - 1) pairs, not n^2
    np.fill_diagonal(form, 0)
    return form


def _centred(K: Float64, group: npt.NDArray[np.intp]) -> Float64:
    """Return K (R, U, U) centred in both directions within groups, as wide as its rows are."""
    of_group = (group[:, None] == np.arange(group.max() + 1)).astype(np.float64)  # (U, G)
    n = of_group.sum(axis=0)
    Kc = K - of_group @ ((of_group / n).T @ K)
    Kc -= Kc @ (of_group / n) @ of_group.T
    scale = np.sqrt(n / (n - 1))[group]
    return np.asarray(Kc * np.outer(scale, scale))


def _drawn(observed: Float64, F: Float64, count: int, rng: np.random.Generator) -> Float64:
    """Return ``e' F e`` of random signs e, (F R, count), behind what was observed.

    All signs if there are no more: to turn all of them changes nothing.
    """
    C = F.shape[1]
    every = 1 << (C - 1)
    count = 1 + every if C < _BITS and every <= count else count
    T = np.empty((len(F), count))
    T[:, 0] = observed
    step = max(1, _ENTRIES // C)
    for start in range(1, count, step):
        stop = min(start + step, count)
        if count == 1 + every:
            signs = 1.0 - 2 * (np.arange(start - 1, stop - 1)[:, None] >> np.arange(C) & 1)
        else:
            signs = rng.choice([-1.0, 1.0], size=(stop - start, C))
        for r, form in enumerate(F):
            T[r, start:stop] = np.einsum("bc,bc->b", signs @ form, signs)
    return T
