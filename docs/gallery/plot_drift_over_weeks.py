"""
Watch a stream of features for drift
====================================

A model is in use. Each week brings 200 new feature vectors, to be compared with a reference from
the time when the model was validated. When has the input changed, and by how much?
"""

import matplotlib.pyplot as plt
import numpy as np

import repdist
from repdist.kernels import MultiRBF

rng = np.random.default_rng(0)
reference = rng.normal(size=(1000, 10))


def week(number):
    """Return the rows of a week: from week 13 on, the spread of three columns grows slowly."""
    rows = rng.normal(size=(200, 10))
    rows[:, :3] *= 1 + 0.06 * max(0, number - 12)
    return rows


# %%
# One kernel for all weeks, fitted on the reference: the distances of different weeks then compare.
# (A kernel that is fixed before the weeks arrive keeps the p-values exact, too.)
#
# The *noise floor* is what a week without drift shows. Half of the reference can supply such weeks:
# compare 200 rows of the one half with the other rows, again and again, and take the 95 % quantile.

kernel = MultiRBF().fit(reference)
quiet = []
for _ in range(50):
    rows = rng.permutation(1000)
    quiet.append(repdist.mmd_squared(reference[rows[:800]], reference[rows[800:]], kernel=kernel))
floor = np.quantile(quiet, 0.95)

numbers = np.arange(1, 25)
results = [repdist.mmd_test(reference, week(number), kernel=kernel, rng=0) for number in numbers]
distances = np.array([result.mmd_squared for result in results])
intervals = np.array([result.confidence_interval() for result in results])
pvalues = np.array([result.pvalue for result in results])

# %%
# Twenty-four weeks are twenty-four tests. At 0.05 a week, one false alarm is expected in twenty
# quiet weeks; at 0.05 / 24 (Bonferroni's correction), false alarms in the whole half year stay
# below 5 %.

alarm = pvalues <= 0.05 / len(numbers)
for number in numbers[10:20]:
    k = number - 1
    print(
        f"week {number}: p = {pvalues[k]:.2g}, MMD^2 = {distances[k]:+.5f}"
        f"{'  alarm' if alarm[k] else ''}"
    )

fig, ax = plt.subplots(figsize=(7.5, 3.8), layout="constrained")
ax.vlines(numbers, *intervals.T, color="0.6", linewidth=3)
ax.plot(numbers[~alarm], distances[~alarm], "o", color="#2f5d8a", label="no alarm")
ax.plot(numbers[alarm], distances[alarm], "s", color="#b5361c", label="alarm")
ax.axhline(floor, color="black", linestyle="--", linewidth=1, label="noise floor")
ax.axvline(12.5, color="0.5", linestyle=":", label="the drift begins")
ax.set_xlabel("week")
ax.set_ylabel("MMD$^2$ to the reference")
ax.legend(frameon=False)
fig.suptitle("Distance of each week to the reference, with 95 % intervals")

# %%
# Bars are 95 % intervals. They are cut at 0, because a true distance is not negative: a negative
# estimate lies below its own bar. Up to week 12 the distances scatter around 0, and below the floor
# (dashed), which about one quiet week in twenty may exceed. After the drift begins (dotted) it
# takes two weeks until 200 rows show it; from week 15 on there is an alarm (square) every week. The
# distance keeps growing but for noise. The alarm says *that* something changed. The distance says
# how far it has gone, which the p-value cannot: it is at its least from the first strong week on.
