"""Ten thousand calls with whatever comes: answered soundly, or refused by name."""

import math
import re
import warnings

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist import kernels

N_CALLS = 10_000
KERNELS = [
    kernels.MultiRBF(),
    kernels.MultiRBF("median", size=3),
    kernels.MultiRBF("mean", weights="sum"),
    kernels.MultiRBF((1e-3, 1.0, 1e3)),
    kernels.RBF(),
    kernels.RBF(1e-6),
    kernels.Laplacian(),
    kernels.RationalQuadratic(alpha=0.3),
    kernels.Matern(nu=0.5),
    kernels.Matern(nu=2.5),
    kernels.Polynomial(),
    kernels.Polynomial(degree=2, offset=0.0, scale=2.0),
    kernels.Linear(),
    kernels.Energy(),
]
DTYPES = ["f8", "f4", "f2", "i8", "i1", "u2", "?", "c8", "O", "U3", ">f8", ">f4", "M8[s]"]
WEIGHTS = np.array([8, 6, 2, 2, 1, 1, 1, 0.3, 0.3, 0.3, 1, 0.5, 0.2])
VALUES = ["normal", "ties", "constant", "huge", "tiny", "sparse", "heavy", "nan", "inf", "ramp"]
ODDS = np.array([8, 4, 1, 1, 1, 2, 2, 0.5, 0.5, 1])


def values(rng, shape):
    """Return numbers of some kind; not all of them fit every dtype."""
    kind = rng.choice(VALUES, p=ODDS / ODDS.sum())
    Z = rng.normal(size=shape)
    if kind == "ties":
        return np.round(Z)
    if kind == "constant":
        return np.full(shape, Z.ravel()[0] if Z.size else 0.0)
    if kind == "huge":
        return Z * 10.0 ** rng.integers(3, 300)
    if kind == "tiny":
        return Z * 10.0 ** -rng.integers(3, 300)
    if kind == "sparse":
        return Z * (Z > 0.7)
    if kind == "heavy":
        return rng.standard_cauchy(size=shape)
    if kind == "ramp":
        Z += np.arange(Z.size).reshape(shape)
    if Z.size and kind in ("nan", "inf"):
        Z.ravel()[rng.integers(Z.size)] = math.nan if kind == "nan" else math.inf
    return Z


def array(rng, columns):
    shapes = [(int(rng.integers(0, 40)), columns), (int(rng.integers(2, 40)),), (3, 2, columns), ()]
    shape = shapes[rng.choice(4, p=[0.93, 0.05, 0.01, 0.01])]
    Z = np.asarray(values(rng, shape))
    dtype = rng.choice(DTYPES, p=WEIGHTS / WEIGHTS.sum())
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = np.nan_to_num(Z).astype("i8") if dtype[0] in "M?" else Z
        return np.asarray(whole).astype(dtype)


def container(rng, Z):
    """Return the array, or something that holds the same."""
    kind = rng.integers(9)
    if kind == 0:
        return Z.tolist()
    if kind == 1 and Z.ndim == 2:
        return pd.DataFrame(Z)
    if kind == 2:
        return np.asfortranarray(Z)
    if kind == 3 and Z.ndim:
        return Z[::-1]
    if kind == 4:
        Z.setflags(write=False)
    if kind == 5 and Z.ndim == 2:
        return np.repeat(Z, 2, axis=1)[:, ::2]
    if kind == 6:
        torch = pytest.importorskip("torch")
        try:
            return torch.tensor(np.ascontiguousarray(Z))
        except (TypeError, ValueError):  # no such dtype in torch
            return Z
    return Z


def bits(value):
    """Return what tells whether an input has changed."""
    if hasattr(value, "detach"):
        return value.detach().clone().numpy().tobytes()
    return np.asarray(value, dtype=None if not isinstance(value, list) else object).copy()


def same(before, value):
    after = bits(value)
    if isinstance(before, bytes):
        return before == after
    return before.shape == after.shape and repr(before.tolist()) == repr(after.tolist())


def call(rng):
    """Call a public function; return the name of what was called and the result."""
    columns = int(rng.integers(1, 5))
    X, Y = (container(rng, array(rng, columns)) for _ in range(2))
    if rng.random() < 0.05:
        Y = container(rng, array(rng, columns + 1))
    kernel = KERNELS[rng.integers(len(KERNELS))]
    before = bits(X), bits(Y)
    options = {"kernel": kernel, "rng": 0, "n_resamples": int(rng.choice([19, 99]))}
    options["combine"] = str(rng.choice(["max", "mean", "fuse"]))
    which = rng.random()
    try:
        if which < 0.6:
            estimator = str(rng.choice(["unbiased", "biased"]))
            result = repdist.mmd_test(X, Y, estimator=estimator, **options)
            numbers = [result.mmd_squared, result.standard_error, *result.confidence_interval()]
            pvalues = [result.pvalue, *result.component_columns["pvalue"]]
            assert result.summary()
        elif which < 0.8:
            result = repdist.mmd_squared(X, Y, kernel=kernel)
            numbers, pvalues = [float(result)], []
        else:
            options |= {"adjust": "none"}
            result = repdist.pairwise_mmd_test({"a": X, "b": Y}, **options)
            pvalues = result.to_frame()["pvalue"].tolist()
            numbers = result.to_frame()[["mmd_squared", "standard_error", "ci_high"]].to_numpy()
    finally:
        assert same(before[0], X)
        assert same(before[1], Y)
    assert all(0 < p <= 1 for p in pvalues)
    assert np.isfinite(numbers).all()


@pytest.mark.slow
def test_whatever_comes_is_answered_soundly_or_refused_by_name():
    outcomes = [outcome(seed) for seed in range(N_CALLS)]
    refusals = [outcome for outcome in outcomes if outcome]
    named = re.compile("(`|The pooled sample of `).*[.`]", re.DOTALL)
    unnamed = [refusal for refusal in refusals if not named.fullmatch(refusal)]
    assert unnamed == []
    assert 0.1 * N_CALLS < len(refusals) < 0.6 * N_CALLS


def outcome(seed):
    """Return the message of a refusal, the empty string for an answer."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", repdist.RepdistWarning)
            call(np.random.default_rng([2026, seed]))
    except (TypeError, ValueError) as error:
        return str(error)
    except Exception as error:
        raise AssertionError(f"call {seed}: {error!r}") from error
    return ""
