"""The study, small: what it writes, what it refuses, and its command line."""

import base64
import functools
import html.parser
import importlib
import importlib.util
import re
from pathlib import Path

import matplotlib.image
import numpy as np
import pandas as pd
import pytest
from given import needs
from matplotlib.figure import Figure

from repdist._cli import commands

PACKAGE = "repdist._experiments.lenet_gap"
(
    analysis, data, features, figures, heatmaps, main, model, page, pictures, post, runs, sections,
    train, words,
) = (
    importlib.import_module(f"{PACKAGE}.{name}")
    for name in (
        "analysis", "data", "features", "figures", "heatmaps", "__main__", "model", "page",
        "pictures", "post", "run", "sections", "train", "words",
    )
)  # fmt: skip

N = 20  # images of each class
TABLES = {
    "pairs.csv", "pairs_untrained_network.csv", "pairs_raw_pixels.csv", "images_needed.csv",
    "confusion.csv", "predictions.csv", "post_curve.csv", "post_pvalues_x2.csv",
    "course.csv", "gap.csv", *(f"post_table_x{x}.csv" for x in (1, 2, 10, 50, 150)),
}  # fmt: skip
PICTURES = {
    "samples", "network", "training", "cams", "cams_of_mistakes", "post_tables", "post_curve",
    "table", "dendrogram", "map", "power", "typical", "confusion", "control", "course",
}  # fmt: skip
OTHERS = {"features.npz", "GAP_Value_10x300x64.npy", "training_log.csv", "MODEL_CARD.md", "out"}
FILES = TABLES | OTHERS | {f"{name}.png" for name in PICTURES} | {"report.html", "power_narrow.png"}
WITHOUT_PICTURES = TABLES | OTHERS | {"report.html"}


def weights():
    rng = np.random.default_rng(0)
    arrays = model.Weights.initial(rng).arrays()
    arrays[-1] = rng.normal(0, 1, (64, 10)).astype(np.float32)
    return model.Weights(*arrays)


