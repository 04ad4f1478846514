"""Names of types that several folders use."""

from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = Any  # a NumPy, torch or dask array
Float64: TypeAlias = npt.NDArray[np.float64]

Estimator = Literal["unbiased", "biased"]
Combine = Literal["max", "mean", "fuse"]
Bins: TypeAlias = Literal["auto", "rows"] | int
Method = Literal["exact", "landmarks"]
