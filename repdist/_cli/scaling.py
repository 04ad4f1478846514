"""Columns of different units brought to one scale: that of all rows of a call."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from repdist import _checks
from repdist._arrays.storage import ENTRIES, in_file, release, temporary_file
from repdist._cli.reading import note
from repdist._numbers import counted
from repdist._typing import Array, Float64


def standardized(samples: Sequence[Any]) -> list[Any]:
    """Return samples with each column less its mean and over its standard deviation.

    Both are those of all rows of all samples, so that a relabeling of rows changes neither, and p
    stays exact. A column with one value in all rows becomes 0.

    Parameters
    ----------
    samples : sequence of array or DataFrame
        Tables are matched by the names of their columns. What cannot be standardised (no numbers,
        missing values, whole numbers that float64 does not tell apart, other columns) comes back
        as it is, for a question to refuse.

    Returns
    -------
    list
        Of the same kinds. All is computed in float64; float32 stays float32, and shorter floats
        become it. Rows in a file are read block by block, and go to a temporary file.
    """
    names = next((rows.columns for rows in samples if hasattr(rows, "columns")), None)
    arrays = [_values(rows, names) for rows in samples]
    if not _may_be_pooled(arrays):
        return list(samples)
    low, high = _extremes(arrays)
    if not np.isfinite([low, high]).all():
        return list(samples)
    constant = low == high
    centre = low / 2 + high / 2  # this, and what follows, overflows for no values
    reach = np.where(constant, 1, np.maximum(high - centre, centre - low))
    N = sum(map(len, arrays))
    mean = sum(((z - centre) / reach).sum(axis=0) for rows in arrays for z in _blocks(rows)) / N
    squares = sum(
        np.square((z - centre) / reach - mean).sum(axis=0) for rows in arrays for z in _blocks(rows)
    )
    deviation = np.where(constant, 1, np.sqrt(squares / N))
    still = int(constant.sum())
    count = f"; {still:,} constant {'one is' if still == 1 else 'ones are'} 0" * bool(still)
    note(f"{counted(len(low), 'column')} standardised over {N:,} rows{count}")
    scaled = [_scaled(rows, centre, reach, mean, deviation) for rows in arrays]
    return [
        type(rows)(z, columns=names) if hasattr(rows, "columns") else z
        for rows, z in zip(samples, scaled, strict=True)
    ]


def standardized_groups(groups: Any) -> Any:
    """Return groups, in any of the forms that files hold them in, standardised together."""
    if isinstance(groups, dict):
        return dict(zip(groups, standardized(list(groups.values())), strict=True))
    if isinstance(groups, list):
        return standardized(groups)
    if isinstance(groups, np.ndarray) and groups.ndim == 3 and groups.size:
        return standardized([groups.reshape(-1, groups.shape[2])])[0].reshape(groups.shape)
    return standardized([groups])[0]


def _values(rows: Any, names: Any) -> Any:
    """Return an array, or the values of a table with its columns in the order of the first."""
    if not hasattr(rows, "columns"):
        return rows[:, None] if isinstance(rows, np.ndarray) and rows.ndim == 1 else rows
    if not rows.columns.equals(names):
        if not (rows.columns.is_unique and set(rows.columns) == set(names)):
            return None
        rows = rows[list(names)]
    return rows.to_numpy()


def _may_be_pooled(arrays: Sequence[Any]) -> bool:
    """Tell whether these are rows of numbers of one width that float64 holds."""
    return all(
        isinstance(rows, np.ndarray)
        and rows.dtype.kind in "biuf"
        and rows.ndim == 2
        and rows.size > 0
        and rows.shape[1] == arrays[0].shape[1]
        and (rows.dtype.kind not in "iu" or _checks.are_told_apart(rows.min(), rows.max()))
        for rows in arrays
    )


def _extremes(arrays: Sequence[Array]) -> tuple[Float64, Float64]:
    """Return the least and the largest value of each column, (d,); NaN if it holds one."""
    ends = [(z.min(axis=0), z.max(axis=0)) for rows in arrays for z in _blocks(rows)]
    low, high = zip(*ends, strict=True)
    return np.min(low, axis=0), np.max(high, axis=0)


def _blocks(rows: Array) -> Iterator[Float64]:
    """Yield some rows after the other, as float64."""
    step = max(1, ENTRIES // rows.shape[1])
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        yield np.asarray(part, dtype=np.float64)
        release(part)


def _scaled(rows: Array, *scale: Any) -> Array:
    """Return the standardised rows, in a temporary file if they lie in a file."""
    centre, reach, mean, deviation = scale
    whole = rows.dtype.kind != "f"
    dtype = np.dtype(np.float64) if whole else np.result_type(rows.dtype, np.float32)
    out = (temporary_file if in_file(rows) else np.empty)(rows.shape, dtype)
    start = 0
    for z in _blocks(rows):
        out[start : start + len(z)] = ((z - centre) / reach - mean) / deviation
        start += len(z)
    return out
