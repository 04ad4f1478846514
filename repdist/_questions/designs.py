"""How two samples are tested: as rows, pairs, clusters, or within strata.

Each way joins an order of rows, units, kernel sums and a null, and fits the kernel on all rows.
"""

import functools
from dataclasses import dataclass

import numpy as np

from repdist import _arrays
from repdist._blocks import join
from repdist._designs.clusters import ClusterOrder, ClusterRelabelings, Clusters, cluster_layout
from repdist._designs.paired import Flips, PairedUnits
from repdist._designs.relabelings import AT_ONCE, Drawn, Relabelings
from repdist._designs.strata import (
    StrataRelabelings,
    StrataUnits,
    check_strata,
    order_in_strata,
)
from repdist._designs.units import row_order, two_sample_units
from repdist._inference import clustered, stratified, two_samples
from repdist._inference import paired as paired_rows
from repdist._inference.combine import Combination
from repdist._inference.findings import Findings
from repdist._inference.stratified import StrataSums, StrataTable, strata_table
from repdist._options import Options
from repdist._pass.beside import values_beside
from repdist._pass.sums import kernel_blocks
from repdist._questions.cautions import cluster_cautions, strata_cautions
from repdist._questions.memory import check_memory
from repdist._threads import in_order
from repdist._typing import Array, Bins, Combine
from repdist.kernels import Kernel
from repdist.kernels._kernel import fit
from repdist.kernels._plan import Plan, plan

_MOST_BYTES = 2**34  # of the kernel between clusters, with
_COPIES = 8  # of it that are held at a time


@dataclass(frozen=True)
class Outcome:
    """What a design has made of two samples.

    Attributes
    ----------
    Z : (N, d)
        All rows, in the order in which they were cut into units.
    kernel : Kernel
        Fitted.
    plan : Plan
    drawn : Drawn
    found : Findings
    forms : tuple of str
        The statistics that each component has.
    strata : StrataTable, optional
    more_bytes : int
        Held in memory beside what all tests hold.
    cautions : tuple of str
    """

    Z: Array
    kernel: Kernel
    plan: Plan
    drawn: Drawn
    found: Findings
    forms: tuple[str, ...] = ("",)
    strata: StrataTable | None = None
    more_bytes: int = 0
    cautions: tuple[str, ...] = ()


def tested_rows(X: Array, Y: Array, options: Options) -> Outcome:
    """Test independent rows."""
    first, second = (X, Y) if len(X) <= len(Y) else (Y, X)
    orders = [row_order(len(sample), options.rng) for sample in (first, second)]
    Z = _arrays.concatenate([first, second], orders)
    fitted = fit(options.kernel, _arrays.concatenate([X, Y]))
    how = plan(fitted)
    units = two_sample_units(len(first), len(second), options.n_bins)
    drawn = Relabelings(units, options.n_resamples)
    check_memory([len(units.rows)], how)
    sums = join(*kernel_blocks(how, Z, units.layout, options.workers, squares=options.squares))
    combination = Combination(options.combine, np.array(how.weights), sums.squares, len(first))
    relabeled = _relabeled(drawn, options)
    found = two_samples.findings(sums, units, combination, options.estimator, relabeled)
    return Outcome(Z, fitted, how, drawn, found)


def tested_pairs(X: Array, Y: Array, options: Options) -> Outcome:
    """Test row i of X with row i of Y.

    In float64: what differs within pairs can be far smaller than kernel values are.
    """
    order = row_order(len(X), options.rng)
    Z = _arrays.concatenate([X, Y], [order, order])
    Z = _arrays.cast(Z, _arrays.wide(Z))
    fitted = fit(options.kernel, _arrays.concatenate([X, Y]))
    how = plan(fitted)
    units = PairedUnits.of(len(X), options.n_bins)
    drawn = Flips(units, options.n_resamples)
    check_memory([len(units.rows)], how)
    sums = join(*kernel_blocks(how, Z, units.layout, options.workers, squares=options.squares))
    both = paired_rows.PairedSums(sums, values_beside(how, Z, units.layout))
    combination = Combination(options.combine, np.array(how.weights), sums.squares, len(X))
    relabeled = _relabeled(drawn, options)
    found = paired_rows.findings(both, units, combination, options.estimator, relabeled)
    return Outcome(Z, fitted, how, drawn, found)


