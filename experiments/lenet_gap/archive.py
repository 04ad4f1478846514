"""Npz files whose bytes depend on their arrays alone."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip file can hold


def write_npz(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a compressed npz file whose bytes depend on the arrays alone.

    Times and file attributes in it are fixed. The file is written under a temporary name and then
    renamed, so that `path` is never half a file.

    Parameters
    ----------
    path : Path
        Where to write; a file there is replaced.
    arrays : mapping
        The arrays by name.
    """
    partial = path.with_name(f"{path.name}.part")
    try:
        with zipfile.ZipFile(partial, "w") as archive:
            for name, array in arrays.items():
                member = zipfile.ZipInfo(f"{name}.npy", _ZIP_EPOCH)
                member.compress_type = zipfile.ZIP_DEFLATED
                member.create_system = 3  # the same on every system
                member.external_attr = 0o644 << 16
                with archive.open(member, "w") as file:
                    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
