"""All about two samples: each part is what its own call gives, and the page shows them."""

import html
import json
import re
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import repdist
from repdist import kernels

mpl.use("Agg")

RNG = np.random.default_rng(0)
NAMES = ["height", "<weight>", "R & D"]
X = pd.DataFrame(RNG.normal(size=(40, 3)), columns=NAMES)
Y = pd.DataFrame(RNG.normal(size=(50, 3)) * [1, 1, 3], columns=NAMES)
OPTIONS = {"n_resamples": 999, "rng": 3}


@pytest.fixture(scope="module")
def found():
    return repdist.explain(X, Y, n_regions=4, **OPTIONS)


def test_each_part_is_that_of_its_own_call(found):
    assert found.test.to_dict() == repdist.mmd_test(X, Y, **OPTIONS).to_dict()
    columns = repdist.column_test(X, Y, **OPTIONS)
    pd.testing.assert_frame_equal(found.columns.to_frame(), columns.to_frame())
    regions = repdist.region_test(X, Y, n_regions=4, **OPTIONS)
    pd.testing.assert_frame_equal(found.regions.to_frame(), regions.to_frame())
    rows = repdist.witness(X, Y)
    np.testing.assert_array_equal(found.witness.values_x, rows.values_x)
    np.testing.assert_array_equal(found.witness.values_y, rows.values_y)


def test_the_summary_names_what_differs(found):
    text = str(found)
    assert text.startswith("40 rows against 50: do they differ, and in what?")
    assert "the samples differ (p = 0.00098)" in text
    assert "1 of 3 columns differs at .05, adjusted" in text
    assert re.search(r"R & D +wider in Y", text)
    assert found.cautions == tuple(dict.fromkeys(found.cautions))


