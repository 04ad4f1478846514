"""Files of arrays and numbers: .npz without pickles, with a header that says what they are."""

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from repdist._files import checked_target, written_whole
from repdist._version import __version__

FORMAT = 1
_HEADER, _CONTENT = "header", "content"
_BROKEN = (
    OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError,
    UnicodeDecodeError, RuntimeError,
)  # fmt: skip


def write(
    path: str | Path,
    kind: str,
    header: Mapping[str, Any],
    arrays: Mapping[str, npt.NDArray[Any]],
    *,
    alone: bool = False,
) -> None:
    """Write a file, which appears when it is complete.

    `alone` says that the file is held by this process: what a killed one has left of it beside it
    is then written over.
    """
    said = {"repdist": kind, "format": FORMAT, "version": __version__, **header}
    text = json.dumps({**said, _CONTENT: _digest(said, arrays)})
    stored: dict[str, Any] = {_HEADER: np.frombuffer(text.encode(), dtype=np.uint8), **arrays}
    part = checked_target(path)
    writing = written_over(part) if alone else written_whole(path)
    with writing as temporary, temporary.open("wb") as file:
        np.savez(file, **stored)  # no objects; NumPy 2.1 would store `allow_pickle` as an array
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def written_over(target: Path) -> Iterator[Path]:
    """Yield a path beside a file, always the same, and give it the name of the file at the end."""
    part = target.with_name(f"{target.name}.part")
    try:
        yield part
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"`path` must be a file that can be written; {target}: {reason}.") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Hold a file for this process alone; it is free when the process ends, however it does.

    Raises
    ------
    ValueError
        If another process holds it.
    """
    from filelock import FileLock, Timeout

    target = checked_target(path)
    lock = FileLock(f"{target}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise ValueError(
            f"`path` must be held by one process at a time; {path} is in use by another."
        ) from None
    try:
        yield
    finally:
        lock.release()


def read(path: str | Path, kind: str, maker: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the header and the arrays of a file of this kind, which `maker` writes.

    Raises
    ------
    FileNotFoundError
    ValueError
        If it is cut or damaged, holds pickled objects, or is of another kind or format.
    """
    try:
        Path(path).stat()
    except (OSError, ValueError, TypeError) as error:
        if isinstance(error, TypeError):
            raise TypeError(f"`path` must be a file name; got {path!r}.") from None
        raise FileNotFoundError(f"`path` must be a file that is there; got {path}.") from None
    try:
        with Path(path).open("rb") as raw:
            if raw.read(2) not in (b"PK", b"\x93N"):
                raise ValueError("it is no .npz file")
            raw.seek(0)
            header, arrays = _parts(np.load(raw, allow_pickle=False))
    except _BROKEN as error:
        raise ValueError(
            f"`path` must be a file that `{maker}` wrote, whole; {path} is none ({_reason(error)})."
        ) from None
    if not isinstance(header, dict) or header.get("repdist") != kind:
        is_kind = header.get("repdist") if isinstance(header, dict) else None
        raise ValueError(
            f"`path` must be a file that `{maker}` wrote; {path} holds "
            f"{f'a {is_kind}' if is_kind else 'something else'}."
        )
    if header.get("format") != FORMAT:
        raise ValueError(
            f"`path` must be of format {FORMAT}; {path} is of {header.get('format')!r}, written by "
            f"repdist {header.get('version')}. Use that version, or make it again."
        )
    if header.pop(_CONTENT, "") != _digest(header, arrays):
        raise ValueError(
            f"`path` must be as `{maker}` wrote it; {path} has been changed since. Make it again."
        )
    return header, arrays


def _digest(header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return what tells the content of a file from others."""
    found = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {values.dtype.str} {values.shape}".encode())
        found.update(values.tobytes())
    return found.hexdigest()


def _parts(file: Any) -> tuple[Any, dict[str, Any]]:
    """Return the header and the arrays of what `numpy.load` has opened."""
    if isinstance(file, np.ndarray):
        raise ValueError("it is one array")
    header = json.loads(bytes(file[_HEADER]).decode())
    return header, {name: file[name] for name in file.files if name != _HEADER}


def _reason(error: Exception) -> str:
    if "pickle" in str(error).lower():
        return "it holds pickled objects, which are not read"
    text = str(error).rstrip(".") or type(error).__name__
    return text if len(text) < 120 else type(error).__name__
