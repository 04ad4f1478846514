"""Which unit each row belongs to, for statistics that are sums over units."""

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._arrays import Ids
from repdist._designs.clusters import ClusterOrder, ClusterRelabelings, Clusters
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import Places, Relabelings
from repdist._designs.strata import StrataRelabelings, StrataUnits, order_in_strata
from repdist._designs.units import row_order, two_sample_units
from repdist._inference.linear import Guard
from repdist._inference.multipliers import differ_in_size
from repdist._numbers import reaches
from repdist._pass.ranks import RowsOfUnits
from repdist._questions.designs import Designed, strata_of_clusters
from repdist._typing import Bins

_UNEQUAL_CLUSTERS = (
    "clusters differ in size between the samples, so labels are not exchangeable: p is at least "
    "that of Welch's t-test, which asks for no equal sizes, but is right for many clusters alone"
)
_HOLM = 20  # relabelings for each of many hypotheses
_MOST = 100_000
_Drawn = Relabelings | StrataRelabelings | Flips


@dataclass(frozen=True)
class Placed:
    """Units that may change places, and the rows in them.

    Attributes
    ----------
    drawn : Drawn
        The relabelings; in their units the smaller sample comes first.
    rows : RowsOfUnits
        Of `X`, then of `Y`.
    factor : (U,)
        What the sum over a unit of the first sample counts in a difference of means.
    swapped : bool
        Whether `Y` comes first.
    balanced : bool
        Whether both samples have as many units, in each stratum: the observed labels are then as
        likely turned around, and a step-down maximum over relabelings is right for many hypotheses.
    unequal : bool
        Whether clusters differ in size between the samples, so that they are not exchangeable.
    """

    drawn: _Drawn
    rows: RowsOfUnits
    factor: npt.NDArray[np.float64]
    swapped: bool
    balanced: bool
    unequal: bool

    def guard(self, of_rows: npt.NDArray[np.float64]) -> Guard | None:
        """Return what keeps p-values right if clusters are not exchangeable.

        `of_rows` (q, d) is the variance of single rows.
        """
        if not self.unequal:
            return None
        known = self.rows.unit >= 0
        weights = np.square(self.rows.in_unit[known])
        shares = np.bincount(self.rows.unit[known], weights=weights, minlength=self.rows.units)
        return Guard(np.asarray(shares * np.square(self.factor), np.float64), of_rows)

    def for_holm(self, count: int) -> "Placed":
        """Return the same with relabelings that suffice if p-values are multiplied by a count."""
        more = max(min(_HOLM * count, _MOST), self.drawn.wanted)
        return dataclasses.replace(self, drawn=dataclasses.replace(self.drawn, wanted=more))


def placed(
    designed: Designed, wanted: int, rng: np.random.Generator, n_bins: Bins = "auto"
) -> Placed:
    """Shuffle the rows of two samples and cut them into units, as their design asks for."""
    design = designed.design
    sizes = len(designed.X), len(designed.Y)
    swapped = design.sizes(designed.X, designed.Y)[1] < design.sizes(designed.X, designed.Y)[0]
    swapped = swapped and not design.paired
    way = (1, 0) if swapped else (0, 1)
    sizes = sizes[way[0]], sizes[way[1]]
    clusters, strata = (
        None if ids is None else ids.of(*way) for ids in (design.clusters, design.strata)
    )
    orders = _orders(sizes, clusters, strata, design.paired, rng)
    of_strata = (
        strata if clusters is None or strata is None else strata_of_clusters(clusters, strata)
    )
    counts = tuple(len(order.sizes) for order in orders)
    drawn, unit = _units(orders, of_strata, design.paired, wanted, n_bins)
    factor = np.ones(len(drawn.units.rows))
    share = [np.full(count, 1 / count) for count in counts]  # of each item in its sample
    balanced = counts[0] == counts[1]
    if isinstance(drawn, StrataRelabelings):
        units = drawn.units
        factor = (units.shares * (1 / units.counts).sum(axis=1))[units.stratum]
        of_item = np.split(np.repeat(units.group, units.rows) % len(units.strata), [counts[0]])
        share = [(units.shares / units.counts[:, g])[of_item[g]] for g in (0, 1)]
        balanced = bool((units.counts[:, 0] == units.counts[:, 1]).all())
    unequal = not design.paired and differ_in_size(*(order.sizes for order in orders))
    rows = _rows(orders, unit, share, swapped, len(factor))
    return Placed(drawn, rows, factor, swapped, balanced and not unequal, unequal)


