"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and give it its name when it is complete.

    Raises
    ------
    TypeError
        If `path` is no file name.
    ValueError
        If `path` is a folder or a device, or its folder does not exist.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"`path` must be a file name; got {path!r}.")
    target = Path(path).resolve()  # a link stays a link
    if not target.parent.is_dir() or (target.exists() and not target.is_file()):
        raise ValueError(f"`path` must be a file in an existing folder; got {path}.")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        temporary = Path(folder, target.name)  # made by the caller, with the usual permissions
        yield temporary
        temporary.replace(target)
