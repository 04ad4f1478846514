"""Tables of any library are matched by name; what cannot be read without doubt is refused."""

import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

import repdist
from repdist._arrays import column_names, read_groups, read_samples

RNG = np.random.default_rng(5)
X, Y = RNG.normal(size=(12, 3)), RNG.normal([0, 5, 0], size=(10, 3))
NAMES = ("a", "b", "c")
LABELS = np.repeat(["u", "v", "w"], 4)


def polars(columns):
    return pytest.importorskip("polars").DataFrame(dict(columns))


def arrow(columns):
    return pytest.importorskip("pyarrow").table(dict(columns))


def batch(columns):
    return pytest.importorskip("pyarrow").record_batch(dict(columns))


MAKERS = {
    "pandas": lambda columns: pd.DataFrame(dict(columns)),
    "pandas of Arrow": lambda columns: arrow(columns).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": polars,
    "Arrow": arrow,
    "Arrow batch": batch,
}
EVERY_KIND = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def columns_of(Z, names=NAMES):
    return list(zip(names, Z.T.copy(), strict=True))


def lists_of(Z, make):
    """Return a table whose only column holds the rows."""
    return make({"embedding": [row.tolist() for row in Z]})


def pvalue(*samples):
    return repdist.mmd_test(*samples, n_resamples=199, rng=0).pvalue


# --- samples -------------------------------------------------------------------------------------


@EVERY_KIND
def test_a_table_is_its_rows(make):
    table = make(columns_of(X))
    (got,) = read_samples({"X": table})
    np.testing.assert_array_equal(got, X)
    assert column_names(table) == NAMES


@EVERY_KIND
def test_columns_are_matched_by_name(make):
    first, second = make(columns_of(X)), make(columns_of(Y)[::-1])
    assert pvalue(first, second) == pvalue(X, Y) == 1 / 256
    got = read_samples({"X": first, "Y": second})
    np.testing.assert_array_equal(got[1], Y)
    same = make(columns_of(X)[::-1])
    assert pvalue(first, same) == 1
    groups = read_groups({"u": first, "v": second}, None)
    np.testing.assert_array_equal(groups.arrays[1], Y)
    assert groups.columns == NAMES


@EVERY_KIND
def test_other_columns_are_refused_by_name(make):
    first, second = make(columns_of(X)), make(columns_of(Y, ("a", "b", "d")))
    message = r"`X` and `Y` must have the same columns; got 'c' only in `X` and 'd' only in `Y`"
    with pytest.raises(ValueError, match=message):
        repdist.mmd_test(first, second)
    with pytest.raises(ValueError, match=r"'c' only in `X`. Select or rename"):
        repdist.mmd_test(first, make(columns_of(Y)[:2]))


def test_tables_of_two_libraries_are_matched_by_name():
    assert pvalue(MAKERS["pandas"](columns_of(X)), polars(columns_of(X)[::-1])) == 1
    assert pvalue(arrow(columns_of(X)), polars(columns_of(Y)[::-1])) == 1 / 256


@EVERY_KIND
def test_a_table_beside_an_array_is_taken_by_position(make):
    turned = make(columns_of(X)[::-1])
    np.testing.assert_array_equal(read_samples({"X": turned, "Y": X})[0], X[:, ::-1])
    with pytest.raises(TypeError, match=r"one array library; got NumPy and torch"):
        read_samples({"X": turned, "Y": torch.as_tensor(X)})


def test_names_that_occur_twice():
    table = pd.DataFrame(X, columns=["a", "a", "b"])
    assert pvalue(table, table) == 1
    with pytest.raises(ValueError, match=r"matched by name; got 'a' 2 times in `X`. Rename"):
        repdist.mmd_test(table, table[["b", "a"]])
    pa = pytest.importorskip("pyarrow")
    twice = pa.table(list(X.T.copy()), names=["a", "a", "b"])
    np.testing.assert_array_equal(read_samples({"X": twice})[0], X)


