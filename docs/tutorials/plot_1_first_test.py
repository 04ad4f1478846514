"""
.. _tutorial-first-test:

A first test
============

You have two sets of feature vectors and want to know whether they come from the same distribution,
and if not, how far apart they are. This lesson does one such test and reads every line of its
answer. Words that are links are in the :doc:`/glossary`.

**Two samples** are two arrays with the same columns. A row is one thing that was measured (here: an
image), a column is one feature of it (here: what one unit of a network says about the image).
"""

import matplotlib.pyplot as plt
import numpy as np

import repdist

# %%
# The data
# --------
# repdist comes with features to try it on. A small network has learned to name a handwritten digit
# among clutter; these are 64 features of 300 images of each digit, none of which it was trained on.

features, names = repdist.example_features()
print(features.shape, names)

fours, nines = features[4], features[9]
print(fours.shape, nines.shape)

# %%
# The test
# --------
# One call. ``rng=0`` fixes the random numbers, so that you get the same answer as this page.

result = repdist.mmd_test(fours, nines, rng=0)
print(result)

# %%
# Line by line:
#
# - **MMD^2** is the squared *maximum mean discrepancy* (:term:`MMD²<MMD, MMD²>`), the distance
#   between the two samples. It is 0 if the distributions are equal and grows as they move apart.
#   With the default kernel it stays below 2. The **interval** says how well these rows determine it
#   (:term:`confidence interval`).
# - **effect** is MMD² in units of the spread within the samples (:term:`effect`): the number to
#   compare between kernels and studies.
# - **p-value**: if the labels "four" and "nine" meant nothing, how often would a random
#   :term:`relabeling` of the rows look at least as different as the real labels do? Here none of
#   16,383 did. The :term:`p-value` counts the real labels as one of 16,384, so it is 1 / 16,384 =
#   0.00006 and not 0. (6.104e-05 is 6.104 with the point moved five places to the left.) For a
#   smaller least p, raise ``n_resamples``.
# - **tested**: there are several ways to look at a distance, from very fine to very coarse. The
#   test looks at all of them (:term:`components<component>`) and finds what stands out most, in
#   units in which they compare (:term:`normal score`). You need not read this number, the
#   :term:`statistic`; it is what the p-value is made from.
# - **kernel**: how fine and how coarse. ``MultiRBF`` is a :term:`kernel` made of several Gaussians.
#   A :term:`bandwidth` is the distance at which two rows stop being alike; the test chose them to
#   cover the distances in the data.
# - **null**: how the relabelings were made: by 32 random :term:`shuffles<shuffle>` of the rows, and
#   after each by 512 :term:`swaps<swap>` of rows between the samples
#   (:doc:`/explanation/relabelings`). Rows moved in :term:`bins<bin>` of a few
#   (:doc:`/explanation/bins`). Both make the test fast, and the p-value is exact.
# - **caution**: what you should know before you quote the result. Four units of this network never
#   fire on these images; they do no harm.
#
# The parts are attributes of the result.

print(f"p-value             {result.pvalue:.2g}")
print(f"MMD^2               {result.mmd_squared:.4f}")
print(f"standard error      {result.standard_error:.4f}")
low, high = result.confidence_interval()
print(f"95 % interval       {low:.4f} to {high:.4f}")

# %%
# The picture
# -----------

ax = result.plot()
ax.figure.suptitle("Fours against nines: far outside the null distribution")

# %%
# A notebook shows the picture by itself. In a script add ``plt.show()``, or
# ``ax.figure.savefig("test.png")``.
#
# On the left, the histogram is what relabelings give: the :term:`null distribution`. (A
# small bar by itself at its left end collects the relabelings whose score is cut off there.) The
# line is what the real labels gave. It stands far to the right, so chance does not explain it. On
# the right, each bandwidth by itself: how many standard deviations of the null lie between the
# observed value and the null's mean (:term:`z-score`). All bandwidths see the difference.
#
# The two axes do not match. The left one shows z-scores turned into normal units, which bends large
# values down and corrects the skew of the null distribution: see :doc:`/explanation/bandwidths`.
#
# What no difference looks like
# -----------------------------
# To trust a test you should see it say no. Cut the fours into two halves: both are images of fours,
# so there is nothing to find.

