"""Watching for drift: batches that come one after the other, against a reference."""

from repdist.drift._monitor import Monitor, MonitorStep

__all__ = ["Monitor", "MonitorStep"]
