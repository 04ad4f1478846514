"""What users give for each row beside the samples: of which cluster, or of which stratum, it is."""

from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _checks
from repdist._arrays.groups import check_index, check_kinds, check_shown, is_missing, to_list


@dataclass(frozen=True)
class Ids:
    """The ids of the rows of two samples, as numbers.

    Attributes
    ----------
    names : tuple
        The different ids of both samples, in an order that no order of rows changes.
    codes : pair of (n,) and (m,) arrays
        The place in `names` of each row's id.
    """

    names: tuple[Hashable, ...]
    codes: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]

    @property
    def shared(self) -> tuple[Hashable, ...]:
        """The names that occur in both samples."""
        return tuple(self.names[code] for code in np.intersect1d(*self.codes).tolist())


def read_ids(
    name: str, ids: Any, sizes: tuple[int, int], samples: Sequence[Any] = (None, None)
) -> Ids:
    """Check ids that are given as a pair, one for each row of two samples.

    Parameters
    ----------
    name : str
        The argument, as messages shall call it.
    ids : pair of sequences
        Hashable values: lists, arrays, Series, tensors.
    sizes : (int, int)
        Rows of the samples.
    samples : pair, optional
        What the user gave as samples: ids in a Series must have the index of a DataFrame.
    """
    if not isinstance(ids, (tuple, list)) or len(ids) != 2:
        raise TypeError(
            f"`{name}` must be a pair: the ids of the rows of `X`, and of those of `Y`; got "
            f"{_got(ids)}. Use `{name}=(ids_x, ids_y)`."
        )
    lists = []
    for place, (values, size) in enumerate(zip(ids, sizes, strict=True)):
        check_index(f"{name}[{place}]", values, samples[place])
        lists.append(_one_a_row(f"{name}[{place}]", values, size, "XY"[place]))
    both = [*lists[0], *lists[1]]
    check_kinds(name, both)
    names = _ordered(both)
    check_shown(name, names)
    number = {value: code for code, value in enumerate(names)}
    first, second = (np.array([number[value] for value in values], np.intp) for values in lists)
    return Ids(tuple(names), (first, second))


def _one_a_row(name: str, values: Any, size: int, sample: str) -> list[Hashable]:
    if isinstance(values, (Mapping, Set)):
        raise TypeError(
            f"`{name}` must be a sequence of ids in the order of the rows of `{sample}`; got "
            f"{_checks.describe(values)}. Use a list or an array."
        )
    if getattr(values, "is_sparse", False) is True:  # a tensor
        raise TypeError(f"`{name}` must be dense; got a sparse tensor. Use `{name}.to_dense()`.")
    found = to_list(name, values)
    if len(found) != size:
        raise ValueError(
            f"`{name}` must hold one id for each of the {size} rows of `{sample}`; got "
            f"{len(found)}."
        )
    missing = [i for i, value in enumerate(found) if is_missing(value)]
    if missing:
        raise ValueError(
            f"`{name}` must not be missing; got {found[missing[0]]!r} in row {missing[0]} "
            f"({len(missing)} in all). Drop these rows, or give each an id of its own."
        )
    return found


def _ordered(values: list[Hashable]) -> list[Hashable]:
    """Return the different values: sorted, or by kind and by what is printed of them."""
    different = list(dict.fromkeys(values))
    try:
        return sorted(different)  # type: ignore[type-var]
    except TypeError:
        return sorted(different, key=lambda value: (type(value).__name__, str(value)))


def _got(ids: Any) -> str:
    if isinstance(ids, (tuple, list)):
        return f"{len(ids)} of them"
    return _checks.describe(ids)
