"""Files that are there whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def checked_target(path: str | Path) -> Path:
    """Return the file that a path names, links followed, once it can be one.

    Raises
    ------
    TypeError
        If `path` is no file name.
    ValueError
        If `path` is a folder or a device, a link into a missing folder or back to itself, or its
        folder does not exist.
    OSError
        If its folder cannot be written.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"`path` must be a file name; got {path!r}.")
    try:
        target = Path(path).resolve()  # a link stays a link
        usable = target.parent.is_dir() and (target.is_file() or not target.exists())
    except (RuntimeError, ValueError, OSError):  # a loop of links, a NUL, a name too long
        usable = False
    if not usable:
        raise ValueError(f"`path` must be a file in an existing folder; got {str(path)!r}.")
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise OSError(f"`path` must be in a folder that can be written; got {str(path)!r}.")
    return target


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and give it its name when it is complete.

    A file that it replaces leaves its permissions. Errors are those of `checked_target`, and an
    OSError that names the file if it cannot be written to its end.
    """
    target = checked_target(path)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            temporary = Path(folder, target.name)  # made by the caller, with the usual permissions
            yield temporary
            if target.exists():
                shutil.copymode(target, temporary)
            temporary.replace(target)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OSError(f"`path` must be a file that can be written; {path}: {reason}.") from error


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, which appears when it is complete."""
    with (
        written_whole(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        file.write(text)
