"""`--standardize`: columns of different units on one scale, that of all rows of a call."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import repdist
from repdist._cli import scaling
from repdist._cli.scaling import standardized, standardized_groups

RNG = np.random.default_rng(4)
UNITS = np.array([1e-3, 1.0, 1e5])
X = RNG.normal(size=(40, 3)) * UNITS + 7
Y = (RNG.normal(size=(30, 3)) + np.array([0.8, 0, 0])) * UNITS + 7
FEW = ("--resamples", 99, "--standardize")
SHORT = ("--repetitions", 10, "--resamples", 19, "--standardize")
QUICK = {"n_repetitions": 10, "n_resamples": 19, "rng": 0}


def alike(*samples):
    """The same in two lines of NumPy, as the docs show them."""
    Z = np.concatenate(samples)
    return [(rows - Z.mean(axis=0)) / Z.std(axis=0) for rows in samples]


x, y = alike(X, Y)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", X)
    np.save(tmp_path / "b.npy", Y)
    np.savez(tmp_path / "groups.npz", a=X, b=Y)
    np.savez(tmp_path / "xl.npz", rows=X, y=np.arange(40) % 2)
    np.savez(tmp_path / "yl.npz", rows=Y, y=np.arange(30) % 2)
    table(X).to_csv(tmp_path / "x.csv", index=False)
    table(Y)[["video", "c", "a", "site", "b"]].to_csv(tmp_path / "y.csv", index=False)
    monkeypatch.chdir(tmp_path)


def table(rows):
    kinds = "uvwpq" if len(rows) == 40 else "rstno"
    return pd.DataFrame(rows, columns=["a", "b", "c"]).assign(
        video=[kinds[i % 5] for i in range(len(rows))],
        site=[f"s{i % 2}" for i in range(len(rows))],
    )


# --- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        (["check", "a.npy", "b.npy", *SHORT], lambda: repdist.check_level(x, y, **QUICK)),
        (
            ["power", "a.npy", "b.npy", "--sizes", "10,20", *SHORT],
            lambda: repdist.estimate_power(x, y, sizes=[10, 20], **QUICK),
        ),
        (
            ["matrix", "groups.npz", *FEW],
            lambda: repdist.pairwise_mmd_test({"a": x, "b": y}, n_resamples=99, rng=0),
        ),
        (
            ["against", "a.npy", "b.npy", *FEW],
            lambda: repdist.compare_to_reference(x, {"b": y}, n_resamples=99, rng=0),
        ),
        (
            ["by-label", "xl.npz", "yl.npz", "--labels", "y", *FEW],
            lambda: repdist.compare_by_label(
                x, np.arange(40) % 2, y, np.arange(30) % 2, n_resamples=99, rng=0
            ),
        ),
    ],
    ids=["check", "power", "matrix", "against", "by-label"],
)
def test_commands_answer_for_standardised_rows(run, arguments, result):
    code, out, err = run(*arguments)
    assert code == 0
    assert "repdist: 3 columns standardised over 70 rows\n" in err
    assert out == f"{result()}\n"


def test_the_hidden_column_is_seen(run):
    *_, hidden, _ = run("test", "a.npy", "b.npy", "--json")
    code, out, _ = run("test", "a.npy", "b.npy", "--json", "--standardize")
    expected = repdist.mmd_test(x, y, rng=0)
    found = json.loads(out)
    assert code == 0
    assert found["pvalue"] == expected.pvalue
    assert found["mmd_squared"] == pytest.approx(expected.mmd_squared, rel=1e-12)
    assert found["pvalue"] <= 0.05 < json.loads(hidden)["pvalue"]


@pytest.mark.parametrize("option", ["clusters", "strata"])
def test_tables_with_ids_are_matched_by_name(run, option):
    """The second has its columns in another order; columns of ids are not standardised."""
    column = {"clusters": "video", "strata": "site"}[option]
    rest = {"video": "site", "site": "video"}[column]
    code, out, _ = run(
        "test", "x.csv", "y.csv", f"--{option}", column, "--drop", rest, "--json", "--standardize"
    )
    ids = table(X)[column].tolist(), table(Y)[column].tolist()
    expected = repdist.mmd_test(x, y, **{option: ids}, rng=0)
    assert code == 0
    assert json.loads(out)["pvalue"] == expected.pvalue
    assert json.loads(out)["mmd_squared"] == pytest.approx(expected.mmd_squared, rel=1e-9)


def test_against_with_strata(run):
    code, out, _ = run("against", "x.csv", "y.csv", "--strata", "site", "--drop", "video", *FEW)
    ids = table(X)["site"].tolist(), {"y": table(Y)["site"].tolist()}
    names = ["a", "b", "c"]
    expected = repdist.compare_to_reference(
        pd.DataFrame(x, columns=names), {"y": pd.DataFrame(y, columns=names)}, strata=ids,
        n_resamples=99, rng=0,
    )  # fmt: skip
    assert (code, out) == (0, f"{expected}\n")


def test_a_table_of_groups_is_pooled(run):
    both = pd.concat([table(X).assign(k="x"), table(Y).assign(k="y")])
    both.drop(columns=["video", "site"]).to_csv("both.csv", index=False)
    code, out, err = run("matrix", "both.csv", "--labels", "k", *FEW)
    expected = repdist.pairwise_mmd_test({"x": x, "y": y}, n_resamples=99, rng=0)
    assert (code, out) == (0, f"{expected}\n")
    assert "3 columns standardised over 70 rows" in err


def test_the_heading_of_a_page_says_so(run):
    run("test", "a.npy", "b.npy", "--html", "plain.html", "--resamples", 99)
    run("test", "a.npy", "b.npy", "--html", "page.html", *FEW)
    assert "and in what? X: a.npy, Y: b.npy</h1>" in Path("plain.html").read_text("utf-8")
    assert "in what? Columns standardised. X: a.npy, Y: b.npy</h1>" in Path("page.html").read_text(
        "utf-8"
    )


def test_commands_that_compare_ranks_or_keep_files_have_no_such_option(run):
    for command in ("columns", "metric", "sketch", "monitor"):
        assert "--standardize" not in run(command, "--help")[1]
    for command in ("test", "matrix", "against", "by-label", "check", "power"):
        assert "--standardize" in run(command, "--help")[1]


def test_a_saved_reference_is_refused(run):
    repdist.Reference(np.tile(X, (4, 1)), rows_per_bin=4, n_landmarks=4, rng=0).save("ref.npz")
    code, out, err = run("against", "ref.npz", "b.npy", "--standardize")
    assert (code, out) == (2, "")
    assert err.startswith("repdist: `--standardize` must be left out with a reference that was")


def test_rows_that_cannot_be_standardised_are_refused_as_ever(run):
    np.save("nan.npy", np.where(np.arange(90).reshape(30, 3) == 31, np.nan, Y))
    np.save("wide.npy", np.ones((5, 4)))
    for other, said in (("nan.npy", "row 10"), ("wide.npy", "3 and 4")):
        code, out, err = run("test", "a.npy", other, "--standardize")
        assert (code, out) == (2, "")
        assert said in err
        assert err == run("test", "a.npy", other)[2]


def test_rows_with_missing_values_are_left_out_first(run):
    np.save("nan.npy", np.concatenate([Y, [[np.nan, 9e9, 9e9]]]))
    *_, out, _ = run("test", "a.npy", "nan.npy", "--dropna", "--json", "--standardize")
    assert json.loads(out)["pvalue"] == repdist.mmd_test(x, y, rng=0).pvalue


# --- values --------------------------------------------------------------------------------------


def test_constant_columns_become_0(capsys):
    rows = np.array([[0.1, 5e-324, 1], [0.1, 5e-324, 2], [0.1, 5e-324, 6]])
    found = np.concatenate(standardized([rows[:2], rows[2:]]))
    expected = (rows[:, 2] - 3) / np.sqrt(14 / 3)
    np.testing.assert_array_equal(found[:, :2], 0)
    np.testing.assert_allclose(found[:, 2], expected, rtol=1e-15)
    assert "3 columns standardised over 3 rows; 2 constant ones are 0" in capsys.readouterr().err


@pytest.mark.parametrize("size", [8e307, -8e307, 5e-324, 1e-200])
def test_values_of_any_size(size):
    rows = np.array([[-1, 1], [1, 2], [1, 2]]) * size
    (found,) = standardized([rows])
    np.testing.assert_allclose(
        found.T, [np.array([-2, 1, 1]) / np.sqrt(2) * np.sign(size)] * 2, rtol=1e-14
    )


def test_far_from_0():
    """Seconds since 1970, a few of them apart, in float32 and in whole numbers."""
    steps = np.arange(6).reshape(3, 2) * 256
    for given, size, dtype in (
        (np.float16, 0, np.float32),
        (np.float32, 2**30, np.float32),
        (np.float64, 2**50, np.float64),
        (np.int64, 2**50, np.float64),
    ):
        (found,) = standardized([(steps + size).astype(given)])
        expected = (steps - steps.mean(axis=0)) / steps.std(axis=0)
        assert found.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=1e-7)


def test_whole_numbers_beyond_float64_are_refused_by_file(run):
    np.save("ids.npy", np.array([[2**60, 1, 0], [2, 3, 4], [5, 6, 7]]))
    code, _, err = run("test", "a.npy", "ids.npy", "--standardize")
    assert code == 2
    assert "`ids.npy` must hold whole numbers of at most 2^53" in err


@pytest.mark.parametrize("shape", [(2, 3, 0), (2, 0, 3), (0, 3, 2)])
def test_groups_without_values_are_refused_as_ever(run, shape):
    np.save("empty.npy", np.zeros(shape))
    code, out, err = run("matrix", "empty.npy", "--standardize")
    assert (code, out, err) == run("matrix", "empty.npy")
    assert code == 2


def test_one_column_is_counted_as_one(capsys):
    standardized([np.array([[1.0], [2.0]])])
    standardized([np.array([[1.0, 3.0], [2.0, 3.0]])])
    assert capsys.readouterr().err == (
        "repdist: 1 column standardised over 2 rows\n"
        "repdist: 2 columns standardised over 2 rows; 1 constant one is 0\n"
    )


def test_files_are_read_in_blocks_into_a_file(monkeypatch):
    monkeypatch.setattr(scaling, "ENTRIES", 21)  # 7 rows
    mapped = np.load("a.npy", mmap_mode="r")
    found = standardized([mapped, Y])
    assert isinstance(found[0], np.memmap)
    assert not isinstance(found[1], np.memmap)
    np.testing.assert_allclose(found[0], x, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found[1], y, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(mapped, X)


def test_landmarks_of_a_mapped_file(run):
    code, out, _ = run("test", "a.npy", "b.npy", "--method", "landmarks", "--landmarks", 20,
                       "--json", "--standardize")  # fmt: skip
    expected = repdist.mmd_test(x, y, method="landmarks", n_landmarks=20, rng=0)
    assert code == 0
    assert json.loads(out)["pvalue"] == expected.pvalue


def test_one_column_without_a_second_axis():
    found = standardized([X[:, 0], Y[:, :1]])
    np.testing.assert_allclose(np.concatenate(found)[:, 0], np.append(x[:, 0], y[:, 0]), atol=1e-9)


def test_exchanged_rows_have_the_same_scale():
    """So that p stays exact: which row is of which sample changes no value."""
    Z = np.concatenate([X, Y])
    order = RNG.permutation(70)
    found = np.concatenate(standardized([Z[order[:40]], Z[order[40:]]]))
    np.testing.assert_allclose(found, np.concatenate([x, y])[order], rtol=1e-9, atol=1e-12)


def test_groups_in_any_form():
    cube = np.stack([X[:30], Y])
    a, b = alike(X[:30], Y)
    expected = np.stack([a, b])
    np.save("cube.npy", cube)
    mapped = np.load("cube.npy", mmap_mode="r")
    for given in (cube, list(cube), dict(enumerate(cube)), cube.reshape(60, 3), mapped):
        found = standardized_groups(given)
        assert type(found) is type(given)
        rows = list(found.values()) if isinstance(found, dict) else found
        np.testing.assert_allclose(np.reshape(rows, (2, 30, 3)), expected, atol=1e-10)