def make_small(monkeypatch):
    """Make the study one of 20 images a class; tables of more than 10 rows a side are of 10."""
    post_table = post.post_table
    monkeypatch.setattr(runs, "make_images", functools.partial(features.make_images, n_per_class=N))
    monkeypatch.setattr(
        post, "post_table", lambda groups, names, x: post_table(groups, names, min(x, N // 2))
    )
    monkeypatch.setattr(post, "CURVE_SIZES", (1, 2, 10))
    for module in (analysis, figures, sections):
        monkeypatch.setattr(module, "SIZES", (2, 5, 20))
    monkeypatch.setattr(post, "N_WINDOWS", 4)
    monkeypatch.setattr(analysis, "N_SUBSAMPLES", 2)
    monkeypatch.setattr(
        Figure,
        "savefig",
        lambda figure, path, *, dpi, savefig=Figure.savefig: savefig(figure, path, dpi=50),
    )
    monkeypatch.setattr(  # the smallest files take the longest
        matplotlib.image,
        "imsave",
        lambda *given, imsave=matplotlib.image.imsave, **options: imsave(
            *given, **options | {"pil_kwargs": {"compress_level": 1}}
        ),
    )


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A study, its folder, and what it said."""
    pytest.importorskip("tensorflow")
    out = tmp_path_factory.mktemp("study") / "new" / "folder"
    said = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        make_small(monkeypatch)
        result = runs.run(
            data.load_digits()[1], weights(), out, origin="<Of & here>", say=said.append
        )
    return result, out, said


# --- what it writes ------------------------------------------------------------------------------


def test_the_files_of_a_study(small):
    _, out, said = small
    assert {path.name for path in out.iterdir()} == FILES
    assert list(out.parent.iterdir()) == [out]  # no temporary folder is left
    assert len(said) >= 5
    for name in PICTURES:
        assert (out / f"{name}.png").read_bytes().startswith(b"\x89PNG")


class Page(html.parser.HTMLParser):
    """Collects the tags of a page, and its text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br", "link", "source"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        self.text += text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture(scope="module")
def report(small):
    return Page((small[1] / "report.html").read_text("utf-8"))


def test_the_page_stands_alone(report):
    assert report.open == []
    beside = FILES | {"out/"}
    for tag, attributes in report.tags:
        assert tag not in ("script", "link", "iframe")
        assert attributes.get("src", "data:").startswith("data:")
        target = attributes.get("href", "#")
        assert target.startswith("#") or target in beside
        assert "url(" not in attributes.get("style", "")
    assert "@import" not in report.text
    assert "url(" not in report.text


def test_every_place_that_the_page_links_to_is_there(report):
    places = [attributes["id"] for _, attributes in report.tags if "id" in attributes]
    assert len(set(places)) == len(places)
    targets = {attributes.get("href", "")[1:] for tag, attributes in report.tags if tag == "a"
               and attributes["href"].startswith("#")}  # fmt: skip
    assert targets <= set(places)
    for word in ("word-holm", "word-noise-floor", "word-witness", "word-effect", "word-mmd"):
        assert word in targets


def test_the_page_has_what_the_post_had(report):
    for words in (
        "机器学习experiment_GAP_LeNet_MMD",
        "15 April 2019",
        "jack",
        "1,015,808 cluttered images",  # of the shipped training
        "64 × 10 weights",
        "one against one is a constant",
        "6.1863",
    ):
        assert words.lower() in report.text.lower(), words


def test_the_page_shows_every_picture_with_a_text(report):
    pictures = [attributes for tag, attributes in report.tags if tag == "img"]
    assert len(pictures) == len(PICTURES)
    assert len({picture["src"] for picture in pictures}) == len(PICTURES)
    assert all(len(picture["alt"]) > 20 for picture in pictures)


def test_a_phone_is_shown_a_narrow_curve_of_power(small, report):
    [narrow] = [attributes for tag, attributes in report.tags if tag == "source"]
    data = base64.b64decode(narrow["srcset"].removeprefix("data:image/png;base64,"))
    assert data == (small[1] / "power_narrow.png").read_bytes()
    assert narrow["media"] == "(max-width: 40rem)"


def test_no_value_of_the_page_is_cut(small):
    code = re.compile(r"<(style|pre)>.*?</\1>|<[^>]*>", re.DOTALL)
    text = code.sub("", (small[1] / "report.html").read_text("utf-8"))
    assert text.count("%") == len(re.findall(r"\d\N{NO-BREAK SPACE}%", text)) >= 15
    assert len(re.findall(r"\N{NO-BREAK SPACE}[=≤×/]\N{NO-BREAK SPACE}[\d.]", text)) >= 15
    assert re.findall(r"[ \n][=≤×/]\s+[\d.]+|\s[=≤×/][ \n][\d.]+", text) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("of 5 % or 97.4%", "of 5_% or 97.4_%"),
        ("a\n95 %\ninterval", "a\n95_%\ninterval"),
        ("5 × 5, 45 /\n16,384, 6.2 / n", "5_×_5, 45_/_16,384, 6.2_/_n"),
        ("x = 10, <b>p</b> ≤ .05", "x_=_10, <b>p</b>_≤_.05"),
        ("r = −0.5, p &lt; .05", "r_=_−0.5, p_&lt;_.05"),
        ("this / that, x = y, of n", "this / that, x = y, of n"),
        ('<img alt="5 % of 5 × 5">', '<img alt="5 % of 5 × 5">'),
        ("<code>x = 5 % 3</code> 5 %", "<code>x = 5 % 3</code> 5_%"),
        ("<style>a { b: 9%; c: 1 / 2 }</style>", "<style>a { b: 9%; c: 1 / 2 }</style>"),
    ],
)  # fmt: skip
def test_values_stay_on_one_line(given, expected):
    assert page.unbroken(given) == expected.replace("_", "\N{NO-BREAK SPACE}")


