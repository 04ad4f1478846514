"""Every pair of groups whose rows depend on each other: each pair as two samples by itself."""

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from repdist import _arrays
from repdist._arrays import Groups
from repdist._designs.table_cuts import Streams
from repdist._inference.estimates import Estimate
from repdist._inference.pairs import Comparison
from repdist._options import Options
from repdist._questions.designs import Design, Designed, Unmatched, check_options, matched
from repdist._questions.outcomes import Outcome, tested, tested_finer
from repdist._threads import Workers, in_order
from repdist._typing import Array
from repdist.kernels import Kernel

_MOST_NAMED = 3  # pairs whose cautions are told


@dataclass(frozen=True)
class TableDesign:
    """How the rows of several groups depend on each other.

    Attributes
    ----------
    given : Groups
        With the ids of their rows.
    paired : bool
        Whether rows of two groups belong together: row i of both, or those of one id.
    unmatched : {"raise", "drop"}
    alternatives : bool
        Whether messages may advise to pair rows, or to leave some out by an argument.
    """

    given: Groups
    paired: bool
    unmatched: Unmatched
    alternatives: bool = True

    def of_others(self, arrays: list[Array]) -> "TableDesign":
        """Return the table of other rows, independent ones, in place of these."""
        return dataclasses.replace(self, given=dataclasses.replace(self.given, arrays=arrays))

    @property
    def independent(self) -> bool:
        """Whether rows are independent, of one kind."""
        return not self.paired and not self.given.ids

    @property
    def design(self) -> Design:
        """That of all groups, with the ids of all."""
        ids = self.given.ids
        return Design(self.paired, ids.get("clusters"), ids.get("strata"))

    @property
    def of_rows(self) -> Design:
        """The same, with rows that ids pair as clusters of one row."""
        ids = self.given.ids
        return Design(self.paired, ids.get("paired", ids.get("clusters")), ids.get("strata"))

    @property
    def called(self) -> str:
        """What a relabeling moves, in words."""
        return self.design.called

    @property
    def counts(self) -> tuple[int, ...]:
        """How many of these each group has."""
        clusters = self.given.ids.get("clusters")
        if clusters is None:
            return tuple(map(len, self.given.arrays))
        return tuple(len(np.unique(codes)) for codes in clusters.codes)

    def codes(self, argument: str, group: int) -> Any:
        """Return the numbers of the ids of each row of a group, None if none were given."""
        ids = self.given.ids.get(argument)
        return None if ids is None else ids.codes[group]

    def pair(self, g: int, h: int) -> Designed:
        """Return two groups as samples with their design, checked."""
        given, ids = self.given, self.given.ids
        names = [f"group {given.names[i]!r}" for i in (g, h)]
        of_pair = {name: of_rows.of(g, h) for name, of_rows in ids.items() if name != "paired"}
        design = Design(self.paired, of_pair.get("clusters"), of_pair.get("strata"))
        designed = Designed(
            given.arrays[g],
            given.arrays[h],
            design,
            names=(names[0], names[1]),
            alternatives=self.alternatives,
        )
        if "paired" in ids:
            designed = _in_pairs(designed, ids["paired"].of(g, h), self.unmatched)
        return matched(designed, self.unmatched)


def compare_designed(
    table: TableDesign,
    kernel: Kernel,
    options: Options,
    streams: Streams,
    pairs: Sequence[tuple[int, int]],
) -> tuple[Comparison, list[Outcome], list[str]]:
    """Test pairs of groups, each by itself, under one fitted kernel; with what they give to think.

    ``O(k)`` times the passes over rows that independent rows take, for all pairs of k groups.
    """
    jobs = options.workers.n_jobs
    threads = _arrays.threads_for(table.given.arrays[0], jobs)
    inner = Workers(jobs if len(pairs) < threads or threads == 1 else 1)
    own = dataclasses.replace(options, kernel=kernel, workers=inner)
    test = _PairOfDesign(table, own, streams, len(pairs))
    found = list(in_order(test, pairs, threads if inner.n_jobs == 1 else 1))
    outcomes = [pair.outcome for pair in found]
    results = [outcome.found for outcome in outcomes]
    first, second = np.array(pairs).T
    floors = [result.floor() for result in results if result.floor is not None]
    comparison = Comparison(
        first=first,
        second=second,
        quoted=np.array([result.mmd_squared for result in results]),
        estimate=Estimate.of_all(result.estimate for result in results),
        statistic=np.array([result.null.statistic for result in results]),
        pvalue=np.array([result.pvalue for result in results]),
        relabelings=tuple(outcome.drawn for outcome in outcomes),
        varies=np.array([not result.null.dropped.all() for result in results]),
        spread=np.array([result.spread for result in results]),
        inverse_sizes=np.array([outcome.inverse_sizes for outcome in outcomes]),
        whole=None,
        counts=np.array([pair.counts for pair in found]),
        guarded=np.array([result.guard > result.null.pvalue for result in results]),
        floor=np.array(floors) if floors else None,
        strata=tuple(outcome.strata for outcome in outcomes if outcome.strata is not None),
    )
    return comparison, outcomes, _told(table, [pair.cautions for pair in found], pairs)


