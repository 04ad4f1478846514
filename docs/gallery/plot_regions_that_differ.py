"""
Which regions differ: a new kind of image among the others
==========================================================

Two batches of images come from one source, but in the second one in twenty is of a kind that the
first does not have. A test says that the batches differ; `region_test` says where, and shows which
images to look at.
"""

import matplotlib.pyplot as plt
import numpy as np

import repdist

rng = np.random.default_rng(0)
SIDE = 14
row, column = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2


def drawn(kind):
    """Return one image of a kind, a little off its place, with noise."""
    y, x = row - rng.normal(0, 0.7), column - rng.normal(0, 0.7)
    r = np.hypot(x, y)
    ink = {
        "bar": np.abs(y) < 1.6,
        "pole": np.abs(x) < 1.6,
        "cross": np.minimum(np.abs(x), np.abs(y)) < 1.1,
        "slash": np.abs(x + y) < 2.2,
        "disc": r < 4.2,
        "ring": np.abs(r - 4.6) < 1.1,
    }[kind]
    return (ink + rng.normal(0, 0.25, size=r.shape)).ravel()


def batch(count, rings):
    """Return so many images (count, pixels), in random order, the last ones rings."""
    kinds = rng.choice(["bar", "pole", "cross", "slash", "disc"], count - rings).tolist()
    return np.array([drawn(kind) for kind in kinds + ["ring"] * rings])


X, Y = batch(400, rings=0), batch(400, rings=20)
result = repdist.region_test(X, Y, n_regions=12, rng=0)  # 24 would cut single kinds
print(result)

# %%
# All images together are cut into regions by k-means, without a look at the batch that each comes
# from. The map has the first two principal components, and the colour of a region is the ratio of
# its shares. Beside it stand the shares: the new kind has a region of its own, in which the first
# batch has nothing.

fig, (left, right) = plt.subplots(
    1, 2, figsize=(10, 4.6), width_ratios=[1.5, 1], layout="constrained"
)
result.plot(left)
result.plot_shares(right)

# %%
# What is in that region? The images nearest to its centre, beside those of the two largest regions
# where nothing differs. Of the first batch there is none to show: the region is new.

surest = int(result.order[0])
shown = [surest, *(region for region in (0, 1, 2) if region != surest)][:3]
fig, axes = plt.subplots(3, 10, figsize=(8.5, 3.6), gridspec_kw={"hspace": 0.4, "top": 0.82})
for line, region in zip(axes, shown, strict=True):
    of_x, of_y = result.typical(region, n_rows=5)
    for ax in line:
        ax.axis("off")
    for place, image in enumerate(X[of_x]):
        line[place].imshow(image.reshape(SIDE, SIDE), cmap="Blues")
    for place, image in enumerate(Y[of_y]):
        line[5 + place].imshow(image.reshape(SIDE, SIDE), cmap="Reds")
    p = result.pvalue_adjusted[region]
    line[0].set_title(f"region {region}, adjusted p = {p:.2g}", loc="left", fontsize="small")
fig.suptitle("Nearest to the centres: first batch (blue), second batch (red)")

# %%
# The shares of a batch add up to 1. So the five in a hundred that lie in the new region are missing
# from all others together; with more images these would differ as well, a little each. Look first
# at the region that differs most.
#
# .. seealso::
#    :doc:`/howto/which_regions_and_rows`: on features of a network, and rows one by one.