def test_the_page_tells_what_is_in_the_files(small, report):
    result, out, _ = small
    assert "<Of & here>" in report.text
    assert "nan" not in re.findall(r"\w+", report.text)
    for name in FILES - {"report.html", "out"}:
        assert name in report.text
    assert f"{len(list((out / 'out').iterdir()))} heat maps" in report.text
    pairs = pd.read_csv(out / "pairs.csv")
    for value in pairs["mmd_squared"].nsmallest(5):
        assert f"{value:.4f}" in report.text
    differ = (pairs["pvalue_adjusted"] <= 0.05).sum()
    assert f"{differ} of 45 pairs of classes differ" in report.text
    floors = np.diagonal(result.table.noise_floor)
    assert f"show at most {floors.min():#.2g} to {floors.max():#.2g}" in report.text.replace(
        "\n", " "
    )
    assert f"{result.n_right / 2:.1f} % of 200 images" in report.text


def test_the_page_tells_where_the_network_looks_when_it_errs(small, report):
    representation, labels = small[0].representation, small[0].images.labels
    wrong = representation.predicted != labels
    there = representation.peak_in_box_of_named[wrong].sum()
    text = " ".join(report.text.split())
    assert f"It errs in {wrong.sum()} of 200 images ({100 * wrong.mean():.1f} %;" in text
    assert f"inside the digit's box in {there} of those {wrong.sum()}." in text


def test_the_page_says_why_another_training_has_another_closest_pair(small, report):
    """The least effects of the table and of the course, of which no class is common here."""
    result, out, _ = small
    pairs, course = pd.read_csv(out / "pairs.csv"), pd.read_csv(out / "course.csv")
    above = pairs.loc[pairs["effect"].idxmin()]
    there = course[course["images"] == course["images"].max()].nsmallest(1, "effect").iloc[0]
    text = " ".join(report.text.split())
    assert f"the closest two classes at the end are {there['first']:.0f} and" in text
    assert f"(in the table above, {above['first']} and {above['second']}: these are other" in text
    near = pd.Series({"first": str(above["first"]), "second": str(above["second"])})
    assert sections._not_so_above(result, near) == ""


def test_the_page_gives_the_least_p_that_can_come_out(small, report):
    pairs = small[0].table.to_frame()
    least = 45 / (pairs["n_resamples"].max() + 1)
    assert f"An adjusted p of {least:.3g} is the least" in " ".join(report.text.split())
    assert pairs["pvalue_adjusted"].min() >= least * (1 - 1e-12)


def test_every_word_is_linked_to_and_every_section_is_listed(report):
    targets = {attributes.get("href") for tag, attributes in report.tags if tag == "a"}
    assert {f"#{words.anchor(word)}" for word in words.WORDS} <= targets
    sections = [attributes["id"] for tag, attributes in report.tags if tag == "section"]
    assert {f"#{place}" for place in sections} <= targets


def test_the_tables_hold_the_results(small):
    result, out, _ = small
    for x in (1, 2, 10):
        saved = pd.read_csv(out / f"post_table_x{x}.csv", index_col=0)
        np.testing.assert_allclose(saved, result.post.tables[x], rtol=1e-12)
    np.testing.assert_allclose(result.post.tables[1], post.value_of_one_against_one(), rtol=1e-6)
    assert pd.read_csv(out / "post_pvalues_x2.csv", index_col=0).to_numpy().min() >= 1 / 3 - 1e-12
    assert result.post.normalize_changes < 1e-9
    needed = pd.read_csv(out / "images_needed.csv")
    assert len(needed) == 45
    for name in ("pairs.csv", "pairs_untrained_network.csv", "pairs_raw_pixels.csv"):
        assert len(pd.read_csv(out / name)) == 45
    predictions = pd.read_csv(out / "predictions.csv")
    table = pd.crosstab(predictions["label"], predictions["predicted"])
    table = table.reindex(index=range(10), columns=range(10), fill_value=0)
    saved = pd.read_csv(out / "confusion.csv", index_col=0)
    np.testing.assert_array_equal(saved, table)
    assert result.n_right == (predictions["label"] == predictions["predicted"]).sum()


def test_the_features_of_the_study_are_those_of_the_network(small):
    result, out, _ = small
    images = features.make_images(data.load_digits()[1], n_per_class=N)
    expected = model.Network(weights()).features(images.images)
    with np.load(out / "features.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(
            arrays["features"].reshape(200, 64), result.representation.features
        )
        np.testing.assert_array_equal(arrays["image_ids"].ravel(), images.indices)
    np.testing.assert_allclose(result.representation.features, expected, rtol=1e-5, atol=1e-7)


