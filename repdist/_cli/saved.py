"""Files that this library wrote: references, and sketches in the place of rows."""

import json
from typing import Any

import numpy as np

import repdist
from repdist._cli.load import input_path, read_rows
from repdist._cli.outputs import in_words_of_the_user
from repdist._cli.reading import Reading


def saved_kind(name: str) -> str | None:
    """Return what a .npz file says that it holds: "reference", "sketch", "monitor"; else None."""
    path = input_path(name)
    if path.suffix.lower() != ".npz" or ".npz:" in name:
        return None
    try:
        with path.open("rb") as raw, np.load(raw, allow_pickle=False) as arrays:
            kind = json.loads(bytes(arrays["header"]).decode())["repdist"]
    except Exception:  # it is another file, or a damaged one: who reads it will say so
        return None
    return str(kind)


def load_reference(name: str) -> repdist.Reference:
    """Return the reference of a file."""
    with in_words_of_the_user({"path": name, "Reference.save": "repdist reference fit"}):
        return repdist.Reference.load(name)


def read_batch(name: str, reading: Reading) -> Any:
    """Return the rows of a file, or the sketch that it holds."""
    kind = saved_kind(name)
    if kind is None:
        return read_rows(name, reading)
    if kind == "sketch":
        with in_words_of_the_user({"path": name, "Sketch.save": "repdist sketch"}):
            return repdist.Sketch.load(name)
    raise ValueError(f"`{name}` must hold rows or a sketch of them; it holds a {kind}.")
