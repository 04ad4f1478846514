"""
.. _tutorial-in-what:

They differ: in what?
=====================

A test says that two samples differ. The next question is always the same: *in what*? This lesson
answers it three times for the fours and the nines of the case study: which columns differ, in which
regions of the space one sample has more rows, and which rows are most typical. The first two
answers have an error rate; the third is a ranking to look at. It ends with a difference that no
column shows, and with one page that has all of it.

The images come from the case study's own loader, ``repdist._experiments``, which is not for use
elsewhere: in its place stand your own images, records or sentences, in the order of their rows.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from repdist._experiments.lenet_gap.data import load_digits
from repdist._experiments.lenet_gap.features import make_images

import repdist

features, names = repdist.example_features()  # 10 digits x 300 images x 64 features
fours, nines = features[4], features[9]
images = make_images(load_digits()[1]).images.reshape(10, 300, 100, 100)  # what they are of
print(repdist.mmd_test(fours, nines, rng=0))

# %%
# They differ, beyond chance. So, in what?
#
# Which columns
# -------------
# :func:`repdist.column_test` tests every column, and adjusts the 64 p-values: the chance that
# *any* column that does not differ is said to is at most .05.

columns = repdist.column_test(fours, nines, rng=0)
print(columns)
columns.to_frame().head(4).round(3)

# %%
# Each row says what changed most surely in a column (its location, spread, skewness or tails), in
# which direction, and by how much: the difference of the means in standard deviations, the ratio
# of the spreads, and how far both distributions overlap.

ax = columns.plot(n_columns=6)
ax.figure.suptitle("Six columns of fours (above) and nines (below)")

# %%
# Most columns differ: a network that tells fours from nines does so with many of its features. A
# column that differs is a finding; that another one is *not* named means only that these images
# do not show it.
#
# In which regions
# ----------------
# :func:`repdist.region_test` cuts the pooled rows into regions, without a look at which row is a
# four and which a nine, and compares the shares of both in each.

regions = repdist.region_test(fours, nines, n_regions=8, rng=0)
print(regions)
ax = regions.plot()
ax.figure.suptitle("Regions of fours (blue) and nines (red)")

# %%
# The numbers are those of the regions; framed ones differ. Regions are for looking at: the rows
# nearest to the centre of a region show what lives there.


def show(rows, title):
    """Draw images: one line a text, with its (digit, number of the image) pairs."""
    fig, axes = plt.subplots(len(rows), 5, figsize=(6, 1.3 * len(rows)), squeeze=False)
    for line, (text, shown) in zip(axes, rows.items(), strict=True):
        for ax in line:
            ax.set_axis_off()
        for ax, (digit, number) in zip(line, shown, strict=False):
            ax.imshow(images[digit, number], cmap="gray")
        line[0].set_title(text, loc="left", fontsize=9)
    fig.suptitle(title)
    fig.subplots_adjust(top=0.86, bottom=0.02, left=0.02, right=0.98, hspace=0.45, wspace=0.05)


frame = regions.to_frame()
surest = frame.head(3)["region"].tolist()
typical = {}
for region in surest:
    of_fours, of_nines = regions.typical(region, n_rows=5)
    row = frame.set_index("region").loc[region]
    text = f"region {region}: {row.share_x:.0%} of the fours, {row.share_y:.0%} of the nines"
    both = [(4, i) for i in of_fours] + [(9, i) for i in of_nines]
    typical[text] = both[:5]
show(typical, "The images nearest to the centres of three regions")

# %%
# Each image has one whole digit among pieces of others. The regions are kinds of images as this
# network sees them.
#
# Which rows
# ----------
# :func:`repdist.witness` ranks all rows by how much more of the one sample than of the other
# lives around them.

rows = repdist.witness(fours, nines)
most_four, most_nine = rows.most_typical(n_rows=5)
least_four = np.argsort(rows.values_x)[:5]
show(
    {
        "most typical fours": [(4, i) for i in most_four],
        "most typical nines": [(9, i) for i in most_nine],
        "fours where nines live": [(4, i) for i in least_four],
    },
    "Rows by the witness",
)
print(f"{(rows.values_x < 0).sum()} of 300 fours lie where there are more nines")

# %%
# These are no tests: of 600 values the largest is large by chance, too, so there are no p-values
# here. Look at the images, and ask the test again on rows that you have not looked at.
#
# A difference that no column shows
# ---------------------------------
# Two samples can have the same columns and differ in how these go together.

rng = np.random.default_rng(0)
shared = rng.normal(size=(400, 1))
X = np.sqrt(0.5) * shared + np.sqrt(0.5) * rng.normal(size=(400, 8))  # columns that go together
Y = rng.normal(size=(400, 8))  # columns that do not; each by itself has the same distribution
print(repdist.column_test(X, Y, rng=0).finding())

# %%
# So read both answers together: that no column differs does not mean that nothing does.
#
# One page
# --------
# :func:`repdist.explain` asks all of it, and writes one page: the test, columns, regions, rows,
# what to beware of, the method in words for a paper, and what to cite. On the command line it is
# the page of ``repdist test A.npy B.npy --html report.html``.

found = repdist.explain(fours, nines, rng=0)
folder = Path(tempfile.mkdtemp())  # yours: where the page is to be
found.to_html(folder / "fours_and_nines.html")
print(found)

# %%
# What you have learnt
# --------------------
# - Columns and regions have an error rate for all of them at once; rows are a ranking.
# - What is not named may differ all the same: power is limited, and columns can differ together.
# - ``explain`` has all of it on one page.
#
# :doc:`/howto/what_differs` has the recipes, :doc:`/explanation/family_wise_error` what the error
# rate of many columns means.