def test_names_of_any_kind():
    table = pd.DataFrame(X, columns=[("a", 1), ("a", 2), ("b", 1)])
    assert column_names(table) == ("('a', 1)", "('a', 2)", "('b', 1)")
    numbers = pd.DataFrame(X)
    np.testing.assert_array_equal(read_samples({"X": numbers, "Y": numbers[[2, 0, 1]]})[1], X)


@EVERY_KIND
def test_columns_that_are_no_numbers_are_refused_by_name(make):
    table = make([*columns_of(X), ("name", ["x"] * 12), ("kind", ["y"] * 12)])
    message = (
        r"`X` must hold real numbers; got .* in column 'name' .2 such columns.\. If it holds ids "
        r"or classes of rows, say `clusters='name'`, `strata='name'` or `labels='name'`, where the "
        r"function has it\. Select numeric columns"
    )
    with pytest.raises(TypeError, match=message):
        repdist.mmd_test(table, table)
    flags = make([*columns_of(X), ("flag", [True, False] * 6)])
    with pytest.raises(TypeError, match=r"got Boolean in column 'flag'. Select numeric columns"):
        read_samples({"X": flags})
    alone = make([("flag", [True, False] * 6)])
    np.testing.assert_array_equal(read_samples({"X": alone})[0][:2], [[1], [0]])


def test_a_name_that_is_no_text_is_not_offered_as_an_argument():
    """`strata='7'` would not find the column 7."""
    table = pd.DataFrame(X).assign(name="x").rename(columns={"name": 7})
    with pytest.raises(TypeError, match=r"got String in column '7'\. Select numeric columns"):
        repdist.mmd_test(table, table)


@EVERY_KIND
def test_a_missing_value_is_named_by_its_column(make):
    table = make([("a", [1.0, 2.0, None]), ("b", [4, 5, 6])])
    with pytest.raises(ValueError, match=r"nan in row 2, column 'a'"):
        read_samples({"X": table})
    whole = make([("a", [1, 2, 3]), ("b", [4, None, 6])])
    with pytest.raises(ValueError, match=r"nan in row 1, column 'b'"):
        read_samples({"X": whole})


@EVERY_KIND
def test_precision_is_kept(make):
    (single,) = read_samples({"X": make(columns_of(X.astype("f4")))})
    assert single.dtype == np.float32
    mixed = make([("a", np.array([1, 2], "i2")), ("b", np.array([0.1, 0.2]))])
    np.testing.assert_array_equal(read_samples({"X": mixed})[0], [[1, 0.1], [2, 0.2]])


def test_decimal_and_sparse_columns():
    from decimal import Decimal

    for make in (polars, arrow):
        table = make([("a", [Decimal("1.5"), Decimal("2.5")])])
        np.testing.assert_array_equal(read_samples({"X": table})[0], [[1.5], [2.5]])
    sparse = pd.DataFrame({"a": pd.arrays.SparseArray([0.0, 1.0])})
    np.testing.assert_array_equal(read_samples({"X": sparse})[0], [[0.0], [1.0]])


@EVERY_KIND
def test_an_index_that_pandas_wrote_is_no_feature(make):
    table = make([*columns_of(X), ("__index_level_0__", np.arange(12))])
    np.testing.assert_array_equal(read_samples({"X": table})[0], X)
    assert column_names(table) == NAMES


# --- lists ---------------------------------------------------------------------------------------


@EVERY_KIND
def test_a_column_of_lists_is_the_matrix(make):
    np.testing.assert_array_equal(read_samples({"X": lists_of(X, make)})[0], X)
    assert column_names(lists_of(X, make)) == ()
    table = make([("embedding", [row.tolist() for row in X]), ("label", LABELS)])
    groups = read_groups(table, "label")
    assert groups.names == ("u", "v", "w")
    assert groups.columns == ()
    np.testing.assert_array_equal(groups.arrays[1], X[4:8])
    with pytest.raises(TypeError, match=r"got lists in column 'embedding'"):
        read_samples({"X": make([("embedding", [[1.0], [2.0]]), ("id", [1, 2])])})


