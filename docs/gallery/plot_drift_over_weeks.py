"""
Watch a stream of features for drift
====================================

A model is in use. Each week brought 200 new feature vectors, to be compared with a reference from
the time when the model was validated. Half a year later: when has the input changed, and by how
much?
"""

import numpy as np

import repdist
from repdist.kernels import MultiRBF

rng = np.random.default_rng(0)
validated = rng.normal(size=(1500, 10))


def week(number):
    """Return the rows of a week: from week 13 on, the spread of three columns grows slowly."""
    rows = rng.normal(size=(200, 10))
    rows[:, :3] *= 1 + 0.06 * max(0, number - 12)
    return rows


numbers = np.arange(1, 25)
rows, weeks = np.concatenate([week(number) for number in numbers]), np.repeat(numbers, 200)

# %%
# One kernel for all weeks, so that their distances compare. It is fitted on a third of the rows
# from the time of validation, which are then left out of the reference: it stays the same when the
# next weeks come, and having seen none of the rows that are compared it leaves p-values exact.
#
# Twenty-four weeks are twenty-four tests. At .05 a week, one false alarm is expected in twenty
# quiet weeks; p-values adjusted by Holm's method keep the chance of any in the whole half year
# below 5 %.

kernel = MultiRBF().fit(validated[:500])
result = repdist.compare_to_reference(validated[500:], rows, weeks, kernel=kernel, rng=0)
print(result, "\n")
frame = result.to_frame()
for row in frame.loc[11:20].itertuples():
    print(
        f"week {row.Index}: MMD^2 {row.mmd_squared:+.5f}, adjusted p {row.pvalue_adjusted:.2g}"
        f"{'   alarm' if row.pvalue_adjusted <= 0.05 else ''}"
    )

# %%
# ``order="given"`` draws the weeks from left to right, each with its 95 % interval; the band is the
# noise floor, which about one quiet week in twenty may exceed.

ax = result.plot(order="given")
ax.axvline(11.5, color="0.3", linestyle=":")
ax.set_xlabel("week; the drift begins at the dotted line")
ax.set_title("Distance of each week to the reference, with 95 % intervals", loc="left")

# %%
# Intervals are cut at 0, because a true distance is not negative, though an estimate may be. Up to
# week 12 the distances scatter around 0, below the floor. After the drift begins it takes four
# weeks until 200 rows show it, beside twenty-three other weeks; from week 17 on there is an alarm
# every week. The alarm says *that* something changed. The distance says how far it has gone, which
# the p-value cannot: it is at its least from the first strong week on.
#
# Has the drift gone on since? That compares two distances to one reference, and intervals of single
# weeks, which overlap, do not answer it. ``differences`` does, for all pairs of weeks at once.

differences = result.differences().set_index(["first", "second"])
for pair in [(12, 24), (19, 24), (23, 24)]:
    row = differences.loc[pair]
    print(f"week {pair[0]} less week {pair[1]}: {row.low:+.4f} to {row.high:+.4f}")

# %%
# Below 0 the later week is farther. With 276 pairs of weeks in one family, only weeks that lie well
# apart are told apart for certain.
#
# All this looks back. Who looks every week, and adds it to the others, tests more often than a
# correction for the weeks so far allows for.
