"""Batches of a monitor: what is said of each, and what each is called."""

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from repdist import _arrays, _checks
from repdist._typing import Array
from repdist.sketches import Sketch
from repdist.sketches._plan import SketchPlan

_LONGEST = 200  # characters of a label


@dataclass(frozen=True)
class MonitorStep:
    """What a monitor says of one batch.

    .. versionadded:: 0.2.0

    Attributes
    ----------
    label : str
        As given, or a hash of the rows.
    n : int
        Rows.
    mmd_squared, standard_error, ci_low, ci_high : float
        The distance to the reference, under the kernel projected on its landmarks; its 95 %
        interval.
    effect : float
        MMD^2 over the spread of rows.
    floor : float
        What a batch of this size shows by chance in 95 % of cases.
    pvalue : float
        Of the batch against the reference and all earlier batches.
    evidence : float
        That has added up against "nothing has changed".
    alarm : bool
        Whether it has reached the threshold; the next batch starts from nothing again.
    unseen : int
        Rows that no landmark is near to: what differs among them was hardly looked at.
    accepted : bool
        Whether somebody has looked at the alarm: see `Monitor.accept`.
    left_out : int
        Rows that fill no bin, and are not among `n`.
    since : str
        The batch from which on the evidence has grown up to this one: an estimate of where a change
        began. Empty if it has not grown.
    """

    label: str
    n: int
    mmd_squared: float
    standard_error: float
    ci_low: float
    ci_high: float
    effect: float
    floor: float
    pvalue: float
    evidence: float
    alarm: bool
    unseen: int = 0
    accepted: bool = False
    left_out: int = 0
    since: str = ""


def name_of(label: Any) -> str:
    """Return what a batch is called: text as it is, whole numbers without a point, dates in ISO."""
    if isinstance(label, dt.date):
        return label.isoformat()
    if isinstance(label, (bool, np.bool_)) or not isinstance(
        label, (str, int, float, np.integer, np.floating)
    ):
        raise TypeError(f"`label` must be text, a number or a date; got {_checks.describe(label)}.")
    if isinstance(label, (float, np.floating)):
        if not np.isfinite(label):
            raise ValueError(f"`label` must be a finite number, or text; got {label}.")
        label = int(label) if float(label).is_integer() else float(label)
    text = str(label) if isinstance(label, str) or abs(label) < 10**_LONGEST else ""
    if not text.strip() or len(text) > _LONGEST or not text.isprintable():
        raise ValueError(
            f"`label` must be one line of at most {_LONGEST} characters that can be printed; got "
            f"{text[:20]!r}."
        )
    return text


def key_of(plan: SketchPlan, rows: Any) -> str:
    """Return a hash of the content of a batch."""
    if isinstance(rows, Sketch):
        return rows.digest
    array = plan.read("rows", rows)
    digest = hashlib.sha256(f"{tuple(array.shape)}".encode())
    for part in _arrays.over_chunks(_hash_of, array):
        digest.update(part)
    return digest.hexdigest()[:16]


def _hash_of(block: Array) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(_arrays.to_numpy(block)).tobytes()).digest()


def revision(steps: Sequence[dict[str, Any]], plan: str) -> str:
    """Return what tells the state after these steps, with a reference of this plan, from others."""
    text = repr([plan, *(tuple(step.values()) for step in steps)])
    return hashlib.sha256(text.encode()).hexdigest()
