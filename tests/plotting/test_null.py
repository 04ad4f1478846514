"""The picture of a null distribution: what it shows."""

import matplotlib as mpl
import numpy as np
import pytest

import repdist
from repdist import kernels
from repdist._numbers import typeset

mpl.use("Agg")


def samples(n=40, m=50, d=3, shift=0.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift
    return X.astype(dtype), Y.astype(dtype)


@pytest.mark.parametrize("kernel", [kernels.MultiRBF(), kernels.RBF()])
def test_plot_shows_null_and_observed(kernel):
    import matplotlib.pyplot as plt

    result = repdist.mmd_test(*samples(), kernel=kernel, rng=0)
    ax = result.plot()
    (line,) = ax.get_lines()
    assert line.get_xdata()[0] == result.statistic
    heights = [patch.get_height() for patch in ax.patches]
    widths = [patch.get_width() for patch in ax.patches]
    assert np.dot(heights, widths) == pytest.approx(1)
    _, mine = plt.subplots()
    assert result.plot(ax=mine) is mine
    beside = [a for a in mine.figure.axes if a is not mine]
    assert len(beside) == (len(result.components) > 1)
    if beside:
        np.testing.assert_allclose(
            beside[0].get_lines()[-1].get_ydata(), result.components["zscore"]
        )
    plt.close("all")


@pytest.mark.parametrize("clustered", [False, True])
def test_scores_are_said_to_be_of_what_is_tested(clustered):
    X, Y = samples(40, 40)
    clusters = (np.arange(40) // 4, 100 + np.arange(40) // 4) if clustered else None
    result = repdist.mmd_test(X, Y, clusters=clusters, n_resamples=99, rng=0)
    _, beside = result.plot().figure.axes
    assert beside.get_ylabel() == "z-score of MMD$^2$" + " / sd" * clustered


def test_the_pvalue_is_that_of_the_page():
    """A small one without an exponent."""
    X, Y = samples(60, 60, shift=2.0)
    result = repdist.explain(X, Y, n_resamples=9999, rng=0)
    ax = result.test.plot()
    assert result.test.pvalue < 1e-4
    assert ax.get_title(loc="left") == "p = 0.000061"
    assert "(p = 0.000061)" in typeset(str(result))


def test_ticks_of_large_bandwidths_have_no_exponent():
    X, Y = samples(40, 40)
    result = repdist.mmd_test(1e7 * X, 1e7 * Y, n_resamples=99, rng=0)
    _, beside = result.plot().figure.axes
    shown = [text.get_text() for text in beside.get_xticklabels()]
    ends = result.components["bandwidth"].iloc[[0, -1]]
    assert [float(text.replace(",", "")) for text in (shown[0], shown[-1])] == pytest.approx(
        ends.to_list(), rel=5e-3
    )
    assert not any("e" in text for text in shown)
