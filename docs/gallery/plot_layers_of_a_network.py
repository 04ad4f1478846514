"""
Layers of a network compared
============================

Two classes are entangled in the input and separable at the output. At which layer do they part, and
is that training or architecture? Compare the classes at each layer, before and after training.
"""

import matplotlib.pyplot as plt
import torch
from torch import nn

import repdist

torch.set_num_threads(1)  # the fastest for arrays as small as these
torch.manual_seed(0)

# %%
# Two interleaved spirals, in 20 dimensions of which 18 are noise.


def spirals(n):
    """Return n points of each spiral, (2, n, 20)."""
    turn = 0.3 + 0.7 * torch.rand(n).sqrt()
    angle = 2 * torch.pi * turn
    arm = torch.stack([angle.cos(), angle.sin()], dim=1) * turn[:, None] * 2
    classes = torch.stack([arm, -arm]) + 0.05 * torch.randn(2, n, 2)
    return torch.cat([classes, 0.1 * torch.randn(2, n, 18)], dim=2)


def network():
    """Return four hidden layers and an output layer."""
    widths = [20, 64, 64, 64, 64]
    hidden = [layer for i in range(4) for layer in (nn.Linear(widths[i], widths[i + 1]), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(64, 2))


net = network()
untrained = network()
optimiser = torch.optim.Adam(net.parameters(), lr=0.003)
labels = torch.arange(2).repeat_interleave(128)
for _ in range(250):
    optimiser.zero_grad()
    nn.functional.cross_entropy(net(spirals(128).flatten(0, 1)), labels).backward()
    optimiser.step()

# %%
# New points go through both networks, layer by layer. ``effect`` is MMD squared over the spread
# within the classes. Each layer has its own kernel, fitted to its own scale, so the MMD squared of
# two layers do not compare; the effect has no units, and is the number to look at here, with care.


@torch.no_grad()
def effects(net, rows):
    """Return the effect and the adjusted p-value of the two classes after each hidden layer."""
    found = []
    for step in [None, 1, 3, 5, 7]:
        values = rows if step is None else net[: step + 1](rows)
        table = repdist.pairwise_mmd_test(list(values), rng=0)
        found.append((table.effect.loc[0, 1], table.pvalue.loc[0, 1]))
    return found


test = spirals(300)
with torch.no_grad():
    accuracy = (net(test).argmax(2) == torch.tensor([[0], [1]])).float().mean()
print(f"{accuracy:.1%} of new points are named correctly")
after, before = effects(net, test), effects(untrained, test)
places = ["input", "layer 1", "layer 2", "layer 3", "layer 4"]
print("            trained            untrained")
for place, (e, p), (e0, p0) in zip(places, after, before, strict=True):
    print(f"{place:>8}: effect {e:6.3f}, p {p:.2g}   effect {e0:6.3f}, p {p0:.2g}")

fig, ax = plt.subplots(figsize=(6.5, 3.5), layout="constrained")
ax.plot(places, [e for e, _ in after], "o-", color="#2f5d8a", label="trained")
ax.plot(places, [e for e, _ in before], "s--", color="#b5361c", label="not trained")
ax.axhline(0, color="0.5", linewidth=0.8)
ax.set_ylabel("effect: MMD$^2$ / spread")
ax.legend(frameon=False)
fig.suptitle("How far two classes are apart at each layer of a network")

# %%
# The classes differ already in the input, with the least p-value: two spirals are two different
# sets of points, however they are entangled. The p-value cannot rank layers. The effect can: in the
# trained network it grows from the first hidden layer to the last, and in the untrained one it
# shrinks. So it is training that parts the classes, and not depth.