def placed_cautions(cut: Placed, count: int, holm: bool) -> list[str]:
    """Return what relabelings of these units give to think of, for so many adjusted p-values."""
    found = []
    least = cut.drawn.least_pvalue * (count if holm else 1)
    if not reaches(least):
        what = f"of {count:,} by Holm's correction " * holm
        found.append(
            f"no adjusted p-value {what}below {min(least, 1):.2g} can be reached: too few rows or "
            "relabelings"
        )
    return found + [_UNEQUAL_CLUSTERS] * cut.unequal


def _orders(
    sizes: tuple[int, int],
    clusters: Ids | None,
    strata: Ids | None,
    paired: bool,
    rng: np.random.Generator,
) -> list[ClusterOrder]:
    """Return the order in which rows, or clusters of rows, are cut into units, sample by sample."""
    if clusters is None and strata is None:
        first = _single(row_order(sizes[0], rng))
        return [first, first if paired else _single(row_order(sizes[1], rng))]
    if clusters is None:
        assert strata is not None
        first = _single(order_in_strata(strata.codes[0], rng))
        return [first, first if paired else _single(order_in_strata(strata.codes[1], rng))]
    if strata is not None:
        of_cluster = strata_of_clusters(clusters, strata)
        return [
            ClusterOrder.of(codes, np.unique(codes)[order_in_strata(of, rng)])
            for codes, of in zip(clusters.codes, of_cluster.codes, strict=True)
        ]
    if paired:
        sequence = row_order(len(clusters.names), rng)
        return [ClusterOrder.of(codes, sequence) for codes in clusters.codes]
    return [ClusterOrder.drawn(codes, rng) for codes in clusters.codes]


def _single(order: Places) -> ClusterOrder:
    """Return the order of rows as that of clusters of one row."""
    return ClusterOrder(order, np.ones(len(order), dtype=np.intp), np.argsort(order))


def _units(
    orders: list[ClusterOrder], strata: Ids | None, paired: bool, wanted: int, n_bins: Bins
) -> tuple[_Drawn, npt.NDArray[np.intp]]:
    """Return the relabelings, and the unit of each item of both samples in their order."""
    n, m = (len(order.sizes) for order in orders)
    clustered = any((order.sizes != 1).any() for order in orders)
    if strata is not None:
        units = StrataUnits.of(strata.names, strata.counts, n_bins)
        unit = np.repeat(np.arange(len(units.rows)), units.rows)
        if not paired:
            return StrataRelabelings(units, wanted, "clusters" if clustered else "rows"), unit
        pairs = PairedUnits.of_sizes(units.rows[: len(units.rows) // 2])
        return Flips(pairs, wanted, f"pairs inside {len(strata.names):,} strata"), unit
    if paired:
        pairs = PairedUnits.of(n, n_bins)
        called = "pairs of clusters" if clustered else "pairs"
        return Flips(pairs, wanted, called), np.repeat(np.arange(2 * pairs.bins), pairs.rows)
    if not clustered:
        rows = two_sample_units(n, m, n_bins)
        return Relabelings(rows, wanted), np.repeat(np.arange(len(rows.rows)), rows.rows)
    clusters = Clusters.of(*(order.sizes for order in orders))
    drawn = ClusterRelabelings.of_clusters(clusters, wanted, n_bins)
    bins = drawn.bins
    moving = np.where(bins.can_move, np.cumsum(bins.can_move) - 1, -1)
    return drawn, np.repeat(moving, bins.rows)


def _rows(
    orders: list[ClusterOrder],
    unit: npt.NDArray[np.intp],
    share: list[Any],
    swapped: bool,
    units: int,
) -> RowsOfUnits:
    """Return what holds of each row, `X` first, from what holds of items in their order."""
    parts = np.split(unit, [len(orders[0].sizes)])
    found = []
    for order, of_item, in_sample in zip(orders, parts, share, strict=True):
        columns = np.stack([of_item, 1 / order.sizes, in_sample / order.sizes])
        of_row = np.empty((3, len(order.rows)))
        of_row[:, order.rows] = np.repeat(columns, order.sizes, axis=1)
        found.append(of_row)
    of_all = np.concatenate(found[::-1] if swapped else found, axis=1)
    return RowsOfUnits(of_all[0].astype(np.intp), of_all[1], of_all[2], units)
