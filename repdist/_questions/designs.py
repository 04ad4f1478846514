"""How rows depend on each other, as users say it: pairs, clusters, strata; read and checked."""

import dataclasses
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from repdist import _arrays, _checks
from repdist._arrays import Ids
from repdist._options import Options
from repdist._typing import Array

Unmatched = Literal["raise", "drop"]

_MOST_NAMED = 5  # strata or clusters that an error calls by name


@dataclass(frozen=True)
class Design:
    """How the rows of two samples depend on each other.

    Attributes
    ----------
    paired : bool
        Whether row i of one belongs to row i of the other; of clusters, those of one id.
    clusters, strata : Ids or None
        Of each row.
    shares : tuple of float, optional
        Of the strata, if they are not those of the rows.
    """

    paired: bool = False
    clusters: Ids | None = None
    strata: Ids | None = None
    shares: tuple[float, ...] = ()

    @property
    def called(self) -> str:
        """What a relabeling moves, in words."""
        if self.clusters is not None:
            return "pairs of clusters" if self.paired else "clusters"
        return "pairs" if self.paired else "rows"

    def sizes(self, X: Array, Y: Array) -> tuple[int, int]:
        """Return how many of these two samples have."""
        if self.clusters is None:
            return len(X), len(Y)
        first, second = (len(np.unique(codes)) for codes in self.clusters.codes)
        return first, second

    @property
    def independent(self) -> bool:
        """Whether rows are independent, of one kind."""
        return not self.paired and self.clusters is None and self.strata is None

    @property
    def ids(self) -> dict[str, Ids | None]:
        """What was said of each row, by argument."""
        return {"clusters": self.clusters, "strata": self.strata}


@dataclass(frozen=True)
class Designed:
    """Two samples with their design.

    Attributes
    ----------
    X, Y : (n, d) and (m, d)
    design : Design
    cautions : tuple of str
        Of rows that were left out.
    names : pair of str
        What messages call the samples.
    alternatives : bool
        Whether messages may advise to pair rows, or to leave some out by an argument.
    dropped : bool
        Whether rows were left out.
    """

    X: Array
    Y: Array
    design: Design
    cautions: tuple[str, ...] = ()
    names: tuple[str, str] = ("`X`", "`Y`")
    alternatives: bool = True
    dropped: bool = False

    def keep(self, first: Any, second: Any) -> "Designed":
        """Return some of the rows (masks or numbers) of both samples, with their ids."""
        at = (0, first), (1, second)
        clusters, strata = (
            None if ids is None else ids.taken(at) for ids in self.design.ids.values()
        )
        return dataclasses.replace(
            self,
            X=_arrays.take_rows(self.X, _numbers(first)),
            Y=_arrays.take_rows(self.Y, _numbers(second)),
            design=Design(self.design.paired, clusters, strata),
        )


def read_two_samples(  # noqa: PLR0913 (the options of a design)
    X: Any, Y: Any, *, paired: Any, clusters: Any, strata: Any, unmatched: Any
) -> tuple[Designed, tuple[str, ...]]:
    """Return both samples, checked, outside any autograd graph, and the names of the columns.

    Of a table, ids may be the name of a column, which is then no feature.
    """
    paired = _checks.flag("paired", paired)
    _checks.choice("unmatched", unmatched, ("raise", "drop"))
    given, of_rows = {"X": X, "Y": Y}, {}
    if _arrays.is_column_name(clusters) and clusters == strata:
        raise ValueError(f"`clusters` and `strata` must be two columns; got {clusters!r} for both.")
    for name, ids in {"clusters": clusters, "strata": strata}.items():
        if _arrays.is_column_name(ids):
            split = {
                sample: _arrays.split_off_ids(table, ids, name, sample)
                for sample, table in given.items()
            }
            given = {sample: rest for sample, (rest, _) in split.items()}
            of_rows[name] = [column for _, column in split.values()]
        elif ids is not None:
            _arrays.check_pair(name, ids)
            of_rows[name] = list(ids)
    columns = _arrays.column_names(given["X"])
    X, Y = (_arrays.detach(array) for array in _arrays.read_samples(given))
    sizes = {"X": len(X), "Y": len(Y)}
    read = {
        name: _arrays.read_ids(name, ids, sizes, list(given.values()))
        for name, ids in of_rows.items()
    }
    designed = Designed(X, Y, Design(paired, read.get("clusters"), read.get("strata")))
    return matched(designed, unmatched), columns


