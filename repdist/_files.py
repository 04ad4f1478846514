"""Files that are there whole or not at all."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and give it its name when it is complete.

    Raises
    ------
    ValueError
        If `path` is a folder, or its folder does not exist.
    """
    target = Path(path)
    if not target.absolute().parent.is_dir() or target.is_dir():
        raise ValueError(f"`path` must be a file in an existing folder; got {target}.")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent) as folder:
        temporary = Path(folder, target.name)  # made by the caller, with the usual permissions
        yield temporary
        temporary.replace(target)