@EVERY_KIND
def test_lists_that_are_no_matrix_are_refused(make):
    with pytest.raises(ValueError, match=r"one length; got 2 values in row 0 and 1 in row 2"):
        read_samples({"X": make({"e": [[1.0, 2.0], [3.0, 4.0], [5.0]]})})
    with pytest.raises(TypeError, match=r"`X` must hold a list of numbers in each row; .* row 1"):
        read_samples({"X": make({"e": [[1.0, 2.0], None]})})
    with pytest.raises(TypeError, match=r"`X` must hold a list of numbers in each row; .* row 0"):
        read_samples({"X": make({"e": [["x", "y"], ["z", "w"]]})})


def test_arrays_in_a_series_or_an_object_array_are_rows():
    series = pd.Series(list(X))
    for rows in (series, series.to_numpy()):
        np.testing.assert_array_equal(read_samples({"X": rows})[0], X)
    pl = pytest.importorskip("polars")
    np.testing.assert_array_equal(read_samples({"X": pl.Series(X.tolist())})[0], X)
    fixed = pl.DataFrame({"e": pl.Series(X, dtype=pl.Array(pl.Float32, 3))})
    np.testing.assert_array_equal(read_samples({"X": fixed})[0], X.astype("f4"))
    masked = pd.Series([np.ma.masked_greater(row, 0) for row in X])
    with pytest.raises(TypeError, match=r"list of numbers in each row; got MaskedArray"):
        read_samples({"X": masked})


# --- other layouts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix, scipy.sparse.coo_array]
)
def test_sparse_rows(kind):
    rows = np.where(X > 0, X, 0)
    np.testing.assert_array_equal(read_samples({"X": kind(rows)})[0], rows)
    assert read_samples({"X": kind(rows.astype("f4"))})[0].dtype == np.float32
    groups = read_groups(kind(rows), LABELS)
    np.testing.assert_array_equal(groups.arrays[0], rows[:4])


def test_bfloat16():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    short = X.astype(ml_dtypes.bfloat16)
    (got,) = read_samples({"X": short})
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got, torch.as_tensor(X).to(torch.bfloat16).float().numpy())
    with pytest.raises(TypeError, match=r"V2. .* `.view\(ml_dtypes.bfloat16\)`"):
        read_samples({"X": short.view("V2")})


def annotated():
    """Return what has the parts of an AnnData."""
    frame = pd.DataFrame(X, columns=NAMES)
    return SimpleNamespace(
        X=X,
        obs=pd.DataFrame({"cell": LABELS}),
        var=pd.DataFrame(index=NAMES),
        obsm={"X_pca": X[:, :2]},
        layers={"counts": X},
        to_df=lambda: frame,
    )


def test_annotated_data_say_how_they_are_taken():
    ways = r"`X.to_df\(\)`, `X.to_df\(layer='counts'\)`, `X.obsm\['X_pca'\]`"
    with pytest.raises(TypeError, match=f"`X` must be one array of rows; .* {ways}"):
        repdist.mmd_test(annotated(), annotated())
    with pytest.raises(TypeError, match=r"e.g. `groups.obs\[COLUMN\]`: `groups.to_df\(\)`"):
        repdist.pairwise_mmd_test(annotated(), "cell")
    data = annotated()
    assert read_groups(data.to_df(), data.obs["cell"]).columns == NAMES


def test_anndata_itself():
    anndata = pytest.importorskip("anndata")
    data = anndata.AnnData(X, obs=pd.DataFrame({"cell": LABELS}, index=list("abcdefghijkl")))
    with pytest.raises(TypeError, match=r"got an AnnData, which holds several"):
        repdist.mmd_test(data, data)
    assert read_groups(data.to_df(), data.obs["cell"]).names == ("u", "v", "w")