def test_that_no_column_differs_is_told_beside_that_the_samples_do():
    """The p-value is that of the test on the same page, whichever kernel it has."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(200, 1))
    both = np.sqrt(0.5) * (shared + rng.normal(size=(200, 6)))
    found = repdist.explain(both, rng.normal(size=(200, 6)), kernel=kernels.RBF(), **OPTIONS)
    assert not (found.columns.pvalue_adjusted <= 0.05).any()
    assert found.columns.joint_pvalue == found.test.pvalue < 0.05
    assert "no single column differs at .05, but the samples do" in str(found)
    same = repdist.explain(X[:20], X[20:], **OPTIONS)
    assert same.columns.joint_pvalue == same.test.pvalue > 0.05
    assert "no difference is shown" in str(same)


@pytest.mark.parametrize("design", ["paired", "clusters", "strata"])
def test_designs_reach_every_part(design):
    n = 24
    options = {
        "paired": {"paired": True},
        "clusters": {"clusters": "of"},
        "strata": {"strata": "of"},
    }[design]
    rng = np.random.default_rng(1)
    first, second = (pd.DataFrame(rng.normal(size=(n, 2)), columns=["a", "b"]) for _ in "xy")
    if design != "paired":
        ids = np.arange(n) // 3 if design == "clusters" else np.arange(n) % 2
        first["of"] = [f"x{i}" if design == "clusters" else f"{i}" for i in ids]
        second["of"] = [f"y{i}" if design == "clusters" else f"{i}" for i in ids]
    found = repdist.explain(first, second, n_regions=3, **options, **OPTIONS)
    assert found.columns.names == ("a", "b")
    alone = repdist.column_test(first, second, **options, **OPTIONS)
    pd.testing.assert_frame_equal(found.columns.to_frame(), alone.to_frame())
    regions = repdist.region_test(first, second, n_regions=3, **options, **OPTIONS)
    pd.testing.assert_frame_equal(found.regions.to_frame(), regions.to_frame())
    assert len(found.witness.values_x) == n


def test_a_generator_gives_each_part_a_stream_of_its_own():
    one, again = (
        repdist.explain(X, Y, n_resamples=99, rng=np.random.default_rng(5)).to_dict()
        for _ in range(2)
    )
    assert one == again
    other = repdist.explain(X, Y, n_resamples=99, rng=5).to_dict()
    assert one["columns"] != other["columns"]


def test_many_rows_are_not_ranked(monkeypatch, tmp_path):
    monkeypatch.setattr("repdist._questions.explain._MOST_RANKED", 89)
    found = repdist.explain(X, Y, **OPTIONS)
    assert found.witness is None
    assert found.to_dict()["witness"] is None
    assert "most typical" not in str(found)
    found.to_html(tmp_path / "page.html")
    assert "Rows most typical" not in (tmp_path / "page.html").read_text("utf-8")
    monkeypatch.setattr("repdist._questions.explain._MOST_RANKED", 90)
    assert repdist.explain(X, Y, **OPTIONS).witness is not None


def test_the_page_shows_every_part(found, tmp_path):
    found.to_html(tmp_path / "page.html", title="A <b> title")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "A &lt;b&gt; title" in page
    assert "<weight>" not in page
    assert html.escape("<weight>") in page
    assert page.count('src="data:image/png;base64,') == 5
    for heading in ("Columns", "Regions", "Rows most typical of their sample", "Components"):
        assert f"<h2>{heading}</h2>" in page
    rows = dict(re.findall(r'<td class="name"[^>]*>([^<]*)</td><td[^>]*>([^<]*)</td>', page))
    assert rows[html.escape("R & D")] == "wider in Y"
    region = found.regions.to_frame()["region"][0]
    of_x, _ = found.regions.typical(int(region))
    assert f">{', '.join(map(str, of_x)) or '–'}</td>" in page
    for words in ("Westfall" if found.columns.control != "holm" else "S. Holm", "Gretton"):
        assert words in page
    assert html.escape(found.test.method()) in page
    assert "repdist.explain(X, Y, names=names, n_regions=4, kernel=" in page
    assert html.escape(found.call(), quote=True) in page


def test_a_page_tells_differences_of_shares_in_the_words_of_the_summary(tmp_path):
    found = repdist.explain(X, Y + 2, n_resamples=999, n_regions=4, rng=0)
    found.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    row = found.regions.to_frame().iloc[0]
    interval = f"{100 * row.low:+.1f} to {100 * row.high:+.1f} points"
    assert f", difference {interval}; adjusted p = " in str(found.regions)
    assert next(line for line in str(found.regions).splitlines() if "; adjusted p" in line).split(
        maxsplit=2
    )[2] in str(found)
    assert f">{interval.replace('-', '−')}</td>" in page
    assert " points</td>" in page
    assert " %</td>" not in page


def test_a_page_of_many_columns_shows_the_surest(tmp_path):
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(20, 300)), rng.normal(size=(20, 300))
    found = repdist.explain(*wide, n_resamples=99, rng=0)
    found.to_html(tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "The 200 surest of 300; a file of all is written by `repdist columns --csv`" in page
    assert (tmp_path / "page.html").stat().st_size < 2e6


def test_the_record_is_json(found):
    record = json.loads(json.dumps(found.to_dict()))
    assert set(record) == {"repdist_version", "cautions", "test", "columns", "regions", "witness"}


@pytest.mark.parametrize(
    ("wrong", "kind", "message"),
    [
        (
            {"kernel": kernels.Precomputed(np.eye(4))},
            TypeError,
            "`kernel` must be a kernel of feat",
        ),
        ({"kernel": "rbf"}, TypeError, "`kernel` must be"),
        ({"names": ["a"]}, ValueError, "`names` must have one entry a column, 3 in all; got 1"),
        ({"n_regions": 1}, ValueError, "`n_regions` must be"),
        ({"rng": "0"}, TypeError, "`rng` must be"),
        ({"method": "landmark"}, ValueError, "`method` must be"),
    ],
)
def test_bad_input_is_named(wrong, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        repdist.explain(X, Y, **({"n_resamples": 99, "rng": 0} | wrong))


def test_columns_that_differ_where_a_large_one_hides_them():
    """The page does not say both that the samples differ and that no difference is shown."""
    rng = np.random.default_rng(2)
    first, second = (rng.normal(size=(150, 3)) * [300, 1, 1] for _ in range(2))
    second[:, 2] *= 2
    found = repdist.explain(first, second, **OPTIONS)
    assert found.test.pvalue > 0.05
    assert "the samples differ, for some columns do; all columns together do not show it" in str(
        found
    )
    assert "bring columns of different units to one scale" in found.cautions[0]
    assert "no difference is shown" not in str(found)
    assert "does not see what narrow columns show" in found.cautions[0]


WHY = (
    "the test of all columns together does not show what {}: it looks for differences of every kind"
)


def test_columns_that_differ_beside_many_that_do_not_are_not_said_to_be_of_other_units():
    rng = np.random.default_rng(1)
    for _ in range(20):
        first, second = rng.normal(size=(2, 100, 300))
        second[:, 0] += 0.9
        found = repdist.explain(first, second, **OPTIONS)
        if found.test.pvalue > 0.05 and (found.columns.pvalue_adjusted <= 0.05).sum() == 1:
            break
    assert found.cautions[0].startswith(WHY.format("1 of 300 columns does"))
    assert "scale" not in " ".join(found.cautions)
    Z = np.concatenate([first, second])
    expected = Z.var(axis=0) / Z.var(axis=0).sum()
    np.testing.assert_allclose(found.columns.shares, expected, rtol=1e-9)


def test_regions_that_differ_alone_have_a_caution_of_their_own():
    found = repdist.explain(X, X + 1e-9, **OPTIONS)
    assert found.test.pvalue > 0.05
    adjusted = np.ones(found.regions.n_regions)
    adjusted[:2] = 0.01
    columns = replace(found.columns, pvalue_adjusted=np.ones(X.shape[1]))
    regions = replace(found.regions, pvalue_adjusted=adjusted)
    seen = replace(found, columns=columns, regions=regions)
    assert seen.cautions[0].startswith(WHY.format(f"2 of {len(adjusted)} regions do"))


@pytest.mark.parametrize(("spread", "narrow"), [(0.3, True), (0.9, False)])
def test_the_cause_is_the_scale_where_the_surest_column_has_less_than_half_of_its_share(
    spread, narrow
):
    found = repdist.explain(X, X + 1e-9, **OPTIONS)
    d = X.shape[1]
    deviations = np.ones((2, d))
    deviations[:, 0] = spread
    columns = replace(
        found.columns,
        means=np.zeros((2, d)),
        deviations=deviations,
        statistic=np.arange(d, 0, -1.0),
        pvalue_adjusted=np.append(0.01, np.ones(d - 1)),
    )
    assert columns.shares[0] == pytest.approx(spread**2 / (spread**2 + d - 1), rel=1e-12)
    seen = replace(found, columns=columns)
    assert ("bring columns of different units" in seen.cautions[0]) == narrow
    assert seen.cautions[0].startswith(WHY.format(f"1 of {d} columns does")) != narrow
