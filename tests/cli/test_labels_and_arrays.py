"""Labels as they are written, Parquet files, and arrays."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from repdist._cli.load import checked_options, read_groups, read_rows
from repdist._cli.reading import Reading

ONE, TWO = [[1.5, 2.5], [3.5, 4.5]], [[1, 2], [3, 4], [5, 6]]


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name, content):
    Path(name).write_bytes(content.encode())


# --- labels --------------------------------------------------------------------------------------

LABELS = ["01", "1", "1E0", "None", "NA", "nan", "True", "a, b", " x", "ü"]


@pytest.mark.parametrize("labels", [LABELS, ["01", "1", "1E0", "1.0"], ["True", "False"]])
@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_labels_are_text_as_it_is_written(sep, labels):
    lines = [f'{i}.5{sep}"{label}"' for i, label in enumerate(labels)]
    write("x.csv", f"a{sep}label\n" + "\n".join(lines) + "\n")
    rows, got = read_groups("x.csv", "label")
    assert got == labels
    assert list(rows.columns) == ["a"]
    np.testing.assert_array_equal(rows["a"], np.arange(len(labels)) + 0.5)


def test_groups_keep_their_names(run):
    rng = np.random.default_rng(0)
    lines = [f"{rng.normal()},{label}" for label in ("01", "1", "NA") for _ in range(9)]
    write("x.csv", "a,label\n" + "\n".join(lines) + "\n")
    code, output, _ = run("matrix", "x.csv", "--labels", "label", "--csv", "y.csv")
    assert code == 0
    table = pd.read_csv("y.csv", dtype=str, keep_default_na=False)
    assert {*table["first"], *table["second"]} == {"01", "1", "NA"}
    assert "3 groups of 9 rows" in output


def test_a_label_that_is_missing_is_named_by_its_line():
    write("x.csv", "a,label\n1.5,x\n2.5,\n3.5,y\n")
    with pytest.raises(ValueError, match=r"none in line 3, column 'label' of .--labels."):
        read_groups("x.csv", "label")
    rows, labels = read_groups("x.csv", "label", Reading(dropna=True))
    assert (rows["a"].tolist(), labels) == ([1.5, 3.5], ["x", "y"])


def test_labels_and_columns():
    write("x.csv", "id,a,b,label\n7,1.5,2.5,x\n8,3.5,4.5,y\n")
    rows, _ = read_groups("x.csv", "label", Reading(columns=["b", "a"]))
    assert list(rows.columns) == ["b", "a"]
    rows, _ = read_groups("x.csv", "label", Reading(drop=["id"]))
    assert list(rows.columns) == ["a", "b"]
    with pytest.raises(ValueError, match=r"`--labels` must name a column that is not compared"):
        read_groups("x.csv", "label", Reading(columns=["a", "label"]))
    with pytest.raises(ValueError, match=r"`--labels` must name a column that is not compared"):
        read_groups("x.csv", "label", Reading(drop=["label"]))
    with pytest.raises(ValueError, match=r"`--labels` must name a column of x.csv; got 'z'"):
        read_groups("x.csv", "z")


def test_decimal_commas_beside_labels():
    write("x.csv", "label;a\nx;1,5\ny;2,5\n")
    rows, labels = read_groups("x.csv", "label")
    assert (rows["a"].tolist(), labels) == ([1.5, 2.5], ["x", "y"])


def test_labels_by_place():
    write("x.csv", "1.5,x\n2.5,y\n")
    rows, labels = read_groups("x.csv", "V2", Reading(header=False))
    assert (rows.tolist(), labels) == ([[1.5], [2.5]], ["x", "y"])


def test_labels_of_an_archive(run):
    X = np.random.default_rng(0).normal(size=(20, 2))
    labels = np.repeat(["a", "b"], 10)
    np.savez("objects.npz", X=X, y=labels.astype(object))
    code, _, message = run("matrix", "objects.npz", "--labels", "y")
    assert code == 2
    assert "labels as text (`labels.astype(str)`)" in message
    np.savez("bytes.npz", X=X, y=labels.astype("S"))
    code, output, _ = run("matrix", "bytes.npz", "--labels", "y", "--resamples", 99)
    assert code == 0
    assert "b'" not in output


# --- parquet and arrays --------------------------------------------------------------------------

FRAME = pd.DataFrame(ONE, columns=["a", "b"])


def test_an_index_in_a_parquet_file_is_no_feature():
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    FRAME.set_index(pd.Index([7, 9])).to_parquet("index.parquet")
    FRAME.set_index(pd.Index(["x", "y"], name="id")).to_parquet("named.parquet")
    pq.write_table(
        pa.table({"a": [1.5, 3.5], "b": [2.5, 4.5], "__index_level_0__": [7, 9]}), "x.parquet"
    )
    for name in ("index.parquet", "named.parquet", "x.parquet"):
        rows = read_rows(name)
        np.testing.assert_array_equal(rows, ONE)
        assert list(rows.columns) == ["a", "b"]
    assert read_groups("named.parquet", "id")[1].tolist() == ["x", "y"]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_parquet_column_of_lists_is_the_matrix(dtype):
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    rows = np.array(ONE, dtype)
    kinds = pa.list_(pa.from_numpy_dtype(dtype)), pa.list_(pa.from_numpy_dtype(dtype), 2)
    for kind in kinds:
        pq.write_table(pa.table({"e": pa.array(list(rows), kind), "id": ["x", "y"]}), "x.parquet")
        for options in (Reading(columns=["e"]), Reading(drop=["id"])):
            got = read_rows("x.parquet", options)
            np.testing.assert_array_equal(got, rows)
            assert got.dtype == dtype
        values, labels = read_groups("x.parquet", "id")
        np.testing.assert_array_equal(values, rows)
        assert labels.tolist() == ["x", "y"]
    pq.write_table(pa.table({"e": [[1.0, 2.0], None, [3.0, 4.0]]}), "x.parquet")
    with pytest.raises(ValueError, match=r"none in row 1"):
        read_rows("x.parquet")
    assert len(read_rows("x.parquet", Reading(dropna=True))) == 2
    pq.write_table(pa.table({"e": [[1.0, 2.0], [3.0]]}), "x.parquet")
    with pytest.raises(ValueError, match=r"lists of one length; got 1 numbers in row 1 of e"):
        read_rows("x.parquet")


def test_columns_of_a_parquet_file():
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    pq.write_table(pa.table([[1.5, 3.5], [2.5, 4.5]], names=["a", "a"]), "twice.parquet")
    np.testing.assert_array_equal(read_rows("twice.parquet"), ONE)
    with pytest.raises(ValueError, match=r"`--drop` must name one column of twice.parquet; 2 are"):
        read_rows("twice.parquet", Reading(drop=["a"]))
    FRAME.assign(name="x").to_parquet("x.parquet")
    with pytest.raises(ValueError, match=r"other values in name"):
        read_rows("x.parquet")
    np.testing.assert_array_equal(read_rows("x.parquet", Reading(drop=["name"])), ONE)
    pq.write_table(pa.table({"a": [1, None, 3], "y": ["u", "v", None]}), "x.parquet")
    with pytest.raises(ValueError, match=r"none in row 1 .of rows from 0., column 'a'"):
        read_groups("x.parquet", "y")
    rows, labels = read_groups("x.parquet", "y", Reading(dropna=True))
    assert (np.asarray(rows).tolist(), labels.tolist()) == ([[1]], ["u"])


@pytest.mark.parametrize("kind", [scipy.sparse.csr_matrix, scipy.sparse.coo_array])
def test_a_sparse_matrix_is_read(kind):
    scipy.sparse.save_npz("x.npz", kind(np.array(ONE)))
    np.testing.assert_array_equal(read_rows("x.npz"), ONE)
    with pytest.raises(ValueError, match=r"holds one sparse matrix"):
        read_groups("x.npz", None)


def test_bfloat16_has_lost_its_name():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    np.save("x.npy", np.array(ONE, ml_dtypes.bfloat16))
    with pytest.raises(ValueError, match=r"`x.npy` must .* bfloat16 .* Save it as float32"):
        read_rows("x.npy")


def test_missing_rows_of_arrays_are_dropped(capsys):
    array = np.array([[1.0, 2.0], [np.nan, 3.0], [4.0, 5.0]])
    np.save("x.npy", array)
    assert read_rows("x.npy", Reading(dropna=True)).tolist() == [[1, 2], [4, 5]]
    assert "x.npy: 1 of 3 rows have missing values" in capsys.readouterr().err
    np.savez("x.npz", X=array, y=np.array(["a", "b", "c"]))
    rows, labels = read_groups("x.npz", "y", Reading(dropna=True))
    assert (rows.tolist(), labels.tolist()) == ([[1, 2], [4, 5]], ["a", "c"])
    np.save("x.npy", np.stack([array, array + 1]))
    assert [len(group) for group in read_groups("x.npy", None, Reading(dropna=True))[0]] == [2, 2]


def test_options_that_no_file_can_use_are_refused():
    with pytest.raises(ValueError, match=r"`--sep` must be given for text tables .* got x.npy"):
        checked_options(["x.npy", "y.parquet"], Reading(sep=";"))
    with pytest.raises(ValueError, match=r"`--header` must be given"):
        checked_options(["x.npz:key"], Reading(header=False))
    with pytest.raises(ValueError, match=r"`--drop` must be given for tables; got x.npy"):
        checked_options(["x.npy"], Reading(drop=["a"]))
    checked_options(["x.npy", "y.csv.gz"], Reading(sep=";", drop=["a"]))
    checked_options(["x.parquet"], Reading(columns=["a"]))
