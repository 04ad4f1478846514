"""References that travel: fitted once, compared with rows or sketches of rows anywhere."""

from repdist.sketches._reference import Reference
from repdist.sketches._sketch import Sketch

__all__ = ["Reference", "Sketch"]
