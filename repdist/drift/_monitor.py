"""A monitor: each batch against the reference and all batches before it."""

import dataclasses
import secrets
from collections.abc import Hashable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from repdist import _checks
from repdist._designs.relabelings import random_total
from repdist._files import checked_target
from repdist._inference.rates import CONFIDENCE
from repdist._inference.sketched import distance
from repdist._options import Options
from repdist._results.card import Card, Result
from repdist._results.words import kernel_words
from repdist._spreadsheet import write_frame
from repdist._threads import computing
from repdist._typing import Array
from repdist._version import __version__
from repdist.drift._batches import MonitorStep, key_of, name_of, revision
from repdist.drift._chart import bet, onset, threshold_for
from repdist.drift._pool import Pool
from repdist.sketches import Reference, Sketch, _store

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

KIND = "monitor"
_LEAST_EVERY, _MOST_EVERY = 2.0, 1e5
_LEAST_RESAMPLES = 19
_FEW_UNSEEN = 0.01  # of the rows of a batch


class Monitor(Result):
    """Watch batches for drift, with false alarms as rare as is asked for.

    Each batch is compared with the reference *and all earlier batches*: if nothing changes, these
    p-values are independent of each other, though the reference is one. They are bets that add up
    to evidence; an alarm is given where it reaches a threshold. The distance of each batch, its
    interval and floor are to the *reference*.

    .. versionadded:: 0.2.0

    Parameters
    ----------
    reference : Reference
    alarm_every : float
        How many batches an alarm takes *on average* while nothing changes. About half of the false
        alarms come sooner than .7 times as many batches, and within so many batches the chance of
        one is some .63. Default 100.
    n_resamples : int
        At least so many random relabelings of bins for each batch. Default 9999.
    rng : None, int or numpy.random.Generator
        Draws the seed of all later randomness: the same batches give the same steps to the bit.

    Attributes
    ----------
    reference : Reference
    threshold : float
        Of the evidence.
    steps : tuple of MonitorStep
        Of all batches.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described; the message names it.

    See Also
    --------
    compare_to_reference : after the fact, many groups at once, corrected for their number.

    Notes
    -----
    A batch needs 8 bins of rows: 256 by default. Batches must not overlap, and rows must be
    independent: a common shift of each day is drift to this test, and rows that follow each other
    closely are not independent. There is no quarantine: batches of an alarm stay in the pool, else
    later p-values depend on earlier ones. After a change that stays, start anew with `restart`.

    Of the pool as many bins as the reference may have are relabeled, drawn uniformly; the sums over
    all other rows count, and keep their label. So an update takes the same time and a saved monitor
    the same room after any number of batches: bins of the reference, and as many again. But the
    pool forgets: `max_bins` of the reference should be many times the bins of a batch (take larger
    `rows_per_bin` for large batches), else a small change that lasts is soon a part of the pool.

    Given the rows of the pool and the batch together, without their order, the p-value is uniform
    (or larger, with ties); those of later batches depend on that set alone, and on relabelings
    drawn afresh.

    Examples
    --------
    >>> import numpy as np, repdist
    >>> rng = np.random.default_rng(0)
    >>> reference = repdist.Reference(rng.normal(size=(5000, 4)), rng=0)
    >>> monitor = repdist.Monitor(reference, alarm_every=100, rng=0)
    >>> for week in range(4):
    ...     step = monitor.update(rng.normal(size=(320, 4)), label=f"week {week}")
    >>> step.alarm
    False
    >>> monitor.update(rng.normal(0.8, 1, size=(320, 4)), label="week 4").alarm
    True
    """

    def __init__(
        self,
        reference: Reference,
        *,
        alarm_every: float = 100,
        n_resamples: int = 9999,
        rng: np.random.Generator | int | None = None,
    ) -> None:
        _check_reference(reference)
        options = Options.checked(
            kernel=reference.kernel, combine="max", n_resamples=n_resamples, rng=rng, n_jobs=1,
            progress=False,
        )  # fmt: skip
        every = _checks.positive("alarm_every", alarm_every)
        if not _LEAST_EVERY <= every <= _MOST_EVERY:
            raise ValueError(
                f"`alarm_every` must be from {_LEAST_EVERY:g} to {_MOST_EVERY:g} batches; got "
                f"{alarm_every:g}."
            )
        if options.n_resamples < _LEAST_RESAMPLES:
            raise ValueError(
                f"`n_resamples` must be at least {_LEAST_RESAMPLES}, so that p-values can be small;"
                f" got {n_resamples}."
            )
        self._every, self._wanted = every, options.n_resamples
        self._seed = int(options.rng.integers(2**63))
        self._identity, self._saved = secrets.token_hex(8), ""
        self._held: Path | None = None
        self._steps: list[MonitorStep] = []
        self._keys: set[str] = set()
        self._start(reference)

    def _start(self, reference: Reference) -> None:
        """Begin with the bins of a reference as pool."""
        self._reference, self._pool = reference, Pool.of(reference)
        self._evidence = 0.0

    @property
    def reference(self) -> Reference:
        """What distances are to."""
        return self._reference

    @property
    def alarm_every(self) -> float:
        """How many batches an alarm takes on average while nothing changes."""
        return self._every

    @property
    def n_resamples(self) -> int:
        """At least so many random relabelings for each batch."""
        return self._wanted

    @property
    def threshold(self) -> float:
        """Of the evidence: an alarm is given where it is reached."""
        return threshold_for(self._every, random_total(self._wanted))

    @property
    def steps(self) -> tuple[MonitorStep, ...]:
        """Of all batches."""
        return tuple(self._steps)

    @property
    def alarms(self) -> tuple[str, ...]:
        """The labels of batches with an alarm that nobody has accepted."""
        return tuple(step.label for step in self._steps if step.alarm and not step.accepted)

    def update(
        self, rows: Array | Sketch, label: Hashable | None = None, *, n_jobs: int = -1
    ) -> MonitorStep:
        """Look at one more batch.

        Parameters
        ----------
        rows : array-like, (n, d), table or Sketch
            At least 8 bins of them, of the columns of the reference.
        label : str, number or date, optional
            What the batch is called. Without it a hash of its content, so that the same batch twice
            is refused.
        n_jobs : int
            Threads for NumPy input.

        Returns
        -------
        MonitorStep

        Raises
        ------
        TypeError, ValueError
            If `rows` are not of the kind described, fill too few bins, or are a sketch of another
            reference; if a batch of this label has been seen. The monitor is then as it was.
        """
        name = key_of(self._reference.plan, rows) if label is None else name_of(label)
        if name in self._keys:
            what = "`rows`" if label is None else "`label`"
            raise ValueError(
                f"{what} must be a batch that was not seen before; got {name!r} again."
            )
        number = len(self._steps)
        sketch = self._reference.sketched(rows, self._stream(number, 0), n_jobs)
        with computing():
            plan = self._reference.plan
            pvalue = self._pool.pvalue(plan, sketch, self._wanted, self._stream(number, 1))
            evidence = (1 + self._evidence) * float(bet(np.array(pvalue)))
            step = self._since(self._step(name, sketch, pvalue, evidence))
            pool = self._pool.grown(sketch, self._stream(number, 2))
        self._pool = pool
        self._evidence = 0.0 if step.alarm else evidence
        self._steps.append(step)
        self._keys.add(name)
        return step

    def accept(self, label: Hashable) -> None:
        """Note that somebody has looked at the alarm of a batch; its rows stay in the pool.

        Raises
        ------
        ValueError
            If no batch of this label gave an alarm.
        """
        name = name_of(label)
        for i, step in enumerate(self._steps):
            if step.label == name and step.alarm:
                self._steps[i] = dataclasses.replace(step, accepted=True)
                return
        raise ValueError(f"`label` must be that of a batch with an alarm; got {name!r}.")

    def restart(self, reference: Reference) -> None:
        """Start anew with another reference: an empty pool, and no evidence; steps stay."""
        _check_reference(reference)
        self._start(reference)

    def to_frame(self) -> "pd.DataFrame":
        """Return one row a batch, in their order, indexed by label: the fields of its step."""
        import pandas as pd

        names = [field.name for field in dataclasses.fields(MonitorStep)]
        frame = pd.DataFrame([dataclasses.asdict(step) for step in self._steps], columns=names)
        return frame.set_index("label")

    def plot(self) -> "Axes":
        """Draw the distance over time with its floor, and the evidence with its threshold.

        Returns
        -------
        matplotlib Axes
            Those of the distance.

        Raises
        ------
        ValueError
            If no batch has come.
        """
        from repdist.plotting import plot_drift

        if not self._steps:
            raise ValueError("a monitor can be drawn once a batch has come; got none.")
        axes: Axes = plot_drift(self).axes[0]
        return axes

    def to_csv(self, path: str | Path) -> None:
        """Write `to_frame()` to a file, which appears when it is complete.

        A label that a spreadsheet would take for a formula has an apostrophe before it.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` is no file name, is none that can be written in an existing folder, or cannot
            be written to its end; an earlier file is then as it was.
        """
        write_frame(path, self.to_frame().reset_index(), ["label"])

    def to_html(self, path: str | Path, *, title: str = "Has it drifted?") -> None:
        """Write one self-contained page: the summary, the picture, the table of batches.

        Parameters
        ----------
        path : str or Path
            The file, which appears when it is complete.
        title : str
            The heading.

        Raises
        ------
        TypeError, ValueError, OSError
            If `title` is not text, no batch has come, or `path` cannot be written to its end; an
            earlier file is then as it was.
        """
        from repdist._report import write_page
        from repdist.drift._page import page_of

        write_page(path, page_of(self, _checks.text("title", title), self._card().html()))

    @property
    def headline(self) -> str:
        """What the picture says above itself."""
        found = self.alarms
        if not found:
            return "No alarm that nobody has accepted"
        shown = ", ".join(found[:3]) + ", ..." * (len(found) > 3)
        return f"Alarm: {shown}"

    def method(self) -> str:
        """Return two sentences for a paper that say what was done."""
        plan = self._reference.plan
        return (
            f"Batches were compared with a reference of {self._reference.n:,} rows and all earlier "
            f"batches by permutation p-values of bins of {plan.rows_per_bin} rows "
            f"({kernel_words(plan.kernel)}, seen through {len(plan.landmarks):,} landmarks), which "
            "are independent of each other while nothing changes, and bets on these were added up "
            f"by a Shiryaev-Roberts chart that gives an alarm every {self._every:g} batches on "
            "average by chance. Distances are squared maximum mean discrepancies to the reference, "
            f"under the kernel projected on the landmarks (repdist {__version__})."
        )

    def call(self) -> str:
        """Return the calls that repeat the steps on the same batches."""
        return (
            f"repdist.Monitor(reference, alarm_every={self._every:g}, "
            f"n_resamples={self._wanted})  # then update(rows, label), with the rng that was used"
        )

    def save(self, path: str | Path) -> None:
        """Write the monitor to a .npz file, which appears when it is complete.

        Raises
        ------
        TypeError, ValueError, OSError
            If `path` cannot be written to its end, or holds another monitor, or this one with
            batches that were added since it was loaded here; the file is then as it was.
        """
        with nullcontext() if checked_target(path) == self._held else _store.locked(path):
            self._check_mine(path)
            header, arrays = self._reference.stored()
            stored = {f"reference_{name}": value for name, value in arrays.items()}
            state = {
                "reference": header,
                "identity": self._identity,
                "seed": self._seed,
                "alarm_every": self._every,
                "n_resamples": self._wanted,
                "evidence": self._evidence,
                "rest_rows": self._pool.rest_rows,
                "steps": [dataclasses.asdict(step) for step in self._steps],
            }
            pool = {"pool": self._pool.bins, "rest": self._pool.rest}
            _store.write(path, KIND, state, stored | pool, alone=True)
            self._saved = self._revision

    @classmethod
    def load(cls, path: str | Path) -> "Monitor":
        """Return the monitor of a file that `save` wrote.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is none, or it is cut, damaged, of another kind or of another format.
        """
        state, arrays = _store.read(path, KIND, "Monitor.save")
        prefix = "reference_"
        of_reference = {
            name.removeprefix(prefix): value
            for name, value in arrays.items()
            if name.startswith(prefix)
        }
        monitor = cls.__new__(cls)
        vars(monitor).update(
            _reference=Reference.of_store(state["reference"], of_reference),
            _identity=state["identity"],
            _held=None,
            _seed=state["seed"],
            _every=state["alarm_every"],
            _wanted=state["n_resamples"],
            _evidence=state["evidence"],
            _pool=Pool(arrays["pool"], arrays["rest"], state["rest_rows"]),
            _steps=[MonitorStep(**step) for step in state["steps"]],
            _keys={step["label"] for step in state["steps"]},
        )
        vars(monitor)["_saved"] = revision(state["steps"], state["reference"]["plan"])
        return monitor

    @classmethod
    @contextmanager
    def opened(
        cls,
        path: str | Path,
        reference: Reference,
        *,
        alarm_every: float = 100,
        n_resamples: int = 9999,
        rng: np.random.Generator | int | None = None,
    ) -> "Iterator[Monitor]":
        """Hold the monitor of a file for this process alone: load it, or start it, and save it.

        For jobs that run by themselves. Inside of ``with``, `save` may be called after each batch;
        at its end the monitor is saved. If it ends by an error, the file is as the last `save`
        left it. The lock is a file beside `path`; it is free once the process ends, however it
        does.

        Parameters
        ----------
        path : str or Path
            A file that `save` wrote, or none yet.
        reference : Reference
            What the monitor compares with, and must have been saved with.
        alarm_every, n_resamples, rng
            See `Monitor`. With a file, the first two must be as they were when it was begun, and
            the seed is that of the file.

        Yields
        ------
        Monitor

        Raises
        ------
        TypeError, ValueError, OSError
            If another process holds the file; if it is cut, damaged or no monitor, has another
            reference, `alarm_every` or `n_resamples`, or cannot be written.

        Examples
        --------
        >>> import numpy as np, repdist, tempfile
        >>> rng = np.random.default_rng(0)
        >>> reference = repdist.Reference(rng.normal(size=(5000, 4)), rng=0)
        >>> path = f"{tempfile.mkdtemp()}/monitor.npz"
        >>> for week in range(3):  # each may be a process of its own
        ...     with repdist.Monitor.opened(path, reference, rng=0) as monitor:
        ...         step = monitor.update(rng.normal(size=(320, 4)), label=f"week {week}")
        >>> len(repdist.Monitor.load(path).steps)
        3
        """
        given = cls(reference, alarm_every=alarm_every, n_resamples=n_resamples, rng=rng)
        with _store.locked(path):
            monitor = given
            if Path(path).exists():
                monitor = cls.load(path)
                _check_like(monitor, given, path)
            vars(monitor)["_held"] = checked_target(path)
            try:
                yield monitor
                monitor.save(path)
            finally:
                vars(monitor)["_held"] = None

    def __repr__(self) -> str:
        return f"Monitor({len(self._steps)} batches, alarms={self.alarms!r})"

    @property
    def _revision(self) -> str:
        steps = [dataclasses.asdict(step) for step in self._steps]
        return revision(steps, self._reference.plan.digest)

    def _check_mine(self, path: str | Path) -> None:
        """Raise if a file is there that this monitor has not come from as it is."""
        if not Path(path).exists():
            return
        state, _ = _store.read(path, KIND, "Monitor.save")
        if state["identity"] != self._identity:
            raise ValueError(f"`path` must not hold another monitor; {path} does.")
        if revision(state["steps"], state["reference"]["plan"]) != self._saved:
            raise ValueError(
                f"`path` must be as it was when it was loaded; {path} is another state, of "
                f"{len(state['steps'])} batches. Load it again."
            )

    def _stream(self, number: int, purpose: int) -> np.random.Generator:
        """Return the random stream of a batch and a purpose."""
        return np.random.default_rng([self._seed, number, purpose])

    def _step(self, name: str, sketch: Sketch, pvalue: float, evidence: float) -> MonitorStep:
        reference = self._reference
        estimate = distance(sketch.sample, reference.sample)
        low, high = estimate.interval(CONFIDENCE)
        spread = (
            float(reference.plan.weights.sum())
            - (sketch.sample.norm_squared + reference.sample.norm_squared) / 2
        )
        return MonitorStep(
            label=name,
            n=sketch.n,
            mmd_squared=float(estimate.mmd_squared),
            standard_error=float(estimate.standard_error),
            ci_low=float(low),
            ci_high=float(high),
            effect=float(estimate.mmd_squared) / spread,
            floor=reference.floor_rate * (1 / sketch.n + 1 / reference.n),
            pvalue=pvalue,
            evidence=evidence,
            alarm=evidence >= self.threshold,
            unseen=sketch.unseen,
            left_out=sketch.left_out,
        )

    def _since(self, step: MonitorStep) -> MonitorStep:
        """Return the step with the batch from which on the evidence has grown up to it."""
        steps = [*self._steps, step]
        first = onset([one.pvalue for one in steps], [one.evidence for one in steps])
        return step if first is None else dataclasses.replace(step, since=steps[first].label)

    def _card(self) -> Card:
        lines = [
            ("reference", f"{self._reference.n:,} rows, {self._reference.n_bins:,} bins"),
            ("alarm", f"every {self._every:g} batches on average while nothing changes: where "
             f"the evidence reaches {self.threshold:.3g}"),
        ]  # fmt: skip
        if self._steps:
            last = self._steps[-1]
            low = f"{last.ci_low:.3g}" if last.ci_low > 0 else "0 (cut)"
            distance_words = (
                f"MMD^2 {last.mmd_squared:.3g} to the reference, 95 % interval {low} to "
                f"{last.ci_high:.3g}, floor {last.floor:.3g}"
            )
            verdict = "ALARM" if last.alarm else "no alarm"
            grown = f", growing since {last.since}" if last.since not in ("", last.label) else ""
            lines += [
                ("last", f"{last.label}: {verdict}, evidence {last.evidence:.3g}{grown}"),
                ("distance", distance_words),
                ("p-value", f"{last.pvalue:.4g}, against the reference and all earlier batches"),
            ]
            if last.left_out:
                given = f"{last.n + last.left_out:,} in {last.label}, {last.left_out:,} of them"
                lines.append(("rows", f"{given} fill no bin and are left out"))
        if self.alarms:
            shown = ", ".join(self.alarms[:5]) + ", ..." * (len(self.alarms) > 5)
            lines.append(("alarms", f"{len(self.alarms)} not accepted: {shown}"))
        count = len(self._steps)
        title = f"Monitor of {count:,} batch{'es' * (count != 1)}"
        return Card(title, tuple(lines), self._cautions())

    def _cautions(self) -> tuple[str, ...]:
        """Return what a reader of the last step should know."""
        if not self._steps or self._steps[-1].unseen <= _FEW_UNSEEN * self._steps[-1].n:
            return ()
        last = self._steps[-1]
        return (
            f"{last.unseen:,} of the {last.n:,} rows of {last.label} are near to no landmark: what "
            "differs among them was hardly looked at",
        )

    def _record(self) -> dict[str, Any]:
        return {
            "alarm_every": self._every,
            "threshold": self.threshold,
            "n_resamples": self._wanted,
            "reference": self._reference.to_dict(),
            "alarms": self.alarms,
            "steps": [dataclasses.asdict(step) for step in self._steps],
        }


def _check_reference(reference: Any) -> None:
    if not isinstance(reference, Reference):
        raise TypeError(
            f"`reference` must be a Reference; got {_checks.describe(reference)}. Make one: "
            "`repdist.Reference(rows)`."
        )


def _check_like(found: Monitor, given: Monitor, path: str | Path) -> None:
    """Raise if the monitor of a file is not what was asked for."""
    was, now = found.reference, given.reference
    keys = [(r.plan.digest, r.as_sketch().digest) for r in (was, now)]
    if keys[0] != keys[1]:
        raise ValueError(
            f"`reference` must be that of the monitor in {path}, {was!r}; got {now!r}. Use another "
            "file for a monitor of another reference."
        )
    for name in ("alarm_every", "n_resamples"):
        before, wanted = getattr(found, name), getattr(given, name)
        if before != wanted:
            raise ValueError(
                f"`{name}` must be that of the monitor in {path}, {before:g}; got {wanted:g}."
            )
