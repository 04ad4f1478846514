"""Pictures of more than 60 groups: some names, and what they say of the others."""

import re
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from repdist.plotting import _names, plot_dendrogram, plot_map, plot_table

mpl.use("Agg")

FEW, MANY = _names.MOST_NAMED, 70


@pytest.fixture(autouse=True)
def _closed_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def points(k):
    return np.random.default_rng(0).normal(size=(k, 2))


def table(k):
    """Groups in the plane: values, not a result."""
    names = tuple(f"group {g}" for g in range(k))
    places = points(k)
    distances = np.square(places[:, None] - places).sum(axis=-1)

    def frame(values):
        return pd.DataFrame(values, index=names, columns=names)

    return SimpleNamespace(
        names=names,
        adjust="holm",
        mmd_squared=frame(distances),
        noise_floor=frame(np.full((k, k), 0.01)),
        pvalue_adjusted=frame(np.where(np.eye(k, dtype=bool), np.nan, 0.02)),
    )


def ticks(labels):
    return [tick.get_text() for tick in labels]


def numbers_of(texts):
    return [int(text.removeprefix("group ")) for text in texts]


@pytest.mark.parametrize(("k", "step"), [(FEW, 1), (FEW + 1, 2), (MANY, 2), (130, 3)])
def test_the_heat_map_names_one_group_in_so_many(k, step):
    ax = plot_table(table(k))
    assert numbers_of(ticks(ax.get_xticklabels())) == list(range(0, k, step))
    assert ax.get_xticks().tolist() == ax.get_yticks().tolist() == list(range(0, k, step))
    assert ticks(ax.get_yticklabels()) == ticks(ax.get_xticklabels())
    assert ax.get_images()[0].get_array().shape == (k, k)
    assert len(ax.patches) == (k if step == 1 else 0)  # the frames of the floors
    told = f"of {k} groups, one in {step} named" in ax.get_title(loc="left")
    assert told == (step > 1)


def test_names_of_a_clustered_heat_map_stand_at_their_rows():
    shape = table(MANY)
    ax = plot_table(shape, order="clustered")
    image = np.asarray(ax.get_images()[0].get_array())
    named, rows = numbers_of(ticks(ax.get_xticklabels())), ax.get_xticks()
    assert named != sorted(named)
    between = shape.mmd_squared.to_numpy()[np.ix_(named, named)]
    np.fill_diagonal(between, 0.01)
    np.testing.assert_array_equal(image[np.ix_(rows, rows)], between)


@pytest.mark.parametrize("k", [FEW, MANY, 300])
def test_the_dendrogram_has_sixty_branches_that_hold_all_groups(k):
    """A branch is a group by its name, or the number of its groups in brackets."""
    ax = plot_dendrogram(table(k))
    leaves = ticks(ax.get_xticklabels())
    assert len(leaves) == FEW
    held = [re.fullmatch(r"\((\d+)\)", leaf) for leaf in leaves]
    alone = numbers_of([leaf for leaf, of in zip(leaves, held, strict=True) if of is None])
    assert len(set(alone)) == len(alone)
    assert len(alone) + sum(int(of[1]) for of in held if of) == k
    told = f"{k} groups; in brackets" in ax.get_title(loc="left")
    assert told == any(held) == (k > FEW)


def named_on(ax):
    return [text.get_text() for text in ax.texts if text.get_text() != "noise floor"]


def test_a_map_of_many_names_groups_far_from_the_centre_and_apart():
    ax = plot_map(table(MANY))
    assert len(ax.collections[0].get_offsets()) == MANY
    named, places = numbers_of(named_on(ax)), points(MANY)
    assert len(set(named)) == len(named) <= 20
    far = np.linalg.norm(places - places.mean(axis=0), axis=1)
    assert named[0] == far.argmax()
    assert (np.diff(far[named]) <= 1e-9).all()
    drawn = np.asarray(ax.collections[0].get_offsets())
    apart = np.linalg.norm(drawn[named][:, None] - drawn[named], axis=-1)
    apart = apart[~np.eye(len(named), dtype=bool)]
    assert apart.min() > 0.1 * np.ptp(drawn[:, 0])
    for text, group in zip(ax.texts, named, strict=False):
        np.testing.assert_array_equal(text.xy, drawn[group])


def test_a_map_of_sixty_names_all():
    assert numbers_of(named_on(plot_map(table(FEW)))) == list(range(FEW))
