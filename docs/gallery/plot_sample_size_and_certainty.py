"""
How many rows are enough?
=========================

The distance between two classes does not depend on the number of rows; how well you know it does.
For the closest and the farthest pair of digits: the interval for MMD squared, and how often the
test finds a difference.
"""

import matplotlib.pyplot as plt
import numpy as np

import repdist
from repdist.kernels import MultiRBF

features, names = repdist.example_features()
kernel = MultiRBF().fit(features.reshape(-1, 64))  # one ruler for both pairs
pairs = {"0 against 6 (closest)": (0, 6), "1 against 3 (farthest)": (1, 3)}
sizes = [3, 4, 5, 7, 10, 20, 50, 100, 300]
rng = np.random.default_rng(0)

fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
styles = [("o-", "#2f5d8a"), ("s--", "#b5361c")]
for (label, (i, j)), (style, colour) in zip(pairs.items(), styles, strict=True):
    widths, found = [], []
    for n in sizes:
        repeats = 1 if n == 300 else 20
        results = []
        for _ in range(repeats):
            X = features[i, rng.choice(300, n, replace=False)]
            Y = features[j, rng.choice(300, n, replace=False)]
            results.append(repdist.mmd_test(X, Y, kernel=kernel, n_resamples=1023, rng=rng))
        intervals = np.array([result.confidence_interval() for result in results])
        widths.append(np.median(intervals[:, 1] - intervals[:, 0]))
        found.append(np.mean([result.pvalue <= 0.05 for result in results]))
        print(f"{label}, {n:3d} rows: p <= 0.05 in {found[-1]:4.0%}, width {widths[-1]:.3f}")
    axes[0].plot(sizes, found, style, color=colour, label=label)
    axes[1].plot(sizes, widths, style, color=colour, label=label)
axes[0].axhline(0.05, color="0.5", linestyle=":")
axes[0].set_ylabel("share of tests with p ≤ 0.05")
axes[0].legend(frameon=False, loc="lower right", fontsize="small")
axes[1].set_yscale("log")
axes[1].set_yticks([0.02, 0.05, 0.1, 0.2, 0.5], [0.02, 0.05, 0.1, 0.2, 0.5])
axes[1].set_ylabel("width of the 95 % interval")
for ax in axes:
    ax.set_xscale("log")
    ax.set_xticks([3, 5, 10, 20, 50, 100, 300], [3, 5, 10, 20, 50, 100, 300])
    ax.minorticks_off()
    ax.set_xlabel("images of each class")
fig.suptitle("What more images buy: detection, and a shorter interval")

# %%
# Left: with three images a side no test can reach 0.05, because only 20 relabelings exist and the
# least p is 0.1. From there the share of tests that find the difference rises fast: these classes
# are far apart in the features, and four to seven images are enough to tell *that* they differ.
#
# Right: to say *how much* they differ takes more. The interval shrinks about with the root of the
# number of images, both axes being logarithmic: four times the images, half the width.
#
# For a difference like yours, see :doc:`/howto/check_your_data`; it has a rule of thumb, too.
