"""Pictures of rates: what they show."""

import matplotlib as mpl
import numpy as np

import repdist

mpl.use("Agg")


def samples(n=40, m=50, d=2, shift=0.0, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + shift
    return X.astype(dtype), Y.astype(dtype)


QUICK = {"n_repetitions": 20, "n_resamples": 19, "rng": 0}


def test_the_pictures_show_the_numbers():
    import matplotlib.pyplot as plt

    curve = repdist.estimate_power(*samples(shift=0.8), **QUICK)
    x, y = curve.plot().get_lines()[0].get_data()
    assert x.tolist() == list(curve.sizes)
    assert y.tolist() == curve.power.tolist()
    check = repdist.check_level(*samples(), **QUICK)
    line = next(line for line in check.plot().get_lines() if len(line.get_xdata()) > 9)
    assert set(line.get_xdata()) >= set(check.pvalues)
    plt.close("all")
