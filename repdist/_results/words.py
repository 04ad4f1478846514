"""What results say in more than one place: of kernels, and of pairs that stand out."""

from typing import Any

from repdist.kernels import Kernel, MultiRBF, Precomputed


def kernel_words(kernel: Kernel) -> str:
    """Return a fitted kernel in words."""
    if isinstance(kernel, MultiRBF) and isinstance(kernel.bandwidths, tuple):
        low, high = kernel.bandwidths[0], kernel.bandwidths[-1]
        return f"{len(kernel.bandwidths)} Gaussian kernels, bandwidths {low:.3g} to {high:.3g}"
    return repr(kernel)


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


def as_cell(name: Any) -> Any:
    """Return a name that a spreadsheet takes for text: an apostrophe before a formula."""
    formula = isinstance(name, str) and name.startswith(("=", "+", "-", "@", "\t", "\r"))
    number = formula and str(name).lstrip("+-").replace(".", "", 1).isdecimal()
    return f"'{name}" if formula and not number else name
