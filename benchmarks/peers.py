"""FID and KID of features by other packages, each imported where it is called.

They take arrays (n, d) and (m, d). Of torchmetrics features go through its classes, a thousand rows
at a time; of torch-fidelity and clean-fid through the functions behind their command lines, for
these begin with folders of images.
"""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any
from unittest.mock import MagicMock

import numpy as np

Fid = Callable[[np.ndarray, np.ndarray], float]
Kid = Callable[[np.ndarray, np.ndarray, int, int], float]  # how many subsets, and of how many rows

BATCH = 1000
OF_IMAGES = [
    "torchvision",
    "torchvision.datasets",
    "torchvision.transforms",
    "torchvision.transforms.functional",
]


@contextmanager
def without_torchvision() -> Iterator[None]:
    """Let a package be imported that asks for torchvision and needs it for images alone.

    The build of torchvision on PyPI does not load beside a torch without CUDA.
    """
    stand_ins = {} if find_spec("torchvision") else {name: MagicMock() for name in OF_IMAGES}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


def import_torch_fidelity() -> None:
    """Import what torchmetrics imports if it is there, and does not need for features."""
    if find_spec("torch_fidelity"):
        with without_torchvision():
            import torch_fidelity  # noqa: F401


def fed(metric: Any, real: np.ndarray, fake: np.ndarray) -> Any:
    """Return a metric of torchmetrics once it has seen all rows."""
    import torch

    for rows, is_real in ((real, True), (fake, False)):
        for start in range(0, len(rows), BATCH):
            metric.update(torch.as_tensor(rows[start : start + BATCH]), real=is_real)
    return metric


def network_of(real: np.ndarray) -> Any:
    """Return what makes features of features: nothing is changed."""
    import torch

    network: Any = torch.nn.Identity()
    network.num_features = real.shape[1]
    return network


def torchmetrics_kid(real: np.ndarray, fake: np.ndarray, subsets: int, size: int) -> float:
    """Return the mean over subsets."""
    import torch

    import_torch_fidelity()
    from torchmetrics.image.kid import KernelInceptionDistance

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it keeps all features
        metric = KernelInceptionDistance(
            feature=network_of(real), subsets=subsets, subset_size=size
        )
    torch.manual_seed(0)
    return float(fed(metric, real, fake).compute()[0])


def torchmetrics_fid(real: np.ndarray, fake: np.ndarray) -> float:
    """Return the value."""
    import_torch_fidelity()
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(feature=network_of(real))
    return float(fed(metric, real, fake).compute())


def torch_fidelity_kid(real: np.ndarray, fake: np.ndarray, subsets: int, size: int) -> float:
    """Return the mean over subsets."""
    import torch

    with without_torchvision():
        from torch_fidelity import metric_kid
    found = metric_kid.kid_features_to_metric(
        torch.as_tensor(real), torch.as_tensor(fake),
        kid_subsets=subsets, kid_subset_size=size, verbose=False,
    )  # fmt: skip
    return float(found[metric_kid.KEY_METRIC_KID_MEAN])


def torch_fidelity_fid(real: np.ndarray, fake: np.ndarray) -> float:
    """Return the value."""
    import torch

    with without_torchvision():
        from torch_fidelity import metric_fid
    of_both = [metric_fid.fid_features_to_statistics(torch.as_tensor(X)) for X in (real, fake)]
    return float(metric_fid.fid_statistics_to_metric(*of_both, False)[metric_fid.KEY_METRIC_FID])


def clean_fid_kid(real: np.ndarray, fake: np.ndarray, subsets: int, size: int) -> float:
    """Return the mean over subsets."""
    with without_torchvision():
        from cleanfid.fid import kernel_distance
    np.random.seed(0)  # noqa: NPY002 (it draws from there)
    return float(kernel_distance(fake, real, subsets, size))


def clean_fid_fid(real: np.ndarray, fake: np.ndarray) -> float:
    """Return the value."""
    with without_torchvision(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # an argument of SciPy's root
        from cleanfid.fid import fid_from_feats

        return float(fid_from_feats(real, fake))


KID: dict[str, Kid] = {
    "torchmetrics": torchmetrics_kid,
    "torch-fidelity": torch_fidelity_kid,
    "clean-fid": clean_fid_kid,
}
FID: dict[str, Fid] = {
    "torchmetrics": torchmetrics_fid,
    "torch-fidelity": torch_fidelity_fid,
    "clean-fid": clean_fid_fid,
}
