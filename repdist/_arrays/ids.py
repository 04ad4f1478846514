"""What users give for each row beside the samples: of which cluster, or of which stratum, it is."""

import itertools
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist import _checks
from repdist._arrays.labels import check_index, check_kinds, check_shown, is_missing, to_list


@dataclass(frozen=True)
class Ids:
    """The ids of the rows of two samples, or of several groups, as numbers.

    Attributes
    ----------
    names : tuple
        The different ids, in an order that no order of rows changes.
    codes : tuple of (n_g,) arrays
        The place in `names` of each row's id.
    """

    names: tuple[Hashable, ...]
    codes: tuple[npt.NDArray[np.intp], ...]

    @property
    def shared(self) -> tuple[Hashable, ...]:
        """The names that occur in both of two samples."""
        first, second = self.codes
        return tuple(self.names[code] for code in np.intersect1d(first, second).tolist())

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """The rows that each id has in each sample, (ids, samples)."""
        of_samples = [np.bincount(codes, minlength=len(self.names)) for codes in self.codes]
        return np.stack(of_samples, axis=1)

    def of(self, *samples: int) -> "Ids":
        """Return those of some of the samples; names that none has are gone."""
        return self.taken([(sample, slice(None)) for sample in samples])

    def taken(self, rows: Sequence[tuple[int, Any]]) -> "Ids":
        """Return those of samples that hold rows (by number or mask) of one of these each."""
        codes = [self.codes[sample][which] for sample, which in rows]
        present, flat = np.unique(np.concatenate(codes), return_inverse=True)
        ends = np.cumsum([len(each) for each in codes])[:-1]
        return Ids(tuple(self.names[code] for code in present), tuple(np.split(flat, ends)))


def read_ids(
    name: str,
    ids: Sequence[Any],
    samples: Mapping[str, int],
    given: Sequence[Any] | None = None,
    called: Sequence[str] | None = None,
) -> Ids:
    """Check ids, one for each row of some samples.

    Parameters
    ----------
    name : str
        The argument, as messages shall call it.
    ids : sequence of sequences
        Hashable values, of each sample: lists, arrays, Series, tensors.
    samples : mapping of str to int
        What messages call each sample, and its rows.
    given : sequence, optional
        What the user gave as samples: ids in a Series must have the index of a DataFrame.
    called : sequence of str, optional
        What messages call the ids of each sample: by default by their places.
    """
    lists = []
    if called is None:
        called = [f"{name}[{place}]" for place in range(len(ids))] if len(ids) > 1 else [name]
    for place, (values, (sample, size)) in enumerate(zip(ids, samples.items(), strict=True)):
        check_index(called[place], values, given[place] if given else None)
        lists.append(_one_a_row(called[place], values, size, sample))
    every = list(itertools.chain(*lists))
    check_kinds(name, every)
    names = _ordered(every)
    check_shown(name, names)
    number = {value: code for code, value in enumerate(names)}
    codes = [np.array([number[value] for value in values], np.intp) for values in lists]
    return Ids(tuple(names), tuple(codes))


def check_pair(name: str, ids: Any) -> None:
    """Raise if these are no ids of two samples."""
    if not isinstance(ids, (tuple, list)) or len(ids) != 2:
        raise TypeError(
            f"`{name}` must be a pair: the ids of the rows of `X`, and of those of `Y`; got "
            f"{_got(ids)}. Use `{name}=(ids_x, ids_y)`."
        )


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
