"""
.. _tutorial-torch:

Features of your own torch network
==================================

repdist takes torch tensors as they are. This lesson trains a tiny network, reads the features of
one of its layers with a hook, and asks two questions: which classes does the layer keep apart, and
does it notice that the camera has changed?

It needs torch: ``pip install ".[torch]"`` in the folder of the source.
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

import repdist

torch.set_num_threads(1)  # the fastest for arrays as small as these
torch.manual_seed(0)
generator = torch.Generator().manual_seed(0)

# %%
# Images made here
# ----------------
# Four classes of 16 x 16 images: a bar that stands, a bar that lies, a cross, and a ring, at a
# random place, in noise.

KINDS = ["standing", "lying", "cross", "ring"]


def draw(kind, n, noise=0.5):
    """Return n images of one kind, (n, 1, 16, 16)."""
    rows, columns = torch.meshgrid(torch.arange(16), torch.arange(16), indexing="ij")
    centre = torch.randint(6, 10, (n, 2), generator=generator)
    y = rows - centre[:, 0, None, None]
    x = columns - centre[:, 1, None, None]
    near = (x.abs() <= 4) & (y.abs() <= 4)
    standing, lying = (x.abs() <= 1) & near, (y.abs() <= 1) & near
    ring = ((x**2 + y**2).float().sqrt() - 4).abs() <= 1
    shape = [standing, lying, standing | lying, ring][KINDS.index(kind)]
    clean = shape.float()[:, None]
    return clean + noise * torch.randn(clean.shape, generator=generator)


fig, axes = plt.subplots(1, 4, figsize=(7, 2.2), layout="constrained")
for ax, kind in zip(axes, KINDS, strict=True):
    ax.imshow(draw(kind, 1)[0, 0].numpy(), cmap="gray_r")
    ax.set_title(kind)
    ax.set_axis_off()
fig.suptitle("One image of each class")

# %%
# Above: one image of each class. The noise hides them a little, so the network has something to
# learn.
#
# A tiny network
# --------------

net = nn.Sequential(
    nn.Conv2d(1, 12, 5, padding=2),
    nn.ReLU(),
    nn.MaxPool2d(2),
    nn.Conv2d(12, 24, 5, padding=2),
    nn.ReLU(),
    nn.AdaptiveAvgPool2d(1),
    nn.Flatten(),
    nn.Linear(24, len(KINDS)),
)
optimiser = torch.optim.Adam(net.parameters(), lr=0.01)
labels = torch.arange(4).repeat_interleave(32)
for _ in range(150):
    images = torch.cat([draw(kind, 32) for kind in KINDS])
    optimiser.zero_grad()
    nn.functional.cross_entropy(net(images), labels).backward()
    optimiser.step()

# %%
# A hook
# ------
# A *forward hook* is a function that torch calls with the output of a layer. Ours keeps the output
# of the layer before the last one: 24 numbers an image. Three habits matter:
#
# - ``net.eval()`` and ``torch.no_grad()``: no dropout, and no gradients to store;
# - go through the data in batches, and join the pieces at the end;
# - **new images**, which the network was not trained on.

kept = []
handle = net[6].register_forward_hook(lambda _layer, _inputs, output: kept.append(output.detach()))


@torch.no_grad()
def features_of(images, batch=128):
    """Return what the hooked layer says about the images, (n, 24)."""
    net.eval()
    kept.clear()
    for part in images.split(batch):
        net(part)
    return torch.cat(kept)


test = {kind: draw(kind, 200) for kind in KINDS}
features = {kind: features_of(images) for kind, images in test.items()}
print({kind: tuple(rows.shape) for kind, rows in features.items()})

with torch.no_grad():
    right = sum(int((net(test[kind]).argmax(1) == c).sum()) for c, kind in enumerate(KINDS))
print(f"{right} of {4 * 200} new images are named correctly")

# %%
# If a layer gives maps, (n, channels, height, width), make one row of each image first: the mean
# over the map, ``output.mean((2, 3))``, or ``output.flatten(1)``. Do not hand over the places of
# one image as if they were rows: they are not independent.
#
# Which classes does the layer keep apart?
# ----------------------------------------
# A dictionary of tensors is a table of groups.

table = repdist.pairwise_mmd_test(features, rng=0)
print(table.summary())

ax = table.plot()
ax.figure.suptitle("MMD squared between four classes in the last hidden layer")

# %%
# Dark cells are classes that the layer keeps far apart; the framed diagonal is the noise floor of
# each class. The closest pair in the summary is the one that the network finds hardest, as far as
# this layer shows it.
#
# Has the camera changed?
# -----------------------
# Later images have more noise: 0.6 instead of 0.5. Does the layer notice, for one class at a time?
# The kernel is that of the table, so the numbers stand on its ruler.

for kind in KINDS:
    later = features_of(draw(kind, 200, noise=0.6))
    shift = repdist.mmd_test(features[kind], later, kernel=table.kernel, rng=0)
    low, high = shift.confidence_interval()
    print(
        f"{kind:>9}: p = {shift.pvalue:.2g}, MMD^2 = {shift.mmd_squared:.4f} "
        f"({low:.4f} to {high:.4f})"
    )

# %%
# The features move by much less than the distance between two classes, and the test tells how sure
# that is. Whether such a shift matters for your task is another question: see
# :doc:`/explanation/significance`.
#
# Before and after, and two networks
# ----------------------------------
# The test compares column by column. Two states of *one* training run have columns of the same
# meaning, more or less. The same images through both are paired rows: give ``paired=True``, as
# :ref:`tutorial-pairs` does, or show each state images of its own.
#
# Two networks that were **trained apart** have no common coordinates. Hidden units in another order
# are the same network, and the test sees a difference as large as can be:

first, second = features["ring"], features_of(draw("ring", 200))
order = torch.randperm(24, generator=generator)
for name, rows in [("the same network", second), ("its units in another order", second[:, order])]:
    result = repdist.mmd_test(first, rows, rng=0)
    print(f"{name}: p = {result.pvalue:.2g}")

handle.remove()

# %%
# To ask whether two such networks represent alike, use CKA or Procrustes, which do not ask which
# unit is which; :doc:`/howto/choose` has an example.
#
# Tensors on a GPU are computed there. Everything that comes back in a result is a Python number or
# a NumPy array.
#
# What you have learnt
# --------------------
# - Hook a layer, collect its output in batches for images that were not trained on, one row an
#   image.
# - Tensors go into :func:`repdist.mmd_test` and :func:`repdist.pairwise_mmd_test` as they are.
# - Compare layers of one network, not of networks that were trained apart.
#
# Next: :ref:`tutorial-study` reads a published table of such numbers that its author could not
# read.
