"""
Significant is not large
========================

A difference of 0.04 standard deviations may never matter, and with enough rows every test finds it.
The p-value depends on the number of rows; MMD squared and the effect do not.
"""

import matplotlib.pyplot as plt
import numpy as np

import repdist
from repdist.kernels import MultiRBF

rng = np.random.default_rng(0)
kernel = MultiRBF().fit(rng.normal(size=(1000, 5)))
sizes = [100, 300, 1000, 3000, 10000]
print("  rows    tiny shift: p, MMD^2, effect        large shift: p, MMD^2, effect")
rows = {"tiny": [], "large": []}
for n in sizes:
    X = rng.normal(size=(n, 5)).astype(np.float32)
    line = []
    for name, shift in [("tiny", 0.04), ("large", 0.8)]:
        Y = rng.normal(shift, 1, size=(n, 5)).astype(np.float32)
        table = repdist.pairwise_mmd_test([X, Y], kernel=kernel, rng=0)
        found = [t.loc[0, 1] for t in (table.pvalue, table.mmd_squared, table.effect)]
        found += [table.ci_low.loc[0, 1], table.ci_high.loc[0, 1]]
        rows[name].append(found)
        line.append(f"{found[0]:7.2g}, {found[1]:+.5f}, {found[2]:+.4f}")
    print(f"{n:6d}    {line[0]}           {line[1]}")

fig, axes = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
styles = {"tiny": ("o-", "#b5361c"), "large": ("s--", "#2f5d8a")}
for name, (style, colour) in styles.items():
    values = np.array(rows[name])
    axes[0].plot(sizes, values[:, 0], style, color=colour, label=f"{name} shift")
    axes[1].plot(sizes, values[:, 2], style, color=colour, label=f"{name} shift")
axes[0].axhline(0.05, color="0.5", linestyle=":")
axes[0].set_yscale("log")
axes[0].set_ylabel("p-value")
axes[1].axhline(0, color="0.5", linewidth=0.8)
axes[1].set_ylabel("effect: MMD$^2$ / spread")
for ax in axes:
    ax.set_xscale("log")
    ax.set_xlabel("rows in each sample")
axes[1].legend(frameon=False, loc="center right")
fig.suptitle("A tiny and a large shift: the p-value meets, the effect does not")

# %%
# Left: with more rows the p-value of the tiny shift falls, until it is as small as that of the
# large one; both stop at 1 / 16,384, the least that 16,383 relabelings can give. Right: the effect
# of each shift is about the same at every size, up to noise in the small samples. The two shifts
# differ in effect by a factor of hundreds.
#
# So quote the effect, or MMD squared with its interval, beside the p-value; and decide beforehand
# what size would matter. :doc:`/explanation/significance` says more.