def test_typical_images_have_the_highest_witness_against_the_nearest_class(small):
    result, _, _ = small
    groups = result.representation.features.reshape(10, N, 64)
    distances = result.table.mmd_squared.to_numpy()
    for i, chosen in enumerate(result.typical):
        others = [j for j in range(10) if j != i]
        nearest = min(others, key=lambda j, i=i: distances[i, j])
        assert result.nearest[i] == nearest
        kernel = result.table.kernel
        within = kernel(groups[i], groups[i]).astype(float)
        np.fill_diagonal(within, 0)
        values = within.sum(axis=1) / (N - 1) - kernel(groups[i], groups[nearest]).mean(axis=1)
        assert chosen.tolist() == sorted(range(N), key=lambda row: -values[row])[:3]


def test_the_features_for_pandas(small, tmp_path, monkeypatch, capsys):
    """The table and the array are the features, to the bit; the code on the page reads them."""
    result, out, _ = small
    gap = pd.read_csv(out / "gap.csv")
    assert list(gap.columns) == ["label", "image", *(f"f{k}" for k in range(64))]
    np.testing.assert_array_equal(gap["label"], result.images.labels)
    np.testing.assert_array_equal(gap["image"], result.images.indices)
    features = result.representation.features
    np.testing.assert_array_equal(gap.iloc[:, 2:].to_numpy(np.float32), features)
    array = np.load(out / "GAP_Value_10x300x64.npy")
    np.testing.assert_array_equal(array, features.reshape(10, N, 64))
    monkeypatch.chdir(out)
    names = {}
    exec(sections.PANDAS, names)
    np.testing.assert_array_equal(names["GAP"], array)
    assert "f63" in capsys.readouterr().out


def test_heat_maps_one_file_an_image(small):
    """Of the first ten of each class, and of every mistake; a mistake has a third part."""
    result, out, _ = small
    labels, named = result.images.labels, result.representation.predicted
    expected = {}
    for row in range(len(labels)):
        if row % N < 10 or labels[row] != named[row]:
            number = f"class_{labels[row]}_image_{result.images.indices[row]:04d}"
            wrong = labels[row] != named[row]
            expected[f"{number}_named_{named[row]}.png" if wrong else f"{number}.png"] = wrong
    assert {path.name for path in (out / "out").iterdir()} == set(expected)
    for name in [next(n for n in expected if expected[n] == wrong) for wrong in (True, False)]:
        picture = matplotlib.image.imread(out / "out" / name)
        side = 3 * 100
        n_parts = 3 if expected[name] else 2
        assert picture.shape[:2] == (side, n_parts * side + (n_parts - 1) * 6)
        plain = picture[:, :side, :3]
        row = next(r for r in range(len(labels))
                   if f"{labels[r]}_image_{result.images.indices[r]:04d}" in name)  # fmt: skip
        np.testing.assert_allclose(plain[::3, ::3, 0], result.images.images[row] / 255, atol=1e-6)


def test_the_training_beside_the_page(small):
    _, out, _ = small
    home = Path(runs.__file__).parent
    assert (out / "training_log.csv").read_bytes() == (home / "training_log.csv").read_bytes()
    card = (out / "MODEL_CARD.md").read_text("utf-8")
    targets = re.findall(r"\]\(([^)#]+)\)", card)
    assert targets
    for target in targets:
        assert (out / target).exists(), target


# --- the folder ----------------------------------------------------------------------------------


@pytest.fixture
def again(small, monkeypatch):
    """Run a study with the results of the first, and only one picture."""
    result, _, _ = small
    make_small(monkeypatch)
    monkeypatch.setattr(runs, "represent", lambda network, images: result.representation)
    monkeypatch.setattr(runs, "compute", lambda images, representation, say: result)
    monkeypatch.setattr(runs, "draw_pictures", lambda result, network: {})
    monkeypatch.setattr(runs, "write_heatmaps", lambda result, network, folder: 0)
    monkeypatch.setattr(runs, "build_page", lambda *_: "the new page")
    test = data.load_digits()[1]
    return lambda out: runs.run(test, weights(), out, origin="")


