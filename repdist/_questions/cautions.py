"""What a reader of a result should know: of the data, and of the null distribution."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _arrays
from repdist._arrays import Groups
from repdist._designs.relabelings import Drawn
from repdist._inference.combine import Null
from repdist._inference.pairs import Comparison
from repdist._inference.stratified import StrataTable
from repdist._numbers import reaches
from repdist._options import Options
from repdist._questions.designs import Design
from repdist._typing import Array, Float64
from repdist.kernels import Kernel, Precomputed

UNEQUAL_CLUSTERS = (
    "clusters differ in size between the samples, so labels are not exchangeable: p is the larger "
    "of the exact one and of one that asks for no equal sizes, but is right for many clusters alone"
)
_ROWS = Design()
_MANY_ROWS = 200_000  # whose pairs take
_SECONDS_OF_MANY = 36.0  # of two cores, for 64 columns: rows-200000 of the benchmarks
_EXACT = 2**53  # whole numbers below it are floats, too
_MANY_COPIES = 0.1  # of the pooled rows
_DOMINANT = 0.9  # of the variance
_OTHER_UNITS = 100  # times the standard deviation of other columns
_DOMINANT_STRATUM = 0.8  # of the rows
_MOST_NAMED = 5  # columns that a caution calls by name
_FEWEST_PAIRS, _MOST_PAIRS = 8, 1024  # rows from which, and on which, their order is judged
_FEWEST_NUMBERED = 20  # rows from which numbers of their own are no chance
_MOST_ENTRIES = 2**20  # of these rows
_SIZES_DIFFER = 0.01  # the p-value of a rank test of the clusters' sizes
_CORRELATED = 0.2  # of paired rows: below it pairing would change little
LOOK_PAIRED = (
    "row i of one sample lies much nearer to row i of the other than to other rows, as the same "
    "items measured twice do: the test takes rows for independent and hardly sees differences "
    "between paired rows; `paired=True` does"
)
_ALIKE = 0.001  # the share of relabelings whose samples are as alike: below it, dependent


def slow_if_exact(arrays: Sequence[Array], options: Options) -> list[str]:
    """Return a caution if all pairs of so many rows are computed on processors."""
    N = sum(map(len, arrays))
    elsewhere = _arrays.is_lazy(arrays[0]) or not _arrays.on_cpu(arrays[0])
    if options.landmarks or elsewhere or N <= _MANY_ROWS:
        return []
    seconds = _SECONDS_OF_MANY * (N / _MANY_ROWS) ** 2
    time = f"{seconds:.0f} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes"
    return [
        f"all pairs of {N:,} rows take some {time} of two cores (for 64 columns; time grows with "
        'the square of the rows); `method="landmarks"` sees all rows in one pass'
    ]


def null_cautions(null: Null, drawn: Drawn) -> list[str]:
    """Return what the null distribution of two samples gives to think of."""
    found = []
    if not reaches(drawn.least_pvalue):
        found.append(
            f"no p-value below {drawn.least_pvalue:.2g} can be reached: too few rows, bins or "
            "relabelings"
        )
    if null.dropped.all():
        found.append("the statistic varies less over relabelings than rounding can tell, so p = 1")
    elif null.dropped.any():
        found.append(f"{null.dropped.sum()} component(s) do not vary and were left out")
    return found


def alike_cautions(null: Null, design: Design, of_data: Sequence[str]) -> list[str]:
    """Return a caution if the samples are more alike than chance makes them, unless one says why.

    False-alarm rate: at most `_ALIKE` where relabelings make p exact.
    """
    if design.paired or LOOK_PAIRED in of_data:
        return []
    if null.pvalue < 1 - _ALIKE or null.lower_pvalue() > _ALIKE:  # the first is at hand
        return []
    return [
        "the samples are more alike than rows dealt out at random, and p says nothing. Do they "
        "hold the same items, in any order? Then `paired=True`, and `clusters=(ids_x, ids_y)` "
        "unless row i belongs to row i. Were they drawn to be alike inside classes? Then "
        "`strata=(ids_x, ids_y)`"
    ]


def cluster_cautions(first: npt.NDArray[np.intp], second: npt.NDArray[np.intp]) -> list[str]:
    """Return what the sizes of the clusters of two samples give to think of."""
    from scipy import stats

    if len(np.unique(np.concatenate([first, second]))) == 1:
        return []
    if stats.mannwhitneyu(first, second).pvalue > _SIZES_DIFFER:
        return []
    sizes = f"medians {np.median(first):g} and {np.median(second):g} rows"
    return [
        f"clusters differ in size between the samples ({sizes}): if what rows hold goes with the "
        "size of their cluster, that is a difference, too"
    ]


def strata_cautions(table: StrataTable) -> list[str]:
    """Return what the sizes of strata give to think of."""
    largest = int(table.shares.argmax())
    if len(table.names) < 2 or table.shares[largest] <= _DOMINANT_STRATUM:
        return []
    return [
        f"stratum {table.names[largest]!r} holds {table.shares[largest]:.0%} of the rows, and with "
        "them of what is compared"
    ]


def table_cautions(groups: Groups, comparison: Comparison, floors: Float64) -> list[str]:
    """Return what single groups and pairs of a table give to think of."""
    found = []
    named = list(zip(groups.names, groups.arrays, floors, strict=True))
    equal = [repr(name) for name, rows, _ in named if _arrays.is_constant(rows)]
    if equal:
        found.append(f"all rows are equal in {', '.join(equal)}")
    still = int((~comparison.varies).sum())
    if still:
        found.append(
            f"the statistic of {still} pair(s) varies less than rounding can tell, so p = 1"
        )
    of_groups = comparison.floor is None
    few = [repr(name) for name, _, rate in named if of_groups and np.isnan(rate)]
    if few:
        found.append(f"no noise floor for {', '.join(few)}: too few rows or clusters to halve")
    return found


def data_cautions(
    samples: Sequence[Array],
    Z: Array,
    kernel: Kernel,
    columns: tuple[str, ...],
    *,
    design: Design = _ROWS,
) -> list[str]:
    """Return what the rows give to think of.

    Parameters
    ----------
    samples : sequence of (n, d)
        Two samples or several groups, in the order in which they came.
    Z : (N, d)
        All their rows, in any order.
    kernel : Kernel
    columns : (d,) or empty
        The names of the columns, if they have any.
    design : Design
        How rows were said to depend on each other.
    """
    if isinstance(kernel, Precomputed):  # the rows are numbers of rows
        again = _count_copies(Z)
        return [f"{again} row numbers name a row of `K` again: are rows independent?"] * (again > 0)
    paired = None if design.clusters is not None else design.paired
    found, rows, d = order_cautions(samples, design), len(Z), Z.shape[1]
    copies = sum(map(_count_copies, samples)) if paired else _count_copies(Z)
    if copies > _MANY_COPIES * rows and paired is not None:
        found.append(
            f"{copies} of {rows} rows repeat another row: are rows independent? (Rows of a few "
            "whole numbers repeat by chance.)"
        )
    told_apart = telling_columns(samples)
    found += no_features(samples, columns, design, told_apart)
    variances = _column_variances(Z)
    constant = np.flatnonzero(variances == 0)
    if len(constant):
        named = f" ({_listed(columns, constant)})" if columns else ""
        found.append(f"{len(constant)} of {d} columns are constant and say nothing{named}")
    variances[list(told_apart)] = 0
    hiding = hiding_columns(variances)
    if len(hiding):
        share = variances[hiding].sum() / variances.sum()
        one = len(hiding) == 1
        which = _called(columns, int(hiding[0])) if one else _called_all(columns, hiding, d)
        found.append(
            f"{which} hold{'s' * one} {share:.0%} of the variance and hide{'s' * one} the others: "
            "standardise columns of different units by all rows together, (Z - Z.mean(0)) / "
            "Z.std(0), or --standardize on the command line"
        )
    return found


def order_cautions(samples: Sequence[Array], design: Design) -> list[str]:
    """Return a caution if rows look paired and are not said to be, or the reverse."""
    if len(samples) != 2 or design.clusters is not None:
        return []
    found = look_paired(*samples)
    if found and not design.paired:
        return [LOOK_PAIRED]
    if design.paired and not found and sum(map(len, samples)) >= 2 * _FEWEST_NUMBERED:
        return [
            "row i of one sample lies no nearer to row i of the other than to other rows: are both "
            "in one order? (With `clusters=(ids_x, ids_y)` pairs are found by their ids.)"
        ]
    return []


# --- rows that are not independent ---------------------------------------------------------------


def look_paired(X: Array, Y: Array) -> bool:
    """Tell whether row i of X belongs to row i of Y, as the same items measured twice do.

    Two z-tests on the inner products of rows whose columns are standardised, over at most some
    thousand rows: of row i with row i, which are 0 on average for independent rows; and of these
    less those with row i + s, for the shift s that fits best, which are so too for files in one
    order (by class, by time, in turn), if that shift fits at least half as well. And a correlation
    that matters.
    """
    n = min(len(X), _MOST_PAIRS, max(_FEWEST_PAIRS, _MOST_ENTRIES // X.shape[1]))
    if len(X) != len(Y) or n < _FEWEST_PAIRS:
        return False
    x, y = (_standardised(sample[:n]) for sample in (X, Y))
    own = np.einsum("nd,nd->n", x, y)
    sizes = float(np.sqrt((x**2).sum() * (y**2).sum()))
    if not own.sum() > _CORRELATED * sizes > 0:
        return False
    spectra = np.conj(np.fft.rfft(x, axis=0)) * np.fft.rfft(y, axis=0)
    at_shift = np.fft.irfft(spectra.sum(axis=1), n)  # sums of x_i y_(i + shift)
    shifted = np.roll(y, -1 - int(at_shift[1:].argmax()), axis=0)
    beside = np.einsum("nd,nd->n", x, shifted)
    in_one_order = beside.mean() > own.mean() / 2
    return all(
        values.mean() * np.sqrt(n) > (4 + 12 / n) * values.std(ddof=1)
        for values in (own, own - beside * in_one_order)
    )


def _standardised(rows: Array) -> Float64:
    """Return a few rows in memory, each column less its mean and over its standard deviation."""
    values = _arrays.to_numpy(_arrays.in_memory(rows)).astype(np.float64)
    values -= values.mean(axis=0)
    size = np.abs(values).max(axis=0)
    values /= np.where(size > 0, size, 1)
    deviation = values.std(axis=0)
    return values / np.where(deviation > 0, deviation, 1)


# --- columns that are no features ----------------------------------------------------------------


def no_features(
    samples: Sequence[Array],
    columns: Sequence[Hashable],
    design: Design,
    told_apart: dict[int, str] | None = None,
) -> list[str]:
    """Return which columns look like ids, row numbers or labels.

    Parameters
    ----------
    samples : sequence of (n, d)
    columns : (d,) or empty
        The names of the columns, if they have any.
    design : Design
    told_apart : dict, optional
        What `telling_columns` says of the samples, if it was asked.
    """
    found = _ids_among(samples, columns, design)
    told_apart = telling_columns(samples) if told_apart is None else told_apart
    for number, how in list(told_apart.items())[:_MOST_NAMED]:
        found.append(f"{_called(columns, number)} {how}: leave it out if it is no feature")
    if len(told_apart) > _MOST_NAMED:
        found.append(f"{len(told_apart) - _MOST_NAMED} more columns are so")
    return found


def _ids_among(samples: Sequence[Array], columns: Sequence[Hashable], design: Design) -> list[str]:
    """Return which columns hold the ids of the design."""
    found = []
    for name, ids in design.ids.items():
        if ids is None or not all(
            isinstance(value, (int, float)) and abs(value) < _EXACT for value in ids.names
        ):
            continue
        numbers = np.array(ids.names, dtype=np.float64)
        same = [
            (_arrays.to_numpy(_arrays.in_memory(sample[:_MOST_PAIRS])) == of_rows[:, None]).all(0)
            for sample, of_rows in (
                (sample, numbers[codes[:_MOST_PAIRS]])
                for sample, codes in zip(samples, ids.codes, strict=True)
            )
        ]
        found += [
            f"{_called(columns, j)} holds the ids of `{name}`: leave it out, it is no feature"
            for j in np.flatnonzero(np.all(same, axis=0)).tolist()
        ]
    return found


def telling_columns(samples: Sequence[Array]) -> dict[int, str]:
    """Return the columns that tell samples apart as labels and row numbers do, and how."""
    looks = [_look_at(sample) for sample in samples]
    low, high = (np.stack([look[end] for look in looks]) for end in (0, 1))  # (samples, d)
    constant = (low == high).all(axis=0) & (low.min(axis=0) < low.max(axis=0))
    found = {
        int(j): "is constant in each sample and differs between them, so it alone tells them apart"
        for j in np.flatnonzero(constant)
    }
    if min(map(len, samples)) < _FEWEST_PAIRS or samples[0].shape[1] == 1:
        return found
    rising, falling = (np.all([look[way] for look in looks], axis=0) for way in (2, 3))
    found |= {
        int(j): f"{'in' if rising[j] else 'de'}creases from row to row, as row numbers and times do"
        for j in np.flatnonzero((rising | falling) & ~constant)
    }
    if min(map(len, samples)) < _FEWEST_NUMBERED:
        return dict(sorted(found.items()))
    places = np.argsort(low, axis=0)
    ends = np.take_along_axis(high, places, axis=0)[:-1]
    apart = (np.take_along_axis(low, places, axis=0)[1:] > ends).all(axis=0)
    whole = np.all([look[4] for look in looks], axis=0)
    for j in np.flatnonzero(apart & whole & ~rising & ~falling & ~constant).tolist():
        if all(_all_differ(sample[:, j : j + 1]) for sample in samples):
            found[j] = "has a number of its own for every row, as identifiers do"
    return dict(sorted(found.items()))


def hiding_columns(variances: Float64) -> npt.NDArray[np.intp]:
    """Return the fewest columns that hold most of the variance, if they hide the others.

    One column does by itself. Several do if they are at most half of those that vary, and the
    medians of their standard deviations and of the others' differ by a factor of 100, as
    columns of different units do: those of activations, and of principal components of a usual
    spectrum, differ by less.
    """
    order = np.argsort(-variances, kind="stable")[: np.count_nonzero(variances)]
    shares = np.cumsum(variances[order]) / variances.sum() if len(order) else variances[:0]
    most = int(np.searchsorted(shares, _DOMINANT, side="right")) + 1
    first, others = order[:most], order[most:]
    if most > 1 and 2 * most <= len(order):
        apart = np.sqrt(np.median(variances[first]) / np.median(variances[others]))
        return first if apart >= _OTHER_UNITS else order[:0]
    return first if most == 1 and len(order) > 1 else order[:0]


def _look_at(sample: Array) -> tuple[Any, ...]:
    """Return each column's least and largest value, and if it rises, falls, and is whole."""
    parts = list(zip(*_arrays.over_rows(_look_at_block, sample), strict=True))
    low, high, rises, falls, whole, first, last = (np.stack(part) for part in parts)
    up = rises.all(axis=0) & (first[1:] > last[:-1]).all(axis=0)
    down = falls.all(axis=0) & (first[1:] < last[:-1]).all(axis=0)
    return low.min(axis=0), high.max(axis=0), up, down, whole.all(axis=0)


