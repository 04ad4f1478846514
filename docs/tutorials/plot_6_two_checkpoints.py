"""
.. _tutorial-pairs:

Two checkpoints, one set of images
==================================

You trained a network a little further, put the same 200 images through the old checkpoint and
through the new one, and want to know whether the features changed. Row i of one array and row i of
the other are then the same image: the rows are **paired**. This lesson shows why a test must be
told so, and what it says when it is.
"""

import matplotlib.pyplot as plt
import numpy as np

import repdist

# %%
# The features
# ------------
# To know the truth, make it: a network of one layer, and a second one whose weights moved a little.
# Half of its 16 units also got a slightly larger offset.

rng = np.random.default_rng(0)
images = rng.normal(size=(200, 30))
weights, offset = rng.normal(size=(30, 16)) / np.sqrt(30), rng.normal(size=16) / 2


def features(images, weights, offset):
    """Return the outputs of 16 units for each image."""
    return np.maximum(images @ weights + offset, 0)


before = features(images, weights, offset)
step = 0.1 * rng.normal(size=weights.shape) / np.sqrt(30)
raised = 0.05 * (np.arange(16) < 8)
after = features(images, weights + step, offset + raised)
print(before.shape, after.shape)

# %%
# Two samples are not what this is
# --------------------------------

unpaired = repdist.mmd_test(before, after, rng=0)
print(unpaired)

# %%
# The networks differ, and the test says p = 1. It compares the two *clouds* of rows, and asks how
# far apart two clouds of 200 images each come to lie by chance. Images differ much, so clouds of
# different images would lie much farther apart than these two, which are clouds of the same images.
# MMD^2 is so far below 0, and its interval so empty, for the same reason. All three answers are
# wrong here, because they take the rows for independent, and the **caution** says so.
#
# The pairs show what the clouds hide. Here is one unit, the strongest of those that were raised:

unit = before[:, raised > 0].mean(axis=0).argmax()
fig, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
edges = np.linspace(0, max(before[:, unit].max(), after[:, unit].max()), 25)
left.hist(before[:, unit], edges, color="#9db4c9", label="before")
left.hist(after[:, unit], edges, histtype="step", color="#b5361c", label="after")
left.set_xlabel("output of the unit")
left.set_ylabel("images")
left.legend(frameon=False)
right.hist((after - before)[:, unit], 25, color="#9db4c9")
right.axvline(0, color="black", linestyle="--", linewidth=1)
right.set_xlabel("after - before, image by image")
fig.suptitle("One unit: the two clouds, and the differences within pairs")

# %%
# Left: two histograms that look like two samples of one distribution. Right: of the same numbers,
# the difference of each image by itself; far more lie to the right of 0 than to the left.
#
# The paired test
# ---------------
# One word more.

result = repdist.mmd_test(before, after, paired=True, rng=0)
print(result)

# %%
# Line by line:
#
# - **MMD^2** is about the same distance as ever, that between the two distributions of features.
#   But it is estimated without the pairs themselves: an image through both checkpoints lies much
#   nearer to itself than to other images, and to count that draws the estimate down. It is a small
#   number. The features of *one* image hardly moved; against the spread of the images that is
#   little, and the **interval** shows that it is known well all the same, and not 0.
# - **p-value**: if nothing had changed, "before" and "after" of an image would be two names that
#   could be exchanged. So they *are* exchanged, in some of the pairs at random, 16,383 times, and
#   no exchange looked as different as the truth.
# - **null**: how. Pairs change sides in 66 bins of 3 or 4, all pairs of a bin together, which makes
#   the test fast.
#
# Nothing was said of 400 rows, for there are 200 images.

ax = result.plot()
ax.figure.suptitle("Two checkpoints: far outside of what exchanged pairs show")

# %%
# On the right each bandwidth by itself, and all see the change. The table has the numbers:

print(result.components.round(5).to_string(index=False))

# %%
# What no change looks like
# -------------------------
# Take the *same* checkpoint twice, with some noise of its own each time, as dropout makes. Which
# run was first means nothing, so there is nothing to find, and pairs are exchangeable: the p-value
# is exact. Of 100 such tests about five should have p <= 0.05.


def noisy():
    """Return the features before, with noise of its own in each call."""
    return before + 0.1 * rng.normal(size=before.shape)


pvalues = [
    repdist.mmd_test(noisy(), noisy(), paired=True, n_resamples=1023, rng=rng).pvalue
    for _ in range(100)
]
print(f"p <= 0.05 in {np.mean(np.array(pvalues) <= 0.05):.0%} of 100 tests")

# %%
# The order of rows is all
# ------------------------
# Nothing but their places tells which rows belong together. Lose the order of one array, as a data
# loader that shuffles does, and the pairs are gone. A caution looks out for that:

lost = repdist.mmd_test(before, after[rng.permutation(200)], paired=True, rng=0)
print(f"p = {lost.pvalue:.2g}")
print(*lost.cautions, sep="\n")

# %%
# How many images?
# ----------------
# ``estimate_power`` draws fewer of the pairs, many times:

curve = repdist.estimate_power(before, after, paired=True, n_repetitions=50, rng=0)
print(curve)

# %%
# Twenty of the images would have been enough. And without pairs, with fresh images for each
# checkpoint?


def others(n):
    """Return the features of n new images before, and of n others after."""
    new = rng.normal(size=(2, n, 30))
    return features(new[0], weights, offset), features(new[1], weights + step, offset + raised)


pvalues = [repdist.mmd_test(*others(200), n_resamples=1023, rng=rng).pvalue for _ in range(40)]
print(f"200 + 200 fresh images: p <= 0.05 in {np.mean(np.array(pvalues) <= 0.05):.0%} of 40 tests")

# %%
# Such a test is right, too: its rows are independent, and no word is needed. But it sees what is
# large beside the spread of the images, and this change is not.
#
# In which features?
# ------------------
# "Did anything change?" asks whether the *distribution* within pairs changed, not whether any
# number did, which ``numpy.array_equal`` tells. The next question is in what:

columns = repdist.column_test(before, after, paired=True, rng=0)
print(columns)

# %%
# What you have learnt
# --------------------
# - The same items measured twice are paired rows: ``paired=True``, with rows in one order.
# - Without it the test takes the rows for independent, and what happened to each item is lost
#   between the items.
# - A small p-value says that something changed, MMD^2 and its interval how much. Two checkpoints
#   that differ at all will differ beyond chance if there are images enough; whether so small a
#   change matters is another question (:doc:`/explanation/significance`).
# - ``column_test(before, after, paired=True)`` says in which features: :ref:`tutorial-in-what`.
#
# Next: :ref:`tutorial-adaptation`; the :ref:`gallery <gallery>` has shorter stories.
# :doc:`/howto/which_design` says which design your rows have, and :doc:`/explanation/designs` what
# may change places in each, and when p is exact.
