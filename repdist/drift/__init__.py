"""Watching for drift: batches that come one after the other, against a reference."""

from repdist.drift._batches import MonitorStep
from repdist.drift._monitor import Monitor

__all__ = ["Monitor", "MonitorStep"]