def matched(designed: Designed, unmatched: Unmatched) -> Designed:
    """Check that a design fits its samples; rows that nothing can be compared with are left out.

    Or raise, if `unmatched` says so.
    """
    design = designed.design
    _check_together(design)
    _check_held(designed)
    if design.paired and design.clusters is None:
        _check_lengths(designed)
    if design.clusters is not None and design.paired:
        designed = _with_partners(designed, unmatched)
    elif design.clusters is not None:
        _check_in_one_sample(design.clusters, designed)
    if design.strata is not None:
        designed = _in_both(designed, unmatched)
    _check_enough(designed)
    return designed


def check_options(design: Design, options: Options) -> None:
    """Raise if a design is asked for with options that do not go with it."""
    if design.strata is not None and options.combine == "fuse":
        raise ValueError(
            '`combine` must be "max" or "mean" with `strata`, which make two statistics of each '
            'component; got "fuse".'
        )
    if not options.landmarks:
        return
    if design.clusters is not None:
        raise ValueError(
            '`method` must be "exact" with `clusters`: landmarks know sums over bins of rows, not '
            "what clusters have with each other. Use the means of clusters as rows."
        )
    if design.paired and design.strata is not None:
        raise ValueError(
            '`method` must be "exact" for `paired` rows in `strata`; got "landmarks". Give one of '
            "them, or test each stratum by itself."
        )


def _check_lengths(designed: Designed) -> None:
    """Raise if paired samples differ in length."""
    (first, second), n, m = designed.names, len(designed.X), len(designed.Y)
    if n != m:
        raise ValueError(
            f"{first} and {second} must have as many rows if `paired`: row i of {first} belongs to "
            f"row i of {second}; got {n} and {m}. Leave out rows that have no partner."
        )


def strata_of_clusters(clusters: Ids, strata: Ids) -> Ids:
    """Return the stratum of each cluster, in the order of their numbers in each sample."""
    found = []
    for of_cluster, of_stratum in zip(clusters.codes, strata.codes, strict=True):
        _, first, inverse = np.unique(of_cluster, return_index=True, return_inverse=True)
        strayed = np.flatnonzero(of_stratum != of_stratum[first][inverse])
        if len(strayed):
            cluster = of_cluster[strayed[0]]
            both = of_stratum[first][inverse][strayed[0]], of_stratum[strayed[0]]
            raise ValueError(
                "`clusters` must each lie in one of the `strata`; got "
                f"{clusters.names[cluster]!r} in {strata.names[both[0]]!r} and "
                f"{strata.names[both[1]]!r}. Make the stratum a part of the id."
            )
        found.append(of_stratum[first])
    return Ids(strata.names, tuple(found))


# --- reading --------------------------------------------------------------------------------------


def _numbers(rows: Any) -> npt.NDArray[np.intp]:
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def _check_together(design: Design) -> None:
    """Raise if rows are said to depend on each other in three ways."""
    if design.paired and design.clusters is not None and design.strata is not None:
        raise ValueError(
            "`strata` must be None for `paired` `clusters`; got all three. Pairs of clusters are "
            "compared within themselves: test each stratum by itself, e.g. with Holm's correction."
        )


def _check_held(designed: Designed) -> None:
    """Raise if rows that belong together lie on a dask cluster."""
    design = designed.design
    for name, said in {"paired": design.paired, "clusters": design.clusters is not None}.items():
        if said and _arrays.is_lazy(designed.X):
            none = "False" if name == "paired" else "None"
            raise TypeError(
                f"`{name}` must be {none} for dask arrays; got {'ids' if none == 'None' else True}."
                " Use arrays in memory or in a file."
            )


def _check_in_one_sample(clusters: Ids, designed: Designed) -> None:
    if clusters.shared:
        twice = "If the same items were measured twice, give `paired=True` too; if each has rows "
        each = "If each has rows " if not designed.alternatives else twice
        raise ValueError(
            "`clusters` must each have all of their rows in one sample; got rows of "
            f"{clusters.shared[0]!r} in {' and '.join(designed.names)} ({len(clusters.shared)} "
            f"such in all). {each}of its own in both, give the ids as `strata`; if ids start anew "
            "in each, make them differ."
        )


def _check_enough(designed: Designed) -> None:
    """Raise if a sample is a single cluster, or there is a single pair."""
    if designed.design.clusters is None:
        return
    for name, codes in zip(designed.names, designed.design.clusters.codes, strict=True):
        if len(np.unique(codes)) < 2:
            raise ValueError(
                f"`clusters` must be at least two in each sample; got 1 in {name}: it does not "
                "show by how much clusters differ."
            )


