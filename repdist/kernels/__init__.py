"""Kernels: frozen objects that say how alike two rows are.

A kernel is fitted once on the pooled rows, `kernel.fit(Z)`, which turns a bandwidth *rule*
("median", "grid") into numbers and returns a new kernel; a fitted kernel is callable,
`kernel(X, Y) -> (n, m)`. One bandwidth convention holds everywhere: a distance is divided by the
bandwidth, and the Gaussian kernel is `exp(-||x - y||^2 / (2 bandwidth^2))`.

To write your own, derive from `Kernel` and give it `evaluate(X, Y)`.
"""

from repdist.kernels._bandwidths import median_heuristic
from repdist.kernels._closed_forms import (
    Energy,
    Laplacian,
    Linear,
    Matern,
    Polynomial,
    RationalQuadratic,
)
from repdist.kernels._gaussian import RBF, MultiRBF
from repdist.kernels._kernel import FINAL, Kernel
from repdist.kernels._precomputed import Precomputed

__all__ = [
    "RBF",
    "Energy",
    "Kernel",
    "Laplacian",
    "Linear",
    "Matern",
    "MultiRBF",
    "Polynomial",
    "Precomputed",
    "RationalQuadratic",
    "median_heuristic",
]

for _name in __all__:
    _public = globals()[_name]
    _public.__module__ = __name__  # so that pickles hold where users find it
    if isinstance(_public, type) and _public is not Kernel:
        FINAL.add(_public)