def content(folder):
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


@pytest.fixture
def earlier(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("the old page")
    (out / "samples.png").write_text("old")
    (out / "out").mkdir()
    (out / "out" / "class_3_image_0012_named_5.png").write_text("old")
    return out


def test_an_earlier_study_is_replaced(again, earlier):
    again(earlier)
    assert set(content(earlier)) == WITHOUT_PICTURES
    assert (earlier / "report.html").read_text() == "the new page"
    assert list(earlier.parent.iterdir()) == [earlier]


def test_an_empty_folder_is_filled(again, tmp_path, monkeypatch):
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path)
    again("out")
    assert set(content(tmp_path / "out")) == WITHOUT_PICTURES
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_other_files_are_left_alone(again, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(
        ValueError, match="`--out` must be a new folder, an empty one or an earlier"
    ):
        again(out)
    assert content(out) == {"thesis.tex": b"years of work"}
    with pytest.raises(ValueError, match=r"got .*thesis\.tex, with a file"):
        again(out / "thesis.tex")
    (out / "report.html").write_text("of another command")
    with pytest.raises(ValueError, match=r"got .*out, with thesis\.tex"):
        again(out)
    (out / "report.html").unlink()
    assert content(out) == {"thesis.tex": b"years of work"}
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize("name", ["thesis.tex", "class_3.png", "class_3_image_0012.png.bak"])
def test_other_files_among_the_heat_maps_are_left_alone(name, again, earlier):
    (earlier / "out" / name).write_text("years of work")
    before = content(earlier)
    with pytest.raises(ValueError, match=f"an earlier study; got .*with out/{re.escape(name)}"):
        again(earlier)
    assert content(earlier) == before


def test_a_file_in_place_of_the_heat_maps_is_left_alone(again, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "out").write_text("years of work")
    with pytest.raises(ValueError, match=r"an earlier study; got .*with out"):
        again(tmp_path / "mine")
    assert (tmp_path / "mine" / "out").read_text() == "years of work"


def test_the_current_folder_is_not_replaced(again, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for out in (".", "..", tmp_path):
        with pytest.raises(ValueError, match="must not be the current folder"):
            again(out)
    assert list(tmp_path.iterdir()) == [tmp_path / "here"]


def test_a_link_keeps_what_it_leads_to(again, tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    again(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert set(content(tmp_path / "target")) == WITHOUT_PICTURES
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_that_cannot_be_made(again, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        OSError, match=r"`--out` must be a folder that can be written; got .*file/x"
    ):
        again(tmp_path / "file" / "x")


def test_a_failure_leaves_the_earlier_study(again, earlier, monkeypatch):
    def build_page(*_):
        raise RuntimeError("in the middle")

    before = content(earlier)
    monkeypatch.setattr(runs, "build_page", build_page)
    with pytest.raises(RuntimeError, match="in the middle"):
        again(earlier)
    assert content(earlier) == before
    assert list(earlier.parent.iterdir()) == [earlier]
    with pytest.raises(RuntimeError, match="in the middle"):
        again(earlier.parent / "new")
    assert list(earlier.parent.iterdir()) == [earlier]


def test_a_failure_at_the_very_end_leaves_the_earlier_study(again, earlier, monkeypatch):
    rename = Path.rename

    def fails(path, target):
        if path.name.endswith(".part"):
            raise PermissionError("no")
        return rename(path, target)

    before = content(earlier)
    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(PermissionError):
        again(earlier)
    assert content(earlier) == before
    assert list(earlier.parent.iterdir()) == [earlier]


def test_a_study_needs_enough_digits(tmp_path):
    digits = data.load_digits()[1].of_each_class(299)
    with pytest.raises(ValueError, match="hold 300 test digits of each class; got 299 of class 0"):
        runs.run(digits, weights(), tmp_path / "out", origin="")
    assert not any(tmp_path.iterdir())


# --- the command line ----------------------------------------------------------------------------


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Call the command line; return the exit code, and what it wrote."""
    monkeypatch.chdir(tmp_path)

    def call(*words, entry=main.main, program=("lenet_gap",)):
        monkeypatch.setattr("sys.argv", [*program, *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            entry()
        return stopped.value.code, *capsys.readouterr()

    return call


REPDIST = {"entry": commands.main, "program": ("repdist", "lenet-gap")}


@pytest.mark.parametrize("command", [(), ("train",)])
@pytest.mark.parametrize("way", [{}, REPDIST], ids=["module", "repdist"])
def test_without_tensorflow(command, way, call, monkeypatch, tmp_path):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tensorflow" else found(name)
    )
    code, printed, errors = call(*command, **way)
    assert (code, printed) == (2, "")
    assert 'pip install "repdist[lenet]"' in errors
    assert len(errors.splitlines()) == 1
    assert not any(tmp_path.iterdir())


BAD_CALLS = {
    "two sources": (("--download", "--mnist", "x"), "`--download` and `--mnist` must not both be"),
    "two sources to train": (("train", "--download", "--mnist", "x"), "must not both be given"),
    "no digits": (("--mnist", "nowhere"), "there is no nowhere."),
    "no digits to train": (("train", "--mnist", "nowhere"), "there is no nowhere."),
    "no weights": (("--weights", "none.npz"), "`--weights` must be an .npz file; got none.npz"),
    "an option too early": (("--mnist", "x", "train"), "`--mnist` must come after `train`"),
}


@needs("tensorflow")
@pytest.mark.parametrize("name", BAD_CALLS)
@pytest.mark.parametrize("way", [{}, REPDIST], ids=["module", "repdist"])
def test_a_bad_call(name, way, call, tmp_path):
    words, reason = BAD_CALLS[name]
    code, printed, errors = call(*words, **way)
    assert (code, printed) == (2, "")
    assert reason in errors
    assert len(errors.splitlines()) == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("way", [{}, REPDIST], ids=["module", "repdist"])
def test_help(way, call):
    code, printed, _ = call("--help", **way)
    assert code == 0
    for word in ("--out", "--mnist", "--download", "--weights", "train", "notebook"):
        assert word in printed
    code, printed, _ = call("train", "--help", **way)
    assert code == 0
    assert "--images" in printed


@pytest.mark.parametrize("way", [{}, REPDIST], ids=["module", "repdist"])
def test_a_study_is_called(way, small, call, monkeypatch, tmp_path):
    calls = []

    def run(test, used, out, *, origin, say):
        calls.append((len(test), used, out, origin))
        say("at work")
        return small[0]

    monkeypatch.setattr(runs, "run", run)
    weights().save(tmp_path / "mine.npz")
    code, printed, errors = call("--weights", "mine.npz", "--out", "there", **way)
    assert code == 0
    ((n, used, out, origin),) = calls
    assert n == 3000
    np.testing.assert_array_equal(used.conv2, weights().conv2)
    assert out == Path("there")
    assert origin == "The digits are the subset of MNIST in repdist; the weights are mine.npz."
    assert f"{small[0].n_right / 200:.2%}" in printed
    assert f"Report: {Path('there', 'report.html')}" in printed
    assert re.fullmatch(r" *\d+\.\d s  at work\n", errors)


@needs("tensorflow")
def test_a_training_is_called(call, monkeypatch, tmp_path):
    calls = []

    def train_network(*digits, n_images, seed, command):
        calls.append((*map(len, digits[:2]), digits[2], n_images, seed, command))
        return {"test_images": 200, "test_accuracy": 0.5, "test_accuracy_interval": [0.4, 0.6]}

    monkeypatch.setattr(train, "train", train_network)
    code, printed, _ = call("train", "--images", 500, "--seed", 7, "--out", "there")
    assert code == 0
    command = "repdist lenet-gap train --images 500 --seed 7"
    assert calls == [(10_000, 3_000, Path("there"), 500, 7, command)]
    assert "50.00% (95 % interval 40.00% to 60.00%)" in printed
