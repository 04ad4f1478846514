"""
Which rows make the difference: the witness function
====================================================

A test says that two samples differ. The *witness function* ranks their rows: for a row, its mean
kernel value with the one sample minus that with the other. Rows with a high value are typical of
the first sample and not of the second.
"""

import matplotlib.pyplot as plt
import numpy as np

import repdist

features, names = repdist.example_features()
fours, nines = features[4], features[9]
result = repdist.witness(fours, nines)
of_fours, of_nines = result.values_x, result.values_y
print(f"mean over the fours {of_fours.mean():.4f}, over the nines {of_nines.mean():.4f}")
print(f"their difference is the unbiased MMD^2: {result.mmd_squared:.4f}")
value = repdist.mmd_squared(fours, nines, kernel=result.kernel)
print(f"mmd_squared says                        {value:.4f}")

# %%
# A row's own value is left out of the mean over its sample. The mean of the witness over the fours
# minus its mean over the nines *is* MMD squared, so a row's value is its share in the distance.

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
edges = np.linspace(min(of_fours.min(), of_nines.min()), max(of_fours.max(), of_nines.max()), 41)
ax.hist(of_fours, edges, color="#9db4c9", label="fours")
ax.hist(of_nines, edges, histtype="step", color="black", linewidth=1.5, label="nines")
ax.axvline(0, color="0.4", linestyle="--", linewidth=1)
ax.set_xlabel("witness: more like the nines (left), more like the fours (right)")
ax.set_ylabel("images")
ax.legend(frameon=False)
fig.suptitle("Witness function of fours against nines")

wrong_side = (of_fours < 0).sum() + (of_nines > 0).sum()
print(f"{wrong_side} of 600 images lie on the side of the other class")

# %%
# Most fours (filled) lie right of 0 and most nines (outline) left of it. The images on the wrong
# side look more like the other class to this layer. The same, in the plane of the two main
# directions of the features:

rows = np.concatenate([fours, nines]) - features[[4, 9]].mean(axis=(0, 1))
plane = rows @ np.linalg.svd(rows, full_matrices=False)[2][:2].T
values = np.concatenate([of_fours, of_nines])
fig, ax = plt.subplots(figsize=(6.5, 4.6), layout="constrained")
limit = np.abs(values).max()
most_typical = result.most_typical(n_rows=1)
for marker, part, name in [("o", slice(0, 300), "four"), ("s", slice(300, 600), "nine")]:
    points = ax.scatter(
        *plane[part].T, c=values[part], cmap="cividis", vmin=-limit, vmax=limit, marker=marker,
        s=22, edgecolor="0.3", linewidth=0.4, label=name,
    )  # fmt: skip
for place, name in [
    (most_typical[0][0], "most typical four"),
    (300 + most_typical[1][0], "most typical nine"),
]:
    ax.annotate(
        name, plane[place], xytext=(0, 28), textcoords="offset points", ha="center",
        arrowprops={"arrowstyle": "->"}, bbox={"boxstyle": "round", "fc": "white", "ec": "0.6"},
    )  # fmt: skip
fig.colorbar(points, label="witness")
ax.set_xlabel("first main direction")
ax.set_ylabel("second main direction")
ax.legend(frameon=False)
fig.suptitle("Images of fours and nines, shaded by the witness function")

# %%
# Light is typical of fours, dark of nines; the shade changes across the border of the two clouds.
# With the images at hand you would now look at those that ``result.most_typical()`` names.
# ``repdist lenet-gap`` does that for all ten digits against their nearest class:
#
# .. image:: /images/typical.png
#    :alt: For each digit, the images with the highest witness values against the nearest class
