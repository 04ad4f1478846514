"""Write inventories/*.inv: the names of other projects that these pages link to.

Sphinx usually fetches inventories, thousands of names each, when it builds. These hold the names
in use, so that a build needs no network. To link to one more name, add it here and run
``python docs/make_inventories.py``.
"""

import zlib
from pathlib import Path

SITES = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
    "pandas": "https://pandas.pydata.org/docs/",
    "matplotlib": "https://matplotlib.org/stable/",
    "torch": "https://docs.pytorch.org/docs/stable/",
    "dask": "https://docs.dask.org/en/stable/",
}
# Role, name, page; "$" stands for the name.
NAMES = {
    "python": [
        ("py:class", "pathlib.Path", "library/pathlib.html#$"),
        ("py:class", "int", "library/functions.html#$"),
        ("py:class", "float", "library/functions.html#$"),
        ("py:class", "str", "library/stdtypes.html#$"),
        ("py:class", "tuple", "library/stdtypes.html#$"),
        ("py:module", "tempfile", "library/tempfile.html#module-$"),
        ("py:exception", "UserWarning", "library/exceptions.html#$"),
    ],
    "numpy": [
        ("py:class", "numpy.ndarray", "reference/generated/$.html#$"),
        ("py:class", "numpy.memmap", "reference/generated/$.html#$"),
        ("py:class", "numpy.random.Generator", "reference/random/generator.html#$"),
        ("py:function", "numpy.random.default_rng", "reference/random/generator.html#$"),
        ("py:function", "numpy.asarray", "reference/generated/$.html#$"),
        ("py:function", "numpy.concatenate", "reference/generated/$.html#$"),
        ("py:function", "numpy.load", "reference/generated/$.html#$"),
        ("py:function", "numpy.save", "reference/generated/$.html#$"),
        ("py:function", "numpy.savez", "reference/generated/$.html#$"),
        ("py:function", "numpy.linspace", "reference/generated/$.html#$"),
        ("py:function", "numpy.stack", "reference/generated/$.html#$"),
    ],
    "scipy": [
        ("py:function", "scipy.stats.permutation_test", "reference/generated/$.html#$"),
    ],
    "pandas": [
        ("py:class", "pandas.DataFrame", "reference/api/$.html#$"),
        ("py:function", "pandas.read_csv", "reference/api/$.html#$"),
    ],
    "matplotlib": [
        ("py:class", "matplotlib.axes.Axes", "api/_as_gen/$.html#$"),
        ("py:class", "matplotlib.figure.Figure", "api/_as_gen/$.html#$"),
        ("py:function", "matplotlib.pyplot.subplots", "api/_as_gen/$.html#$"),
        ("py:function", "matplotlib.pyplot.show", "api/_as_gen/$.html#$"),
    ],
    "torch": [
        ("py:class", "torch.Tensor", "tensors.html#$"),
        ("py:function", "torch.manual_seed", "generated/$.html#$"),
    ],
    "dask": [
        ("py:class", "dask.array.Array", "generated/$.html#$"),
    ],
}


def inventory(project: str) -> bytes:
    """Return a Sphinx inventory, version 2."""
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    lines = "".join(
        f"{name} {role} 1 {page.replace('$', name)} -\n" for role, name, page in NAMES[project]
    )
    return head.encode() + zlib.compress(lines.encode(), 9)


if __name__ == "__main__":
    folder = Path(__file__).parent / "inventories"
    folder.mkdir(exist_ok=True)
    for project in SITES:
        Path(folder, f"{project}.inv").write_bytes(inventory(project))