def test_tables_that_do_not_lie_in_memory():
    pl = pytest.importorskip("polars")
    lazy = pl.LazyFrame({"a": [1.0, 2.0]})
    with pytest.raises(TypeError, match=r"`X` must be .* in memory .* LazyFrame. Use `X.collect"):
        read_samples({"X": lazy})
    with pytest.raises(TypeError, match=r"`groups` must be .* Use `groups.collect\(\)`"):
        read_groups(lazy, "a")

    class Dataset:
        column_names = ("a",)

        def to_pandas(self):
            return pd.DataFrame({"a": [1.0]})

    with pytest.raises(TypeError, match=r"got a Dataset. Use `X.to_pandas\(\)`"):
        read_samples({"X": Dataset()})


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_tensors_that_are_not_dense():
    ragged = torch.nested.nested_tensor([torch.ones(2, 3), torch.ones(4, 3)])
    with pytest.raises(TypeError, match=r"`X` must be a dense tensor .* got a nested tensor"):
        read_samples({"X": ragged})
    with pytest.raises(TypeError, match=r"nested tensor. Use `groups.unbind\(\)`"):
        read_groups(ragged, None)


@pytest.mark.filterwarnings("ignore:The PyTorch API of MaskedTensors")
def test_masked_tensors():
    masked = torch.masked.masked_tensor(torch.as_tensor(X), torch.as_tensor(X > 0))
    with pytest.raises(TypeError, match=r"`X` must be a dense tensor .* got a masked tensor"):
        read_samples({"X": masked})


# --- zarr ----------------------------------------------------------------------------------------


def test_a_store_of_no_rows(tmp_path):
    zarr = pytest.importorskip("zarr")
    for shape in ((0, 3), (0,)):
        empty = zarr.create_array(tmp_path / f"{len(shape)}.zarr", shape=shape, dtype="f8")
        with pytest.raises(ValueError, match=r"`X` must have at least 2 rows; got 0"):
            read_samples({"X": empty})


def test_a_damaged_chunk_is_named(tmp_path):
    zarr = pytest.importorskip("zarr")
    codecs = pytest.importorskip("zarr.codecs")
    for codec in (codecs.GzipCodec(), codecs.ZstdCodec()):
        name = tmp_path / f"{type(codec).__name__}.zarr"
        store = zarr.create_array(
            name, shape=X.shape, chunks=X.shape, dtype="f8", compressors=codec
        )
        store[:] = X
        (chunk,) = (path for path in name.rglob("c/*/*") if path.is_file())
        chunk.write_bytes(chunk.read_bytes()[:40])
        with pytest.raises(ValueError, match=r"`X` must be an array .* damaged: write it again"):
            read_samples({"X": zarr.open_array(name)})


# --- labels --------------------------------------------------------------------------------------


@EVERY_KIND
def test_a_table_with_a_label_column(make):
    table = make([("label", LABELS), *columns_of(X)])
    groups = read_groups(table, "label")
    assert (groups.names, groups.columns) == (("u", "v", "w"), NAMES)
    np.testing.assert_array_equal(groups.arrays[2], X[8:])
    with pytest.warns(repdist.RepdistWarning):
        expected = repdist.pairwise_mmd_test(X, LABELS, n_resamples=99, rng=0)
    with pytest.warns(repdist.RepdistWarning):
        got = repdist.pairwise_mmd_test(table, "label", n_resamples=99, rng=0)
    pd.testing.assert_frame_equal(got.to_frame(), expected.to_frame())
    rest = make(columns_of(X))
    assert read_groups(rest, LABELS).names == ("u", "v", "w")
    with pytest.raises(ValueError, match=r"`labels` must be a column of the .*; got 'z'"):
        read_groups(table, "z")
    with pytest.raises(
        ValueError, match=r"`groups` must be .*a table with the name of its label column, `labels`"
    ):
        read_groups(table, None)


