"""The study as a notebook, step by step as the post has it."""

import json
from pathlib import Path
from typing import Any

from repdist._files import write_text

CELLS = [  # ("text" or "code", content)
    ("text", """# How far apart are ten classes, seen by a network?

The steps of the post *机器学习experiment_GAP_LeNet_MMD* (“jack”, 15 April 2019), one by one, and
what came of them. `repdist lenet-gap` does the same at once, with more, and writes a page.

It needs `pip install "repdist[lenet]"`, and takes about a minute."""),
    ("code", """import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import repdist
from repdist._experiments.lenet_gap import data, features, model, post

N = 300  # images of each class"""),
    ("text", """## 1. Images

A cluttered image is a digit at a random place, with eight pieces of other digits. All are of
digits that the network has not seen."""),
    ("code", """_, test_digits = data.load_digits()
test = features.make_images(test_digits, n_per_class=N)

fig, axes = plt.subplots(1, 10, figsize=(12, 1.5))
for label, ax in enumerate(axes):
    ax.imshow(test.images[label * N], cmap="gray")
    ax.set_title(label)
    ax.set_axis_off()"""),
    ("text", """## 2. The network

LeNet with global average pooling (GAP): two convolutions of 5 x 5, with 32 and 64 maps, a
maximum of 2 x 2 after each, the average of each map, and 64 x 10 weights. The post trains it;
these weights come with repdist (`repdist lenet-gap train` makes others, in an hour or so)."""),
    ("code", """network = model.Network(model.Weights.load())
GAP = network.features(test.images)  # (10 N, 64)
predicted = network.logits(GAP).argmax(axis=1)
print(f"{(predicted == test.labels).mean():.1%} of {len(GAP):,} images named right")"""),
    ("text", """## 3. Class activation maps

`CAM_c(u, v) = sum_k W[k, c] A_k(u, v)`: the places that speak for class c. Its average over the
image is the score of c."""),
    ("code", """rows = np.arange(10) * N
maps = network.maps(test.images[rows])
cams = model.class_activation_maps(maps, network.weights, test.labels[rows])
np.testing.assert_allclose(
    cams.mean(axis=(1, 2)), network.logits(GAP[rows])[np.arange(10), test.labels[rows]], atol=1e-3
)

fig, axes = plt.subplots(2, 5, figsize=(12, 5.2))
for ax, row, cam in zip(axes.flat, rows, cams, strict=True):
    ax.imshow(test.images[row], cmap="gray", extent=(0, 100, 100, 0))
    ax.imshow(cam, cmap="inferno", alpha=0.5, extent=(0, 100, 100, 0), interpolation="bilinear")
    ax.set_title(f"true {test.labels[row]}, named {predicted[row]}")
    ax.set_axis_off()"""),
    ("text", """## 4. The GAP values

As the post's file `GAP_Value_10*300*64.npy`, and as a pandas table."""),
    ("code", """np.save(f"GAP_Value_10x{N}x64.npy", GAP.reshape(10, N, 64))
GAP = np.load(f"GAP_Value_10x{N}x64.npy")
names = [str(label) for label in range(10)]

table = pd.DataFrame(GAP.reshape(-1, 64)).add_prefix("f")
table.insert(0, "label", np.repeat(names, N))
table.groupby("label").mean().iloc[:, :8].round(2)"""),
    ("text", """## 5. The post's table

Row i takes x images of class i, column j the next x of class j. `mmd_rbf` sums five Gaussian
kernels whose bandwidths come from the mean squared distance of the rows at hand, and keeps the
pairs of a row with itself."""),
    ("code", """for x in (1, 2, 10):
    print(f"x = {x}")
    print(post.post_table(GAP, names, x).round(2).to_string(), end="\\n\\n")"""),
    ("text", """With **one against one** every cell is the same. There is one distance, and the
bandwidth is that distance: the value is a constant whatever the data. And **a class differs from
itself**, by about 6.19 / x: that is the rows compared with themselves, not the class."""),
    ("code", """print(f"one against one: {post.value_of_one_against_one():.4f}")
rng = np.random.default_rng(0)
print(f"two random points: {post.mmd_rbf(*rng.normal(size=(2, 1, 64))):.4f}")
for x in (1, 2, 10):
    diagonal = np.diagonal(post.post_table(GAP, names, x))
    print(f"x = {x}: diagonal {diagonal.mean():.2f}, floor {post.floor_of_one_class(x):.2f}")"""),
    ("text", """## 6. The table that can be read

One kernel for all pairs, no row compared with itself, exact p-values, and the floor of what one
class shows."""),
    ("code", """result = repdist.pairwise_mmd_test(GAP, names, rng=0)
print(result)
ax = result.plot(order="clustered")"""),
    ("code", """pairs = result.to_frame().sort_values("mmd_squared")
shown = ["mmd_squared", "ci_low", "ci_high", "pvalue_adjusted", "times_floor", "effect"]
pairs[["first", "second", *shown]].head()"""),
    ("text", """`result.to_html("classes.html")` writes the whole answer as a page."""),
]  # fmt: skip


def write_notebook(path: str | Path) -> None:
    """Write the study as a notebook that is to be run.

    Parameters
    ----------
    path : path
        A new file.

    Raises
    ------
    ValueError
        If there is such a file, or its name does not end with ``.ipynb``.
    OSError
        If it cannot be written.
    """
    path = Path(path)
    if path.suffix != ".ipynb":
        raise ValueError(f"`OUT` must be a name that ends with .ipynb; got {path}.")
    if path.exists():
        raise ValueError(f"`OUT` must be a new file; {path} is there. Remove it, or give another.")
    write_text(path, json.dumps(notebook(), ensure_ascii=False, indent=1) + "\n")


def notebook() -> dict[str, Any]:
    """Return the notebook, in format 4.5 of Jupyter."""
    return {
        "cells": [_cell(place, *cell) for place, cell in enumerate(CELLS)],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(place: int, kind: str, content: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"id": f"cell-{place}", "metadata": {}}
    cell["source"] = content.splitlines(keepends=True)
    if kind == "text":
        return cell | {"cell_type": "markdown"}
    return cell | {"cell_type": "code", "execution_count": None, "outputs": []}
