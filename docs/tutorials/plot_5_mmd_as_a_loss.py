"""
.. _tutorial-loss:

MMD as a loss in torch
======================

:func:`repdist.mmd_squared` of tensors can be differentiated, and
:class:`repdist.torch.MMDLoss` is the same as a module. It can train a network whose output
shall have the distribution of given data: a generator, or an encoder that maps two domains onto
each other. This lesson trains a small one, and answers a question that everybody asks: why does the
loss not go to 0 when the two distributions are equal?

It needs torch: ``pip install ".[torch]"`` in the folder of the source.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

import repdist
from repdist.kernels import MultiRBF
from repdist.torch import MMDLoss

torch.set_num_threads(1)  # the fastest for arrays as small as these
torch.manual_seed(0)

# %%
# Data and generator
# ------------------
# The target is a ring with some noise. The generator turns Gaussian noise into points of the plane.


def ring(n):
    """Return n points near the unit circle, (n, 2)."""
    angle = 2 * torch.pi * torch.rand(n)
    points = torch.stack([angle.cos(), angle.sin()], dim=1)
    return points + 0.1 * torch.randn(n, 2)


net = nn.Sequential(nn.Linear(2, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
with torch.no_grad():
    before = net(torch.randn(500, 2))

# %%
# A ruler that stays
# ------------------
# An unfitted kernel takes its bandwidths from the rows of each call. As a loss that is a moving
# ruler: the values of two steps would not compare. So fit the kernel once, on the target, and use
# it throughout.

kernel = MultiRBF().fit(ring(1000))
print(kernel)

# %%
# Training
# --------

biased = MMDLoss(kernel=kernel, estimator="biased")
optimiser = torch.optim.Adam(net.parameters(), lr=0.003)
losses, unbiased = [], []
steps = range(300)
for step in steps:
    fake, real = net(torch.randn(128, 2)), ring(128)
    loss = biased(fake, real)
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    losses.append(loss.item())
    if step % 3 == 0:
        same_batch = fake.detach(), real
        unbiased.append(repdist.mmd_squared(*same_batch, kernel=kernel).item())
print(f"biased:   first {losses[0]:.4f}, mean of the last 90 steps {np.mean(losses[-90:]):.4f}")
print(f"unbiased: first {unbiased[0]:.4f}, mean of the last 90 steps {np.mean(unbiased[-30:]):.4f}")

# %%
# What the generator learned
# --------------------------

with torch.no_grad():
    after = net(torch.randn(500, 2))
fig, axes = plt.subplots(1, 3, figsize=(8, 3), layout="constrained", sharex=True, sharey=True)
clouds = {"before": before, "after": after, "target": ring(500)}
for ax, (name, points) in zip(axes, clouds.items(), strict=True):
    ax.plot(*points.T.numpy(), ".", color="#2f5d8a", markersize=3)
    ax.set_title(name)
    ax.set_aspect("equal")
fig.suptitle("Points of the generator before and after training, and the target ring")

# %%
# Left: before training all points lie in a small spot. Middle: after it they lie on a ring. Right:
# the target.
#
# Why the loss does not reach 0
# -----------------------------
# Compare two samples that *do* come from the same distribution: ring against ring, 60 times.

same_biased, same_unbiased = (
    np.array(
        [
            repdist.mmd_squared(ring(128), ring(128), kernel=kernel, estimator=estimator).item()
            for _ in range(60)
        ]
    )
    for estimator in ("biased", "unbiased")
)
print(f"ring against ring, biased:   {same_biased.mean():.4f} on average")
print(f"ring against ring, unbiased: {same_unbiased.mean():+.4f} on average")

sample = ring(2000)
K = kernel(sample, sample)
n = len(sample)
off_diagonal = (K.sum() - K.trace()) / (n * (n - 1))
expected = (1 - off_diagonal) * (1 / 128 + 1 / 128)
print(f"the floor by the formula:    {expected:.4f}")

# %%
# The biased estimate keeps the pairs of a row with itself, whose kernel value is 1, the largest
# there is. With n rows on both sides they lift the average by E[k(x, x) - k(x, x')] (1/n + 1/n):
# the **floor**. It is a constant of the kernel, the data and the batch size. The unbiased estimate
# leaves those pairs out and is 0 on average.

fig, ax = plt.subplots(figsize=(7, 3.6), layout="constrained")
ax.plot(losses, color="#2f5d8a", linewidth=1, label="biased")
ax.plot(steps[::3], unbiased, color="#d98f3d", linewidth=1, linestyle="--", label="unbiased")
ax.axhline(float(expected), color="black", linestyle=":", linewidth=2, label="floor of the biased")
ax.axhline(0, color="0.5", linewidth=0.8)
ax.set_ylim(-0.01, 0.08)
ax.set_xlabel("step")
ax.set_ylabel("MMD$^2$")
ax.legend(frameon=False)
fig.suptitle("The biased loss falls to its floor, the unbiased loss to about 0")

# %%
# Both curves fall together and keep a constant gap. The biased one ends a little above the dotted
# floor, the unbiased one a little above 0, and is sometimes negative. With this kernel k(x, x) = 1
# whatever x is, so those pairs have no gradient of their own: leaving them out only gives the pairs
# within a sample the weight n / (n - 1). Choose the **unbiased** one if you want to read the value,
# and the biased one if a negative loss would upset the rest of your code; read it against its
# floor.
#
# With ``mmd_rbf`` the same floor is about 6.186 / n: see :ref:`tutorial-study`.
#
# Is the generator good?
# ----------------------
# The loss cannot say; a test on new points can.

with torch.no_grad():
    fake = net(torch.randn(2000, 2))
result = repdist.mmd_test(fake, ring(2000), kernel=kernel, rng=0)
print(result)

ax = result.plot()
ax.figure.suptitle("Two thousand new points of the generator against the ring")

# %%
# The test finds what the eye does not: with 2,000 points the small difference that is left is
# clear. That is the usual answer for a generator: it is not perfect, and the question is how far
# off it is. MMD^2 and its interval say that.
#
# What you have learnt
# --------------------
# - ``mmd_squared(...).backward()`` works, and ``MMDLoss`` is a module that keeps the kernel. Fit it
#   once if one side is given; if both sides learn, see :doc:`/howto/torch_loss`.
# - The biased loss has a floor that depends on the batch size; the unbiased one does not.
# - Judge the result by a test on new samples, not by the training loss.
#
# Next: :ref:`tutorial-pairs`; :ref:`tutorial-adaptation` trains with this loss on two domains.
# :doc:`/explanation/estimators` has the derivation of the floor.
