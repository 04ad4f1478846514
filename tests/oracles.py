"""Second implementations, as plain as can be: loops, closed forms, exact binomial bounds."""

import itertools
import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import stats

from repdist import kernels


def distance(x, y):
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))


FORMULAS = {
    "rbf": (kernels.RBF(1.3), lambda x, y: math.exp(-(distance(x, y) ** 2) / (2 * 1.3**2))),
    "multi-rbf": (
        kernels.MultiRBF((0.5, 1.0, 4.0)),
        lambda x, y: sum(math.exp(-(distance(x, y) ** 2) / (2 * b * b)) for b in (0.5, 1, 4)) / 3,
    ),
    "multi-rbf-sum": (
        kernels.MultiRBF((0.7, 1.1), weights="sum"),
        lambda x, y: sum(math.exp(-(distance(x, y) ** 2) / (2 * b * b)) for b in (0.7, 1.1)),
    ),
    "laplacian": (
        kernels.Laplacian(1.3),
        lambda x, y: math.exp(-sum(abs(a - b) for a, b in zip(x, y, strict=True)) / 1.3),
    ),
    "rational-quadratic": (
        kernels.RationalQuadratic(1.3, alpha=0.7),
        lambda x, y: (1 + distance(x, y) ** 2 / (2 * 0.7 * 1.3**2)) ** -0.7,
    ),
    "matern-1/2": (kernels.Matern(1.3, nu=0.5), lambda x, y: math.exp(-distance(x, y) / 1.3)),
    "matern-3/2": (
        kernels.Matern(1.3, nu=1.5),
        lambda x, y: (
            (1 + math.sqrt(3) * distance(x, y) / 1.3)
            * math.exp(-math.sqrt(3) * distance(x, y) / 1.3)
        ),
    ),
    "matern-5/2": (
        kernels.Matern(1.3, nu=2.5),
        lambda x, y: (
            (1 + math.sqrt(5) * distance(x, y) / 1.3 + 5 * distance(x, y) ** 2 / (3 * 1.3**2))
            * math.exp(-math.sqrt(5) * distance(x, y) / 1.3)
        ),
    ),
    "polynomial": (
        kernels.Polynomial(),
        lambda x, y: (sum(a * b for a, b in zip(x, y, strict=True)) / len(x) + 1) ** 3,
    ),
    "linear": (kernels.Linear(), lambda x, y: sum(a * b for a, b in zip(x, y, strict=True))),
    "energy": (kernels.Energy(), lambda x, y: -distance(x, y)),
}


def mmd_squared(k, X, Y, estimator):
    """MMD^2 by the definition, one pair at a time."""
    X, Y = np.asarray(X, dtype=float).tolist(), np.asarray(Y, dtype=float).tolist()

    def within(Z):
        pairs = itertools.product(range(len(Z)), repeat=2)
        values = [k(Z[i], Z[j]) for i, j in pairs if i != j or estimator == "biased"]
        return math.fsum(values) / len(values)

    across = math.fsum(k(x, y) for x in X for y in Y) / (len(X) * len(Y))
    return within(X) + within(Y) - 2 * across


def mmd_rbf(X, Y, kernel_mul=2.0, kernel_num=5, fix_sigma=None):
    """The 2019 post's formula: biased, summed over kernels exp(-D / b_q); n = m."""
    Z = np.concatenate([X, Y]).astype(float)
    D = np.square(Z[:, None] - Z[None]).sum(-1)  # (N, N)
    b = D.sum() / (len(Z) ** 2 - len(Z)) if fix_sigma is None else fix_sigma
    widths = [b * kernel_mul ** (q - kernel_num // 2) for q in range(kernel_num)]
    K = sum(np.exp(-D / width) for width in widths)
    n = len(X)
    return float(np.mean(K[:n, :n] + K[n:, n:] - K[:n, n:] - K[n:, :n]))


def rbf_on_gaussians(bandwidth, shift, d):
    """MMD^2 of N(0, I) and N(shift, I) in d dimensions under RBF(bandwidth)."""
    spread = bandwidth**2 + 2
    height = (bandwidth**2 / spread) ** (d / 2)
    return 2 * height * (1 - math.exp(-float(np.sum(np.square(shift))) / (2 * spread)))


def normal_scores(column):
    """Wilson and Hilferty's, by their formula."""
    z = (column - column.mean()) / math.sqrt(((column - column.mean()) ** 2).mean())
    g = min(max((z**3).mean(), 0), math.sqrt(8))
    return z if g < 1e-4 else 6 / g * (np.cbrt(np.maximum(g * z / 2 + 1, 0)) - 1) + g / 6


def mahalanobis(T):
    """The squared lengths, relabeling by relabeling, and which of them count."""
    Z = (T - T.mean(axis=0)) / T.std(axis=0)
    C = np.corrcoef(T.T) + 1e-4 * np.eye(T.shape[1])
    lengths = [float(z @ np.linalg.solve(C, z)) for z in Z]
    return np.array(lengths), np.array([max(z) > -min(z) for z in Z])


def all_choices(total, chosen):
    for first in itertools.combinations(range(total), chosen):
        yield list(first), [i for i in range(total) if i not in first]


def all_flips(pairs):
    return (np.array(flips) for flips in itertools.product([0, 1], repeat=pairs))


def assert_exact(pvalues):
    """`#{p <= a} <= a * total` for every a; it suffices to look at the p-values themselves."""
    pvalues = np.array(pvalues)
    for a in pvalues:
        assert (pvalues <= a + 1e-12).sum() <= len(pvalues) * a + 1e-9


def assert_rate_at_least(successes, trials, rate, *, false_failure=1e-4):
    """Fail if a rate of at least `rate` would give so few successes.

    False-failure rate: at most `false_failure` if the true rate is `rate` or more. Power: of 400
    trials at rate .90 it rejects a true rate of .80 with probability .98.
    """
    chance = stats.binom.cdf(successes, trials, rate)
    assert chance > false_failure, f"{successes} of {trials} is too few for a rate of {rate}"


def assert_rate_at_most(successes, trials, rate, *, false_failure=1e-4):
    """Fail if a rate of at most `rate` would give so many successes.

    False-failure rate: at most `false_failure` if the true rate is `rate` or less. Power: of 1,000
    trials at rate .05 it rejects a true rate of .10 with probability .99.
    """
    assert_rate_at_least(trials - successes, trials, 1 - rate, false_failure=false_failure)


# --- the network of the case study ----------------------------------------------------------------


def network_layer(maps, kernel, bias):
    """Convolve with zeros around, ReLU, then the maximum of 2 x 2; in float64."""
    n, height, width, _ = maps.shape
    padded = np.pad(maps, ((0, 0), (2, 2), (2, 2), (0, 0)))
    windows = sliding_window_view(padded, (5, 5), axis=(1, 2))  # (n, h, w, in, 5, 5)
    columns = windows.transpose(0, 1, 2, 4, 5, 3).reshape(n * height * width, -1)
    out = columns @ kernel.astype(float).reshape(columns.shape[1], -1) + bias
    out = np.maximum(out, 0).reshape(n, height // 2, 2, width // 2, 2, -1)
    return out.max(axis=(2, 4))


def naive_maps(weights, images):
    maps = images[..., None] / 255
    for kernel, bias in ((weights.conv1, weights.bias1), (weights.conv2, weights.bias2)):
        maps = network_layer(maps, kernel, bias)
    return maps