same = repdist.mmd_test(fours[:150], fours[150:], rng=0)
print(same)

ax = same.plot()
ax.figure.suptitle("Fours against fours: inside the null distribution")

# %%
# A z-score on the right may lie a little below 0 while the score on the left is above 0. A skewed
# null distribution has its middle below its mean; what lies between the two is above the middle.
#
# The p-value is large: many relabelings look at least as different. **MMD^2 is slightly negative.**
# That is not a mistake. The estimate is right on average, so when the truth is 0 it must fall on
# both sides of 0: see :doc:`/explanation/estimators`. The interval is cut at 0, because the true
# distance cannot be negative.
#
# A large p-value does not prove that two distributions are equal. It says that these rows do not
# show a difference. The upper end of the interval says how large a difference could still hide.
#
# How many rows does it take?
# ---------------------------
# With few rows even a large difference may not show. Here are fours against nines once more, with
# the first 3, 5, 10, 20 and 50 rows of each. Each call would choose its own bandwidths, and numbers
# under different bandwidths do not compare. ``kernel=result.kernel`` gives all of them the kernel
# of the first test: :term:`one ruler`.

print("rows   p-value   MMD^2    95 % interval")
sizes = [3, 5, 10, 20, 50]
for n in sizes:
    few = repdist.mmd_test(fours[:n], nines[:n], kernel=result.kernel, rng=0)
    low, high = few.confidence_interval()
    interval = f"{low:.3f} to {high:.3f}" if n >= 10 else "(too few rows)"
    print(f"{n:4d}   {few.pvalue:7.2g}   {few.mmd_squared:.3f}   {interval}")

# %%
# The intervals begin at 10 rows. The error of MMD^2 is itself estimated from the rows; from three
# or five of them it is a guess, and the interval can be too short.
#
# With three rows on each side there are only 20 ways to hand out the labels, and swapping the two
# samples changes nothing: the least p-value is 2 / 20 = 0.1. Such a test cannot reach 0.05 whatever
# the data are, and repdist says so:

few = repdist.mmd_test(fours[:3], nines[:3], kernel=result.kernel, rng=0)
print(*few.cautions, sep="\n")

# %%
# To plan a study, see :doc:`/howto/check_your_data`: how many rows a difference like yours takes,
# and a rule of thumb if you have no rows yet.
#
# When a test must not be used
# ----------------------------
# The p-value is exact if the rows are independent. Two traps are common:
#
# - **Rows in clusters**: frames of one video, patches of one image, sentences of one document. They
#   resemble each other, and the test takes them for independent evidence. Name the cluster of each
#   row (:doc:`/howto/which_design`), or take one row from each.
# - **Training data**: a network treats the images that it has learned differently. Take features of
#   images that it has not seen.
#
# :doc:`/explanation/permutation` shows what happens otherwise.

fig, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
rng = np.random.default_rng(0)
pvalues = []
for _ in range(200):
    rows = rng.permutation(300)
    halves = fours[rows[:50]], fours[rows[50:100]]
    pvalues.append(repdist.mmd_test(*halves, n_resamples=1023, rng=rng).pvalue)
ax.hist(pvalues, bins=np.linspace(0, 1, 11), color="#9db4c9", edgecolor="white")
ax.axhline(20, color="black", linestyle="--", linewidth=1)
ax.set_xlabel("p-value")
ax.set_ylabel("tests out of 200")
fig.suptitle("p-values of 200 tests of fours against fours")
share = np.mean(np.array(pvalues) <= 0.05)
print(f"p <= 0.05 in {share:.1%} of the tests")

# %%
# The figure is what "the p-value is right" means. In 200 tests of fours against other fours, each
# tenth of the range from 0 to 1 gets about a tenth of the p-values (dashed), and about one test in
# twenty has p <= 0.05: that is the rate of false alarms that you accept by testing at 0.05.
#
# What you have learnt
# --------------------
# - :func:`repdist.mmd_test` takes two arrays and returns a distance, its interval and a p-value.
# - The p-value says whether there is a difference, MMD^2 and its interval say how large it is.
# - Near 0 the estimate can be negative, and the p-value is never 0.
#
# Next: :ref:`tutorial-table` compares all ten digits at once. To know what MMD^2 measures, read
# :doc:`/explanation/mmd`.
