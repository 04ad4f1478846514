"""
A negative estimate is fine
===========================

MMD squared is a squared distance; how can it come out as −0.0003? Because the unbiased estimate is
right *on average*: for equal distributions it has to fall on both sides of 0.
"""

import matplotlib.pyplot as plt
import numpy as np

import repdist
from repdist.kernels import MultiRBF

rng = np.random.default_rng(0)
kernel = MultiRBF().fit(rng.normal(size=(1000, 4)))
unbiased, biased = [], []
for _ in range(500):
    X, Y = rng.normal(size=(2, 60, 4))  # the same distribution
    unbiased.append(repdist.mmd_squared(X, Y, kernel=kernel))
    biased.append(repdist.mmd_squared(X, Y, kernel=kernel, estimator="biased"))

print(f"unbiased: mean {np.mean(unbiased):+.5f}, negative in {np.mean(np.less(unbiased, 0)):.0%}")
print(f"biased:   mean {np.mean(biased):+.5f}, negative in {np.mean(np.less(biased, 0)):.0%}")

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
edges = np.linspace(min(unbiased), max(biased), 61)
ax.hist(unbiased, edges, color="#9db4c9", label="unbiased (default)")
ax.hist(biased, edges, histtype="step", color="black", linewidth=1.5, label="biased")
ax.axvline(0, color="#b5361c", linestyle="--", linewidth=1.5, label="the truth: 0")
ax.set_xlabel("estimate of MMD$^2$")
ax.set_ylabel("pairs of samples out of 500")
ax.legend(frameon=False)
fig.suptitle("Both estimates of MMD squared for 500 pairs of samples of one distribution")

# %%
# Each pair of samples comes from one distribution, so the true value is 0 (dashed). The unbiased
# estimates (filled) scatter around it. The biased ones (outline) are never negative and always too
# large, by about the same amount: they count each row's likeness to itself.
#
# What to do with a negative number: report it. "MMD² = −0.0003" means "no sign of a difference". Do
# not cut it to 0 before you average several of them: the mean would then be too large.

cut = np.maximum(unbiased, 0)
print(
    f"mean of the estimates {np.mean(unbiased):+.5f}, of the estimates cut at 0 {cut.mean():+.5f}"
)

# %%
# The interval of a test is cut at 0, because it speaks of the true distance:

while (
    result := repdist.mmd_test(*rng.normal(size=(2, 60, 4)), kernel=kernel, rng=0)
).mmd_squared > 0:
    pass  # draw until the estimate is negative
low, high = result.confidence_interval()
print(
    f"MMD^2 {result.mmd_squared:+.4f}, 95 % interval {low:.4f} to {high:.4f}, p {result.pvalue:.2f}"
)

# %%
# :doc:`/explanation/estimators` has the formulas.