# --- rows that nothing can be compared with -------------------------------------------------------


def _with_partners(designed: Designed, unmatched: Unmatched) -> Designed:
    """Return the clusters that both samples have."""
    clusters = designed.design.clusters
    assert clusters is not None
    counts = clusters.counts
    lone = np.flatnonzero(counts.min(axis=1) == 0)
    if not len(lone):
        return designed
    if unmatched == "raise" or len(lone) == len(counts):
        raise ValueError(
            "`clusters` must have rows in both samples if `paired`; got "
            f"{_named(clusters.names, counts, lone, designed.names)}. "
            + _advice(designed, counts[lone].sum(), len(lone) == len(counts))
        )
    return _without(designed, clusters, lone, "in no pair of clusters")


def _in_both(designed: Designed, unmatched: Unmatched) -> Designed:
    """Return the strata in which both samples have two rows, clusters or pairs."""
    design = designed.design
    assert design.strata is not None
    if design.paired:
        _check_pairs_in_strata(design.strata)
    items = design.strata
    if design.clusters is not None:
        items = strata_of_clusters(design.clusters, design.strata)
    counts, rows = items.counts, design.strata.counts
    few = np.flatnonzero(counts.min(axis=1) < 2)
    if not len(few):
        return designed
    if unmatched == "raise" or len(few) == len(counts):
        of, each = {
            "rows": ("rows of both samples", "2 rows of each sample"),
            "pairs": ("two pairs", "2 pairs"),
            "clusters": ("clusters of both samples", "2 clusters of each sample"),
        }[design.called]
        lone = np.flatnonzero(counts.min(axis=1) == 0)
        need, shown = (of, lone) if len(lone) and not design.paired else (f"at least {each}", few)
        raise ValueError(
            f"`strata` must have {need} in every stratum; got "
            f"{_named(items.names, counts, shown, designed.names, design.called)}. Join strata. "
            + _advice(designed, rows[few].sum(), len(few) == len(counts))
            + " If each stratum is one row of a sample and its partner, use `paired=True`."
            * (design.called == "rows" and int(counts.max()) == 1)
        )
    where = f"in strata with fewer than two {design.called} of a sample"
    return _without(designed, design.strata, few, where)


def _check_pairs_in_strata(strata: Ids) -> None:
    first, second = strata.codes
    apart = np.flatnonzero(first != second)
    if len(apart):
        one, other = strata.names[first[apart[0]]], strata.names[second[apart[0]]]
        raise ValueError(
            "`strata` must be the same for both rows of a pair; got "
            f"{one!r} and {other!r} in row {apart[0]} ({len(apart)} such in all)."
        )


def _without(designed: Designed, ids: Ids, lone: npt.NDArray[np.intp], where: str) -> Designed:
    """Return the rows of all other ids, with a caution that counts what is left out."""
    first, second = (~np.isin(codes, lone) for codes in ids.codes)
    left = [int((~kept).sum()) for kept in (first, second)]
    one, other = (name.replace("`", "") for name in designed.names)
    caution = f"left out: {_rows(left[0])} of {one} and {left[1]:,} of {other}, {where}"
    kept = designed.keep(first, second)
    return dataclasses.replace(kept, cautions=(*designed.cautions, caution), dropped=True)


def _advice(designed: Designed, rows: int, all_of_them: bool) -> str:
    if all_of_them:
        return "No other is left."
    these = "this row" if rows == 1 else f"these {rows:,} rows"
    by = ', e.g. by `unmatched="drop"`' * designed.alternatives
    return f"Leave out {these}{by}."


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _named(
    names: Sequence[Hashable],
    counts: npt.NDArray[np.intp],
    which: npt.NDArray[np.intp],
    samples: tuple[str, str],
    called: str = "rows",
) -> str:
    """Return some strata or clusters in words, with what each sample has of them."""
    one, (first, second) = called.removesuffix("s"), samples
    shown = [
        f"{x:,} {one if x == 1 else called} of {first} and {y:,} of {second} in {names[s]!r}"
        for s, (x, y) in zip(which.tolist(), counts[which].tolist(), strict=True)
    ]
    more = len(shown) - _MOST_NAMED
    return ", ".join(shown[:_MOST_NAMED]) + (f", and {more:,} more" if more > 0 else "")
