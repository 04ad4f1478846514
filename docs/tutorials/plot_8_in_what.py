"""
.. _tutorial-in-what:

They differ: in what?
=====================

A test says that two samples differ. The next question is always the same: *in what*? This lesson
answers it three times for images of cells from two batches: which columns differ, in which regions
of the space one sample has more rows, and which rows are most typical. The first two answers have
an error rate; the third is a ranking to look at. It ends with a difference that no column shows,
and with one page that has all of it.

The images are drawn here, so that we know what is true. In their place stand your own images,
records or sentences, in the order of their rows.
"""

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import repdist

rng = np.random.default_rng(0)
across, down = np.meshgrid(np.linspace(-1, 1, 25), np.linspace(-1, 1, 25))


def drawn(n, share_of_rings, light):
    """Return images of n cells, (n, 25, 25): ellipses, some of them hollow, and noise."""
    size, narrow, turn = rng.uniform([0.45, 0.6, 0], [0.75, 1, np.pi], (n, 3)).T[..., None, None]
    u, v = np.cos(turn) * across + np.sin(turn) * down, np.cos(turn) * down - np.sin(turn) * across
    r = np.hypot(u / size, v / (narrow * size))
    hollow = (rng.random((n, 1, 1)) < share_of_rings) * np.exp(-((r / 0.5) ** 2))
    brightness = rng.normal(light, 20, (n, 1, 1))
    return brightness * (1 - 0.8 * hollow) / (1 + np.exp(12 * (r - 1))) + rng.normal(size=r.shape)


def measured(images):
    """Return a table of what is measured of each image."""
    total = images.sum(axis=(1, 2))
    xx, yy, xy = ((images * way).sum(axis=(1, 2)) / total for way in
                  (across**2, down**2, across * down))  # fmt: skip
    apart = np.hypot(xx - yy, 2 * xy)
    brightest = np.quantile(images, 0.98, axis=(1, 2))
    return pd.DataFrame({
        "area": (images > brightest[:, None, None] / 2).sum(axis=(1, 2)),  # pixels
        "light": brightest,
        "centre": images[:, 11:14, 11:14].mean(axis=(1, 2)) / brightest,
        "elongation": np.sqrt((xx + yy + apart) / (xx + yy - apart)),
        "tilt": np.arctan2(2 * xy, xx - yy) / 2,
        "noise": images[:, :3, :3].std(axis=(1, 2)),
    })  # fmt: skip


images = [drawn(300, share_of_rings=0.05, light=150), drawn(300, share_of_rings=0.2, light=160)]
first, second = map(measured, images)
first.head(3).round(2)

# %%
# The second batch is a little brighter, and a fifth of its cells are hollow, where it is one in
# twenty of the first. The columns have different units, so they are brought to one scale: that of
# the rows of both samples together.

both = pd.concat([first, second])
first, second = ((rows - both.mean()) / both.std() for rows in (first, second))
print(repdist.mmd_test(first, second, rng=0))

# %%
# They differ, beyond chance. So, in what?
#
# Which columns
# -------------
# :func:`repdist.column_test` tests every column, and adjusts the 6 p-values: the chance that
# *any* column that does not differ is said to is at most .05.

columns = repdist.column_test(first, second, rng=0)
print(columns)
columns.to_frame().head(4).round(3)

# %%
# Each row says what changed most surely in a column (its location, spread, skewness or tails), in
# which direction, and by how much: the difference of the means in standard deviations, the ratio
# of the spreads, and how far both distributions overlap.

ax = columns.plot(n_columns=6)
ax.figure.suptitle("The columns of the first batch (above) and the second (below)")

# %%
# A column that differs is a finding; that another one is *not* named means only that these images
# do not show it.
#
# In which regions
# ----------------
# :func:`repdist.region_test` cuts the pooled rows into regions, without a look at which row is of
# which batch, and compares the shares of both in each.

regions = repdist.region_test(first, second, n_regions=8, rng=0)
print(regions)
ax = regions.plot()
ax.figure.suptitle("Regions of the first batch (blue) and the second (red)")

# %%
# The numbers are those of the regions; framed ones differ. Regions are for looking at: the rows
# nearest to the centre of a region show what lives there.


def show(rows, title):
    """Draw images: one line a text, with its (batch, number of the image) pairs."""
    fig, axes = plt.subplots(len(rows), 5, figsize=(6, 1.3 * len(rows)), squeeze=False)
    for line, (text, shown) in zip(axes, rows.items(), strict=True):
        for ax in line:
            ax.set_axis_off()
        for ax, (batch, number) in zip(line, shown, strict=False):
            ax.imshow(images[batch][number], cmap="gray", vmin=0, vmax=200)
        line[0].set_title(text, loc="left", fontsize=9)
    fig.suptitle(title)
    fig.subplots_adjust(top=0.86, bottom=0.02, left=0.02, right=0.98, hspace=0.45, wspace=0.05)


frame = regions.to_frame()
surest = frame.head(3)["region"].tolist()
typical = {}
for region in surest:
    of_first, of_second = regions.typical(region, n_rows=5)
    row = frame.set_index("region").loc[region]
    text = f"region {region}: {row.share_x:.0%} of the first batch, {row.share_y:.0%} of the second"
    pairs = zip(of_first, of_second, strict=False)
    typical[text] = [cell for one, other in pairs for cell in ((0, one), (1, other))]
show(typical, "The images nearest to the centres of three regions")

# %%
# One of those that differ holds the hollow cells, which nobody had to look for: a fifth of the
# second batch. The shares of other regions are smaller there in turn.
#
# Which rows
# ----------
# :func:`repdist.witness` ranks all rows by how much more of the one sample than of the other
# lives around them.

rows = repdist.witness(first, second)
most_first, most_second = rows.most_typical(n_rows=5)
show(
    {
        "most typical of the first batch": [(0, i) for i in most_first],
        "most typical of the second": [(1, i) for i in most_second],
        "of the first, where the second lives": [(0, i) for i in np.argsort(rows.values_x)[:5]],
    },
    "Rows by the witness",
)

# %%
# These are no tests: of 600 values the largest is large by chance, too, so there are no p-values
# here. Look at the images, and ask the test again on rows that you have not looked at.
#
# A difference that no column shows
# ---------------------------------
# Two samples can have the same columns and differ in how these go together.

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
# the page of ``repdist test A.csv B.csv --standardize --html report.html``.

found = repdist.explain(first, second, rng=0)
folder = Path(tempfile.mkdtemp())  # yours: where the page is to be
found.to_html(folder / "batches.html")
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
