"""
.. _tutorial-table:

A table of classes
==================

With several groups the question becomes: *which* of them differ, and by how much? This lesson makes
the table of all pairs, reads it, and saves it for a paper.
"""

import tempfile
from pathlib import Path

import repdist

features, names = repdist.example_features()  # ten digits x 300 images x 64 features
result = repdist.pairwise_mmd_test(features, names, rng=0)
print(result.summary())

# %%
# :func:`repdist.pairwise_mmd_test` tested all 45 pairs. It also takes a dictionary of arrays, a
# list of arrays (of different lengths, if you like), or one array of rows with a label for each
# row.
#
# The heat map
# ------------

ax = result.plot(order="clustered")
ax.figure.suptitle("MMD squared between ten classes of digits")

# %%
# A notebook shows the picture by itself. In a script add ``ax.figure.savefig("table.png")``, or
# ``import matplotlib.pyplot as plt`` and ``plt.show()``.
#
# Dark is far apart. ``order="clustered"`` puts classes beside each other that are close. All cells
# use one :term:`kernel`, fitted once on all rows: :term:`one ruler`, so you may compare a cell with
# any other cell.
#
# The framed diagonal is not a distance. It is the :term:`noise floor` of the class: 95 % of the
# distances between two samples of this one class lie below it. A distance of that size says
# nothing. (In ``result.mmd_squared`` the diagonal is 0 by definition; nothing is measured there.)
#
# The stars are p-values, adjusted because there are 45 of them (:term:`adjusted p-value`): if you
# ask 45 questions at 0.05 and all answers are "no difference", you still expect two alarms. The
# default adjustment, that of :term:`Holm`, keeps the chance of even one false alarm at 0.05.
#
# Three numbers for "how different"
# ---------------------------------
# The table by pairs, the farthest first and the closest last:

frame = result.to_frame().sort_values("mmd_squared", ascending=False)
columns = ["first", "second", "mmd_squared", "ci_low", "ci_high", "effect", "times_floor"]
shown = frame[columns].round({"times_floor": 0}).round(3).astype({"times_floor": int})
print(shown.head(3).to_string(index=False))
print(shown.tail(3).to_string(index=False))

# %%
# - ``mmd_squared`` with ``ci_low`` and ``ci_high``: the distance, in kernel units, and its 95 %
#   interval.
# - ``effect``: the distance divided by the spread within the two classes (:term:`effect`). It
#   answers *how far*. It does not grow with the number of images.
# - ``times_floor``: the distance divided by the noise floor. It answers *how clearly*. It does grow
#   with the number of images. Read no more than two digits of this number: the floor is an
#   estimate, and of other images it would be a little different.
#
# To see the difference between the last two, use every tenth image only:

small = repdist.pairwise_mmd_test(features[:, ::10], names, kernel=result.kernel, rng=0)
pairs = [("0", "6"), ("4", "9"), ("1", "3")]
print("pair     images   MMD^2    95 % interval   effect   times_floor")
for pair in pairs:
    for n, table in [(300, result), (30, small)]:
        print(
            f"{pair[0]}, {pair[1]}   {n:6d}   {table.mmd_squared.loc[pair]:.3f}   "
            f"{table.ci_low.loc[pair]:.3f} to {table.ci_high.loc[pair]:.3f}   "
            f"{table.effect.loc[pair]:6.2f}   {table.times_floor.loc[pair]:11.0f}"
        )

# %%
# With 30 images the distances and effects are of the same size as before, and less certain: look at
# the intervals. ``times_floor`` falls to about a tenth, because the floor of a small sample is
# higher. Note ``kernel=result.kernel``: the second table uses the fitted kernel of the first, so
# the two tables are on one ruler. Without it, each call would fit its own.
#
# Closest and farthest as a tree
# ------------------------------

ax = result.dendrogram()
ax.figure.suptitle("Which classes are closest: a tree of ten classes of digits")

# %%
# Two classes are joined at the height of their distance, groups of classes at the mean distance of
# their members. The dashed line is the noise floor on this scale: a joint near it would mean
# classes that cannot be told apart. Here all joints are far above it.
#
# One question for all groups
# ---------------------------
# "Does anything differ at all?" is a test of its own, with one p-value and no adjustment:

print(result.global_test())

# %%
# Into a paper
# ------------
# ``result.to_csv("classes.csv")`` writes the table of pairs, and ``result.to_html("classes.html")``
# a page with the pictures, a sortable table and a description of the method. On this page the
# files go to a temporary folder, which is gone afterwards:

with tempfile.TemporaryDirectory() as folder:
    result.to_csv(Path(folder, "classes.csv"))
    result.to_html(Path(folder, "classes.html"), title="Ten classes of digits")
    for file in sorted(Path(folder).iterdir()):
        print(f"{file.name}: {file.stat().st_size / 1000:.0f} kB")

# %%
# What to say in the text: the kernel, the number of rows, the distance with its interval, the
# adjusted p-value and the way it was adjusted. For the closest pair:

row = frame.iloc[-1]
print(
    f"Classes {row['first']} and {row['second']} are the closest pair: MMD^2 = "
    f"{row['mmd_squared']:.3f} (95 % interval {row['ci_low']:.3f} to {row['ci_high']:.3f}), "
    f"n = {row['n_first']} and {row['n_second']}, p = {row['pvalue_adjusted']:.4f} "
    f"({result.adjust}-adjusted, {row['n_resamples']:,} relabelings)."
)
print(result.kernel)

# %%
# The intervals hold for each cell by itself. They are not widened for the number of pairs.
#
# What you have learnt
# --------------------
# - :func:`repdist.pairwise_mmd_test` measures all pairs with one ruler and adjusts the p-values.
# - ``effect`` says how far, ``times_floor`` how clearly; see :doc:`/explanation/noise_floor`.
# - Pass ``kernel=result.kernel`` to another call if its numbers shall compare.
#
# Next: :ref:`tutorial-torch` makes features from a network of your own.
