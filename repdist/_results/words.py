"""What results say in more than one place: of kernels, and of pairs that stand out."""

import math
import re
import textwrap
from typing import Any

from repdist import kernels
from repdist._numbers import adjustment, counted, reaches
from repdist._typing import Combine
from repdist.kernels import Kernel, MultiRBF, Precomputed


def kernel_words(kernel: Kernel) -> str:
    """Return a fitted kernel in words; one of a user's own as it prints itself."""
    if isinstance(kernel, MultiRBF) and isinstance(kernel.bandwidths, tuple):
        low, high = kernel.bandwidths[0], kernel.bandwidths[-1]
        summed = ", summed" if kernel.weights == "sum" else ""
        return (
            f"{len(kernel.bandwidths)} Gaussian kernels{summed}, bandwidths {low:.3g} to {high:.3g}"
        )
    name = _NAMES.get(type(kernel))
    if name is None:
        return repr(kernel)
    bandwidth = getattr(kernel, "bandwidth", None)
    return name if bandwidth is None else f"{name} of bandwidth {bandwidth:.3g}"


_NAMES: dict[type[Kernel], str] = {
    kernels.RBF: "a Gaussian kernel",
    kernels.Laplacian: "a Laplacian kernel",
    kernels.RationalQuadratic: "a rational quadratic kernel",
    kernels.Matern: "a Matern kernel",
    kernels.Energy: "the energy distance",
    kernels.Linear: "the linear kernel",
    kernels.Polynomial: "a polynomial kernel",
    kernels.Precomputed: "a given kernel matrix",
}


def interval_words(low: float, high: float) -> str:
    """Return an interval of 95 % for what is at least 0, cut there, in words."""
    if high <= 0:
        return "95 % interval all below 0"
    return f"95 % interval {f'{low:.3g}' if low > 0 else '0 (cut)'} to {high:.3g}"


def statistic_words(kernel: Kernel, combine: Combine) -> str:
    """Return in words what is tested: a kernel of one component needs no combination."""
    several = isinstance(kernel, MultiRBF) and kernel.size > 1
    return {
        "max": "the largest normal score of the kernel's components and of their Mahalanobis"
        " length",
        "mean": "the squared MMD itself",
        "fuse": "the soft maximum of MMD-FUSE over the components of the kernel",
    }[combine if several else "mean"]


def kernel_call(kernel: Kernel) -> str:
    """Return what makes the kernel again; a kernel of one's own by its own name."""
    if isinstance(kernel, Precomputed):
        return "repdist.kernels.Precomputed(K)"
    ours = type(kernel).__module__ == MultiRBF.__module__
    return f"repdist.kernels.{kernel!r}" if ours else repr(kernel)


def nearest_and_farthest(pairs: Any) -> tuple[Any, Any]:
    """Return the rows of the least and of the largest effect; pairs without one are left out."""
    known = pairs.dropna(subset=["effect"])
    by_effect = (known if len(known) else pairs).sort_values("effect")
    return by_effect.iloc[0], by_effect.iloc[-1]


def signs_words(guarded: Any, each: str) -> str:
    """Return in words for which pairs or groups p is no less than that of random signs."""
    if guarded is None or not guarded.any():
        return ""
    return (
        f" (and the larger ones of random signs of clusters for {counted(int(guarded.sum()), each)}"
        " whose clusters differ in size)"
    )


def line_of(row: Any, from_what: str = "") -> str:
    """Return a row of a table of distances in words: its name, MMD^2, effect, and what p says."""
    effect = f", effect {row['effect']:.3g}" if math.isfinite(row["effect"]) else ""
    p = row["pvalue_adjusted"]
    verdict = ("differs" if reaches(p) else "not shown to differ") + from_what
    return broken(
        f"{row.name}: MMD^2 {row['mmd_squared']:.3g}{effect}; {verdict}, adjusted p {p:.2g}"
    )


def differing(pvalues: Any, adjust: str, from_what: str = "") -> str:
    """Return in words how many differ at .05, by a series of p-values, and the first by name."""
    found = pvalues[reaches(pvalues)]
    shown = ", ".join(f"{name} (p {p:.2g})" for name, p in found.iloc[:_MOST_DIFFERING].items())
    more = len(found) - _MOST_DIFFERING
    return broken(
        f"{len(found):,} of {len(pvalues):,}{' shown to differ' * (not shown)}{from_what} at .05, "
        f"{adjustment(adjust)}"
        + f": {shown}" * bool(shown)
        + f" and {more:,} more: to_frame()" * (more > 0)
    )


def broken(text: str) -> str:
    """Return the text of a line of a card with breaks where it grows long for a terminal."""
    kept = re.sub(r"\bp (?=\d)", "p\0", text)  # a p-value is not parted from its p
    lines = textwrap.fill(kept, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return lines.replace("\0", " ")


_MOST_DIFFERING = 5  # by name
_WIDTH = 88  # beside labels