@dataclass(frozen=True)
class _Pair:
    """What was found of a pair, in the order of its groups."""

    outcome: Outcome
    counts: tuple[int, int]
    cautions: tuple[str, ...]


class _PairOfDesign:
    """The test of a pair of groups, called with their numbers."""

    def __init__(self, table: TableDesign, options: Options, streams: Streams, pairs: int) -> None:
        self._table, self._options, self._streams, self._pairs = table, options, streams, pairs

    def __call__(self, pair: tuple[int, int]) -> _Pair:
        table, (g, h) = self._table, pair
        designed = table.pair(g, h)
        swap = not self._streams.precedes(g, h)
        at = self._ordered(designed) if swap else designed
        test = functools.partial(self._tested, at, pair)
        outcome = tested_finer(test, self._options.n_resamples, self._pairs)
        outcome = outcome.turned() if swap else outcome
        counts = designed.design.sizes(designed.X, designed.Y)
        return _Pair(outcome, counts, (*designed.cautions, *outcome.cautions))

    def _tested(self, designed: Designed, pair: tuple[int, int], wanted: int) -> Outcome:
        rng = self._streams.pair("pair", *pair)
        options = dataclasses.replace(self._options, n_resamples=wanted, rng=rng)
        return tested(designed.X, designed.Y, designed.design, options)

    def _ordered(self, designed: Designed) -> Designed:
        """Return the samples in the other order."""
        design = designed.design
        clusters, strata = (None if ids is None else ids.of(1, 0) for ids in design.ids.values())
        return dataclasses.replace(
            designed, X=designed.Y, Y=designed.X, design=Design(design.paired, clusters, strata)
        )


def check_table_options(table: TableDesign, options: Options) -> None:
    """Raise if the design does not go with other options."""
    ids = table.given.ids
    check_options(table.design, options)
    if options.landmarks and not table.independent:
        raise ValueError(
            '`method` must be "exact" for groups with `paired`, `clusters` or `strata`; got '
            '"landmarks". Test pairs of groups with `mmd_test`, which takes pairs and strata.'
        )
    if "paired" in ids and "clusters" in ids:
        raise ValueError(
            "`paired` must be True with `clusters`, whose ids pair them; got ids in both."
        )


def _in_pairs(designed: Designed, ids: _arrays.Ids, unmatched: Unmatched) -> Designed:
    """Return the rows of both samples that have one id, in one order."""
    for name, codes in zip(designed.names, ids.codes, strict=True):
        counts = np.bincount(codes)
        if counts.max() > 1:
            again = ids.names[int(counts.argmax())]
            raise ValueError(
                f"`paired` must have each id once in a group; got {again!r} {counts.max()} times in"
                f" {name}. If it names several rows, give `paired=True` and these ids as "
                "`clusters`."
            )
    first, second = ids.codes
    both = np.intersect1d(first, second)
    left = [len(codes) - len(both) for codes in ids.codes]
    one, other = designed.names
    if sum(left) and (unmatched == "raise" or not len(both)):
        lone = ids.names[int(np.setxor1d(first, second)[0])]
        advice = 'Leave them out, e.g. by `unmatched="drop"`.' if len(both) else "No pair is left."
        raise ValueError(
            f"`paired` must have every id in both groups; got {left[0]:,} rows only in {one} and "
            f"{left[1]:,} only in {other}, {lone!r} among them. {advice}"
        )
    if len(both) < 2:
        raise ValueError(f"`paired` must make at least two pairs; got 1 of {one} and {other}.")
    rows = [np.argsort(codes)[np.isin(np.sort(codes), both)] for codes in ids.codes]
    caution = f"left out: {left[0]:,} rows of {one} and {left[1]:,} of {other}, in no pair"
    kept = designed.keep(*rows)
    return dataclasses.replace(kept, cautions=(caution,)) if sum(left) else kept


def _told(table: TableDesign, cautions: list[tuple[str, ...]], pairs: Sequence[Any]) -> list[str]:
    """Return what pairs give to think of, the first of them by name."""
    names = table.given.names
    found = [
        f"{names[g]!r} and {names[h]!r}: {caution}"
        for (g, h), of_pair in zip(pairs, cautions, strict=True)
        for caution in of_pair
    ]
    more = len(found) - _MOST_NAMED
    return found[:_MOST_NAMED] + [f"{more:,} more cautions of this kind"] * (more > 0)
