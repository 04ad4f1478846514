"""Npz files: written so that their bytes depend on their arrays alone, read without pickle."""

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


def read_npz(path: Path, names: list[str], option: str) -> dict[str, NDArray[Any]]:
    """Read arrays from an npz file.

    Parameters
    ----------
    path : Path
    names : list of str
        The arrays that it must hold.
    option : str
        What the user gave the file with, for messages.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no complete npz file, or lacks one of the arrays.
    """
    if not path.is_file():
        raise FileNotFoundError(f"`{option}` must be an .npz file; got {path}, which is none.")
    wanted = f"`{option}` must be an .npz file with the arrays {', '.join(names)}"
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{wanted}; {path} is no complete .npz file.")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            missing = [name for name in names if name not in arrays.files]
            if missing:
                raise ValueError(f"{wanted}; {path} lacks {', '.join(missing)}.")
            return {name: arrays[name] for name in names}
    except ValueError as error:
        if str(error).startswith("`"):
            raise
        raise ValueError(f"{wanted}; {path} holds Python objects or is damaged.") from None
    except Exception as error:  # a damaged archive makes zipfile and zlib raise anything
        raise ValueError(f"{wanted}; {path} is damaged ({error}).") from None
