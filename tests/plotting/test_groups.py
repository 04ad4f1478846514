"""Pictures of a table of groups: what they show."""

import matplotlib as mpl
import numpy as np
import pytest

import repdist
from repdist import kernels
from repdist.plotting import _table
from repdist.plotting._names import MOST_NAMED

mpl.use("Agg")


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(0)
    given = {name: rng.normal(i, 1, size=(40 + i, 3)) for i, name in enumerate(["a", "b", "<c>"])}
    return repdist.pairwise_mmd_test(given, n_resamples=199, rng=0)


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_the_heat_map_shows_values_significance_and_floors(result):
    ax = result.plot()
    image = ax.get_images()[0].get_array()
    np.testing.assert_allclose(
        image[~np.eye(3, dtype=bool)], result.mmd_squared.to_numpy()[~np.eye(3, dtype=bool)]
    )
    np.testing.assert_allclose(np.diagonal(image), np.diagonal(result.noise_floor))
    shown = texts(ax)
    assert len(shown) == 9
    assert shown[1] == f"{result.mmd_squared.iloc[0, 1]:#.3g}\n*"  # adjusted p of 3 / 256
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b", "<c>"]
    assert len(ax.patches) == 3


@pytest.mark.parametrize("k", [3, 30, 70])
def test_a_floor_is_told_where_groups_have_one(k):
    """Groups of pairs of rows have none: nothing is framed, and nothing says so."""
    rng = np.random.default_rng(0)
    given = {f"g{i}": rng.normal(size=(8, 2)) for i in range(k)}
    asked = {"n_resamples": 9, "adjust": "none", "kernel": kernels.RBF(1.0), "rng": 0}
    if k > MOST_NAMED:
        asked["comparisons"] = [("g0", "g1")]  # all would take seconds
    for paired in (False, True):
        ax = repdist.pairwise_mmd_test(given, paired=paired, **asked).plot()
        assert ("noise floor" in ax.get_title(loc="left")) is not paired
        assert len(ax.patches) == (k if k <= MOST_NAMED and not paired else 0)


def luminance(rgb):
    """The relative luminance of a colour, as contrast is counted with."""
    share = np.asarray(rgb[:3])
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_numbers_in_cells_are_told_from_their_colour():
    """By a contrast of 4.5 at least, at every place of the scale."""
    rng = np.random.default_rng(0)
    given = {i: rng.normal(0.1 * i, 1, size=(20, 2)) for i in range(25)}
    result = repdist.pairwise_mmd_test(
        given, kernel=kernels.RBF(2.0), adjust="none", n_resamples=9, rng=0
    )
    ax = result.plot()
    (image,) = ax.get_images()
    colours = image.cmap(image.norm(image.get_array()))
    assert {"white", "black"} == {text.get_color() for text in ax.texts}
    for text in ax.texts:
        column, row = map(round, text.get_position())
        lights = [luminance(colours[row, column]), luminance(mpl.colors.to_rgb(text.get_color()))]
        assert (max(lights) + 0.05) / (min(lights) + 0.05) >= 4.5


@pytest.mark.parametrize("name", ["{}", "generator {} of a family"])
@pytest.mark.parametrize("k", [2, 3, 6])
def test_the_title_is_inside_the_picture(k, name):
    rng = np.random.default_rng(0)
    given = {name.format(i): rng.normal(size=(8, 2)) for i in range(k)}
    ax = repdist.pairwise_mmd_test(given, adjust="fdr_tsbky", n_resamples=9, rng=0).plot()
    figure = ax.figure
    figure.set_dpi(150)  # as files are written
    figure.draw_without_rendering()
    (title,) = ax.findobj(lambda artist: "***" in str(artist))
    box = title.get_window_extent()
    assert 0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert 0 <= box.y0 < box.y1 <= figure.bbox.y1
    if k == 6 and name == "{}":  # there is room: it stands where the table begins
        assert box.x0 == pytest.approx(ax.get_window_extent().x0, abs=1)


def test_clustered_order_puts_close_groups_beside_each_other():
    rng = np.random.default_rng(0)
    given = {
        name: rng.normal(m, 1, size=(40, 2))
        for name, m in zip("abcd", (0, 5, 0.5, 5.5), strict=True)
    }
    result = repdist.pairwise_mmd_test(given, n_resamples=199, rng=0)
    ticks = [tick.get_text() for tick in result.plot(order="clustered").get_xticklabels()]
    assert {frozenset(ticks[:2]), frozenset(ticks[2:])} == {frozenset("ac"), frozenset("bd")}
    with pytest.raises(ValueError, match="`order` must be one of"):
        result.plot(order="alphabetic")


def test_the_map_keeps_distances_that_fit_into_the_plane(result):
    ax = result.embed()
    points = ax.collections[0].get_offsets()
    got = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.testing.assert_allclose(got, np.sqrt(result.mmd_squared.clip(lower=0)), atol=1e-9)
    bar = ax.get_lines()[0].get_xdata()
    floor = np.sqrt(np.median(result.noise_floor))
    assert bar[1] - bar[0] == pytest.approx(floor)
    assert texts(ax)[:3] == ["a", "b", "<c>"]


def test_the_dendrogram_joins_at_average_distances(result):
    ax = result.dendrogram()
    d = np.sqrt(result.mmd_squared.to_numpy())
    heights = sorted(line[:, 1].max() for c in ax.collections for line in c.get_segments())
    nearest = d[np.triu_indices(3, 1)].min()
    assert heights[0] == pytest.approx(nearest)
    assert heights[-1] == pytest.approx((d.sum() / 2 - nearest) / 2)


def test_groups_that_do_not_differ_are_drawn_below_the_floor(tmp_path):
    X = np.random.default_rng(0).normal(size=(20, 2))
    result = repdist.pairwise_mmd_test({"a": X, "b": X, "c": X}, n_resamples=99, rng=0)
    ax = result.dendrogram()
    floor = np.sqrt(np.median(result.noise_floor))
    assert ax.get_ylim()[0] == 0
    assert ax.get_ylim()[1] > floor
    assert texts(result.plot())[1].startswith("−")  # MMD^2 below 0 is printed as it is
    result.to_html(tmp_path / "same.html")


def test_many_groups_have_no_printed_numbers():
    given = np.random.default_rng(0).normal(size=(_table.MOST_PRINTED + 1, 6, 2))
    result = repdist.pairwise_mmd_test(given, adjust="none", n_resamples=99, rng=0)
    assert texts(result.plot()) == []