def _look_at_block(block: Array) -> list[Any]:
    xp = _arrays.namespace(block)
    looks = [
        xp.amin(block, 0),
        xp.amax(block, 0),
        (block[1:] > block[:-1]).all(0),
        (block[1:] < block[:-1]).all(0),
        (block == xp.round(block)).all(0),
        block[0],
        block[-1],
    ]
    return [_arrays.to_numpy(_arrays.in_memory(look)) for look in looks]


def _all_differ(column: Array) -> bool:
    values = _arrays.to_numpy(_arrays.in_memory(column))[:_MOST_PAIRS]
    return len(np.unique(values)) == len(values)


def _called(columns: Sequence[Hashable], number: int) -> str:
    return f"column {columns[number]!r}" if columns else f"column {number}"


def _called_all(columns: Sequence[Hashable], numbers: npt.NDArray[np.intp], d: int) -> str:
    if len(numbers) > _MOST_NAMED:
        return f"{len(numbers)} of {d} columns"
    *first, last = (repr(columns[i]) if columns else str(i) for i in numbers.tolist())
    return f"columns {', '.join(first)} and {last}"


def _listed(columns: tuple[str, ...], numbers: Any) -> str:
    shown = [repr(columns[number]) for number in numbers[:_MOST_NAMED]]
    return ", ".join(shown) + (", ..." if len(numbers) > _MOST_NAMED else "")


