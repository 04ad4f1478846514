"""Array libraries: NumPy and torch, read by the names they share.

A function here takes an array of either and answers in kind; none imports torch unless a torch
tensor has come in.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import array_api_compat
import numpy as np
import numpy.typing as npt

from repdist._typing import Array


def namespace(array: Array) -> Any:
    """Return the module that holds the functions of this array: numpy or torch."""
    if array_api_compat.is_torch_array(array):
        import torch

        return torch
    return np


def is_torch(array: Array) -> bool:
    """Tell whether this is a torch tensor."""
    return bool(array_api_compat.is_torch_array(array))


def on_cpu(array: Array) -> bool:
    """Tell whether the array lies in the memory of the CPU."""
    return not is_torch(array) or array.device.type == "cpu"


def threads_for(array: Array, n_jobs: int) -> int:
    """Return how many threads may share work on such arrays: one for torch, which has its own."""
    return 1 if is_torch(array) else n_jobs


def needs_gradient(array: Array) -> bool:
    """Tell whether a result computed from this array must stay differentiable."""
    if not is_torch(array):
        return False
    import torch

    return bool(array.requires_grad) and torch.is_grad_enabled()


def detach(array: Array) -> Array:
    """Return the array outside any autograd graph."""
    return array.detach() if is_torch(array) else array


def item_size(array: Array) -> int:
    """Return the bytes of one value."""
    return int(array.element_size() if is_torch(array) else array.itemsize)


def machine_epsilon(array: Array) -> float:
    """Return the spacing of the array's dtype at 1."""
    return float(namespace(array).finfo(array.dtype).eps)


def wide(array: Array) -> Any:
    """Return the dtype to accumulate in: float64, or float32 on a device that has no float64."""
    xp = namespace(array)
    return xp.float32 if is_torch(array) and array.device.type == "mps" else xp.float64


def constant(values: npt.ArrayLike, like: Array) -> Array:
    """Return `values` as an array of the library and device of `like`, in wide precision."""
    if not is_torch(like):
        return np.asarray(values, dtype=np.float64)
    return namespace(like).as_tensor(
        np.asarray(values, dtype=np.float64), dtype=wide(like), device=like.device
    )


def fresh(array: Array, dtype: Any) -> Array:
    """Return a contiguous copy in another dtype, which may be written to."""
    if is_torch(array):
        return array.to(dtype, copy=True).contiguous()
    return np.array(array, dtype=dtype, order="C")


def protected(array: Array) -> Array:
    """Return the array so that code of a user cannot change it: read-only, or a copy for torch."""
    if is_torch(array):
        return array.clone()
    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.setflags(write=False)
    return view


def is_real_array(K: Any, like: Array) -> bool:
    """Tell whether K is a floating-point array of the library of `like`."""
    if is_torch(like) != is_torch(K):
        return False
    if is_torch(K):
        return bool(K.is_floating_point())
    return (
        isinstance(K, np.ndarray) and not isinstance(K, np.ma.MaskedArray) and K.dtype.kind == "f"
    )


@contextmanager
def plain_arithmetic(like: Array) -> Iterator[None]:
    """Keep torch from recording a graph and from lowering precision, NumPy from warnings.

    What overflows is found in the sums.
    """
    recording = namespace(like).no_grad() if is_torch(like) else nullcontext()
    with recording, full_precision(like), np.errstate(over="ignore", invalid="ignore"):
        yield


def recomputed(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` so that autograd keeps its inputs and computes it again going back."""
    from torch.utils.checkpoint import checkpoint

    return lambda *arguments: checkpoint(function, *arguments, use_reentrant=False)


@contextmanager
def full_precision(like: Array) -> Iterator[None]:
    """Keep torch from lowering the precision of products: no autocast, TF32 or bfloat16 inside.

    What the user has set for the process is put back.
    """
    if not is_torch(like):
        yield
        return
    import torch

    matmuls: list[Any] = [getattr(torch.backends, name).matmul for name in ("cuda", "mkldnn")]
    lowered = [(m, m.fp32_precision) for m in matmuls if m.fp32_precision in ("tf32", "bf16")]
    with torch.autocast(like.device.type, enabled=False):
        try:
            for matmul, _ in lowered:
                matmul.fp32_precision = "ieee"
            yield
        finally:
            for matmul, precision in lowered:
                matmul.fp32_precision = precision
