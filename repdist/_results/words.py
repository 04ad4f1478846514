"""Kernels in the words of a method section, and as a call writes them."""

from repdist.kernels import Kernel, MultiRBF


def kernel_words(kernel: Kernel) -> str:
    """Return a fitted kernel in words."""
    if isinstance(kernel, MultiRBF) and isinstance(kernel.bandwidths, tuple):
        low, high = kernel.bandwidths[0], kernel.bandwidths[-1]
        return f"{len(kernel.bandwidths)} Gaussian kernels, bandwidths {low:.3g} to {high:.3g}"
    return repr(kernel)


def kernel_call(kernel: Kernel) -> str:
    """Return what makes the kernel again; a kernel of one's own by its own name."""
    ours = type(kernel).__module__ == MultiRBF.__module__
    return f"repdist.kernels.{kernel!r}" if ours else repr(kernel)
