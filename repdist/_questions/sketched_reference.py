"""How far each of several groups is from a reference that travels, by sums over bins of rows."""

import dataclasses
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from repdist import _arrays, _checks
from repdist._arrays import Groups
from repdist._designs.relabelings import Drawn
from repdist._designs.table_cuts import Streams
from repdist._inference.differences import Differences, Joint
from repdist._inference.estimates import Estimate
from repdist._inference.multiplicity import Adjust
from repdist._inference.pairs import Comparison
from repdist._inference.sketched import distance, influences
from repdist._options import Options
from repdist._results.landmarks import LandmarkView
from repdist._results.reference import ReferenceResult
from repdist.kernels import MultiRBF
from repdist.sketches import Reference, Sketch


def compare_sketches(  # noqa: PLR0913 (what was given, and what was asked for)
    reference: Reference, groups: Any, labels: Any, options: Options, adjust: Adjust, level: float
) -> tuple[ReferenceResult, list[Drawn]]:
    """Return the result, and the relabelings of each group.

    What is drawn for a group belongs to its name, and no p-value asks for more relabelings where
    groups are many, so that another group changes no number.
    """
    names, rows = _read(reference, groups, labels)
    streams = Streams(int(options.rng.integers(2**63)), names)
    sketches = [
        reference.sketched(
            part, streams.group(g, "bins"), options.workers.n_jobs, f"groups[{name!r}]"
        )
        for g, (name, part) in enumerate(zip(names, rows, strict=True))
    ]
    nulls = [
        reference.null(sketch, options.n_resamples, streams.group(g, "relabelings"))
        for g, sketch in enumerate(sketches)
    ]
    samples = [sketch.sample for sketch in sketches]
    estimate = Estimate.of_all(distance(sample, reference.sample) for sample in samples)
    total = float(reference.plan.weights.sum())
    own = reference.sample.norm_squared
    spread = np.array([total - (sample.norm_squared + own) / 2 for sample in samples])
    G = len(names)
    comparison = Comparison(
        first=np.zeros(G, dtype=np.intp),
        second=np.arange(1, G + 1),
        quoted=np.asarray(estimate.mmd_squared),
        estimate=estimate,
        statistic=np.array([null.statistic for null, _ in nulls]),
        pvalue=np.array([null.pvalue for null, _ in nulls]),
        relabelings=tuple(drawn for _, drawn in nulls),
        varies=np.array([not null.dropped.all() for null, _ in nulls]),
        spread=spread,
        inverse_sizes=np.array([1 / sketch.n + 1 / reference.n for sketch in sketches]),
        whole=None,
    )
    joint = Joint.of(*influences(samples, reference.sample), [None] * (G + 1), matched=False)
    view = _view(reference, sketches)
    result = ReferenceResult(
        names=names,
        sizes=tuple(sketch.n for sketch in sketches),
        reference_size=reference.n,
        counted="rows",
        counts=(reference.n, *(sketch.n for sketch in sketches)),
        matched=False,
        kernel=reference.kernel,
        estimator="unbiased",
        combine="max",
        adjust=adjust,
        confidence_level=level,
        n_resamples=options.n_resamples,
        n_bins="auto",
        landmarks=view,
        cautions=tuple(view.cautions()),
        comparison=comparison,
        floor_rate=np.full(G + 1, reference.floor_rate),
        compared=Differences(joint, level, int(options.rng.integers(2**63))),
    )
    return result, list(comparison.relabelings)


def check_left_out(**given: tuple[Any, Any]) -> None:
    """Raise for options that go with rows alone: each a value and its default."""
    for name, (value, default) in given.items():
        if isinstance(value, np.ndarray) or value != default:
            raise ValueError(
                f"`{name}` must be left out with a Reference, which has a kernel, landmarks and "
                "bins of its own; give rows as `reference` to choose it."
            )


DEFAULT_KERNEL = MultiRBF()


def _read(reference: Reference, groups: Any, labels: Any) -> tuple[tuple[Hashable, ...], list[Any]]:
    """Return names, and rows or a sketch for each."""
    if isinstance(groups, Sketch):
        groups = [groups]
    if isinstance(groups, (list, tuple)) and any(isinstance(part, Sketch) for part in groups):
        groups, labels = _named(groups, labels), None
    if isinstance(groups, (Mapping, list, tuple)) and not len(groups):
        raise ValueError("`groups` must hold at least one group; got none.")
    if isinstance(groups, Mapping) and labels is None:
        return tuple(groups), list(groups.values())
    given: Groups = _arrays.read_groups(groups, labels)
    return given.names, [reference.plan.in_order(rows, given.columns) for rows in given.arrays]


def _named(groups: Any, labels: Any) -> dict[Hashable, Any]:
    """Return groups, some of them sketches, by their names."""
    if labels is None:
        return dict(enumerate(groups))
    if isinstance(labels, (str, bytes)) or not isinstance(labels, Iterable):
        raise TypeError(f"`labels` must hold one name a group; got {_checks.describe(labels)}.")
    names = list(labels)
    if len(names) != len(groups):
        raise ValueError(
            f"`labels` must hold one name a group; got {len(names)} for {len(groups)} groups."
        )
    if not all(isinstance(name, Hashable) for name in names) or len(set(names)) < len(names):
        raise ValueError("`labels` must be different names, text or numbers; got some twice.")
    return dict(zip(names, groups, strict=True))


def _view(reference: Reference, sketches: list[Sketch]) -> LandmarkView:
    """Return what landmarks saw of all groups, and of the reference, once."""
    views, own = [reference.view(sketch) for sketch in sketches], reference.as_sketch()
    return dataclasses.replace(
        views[0],
        rows=own.n + sum(sketch.n for sketch in sketches),
        unseen=own.unseen + sum(sketch.unseen for sketch in sketches),
        left_out=sum(sketch.left_out for sketch in sketches),
        apart=sum(view.apart for view in views),
        quoted=(own.n, *(sketch.n for sketch in sketches)),
    )