def _column_variances(Z: Array) -> Float64:
    """Return the variance of each column, (d,), in units of the square of the largest value.

    Exactly 0 for a column whose rows have one value.
    """
    first = _arrays.first_row(Z)
    scale = max(_arrays.over_rows(_arrays.largest_step, Z, first))
    total, square = 0.0, 0.0
    for sums, squares in _arrays.over_chunks(_scaled_moments, Z, _arrays.wide_block(first), scale):
        total, square = total + sums, square + squares
    mean = _arrays.to_numpy(total / len(Z))
    return np.asarray(np.maximum(_arrays.to_numpy(square / len(Z)) - mean**2, 0), dtype=np.float64)


def _scaled_moments(block: Array, row: Array, scale: float) -> tuple[Array, Array]:
    xp = _arrays.namespace(block)
    parts = [_scaled(block[:, part], row[:, part], scale) for part in _arrays.column_parts(block)]
    sums, squares = zip(*parts, strict=True)
    return xp.concatenate(sums), xp.concatenate(squares)


def _scaled(columns: Array, row: Array, scale: float) -> tuple[Array, Array]:
    """Return the sums of the scaled columns, and those of their squares."""
    scaled = (_arrays.wide_block(columns) - row) / scale
    return scaled.sum(0), (scaled * scaled).sum(0)


def _count_copies(Z: Array) -> int:
    """Return how many rows equal an earlier one, judged by two fixed projections."""
    columns = np.arange(1, Z.shape[1] + 1)
    centre = _arrays.centre_row(Z)
    real, imaginary = (
        _arrays.project(Z, centre, np.cos(rate * columns)) for rate in (1.0, np.sqrt(2.0))
    )
    return len(real) - len(np.unique(real + 1j * imaginary))
