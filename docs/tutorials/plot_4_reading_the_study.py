"""
.. _tutorial-study:

Reading the LeNet-GAP study
===========================

A blog post of 2019 asked how far apart the classes of a network are. It took the features after
global average pooling (GAP) of a LeNet, and put pairs of classes through ``mmd_rbf``, a function
that many repositories copy. Two results could not be explained: one image against one image always
gave the same number, and a class differed from itself. This lesson explains both, with the features
that come with repdist: the same kind of network on the same kind of images.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

import repdist
from repdist.kernels import MultiRBF

features, names = repdist.example_features()

# %%
# The function
# ------------
# ``mmd_rbf`` pools the two samples, takes the mean squared distance b between different rows, and
# sums five Gaussian kernels, exp(-d² / (b f)) with f = 1/4, 1/2, 1, 2, 4. It then averages the
# kernel within and across the samples, **with the pairs of a row with itself**. In repdist:


def mmd_rbf(X, Y):
    """Return what the function of that name returns."""
    kernel = MultiRBF.like_mmd_rbf()
    return repdist.mmd_squared(X, Y, kernel=kernel, estimator="biased")


# %%
# Puzzle 1: one against one is always 6.1863
# ------------------------------------------

for i, j in [(0, 1), (4, 9), (3, 3)]:
    value = mmd_rbf(features[i, 1:2], features[j, 2:3])
    print(f"one image of class {i} against one of class {j}: {value:.4f}")

rng = np.random.default_rng(0)
print(f"two random points in 64 dimensions: {mmd_rbf(*rng.normal(size=(2, 1, 64))):.4f}")
print(f"the numbers 0 and 7: {mmd_rbf([[0.0]], [[7.0]]):.4f}")

# %%
# With one row on each side there is one distance, so the mean squared distance *is* that distance.
# The function divides the one by the other and gets 1, for any data. What is left is a constant:

FACTORS = (0.25, 0.5, 1, 2, 4)


def constant(ratio):
    """Return the value when all pairs across have d² = ratio x b, and all pairs within d = 0."""
    return 2 * (5 - sum(math.exp(-ratio / f) for f in FACTORS))


print(f"2 (5 - e^-4 - e^-2 - e^-1 - e^-1/2 - e^-1/4) = {constant(1):.4f}")

# %%
# Puzzle 2: a class differs from itself
# -------------------------------------
# The post's best table compares 10 images with 10 images and notes that a class against itself
# gives at most 1. Here are random images of a class against other images of the same class, and
# against images of another class, with more and more images. Each number is the mean over 40 draws.

sizes = [1, 2, 5, 10, 20, 50, 100, 150]
same, other, unbiased = (np.zeros((len(sizes), 40)) for _ in range(3))
for s, n in enumerate(sizes):
    for draw in range(40):
        i, j = rng.choice(10, size=2, replace=False)
        rows = rng.permutation(300)
        X, Y, Z = features[i, rows[:n]], features[i, rows[n : 2 * n]], features[j, rows[:n]]
        same[s, draw] = mmd_rbf(X, Y)
        other[s, draw] = mmd_rbf(X, Z)
        if n > 1:  # without pairs of a row with itself: the default estimator
            kernel = MultiRBF.like_mmd_rbf()
            unbiased[s, draw] = repdist.mmd_squared(X, Y, kernel=kernel)

floor = [constant(1) / n for n in sizes]
print("images   floor   same class   another class")
for row in zip(sizes, floor, same.mean(axis=1), other.mean(axis=1), strict=True):
    print("{:6d}  {:6.2f}   {:10.2f}   {:13.2f}".format(*row))

fig, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
ax.plot(sizes, np.mean(other, axis=1), "s-", color="black", label="another class, mmd_rbf")
ax.plot(sizes, np.mean(same, axis=1), "o-", color="#2f5d8a", label="same class, mmd_rbf")
ax.plot(sizes, floor, "--", color="0.5", label="floor, 6.186 / n")
ax.plot(
    sizes[1:], np.mean(unbiased[1:], axis=1), "^-", color="#b5361c", label="same class, unbiased"
)
ax.set_xscale("log")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.set_xlabel("images a class")
ax.set_ylabel("MMD$^2$ x 5")
ax.legend(frameon=False)
fig.suptitle("What mmd_rbf shows for the same class and for another class")

# %%
# The line of the same class (circles) follows a curve that has nothing to do with the class: the
# **floor** of the estimator. A row compared with itself has kernel value 5, and each of the two
# averages holds n such pairs out of n². In many dimensions all other distances are about equal to
# their mean, and the floor is close to 6.186 / n. At n = 10 that is 0.62: the post's "same class at
# most 1" is a property of the formula and of n = 10, not of the classes.
#
# Leave those pairs out, and you have the *unbiased* estimate (triangles). It scatters around 0 at
# every n, the more so the fewer the images. It is repdist's default.
#
# Puzzle 3: no number beyond 7.74
# -------------------------------
# The function takes its ruler b from the two samples that it compares. Move two clouds apart, and
# the ruler grows with them.

cloud, second = rng.normal(size=(2, 150, 64))
print("  shift   mmd_rbf")
for shift in [0, 1, 4, 16, 64, 256, 1024, 4096]:
    value = mmd_rbf(cloud, second + shift / 8)  # 1/8 in each of 64 columns: a shift of length 1
    print(f"{shift:7g}   {value:7.3f}")
print(f"the limit for many rows, at twice the ratio: {constant(2):.3f}")

# %%
# When the clouds are far apart, half of all pairs lie across, so the mean squared distance is half
# the distance across: the ratio is 2, and the value ends near 7.74. Between 256 and 4,096 the
# distance grows sixteenfold and the number by one percent: it is **saturated**.
#
# A ruler for each cell also means that two cells do not compare. Multiply all features by 1,000, or
# add a number to all: the value stays, because the ruler stretches too. (That is why the post's
# normalisation of the features changed nothing.)

X, Y = features[4, :50].astype(np.float64), features[9, :50].astype(np.float64)
print(f"{mmd_rbf(X, Y):.6f}  {mmd_rbf(1000 * X + 5, 1000 * Y + 5):.6f}")

# %%
# Puzzle 4: is 2.0 a lot?
# -----------------------
# The function gives no p-value. A test does, with the same kernel and the same estimator:

kernel = MultiRBF.like_mmd_rbf()
for n in [2, 3, 10]:
    result = repdist.mmd_test(
        features[4, :n], features[9, :n], kernel=kernel, estimator="biased", combine="mean", rng=0
    )
    print(
        f"{n:2d} images each: mmd_rbf {result.mmd_squared:.2f}, p = {result.pvalue:.2g} "
        f"({result.n_resamples:,} relabelings)"
    )

# %%
# Two images against two (the setting in the post's code) have 6 relabelings, and each value occurs
# twice, so p cannot be below 1/3: no data could have shown a difference. Ten images are enough
# here.
#
# The table that can be read
# --------------------------

table = repdist.pairwise_mmd_test(features, names, rng=0)
ax = table.plot(order="clustered")
ax.figure.suptitle("Ten classes on one ruler, with the noise floor on the diagonal")
print(table.summary())
least = table.times_floor.min().min()
print(f"the least distance is about {round(least, -1):.0f} times its noise floor")

# %%
# One kernel for all cells, so a darker cell is a larger distance; no diagonal pairs, so a class is
# 0 from itself; on the framed diagonal the noise floor, here about 0.001; stars for adjusted
# p-values. All classes differ, by many times their noise floors.
#
# ``repdist lenet-gap`` on the command line makes the whole study again as one page: the network and
# its training, maps of where it looks, the post's tables and this one, how many images are enough,
# and how the classes moved apart as the network learned. ``repdist lenet-gap notebook
# study.ipynb`` writes the steps of the post as a notebook.
#
# What you have learnt
# --------------------
# - A number from ``mmd_rbf`` is read against its floor, about 6.186 / n, and its ceiling, about
#   7.74.
# - One row against one is a constant. Two rows against two cannot be significant.
# - Use one fitted kernel for all numbers that shall compare, and the unbiased estimate.
#
# Next: ``mmd_rbf`` was written as a loss. :ref:`tutorial-loss` uses MMD as one, and says what its
# floor means there. The floor of the biased estimate is derived in :doc:`/explanation/estimators`.