def tested_clusters(X: Array, Y: Array, ids: _arrays.Ids, options: Options) -> Outcome:
    """Test clusters of rows, each of which counts as one."""
    _check_clusters(ids)
    orders = [ClusterOrder.drawn(codes, options.rng) for codes in ids.codes]
    clusters = Clusters.of(*(order.sizes for order in orders))
    drawn = ClusterRelabelings.of_clusters(clusters, options.n_resamples)
    swap = clusters.second < clusters.first
    samples, orders = ([Y, X], orders[::-1]) if swap else ([X, Y], orders)
    Z = _arrays.concatenate(samples, [order.rows for order in orders])
    fitted = fit(options.kernel, _arrays.concatenate([X, Y]))
    how = plan(fitted)
    _check_cluster_memory(clusters, how)
    sizes, weights = [order.sizes for order in orders], np.array(how.weights)
    sums = join(*kernel_blocks(how, Z, cluster_layout(*sizes), options.workers))
    relabeled = functools.partial(
        clustered.moments,
        of_blocks=clustered.labels(drawn, options.rng),
        run=functools.partial(in_order, n_jobs=options.workers.n_jobs),
    )
    sums = clustered.cluster_sums(sums, np.concatenate(sizes), len(sizes[0]), weights)
    rules = options.combine, options.estimator
    found = clustered.findings(sums, drawn.units, weights, rules, relabeled)
    more = clustered.extra_bytes(drawn, len(weights), options.workers.n_jobs)
    cautions = cluster_cautions(*(sizes[::-1] if swap else sizes))
    return Outcome(Z, fitted, how, drawn, found, more_bytes=more, cautions=tuple(cautions))


def tested_strata(X: Array, Y: Array, ids: _arrays.Ids, options: Options) -> Outcome:
    """Test rows within strata."""
    rows = np.stack([np.bincount(c, minlength=len(ids.names)) for c in ids.codes], axis=1)
    check_strata(ids.names, rows)
    swap = len(Y) < len(X)
    samples, codes = [X, Y], list(ids.codes)
    if swap:
        samples, codes, rows = samples[::-1], codes[::-1], rows[:, ::-1]
    orders = [order_in_strata(code, options.rng) for code in codes]
    Z = _arrays.concatenate(samples, orders)
    fitted = fit(options.kernel, _arrays.concatenate([X, Y]))
    how = plan(fitted)
    units = StrataUnits.of(ids.names, rows, options.n_bins)
    drawn = StrataRelabelings(units, options.n_resamples)
    check_memory([len(units.rows)], how, forms=2)
    blocks = kernel_blocks(how, Z, units.layout, options.workers)
    sums = StrataSums.of(blocks, units, len(how.weights))
    weights = np.array(how.weights)
    combination = Combination(options.combine, weights, np.zeros(len(weights)), len(samples[0]))
    relabeled = _relabeled(drawn, options)
    found = stratified.findings(sums, units, combination, options.estimator, relabeled)
    forms = ("adjusted", "within") if stratified.takes_both(combination) else ("adjusted",)
    table = strata_table(sums, units)
    table = table.turned() if swap else table
    cautions = tuple(strata_cautions(table))
    return Outcome(Z, fitted, how, drawn, found, forms, table, cautions=cautions)


def _relabeled(drawn: Drawn, options: Options) -> two_samples.Relabeled:
    """Return the statistics of a form under the relabelings, by as many threads as pay."""
    jobs = options.workers.n_jobs if drawn.total > AT_ONCE else 1
    return functools.partial(
        two_samples.statistics,
        drawn=drawn,
        of_blocks=two_samples.forms(drawn, options.rng),
        run=functools.partial(in_order, n_jobs=jobs),
    )


def check_options_of_strata(combine: Combine) -> None:
    """Raise if strata are asked for with what they do not go with."""
    if combine == "fuse":
        raise ValueError(
            '`combine` must be "max" or "mean" with `strata`, which make two statistics of each '
            'component; got "fuse".'
        )


def check_options_of_clusters(X: Array, n_bins: Bins) -> None:
    """Raise if clusters are asked for with what they do not go with."""
    if n_bins != "auto":
        raise ValueError(
            f'`n_bins` must be "auto" with `clusters`, which move as a whole; got {n_bins!r}.'
        )
    if _arrays.is_lazy(X):
        raise TypeError(
            "`clusters` must be None for dask arrays; got ids. Use arrays in memory or in a file."
        )


def _check_clusters(ids: _arrays.Ids) -> None:
    """Raise if a cluster has rows in both samples, or a sample is a single cluster."""
    if ids.shared:
        raise ValueError(
            "`clusters` must each have all of their rows in one sample; got rows of "
            f"{ids.shared[0]!r} in both ({len(ids.shared)} such in all). If the same items were "
            "measured twice, row by row, use `paired=True`; if each has rows of its own in both "
            "samples, give the ids as `strata`; if ids start anew in each sample, make them differ."
        )
    for sample, codes in zip("XY", ids.codes, strict=True):
        if len(np.unique(codes)) < 2:
            raise ValueError(
                f"`clusters` must be at least two in each sample; got 1 in `{sample}`: it does not "
                "show by how much clusters differ."
            )


def _check_cluster_memory(clusters: Clusters, how: Plan) -> None:
    """Raise if the kernel between all clusters would not fit into any usual memory."""
    count, R = clusters.first + clusters.second, len(how.weights)
    size = _COPIES * 8 * (R + 1) * count**2
    if size > _MOST_BYTES:
        raise ValueError(
            f"`clusters` must be so few that the kernel between them fits into "
            f"{_MOST_BYTES >> 30} GiB; got {count:,}, which need {size / 2**30:.0f}. Join clusters "
            "at random into larger ones, or use a kernel of one component."
        )