@EVERY_KIND
def test_labels_in_a_column_by_themselves(make):
    table = make([("label", LABELS)])
    column = table["label"] if hasattr(table, "__getitem__") else table.column("label")
    groups = read_groups(X, column)
    assert groups.names == ("u", "v", "w")
    assert all(type(name) is str for name in groups.names)


def test_the_order_of_categories():
    pl = pytest.importorskip("polars")
    order = pl.Enum(["w", "v", "u", "none"])
    table = pl.DataFrame({"a": X[:, 0], "label": pl.Series(LABELS, dtype=order)})
    assert read_groups(table, "label").names == ("w", "v", "u")
    loose = table.with_columns(pl.col("label").cast(pl.String).cast(pl.Categorical))
    assert set(read_groups(loose, "label").names) == {"u", "v", "w"}
    categories = pd.Categorical(LABELS, categories=["w", "u", "v"])
    assert read_groups(X, categories).names == ("w", "u", "v")
    assert read_groups(X, pd.Series(categories)).names == ("w", "u", "v")


@pytest.mark.parametrize(
    ("first", "second"), [(1, True), (1, 1.0), (0, False), (2.0, 2), (np.int64(1), True)], ids=repr
)
def test_labels_that_python_calls_equal_do_not_merge(first, second):
    labels = [first] * 4 + [second] * 4 + ["w"] * 4
    with pytest.raises(
        ValueError, match=r"`labels` must be of one kind; got .*would become one. Use text"
    ):
        read_groups(X, labels)
    with pytest.raises(ValueError, match=r"`labels` must be of one kind"):
        read_groups([X, Y], [first, second])
    with pytest.raises(ValueError, match=r"`labels` must be of one kind"):
        read_groups(pd.DataFrame(X).assign(y=pd.Series(labels, dtype=object)), "y")


@pytest.mark.parametrize(
    ("first", "second"), [(1, "1"), ("u", "u "), (" u", "u"), (True, "True")], ids=repr
)
def test_labels_that_look_alike_are_refused(first, second):
    with pytest.raises(ValueError, match=r"`labels` must differ when printed; got both"):
        read_groups(X, [first] * 6 + [second] * 6)


def test_labels_of_bytes_are_text():
    for labels in (LABELS.astype("S"), list(LABELS.astype("S")), LABELS.astype("S").astype(object)):
        assert read_groups(X, labels).names == ("u", "v", "w")
    assert read_groups({b"u": X, b"v": Y}, None).names == ("u", "v")
    assert read_groups([X, Y], ["grün".encode(), b"v"]).names == ("grün", "v")
    with pytest.raises(ValueError, match=r"`labels` must be text in UTF-8; got b'\\xff'"):
        read_groups([X, Y], [b"\xff", b"v"])
    with pytest.raises(TypeError, match=r"`labels` must be text or bytes; got both"):
        read_groups([X, Y], ["u", b"v"])


# --- what is imported ----------------------------------------------------------------------------


def test_arrays_import_no_library_of_tables():
    code = (
        "import sys, numpy as np, repdist._arrays as a; a.read_samples({'X': np.eye(3)});"
        "a.read_groups([np.eye(3), np.eye(3)], None); a.column_names(np.eye(3));"
        "libraries = {'narwhals', 'pandas', 'polars', 'pyarrow', 'scipy', 'torch'};"
        "print(sorted(libraries & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_table_of_no_rows_is_refused_by_name():
    empty = pd.DataFrame({"a": np.empty(0, dtype="i8"), "b": np.empty(0)})
    with pytest.raises(ValueError, match="`X` must have at least 2 rows; got 0"):
        repdist.mmd_test(empty, empty, rng=0)


def test_whole_numbers_that_are_missing_are_refused_by_name():
    missing = pd.DataFrame({"a": pd.array([None] * 5, dtype="Int64"), "b": np.arange(5.0)})
    with pytest.raises(ValueError, match=r"`X` must hold finite numbers.*column 'a'"):
        repdist.mmd_test(missing, missing, rng=0)
