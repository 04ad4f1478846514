"""A contract of the readers: what a file means, or why it is refused; nothing is guessed."""

import gzip
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from repdist._cli.load import read_groups, read_rows
from repdist._cli.reading import Reading

ONE, TWO = [[1.5, 2.5], [3.5, 4.5]], [[1, 2], [3, 4], [5, 6]]
EURO = Reading(sep=";", decimal=",")
IS_DOUBT = r"must say whether line \d+ names its columns; .* `--header` .* `--no-header`"


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name, content):
    content = content if isinstance(content, bytes) else content.encode()
    Path(name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


def read(name, content, options):
    """Return what the file holds: values, and the names of its columns."""
    write(name, content)
    rows = read_rows(name, options)
    return np.asarray(rows), list(rows.columns) if hasattr(rows, "columns") else None


# --- text tables: content, options, values, names ------------------------------------------------

NONE = Reading()
HEADER, ROWS = Reading(header=True), Reading(header=False)
THREE = [[1.303, 2.115], [-0.904, 3.125]]
RIGHT = {
    # an index without a name
    "R, write.table": ("x.txt", '"a" "b"\n"1" 1.5 2.5\n"2" 3.5 4.5\n', NONE, ONE, ["a", "b"]),
    "R, quote=FALSE": ("x.csv", "a,b\n1,1.5,2.5\n2,3.5,4.5\n", NONE, ONE, ["a", "b"]),
    "R, names of rows": ("x.csv", "a,b\nfirst,1.5,2.5\nsecond,3.5,4.5\n", NONE, ONE, ["a", "b"]),
    "R, write.csv": ("x.csv", '"","a","b"\n"1",1.5,2.5\n"2",3.5,4.5\n', NONE, ONE, ["a", "b"]),
    "R, write.csv2": ("x.csv", '"";"a";"b"\n"1";1,5;2,5\n"2";3,5;4,5\n', NONE, ONE, ["a", "b"]),
    "pandas": ("x.csv", ",a,b\n0,1.5,2.5\n1,3.5,4.5\n", NONE, ONE, ["a", "b"]),
    "pandas, twice": ("x.csv", "Unnamed: 0,a,b\n0,1.5,2.5\n1,3.5,4.5\n", NONE, ONE, ["a", "b"]),
    "pandas, numbers": ("x.csv", ",0,1\n0,1.5,2.5\n1,3.5,4.5\n", NONE, ONE, ["0", "1"]),
    "index, one column": ("x.csv", "a\nr1,1.5\nr2,3.5\n", NONE, [[1.5], [3.5]], ["a"]),
    # comments
    "savetxt, header": ("x.txt", "# a b\n1.5 2.5\n3.5 4.5\n", NONE, ONE, ["a", "b"]),
    "comment": ("x.csv", "# by a tool\n1.5,2.5\n3.5,4.5\n", NONE, ONE, None),
    "comment, header": ("x.csv", "# by a tool\n#\na,b\n1.5,2.5\n3.5,4.5\n", NONE, ONE, ["a", "b"]),
    "comment, one column": ("x.csv", "# by a tool\n1.5\n3.5\n", NONE, [[1.5], [3.5]], None),
    "hash is a name": ("x.csv", "#,a,b\n1,1.5,2.5\n2,3.5,4.5\n", NONE, ONE, ["a", "b"]),
    "Excel says it": ("x.csv", "sep=;\na;b\n1,5;2,5\n3,5;4,5\n", NONE, ONE, ["a", "b"]),
    "blank lines": ("x.csv", "\n\na,b\n\n1.5,2.5\n\n3.5,4.5\n\n", NONE, ONE, ["a", "b"]),
    # separator and decimal mark
    "semicolons": ("x.csv", "a;b\n1.5;2.5\n3.5;4.5\n", NONE, ONE, ["a", "b"]),
    "decimal commas": ("x.csv", "a;b\n1,5;2,5\n3,5;4,5\n", NONE, ONE, ["a", "b"]),
    "decimal commas, no header": ("x.csv", "1,5;2,5\n3,5;4,5\n", NONE, ONE, None),
    "decimal commas, tabs": ("x.tsv", "1,5\t2,5\n3,5\t4,5\n", NONE, ONE, None),
    "decimal commas, spaces": ("x.txt", "1,5 2,5\n3,5 4,5\n", NONE, ONE, None),
    "small decimals": (
        "x.csv",
        "0,123;0,456\n1,789;2,012\n",
        NONE,
        [[0.123, 0.456], [1.789, 2.012]],
        None,
    ),
    "told decimals": (
        "x.csv",
        "1,234;5,678\n2,345;6,789\n",
        EURO,
        [[1.234, 5.678], [2.345, 6.789]],
        None,
    ),
    "one decimal column": ("x.csv", "x\n1,5\n2,5\n", EURO, [[1.5], [2.5]], ["x"]),
    "tabs": ("x.tsv", "a\tb\n1.5\t2.5\n3.5\t4.5\n", NONE, ONE, ["a", "b"]),
    "tabs in a csv": ("x.csv", "a\tb\n1.5\t2.5\n3.5\t4.5\n", NONE, ONE, ["a", "b"]),
    "spaces": ("x.txt", "  1.5   2.5 \n  3.5 4.5\n", NONE, ONE, None),
    "pipes": ("x.txt", "a|b\n1.5|2.5\n3.5|4.5\n", NONE, ONE, ["a", "b"]),
    "told pipe": ("x.txt", "a|b\n1.5|2.5\n3.5|4.5\n", Reading(sep="pipe"), ONE, ["a", "b"]),
    "told colon": ("x.txt", "a:b\n1.5:2.5\n3.5:4.5\n", Reading(sep=":"), ONE, ["a", "b"]),
    "told tab": ("x.txt", "1.5\t2.5\n3.5\t4.5\n", Reading(sep="tab"), ONE, None),
    "comma and space": ("x.csv", "a, b\n1.5, 2.5\n3.5, 4.5\n", NONE, ONE, ["a", "b"]),
    "quoted numbers": ("x.csv", '"1.5","2.5"\n"3.5","4.5"\n', NONE, ONE, None),
    "carriage returns": ("x.csv", "a,b\r1.5,2.5\r3.5,4.5\r", NONE, ONE, ["a", "b"]),
    "Windows": ("x.csv", "\ufeffa,b\r\n1.5,2.5\r\n3.5,4.5\r\n", NONE, ONE, ["a", "b"]),
    "compressed": ("x.csv.gz", "a,b\n1.5,2.5\n3.5,4.5\n", NONE, ONE, ["a", "b"]),
    # header or rows
    "numbers": ("x.csv", "1,2\n3,4\n5,6\n", NONE, TWO, None),
    "numbers that all rise": ("x.csv", "1,2,3\n4,5,6\n", NONE, [[1, 2, 3], [4, 5, 6]], None),
    "told two columns": ("x.csv", "3,05\n1,25\n", Reading(sep=","), [[3, 5], [1, 25]], None),
    "told one column": ("x.csv", "3,05\n1,25\n", EURO, [[3.05], [1.25]], None),
    "numbers, told rows": ("x.csv", "0,1\n3,4\n", ROWS, [[0, 1], [3, 4]], None),
    "numbers, told header": ("x.csv", "0,1\n1.5,2.5\n3.5,4.5\n", HEADER, ONE, ["0", "1"]),
    "wavelengths, told": ("x.csv", "400,402\n1.5,2.5\n3.5,4.5\n", HEADER, ONE, ["400", "402"]),
    "first rows of flags": ("x.csv", "True,False\nFalse,True\n", NONE, [[1, 0], [0, 1]], None),
    "flags of R": ("x.csv", "a,b\nTRUE,1\nFALSE,2\n", NONE, [[1, 1], [0, 2]], ["a", "b"]),
    "names with numbers": ("x.csv", "1st,2nd\n1.5,2.5\n3.5,4.5\n", NONE, ONE, ["1st", "2nd"]),
    "a column called NA": ("x.csv", "NA,b\n1.5,2.5\n3.5,4.5\n", NONE, ONE, ["NA", "b"]),
    "mixed, told header": ("x.csv", "a,402\n1.5,2.5\n3.5,4.5\n", HEADER, ONE, ["a", "402"]),
    "one column": ("x.csv", "1.5\n2.5\n", NONE, [[1.5], [2.5]], None),
    "one name": ("x.csv", "x\n1.5\n2.5\n", NONE, [[1.5], [2.5]], ["x"]),
    "names twice": ("x.csv", "a,a\n1.5,2.5\n3.5,4.5\n", NONE, ONE, ["a", "a"]),
    # marks that could be of two kinds
    "points, told": (
        "x.csv",
        "a;b;c\n1.303;822;331\n2.115;904;12\n",
        Reading(decimal="."),
        [[1.303, 822, 331], [2.115, 904, 12]],
        ["a", "b", "c"],
    ),
    "points and long numbers": (
        "x.csv",
        "a;b\n1.303;7\n4822;8\n",
        NONE,
        [[1.303, 7], [4822, 8]],
        ["a", "b"],
    ),
    "three decimals": ("x.csv", "1.303;2.115\n-0.904;3.125\n", NONE, THREE, None),
    "three decimals alone": ("x.csv", "a;b\n1.303;2.115\n", NONE, [THREE[0]], ["a", "b"]),
    "zeros in front, told": ("x.csv", "7,05\n8,06\n", Reading(sep=","), [[7, 5], [8, 6]], None),
    "a zero below zero": ("x.csv", "-0,3,1.5\n2,1,0.5\n", NONE, [[0, 3, 1.5], [2, 1, 0.5]], None),
    "zeros in front of fractions": ("x.csv", "0,0.5\n0,0.7\n", NONE, [[0, 0.5], [0, 0.7]], None),
    # a first line of numbers that holds values
    "rising fractions": (
        "x.csv",
        "0.11,0.52,0.91\n0.7,0.2,0.4\n",
        NONE,
        [[0.11, 0.52, 0.91], [0.7, 0.2, 0.4]],
        None,
    ),
    "equal steps everywhere": (
        "x.csv",
        "0.1,0.2,0.3\n1.5,1.6,1.9\n",
        NONE,
        [[0.1, 0.2, 0.3], [1.5, 1.6, 1.9]],
        None,
    ),
    "whole among fractions": (
        "x.csv",
        "3,1\n1.5,2.5\n2,0.5\n7,4\n8,9\n",
        NONE,
        [[3, 1], [1.5, 2.5], [2, 0.5], [7, 4], [8, 9]],
        None,
    ),
    "exponents among others": (
        "x.csv",
        "1e-5,2e-3\n2e-5,0.5\n0.25,1e-7\n",
        NONE,
        [[1e-5, 2e-3], [2e-5, 0.5], [0.25, 1e-7]],
        None,
    ),
    "wavenumbers, told": ("x.csv", "4000,3998\n1.5,2.5\n3.5,4.5\n", HEADER, ONE, ["4000", "3998"]),
    "separators at the ends, header too": (
        "x.csv",
        "a;b;\n1,5;2,5;\n3,5;4,5;\n",
        Reading(columns=["a", "b"]),
        ONE,
        ["a", "b"],
    ),
    "tabs at the ends": ("x.tsv", "a\tb\n1.5\t2.5\t\n3.5\t4.5\t\n", NONE, ONE, ["a", "b"]),
    "lists that nothing encloses": ("x.csv", "e\n[1.5 2.5]\n[3.5 4.5]\n", NONE, ONE, None),
    "such lists, no header": ("x.csv", "[1.5 2.5]\n[3.5 4.5]\n", NONE, ONE, None),
    "such lists beside an id": (
        "x.csv",
        "id,e\nx,[1.5 2.5]\ny,[ 3.5  4.5 ]\n",
        Reading(columns=["e"]),
        ONE,
        None,
    ),
    # columns
    "a list of names that is no name": (
        "x.csv",
        '"a,b",a,c\n9,1.5,2.5\n8,3.5,4.5\n',
        Reading(columns=["a", "c"]),
        ONE,
        ["a", "c"],
    ),
    "columns": (
        "x.csv",
        "id,a,b\nx,1.5,2.5\ny,3.5,4.5\n",
        Reading(columns=["a,b"]),
        ONE,
        ["a", "b"],
    ),
    "columns in order": (
        "x.csv",
        "b,a\n2.5,1.5\n4.5,3.5\n",
        Reading(columns=["a", "b"]),
        ONE,
        ["a", "b"],
    ),
    "drop": ("x.csv", "id,a,b\nx,1.5,2.5\ny,3.5,4.5\n", Reading(drop=["id"]), ONE, ["a", "b"]),
    "drop by place": ("x.csv", "9,1.5,2.5\n8,3.5,4.5\n", Reading(drop=["V1"]), ONE, None),
    "a comma in a name": (
        "x.csv",
        '"a,x",b\n1.5,2.5\n3.5,4.5\n',
        Reading(columns=["a,x", "b"]),
        ONE,
        ["a,x", "b"],
    ),
    "empty last column": (
        "x.csv",
        "a,b,\n1.5,2.5,\n3.5,4.5,\n",
        Reading(drop=["V3"]),
        ONE,
        ["a", "b"],
    ),
    # lists in one column
    "lists": ("x.csv", 'e\n"[1.5, 2.5]"\n"[3.5, 4.5]"\n', NONE, ONE, None),
    "lists of NumPy": ("x.csv", 'e\n"[1.5  2.5]"\n"[ 3.5\n  4.5]"\n', NONE, ONE, None),
    "lists beside an id": (
        "x.csv",
        'id,e\nx,"[1.5, 2.5]"\ny,"[3.5, 4.5]"\n',
        Reading(drop=["id"]),
        ONE,
        None,
    ),
    "lists, no header": ("x.csv", '"[1.5, 2.5]"\n"[3.5, 4.5]"\n', NONE, ONE, None),
    # missing values
    "dropna": (
        "x.csv",
        "a,b\n1.5,2.5\n,7\nNA,7\n3.5,4.5\n8, nan \n",
        Reading(dropna=True),
        ONE,
        ["a", "b"],
    ),
    "missing, not compared": (
        "x.csv",
        "a,b,c\n1.5,2.5,\n3.5,4.5,7\n",
        Reading(drop=["c"]),
        ONE,
        ["a", "b"],
    ),
    "exact": (
        "x.csv",
        "0.1,12345678.123456789\n2e-300,3\n",
        NONE,
        [[0.1, 12345678.123456789], [2e-300, 3]],
        None,
    ),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", RIGHT)
def test_a_text_table_is_read(case):
    name, content, options, expected, names = RIGHT[case]
    values, columns = read(name, content, options)
    np.testing.assert_allclose(values, expected, rtol=1e-15)
    assert columns == names


AT_END = "a separator at the end of each line"
POINTS = "must say what its points mean; .* `--decimal .`"
REFUSED = {
    "one name too few, fractions": (
        "x.csv",
        "a\n1.5,2.5\n3.5,4.5\n",
        NONE,
        "no name .* commas.* is no index",
    ),
    "one name too few, repeated": ("x.csv", "a,b\n1,1,2\n1,3,4\n", NONE, "no name .* is no index"),
    "half a number": ("x.csv", "x\n1,5\n2,5\n3,7\n", NONE, "no index.*`--sep` and `--decimal`"),
    "two names too few": (
        "x.csv",
        "a\n1,2,3\n4,5,6\n",
        NONE,
        "line 1 names 1 columns where line 2 holds 3 values, separated by commas",
    ),
    "one name too many": (
        "x.csv",
        "a,b,c\n1,2\n3,4\n",
        NONE,
        "line 1 names 3 columns where line 2 holds 2 .* commas",
    ),
    "long line": (
        "x.csv",
        "a,b\n1,2\n3,4,5\n6,7\n",
        NONE,
        "line 3 holds 3 values where line 2 holds 2, separated by commas",
    ),
    "short line": (
        "x.csv",
        "a;b\n1;2\n3\n6;7\n",
        NONE,
        "line 3 holds 1 values where line 2 holds 2, separated by semicolons",
    ),
    "short line, dropna": (
        "x.csv",
        "a,b\n1,2\n3\n6,7\n",
        Reading(dropna=True),
        "line 3 holds 1 values",
    ),
    "long line far down": (
        "x.csv",
        "a,b\n" + "1,2\n" * 300 + "1,2,3\n",
        NONE,
        "line 302 holds 3 values",
    ),
    "commas of two kinds": ("x.csv", "1,5;2.5\n3,5;4.5\n", NONE, "`--decimal ,` if it is one"),
    "thousands": (
        "x.csv",
        "1,234;5,678\n2,345;6,789\n",
        NONE,
        "'1,234' may hold a decimal comma.*--decimal",
    ),
    "thousands and decimals": (
        "x.csv",
        "1.234,5;2,5\n1.234,5;3,5\n",
        HEADER,
        "other values in 1.234,5, such as '1.234,5' in line 2",
    ),
    "wrong separator": (
        "x.csv",
        "a;b\n1;2\n",
        Reading(sep=","),
        "other values in a;b.*separator is taken to be commas",
    ),
    "two separators": (
        "x.txt",
        "a;b|c\n1;2|3\n4;5|6\n",
        NONE,
        "semicolons and pipes both could. Use `--sep`",
    ),
    "0": ("x.csv", "0\n1.5\n2.5\n", NONE, IS_DOUBT),
    "0,1": ("x.csv", "0,1\n1.5,2.5\n", NONE, IS_DOUBT),
    "wavelengths": ("x.csv", "400,402\n1.5,2.5\n3.5,4.5\n", NONE, IS_DOUBT),
    "one wavelength": ("x.csv", "400\n1.5\n3.5\n", NONE, IS_DOUBT),
    "wavelengths over counts": ("x.csv", "1,2,3\n7,5,6\n9,2,1\n", NONE, IS_DOUBT),
    "decimals without a column": ("x.csv", "0,125\n-0,25\n", NONE, "-0,25 may be one number"),
    "parts of numbers": ("x.txt", "3,05\n1,25\n", NONE, "3,05 may be one number"),
    "numbers in quotes": ("x.csv", '"400","402"\n1,2\n3,4\n', NONE, IS_DOUBT),
    "R, numbers in quotes": ("x.csv", '"400","402"\n"1",1,2\n"2",3,4\n', NONE, IS_DOUBT),
    "numbers and words": ("x.csv", "a,402\n1.5,2.5\n", NONE, IS_DOUBT),
    "only NA": ("x.csv", "NA,NA\n1,2\n3,4\n", NONE, IS_DOUBT),
    "dashes": ("x.csv", "-,-\n1,2\n3,4\n", NONE, IS_DOUBT),
    "a date": ("x.csv", "2024-01-01,1.5\n2024-01-02,2.5\n", NONE, IS_DOUBT),
    "header twice": (
        "x.csv",
        "# a,b\n1,2\n3,4\n",
        HEADER,
        "must name its columns once; both the comment '# a,b' and line 2",
    ),
    "NA first": ("x.csv", "NA,1.5\n2,2.5\n", NONE, "none in line 1, column 'V1'.*`--dropna`"),
    "flags and numbers": (
        "x.csv",
        "True,False\n1.0,0.0\n",
        NONE,
        "other values in V1, V2, such as 'True' in line 1",
    ),
    "header only": ("x.csv", "a,b\n", NONE, "got a header only"),
    "nothing": ("x.csv", "", NONE, "holds no rows"),
    "comments only": ("x.csv", "# a\n# b\n", NONE, "holds no rows"),
    "a gap": ("x.csv", "a,b\n1,2\n\n3,\n5,6\n", NONE, "none in line 4, column 'b'. Use `--dropna`"),
    "a gap after a long cell": (
        "x.csv",
        'n,a,b\n"x\ny",1,2\nz,,4\n',
        Reading(drop=["n"]),
        "none in line 4, column 'a'",
    ),
    "infinity": (
        "x.csv",
        "a,b\n1,2\n3,-inf\n",
        Reading(dropna=True),
        "got -inf in line 3, column 'b'",
    ),
    "too large": ("x.csv", "a,b\n1,2\n3,1e200\n", NONE, r"got 1e\+200 in line 3, column 'b'"),
    "text": (
        "x.csv",
        "a,b\n1,2\n3,x\n",
        NONE,
        "other values in b, such as 'x' in line 3. Leave .* `--drop`",
    ),
    "text in numbers": ("x.csv", "a,b\n1,2\n3,1_000\n", NONE, "such as '1_000' in line 3"),
    "footer": ("x.csv", "a,b\n1,2\n3,4\n# end,\n", NONE, "such as '# end' in line 4"),
    "quote": ("x.csv", 'a,b\n1,"2\n3,4\n', NONE, "x.csv` must be a .csv file of numbers"),
    "empty column": ("x.csv", "a,b,\n1,2,\n3,4,\n", NONE, "none in line 2, column 'V3'"),
    "a column that is not there": (
        "x.csv",
        "a,b\n1,2\n",
        Reading(columns=["c"]),
        "`--columns` must name a column of x.csv; got 'c', it has a, b",
    ),
    "drop what is not there": (
        "x.csv",
        "a,b\n1,2\n",
        Reading(drop=["c"]),
        "`--drop` must name a column of x.csv; got 'c'",
    ),
    "drop a list of which one is not there": (
        "x.csv",
        "a,b\n1,2\n",
        Reading(drop=["a,c"]),
        "`--drop` must name a column of x.csv; got 'c', it has a, b",
    ),
    "drop all": ("x.csv", "a,b\n1,2\n", Reading(drop=["a,b"]), "must have columns left to compare"),
    "names twice": ("x.csv", "a,a\n1,2\n", Reading(drop=["a"]), "2 are called 'a'"),
    "bad separator": ("x.csv", "a,b\n1,2\n", Reading(sep="::"), "`--sep` must be one character"),
    "bad decimal": (
        "x.csv",
        "a,b\n1,2\n",
        Reading(decimal="x"),
        "`--decimal` must be . or ,; got 'x'",
    ),
    "one mark twice": (
        "x.csv",
        "a,b\n1,2\n",
        Reading(sep=",", decimal=","),
        "must differ; got ','",
    ),
    "lists of two lengths": (
        "x.csv",
        'e\n"[1, 2]"\n"[3]"\n',
        NONE,
        "line 3 holds 1 numbers, other lists 2",
    ),
    "shortened lists": (
        "x.csv",
        'e\n"[1 ... 2]"\n"[3 ... 4]"\n',
        NONE,
        r"'\[1 ... 2\]' in line 2 is no list of numbers",
    ),
    "lists of lists": ("x.csv", 'e\n"[[1, 2], [3, 4]]"\n', NONE, "is no list of numbers"),
    "a list is missing": ("x.csv", 'e\n"[1, 2]"\nNA\n"[3, 4]"\n', NONE, "none in line 3"),
    "Latin 1": (
        "x.csv",
        "größe,b\n1,2\n".encode("latin-1"),
        NONE,
        "no text in UTF-8. Convert it: iconv",
    ),
    "separators at the ends": ("x.csv", "id,y,a,b\n0,0,4,.10,\n1,1,5,.20,\n", NONE, AT_END),
    "separators at the ends, tabs": (
        "x.tsv",
        "a\tb\n0.5\t1\t\n1.5\t2\t\n",
        Reading(sep="tab"),
        AT_END,
    ),
    "separators at the ends, columns": (
        "x.csv",
        "y,a,b\n0,4,.10,\n1,5,.20,\n",
        Reading(columns=["a"]),
        AT_END,
    ),
    "separators at the ends, drop": (
        "x.csv",
        "y,a,b\n0,4,.10,\n1,5,.20,\n",
        Reading(drop=["b"], header=True, sep=","),
        AT_END,
    ),
    "points between thousands": ("x.csv", "a;b;c\n1.303;822;331\n2.115;904;12\n", NONE, POINTS),
    "points, no header": ("x.txt", "1.303 822\n904 2.115\n", NONE, POINTS),
    "points in one column": ("x.tsv", "n\tm\n1.303\tx\n822\ty\n", Reading(drop=["m"]), POINTS),
    "points, nothing else": ("x.csv", "n\n1.303\n822\n", NONE, POINTS),
    "points twice": ("x.csv", "a;b\n1.303.822;1\n2.303;2\n", Reading(columns=["b"]), POINTS),
    "wavenumbers": ("x.csv", "4000,3998,3996\n0.25,2.1,0.5\n3.5,5.5,0.5\n", NONE, IS_DOUBT),
    "wavenumbers above counts": ("x.csv", "4000,3998,3996\n7,9,8\n2,1,5\n", NONE, IS_DOUBT),
    "steps of a half": ("x.csv", "400.5,401.0,401.5\n.3,.1,.2\n.5,.7,.6\n", NONE, IS_DOUBT),
    "steps of a half, commas": (
        "x.csv",
        "400,5;401,0;401,5\n0,3;0,1;0,2\n0,5;0,7;0,6\n",
        NONE,
        IS_DOUBT,
    ),
    "steps of a tenth": ("x.csv", "0.1,0.2,0.3\n.3,.1,.2\n.5,.7,.6\n", NONE, IS_DOUBT),
    "rounded steps": ("x.csv", "0.0,3.33,6.67,10.0\n3,1.5,2,7\n1,4,5.5,0\n", NONE, IS_DOUBT),
    "uneven steps, far off": (
        "x.csv",
        "400.5,401.7,409.0\n.3,.1,.2\n.5,.7,.6\n",
        NONE,
        IS_DOUBT,
    ),
    "uneven steps, many": (
        "x.csv",
        "1.1,1.2,1.4,1.7,2.1,2.6\n3.1,1.5,2.1,7.2,1.0,0.5\n1.1,4.5,5.5,0.2,1.0,0.5\n",
        NONE,
        IS_DOUBT,
    ),
    "exponents": ("x.csv", "1e3,2e3,3e3\n0.5,0.7,0.1\n0.2,0.1,0.5\n", NONE, IS_DOUBT),
    "years": ("x.csv", "2020,2020,2021\n0.5,0.7,0.1\n0.2,0.1,0.5\n", NONE, IS_DOUBT),
    "places in no order": ("x.csv", "3,1,2\n0.5,0.7,0.1\n0.2,0.1,0.5\n", NONE, IS_DOUBT),
    "wavenumbers, some zeros": (
        "x.csv",
        "4000,3998,3990\n" + "0.5,0.7,0.1\n0.2,0.1,0.5\n0,0.5,0.25\n" * 9,
        NONE,
        IS_DOUBT,
    ),
    "wavenumbers above an index": (
        "x.csv",
        ",4000,3998\n7,0.5,0.7\n9,0.25,0.1\n",
        Reading(dropna=True),
        IS_DOUBT,
    ),
    "four halves of numbers": (
        "x.csv",
        "0,3456,0,8216\n1,2345,0,0537\n",
        NONE,
        "0,0537 may be one number. Use `--decimal ,` and `--sep ;`",
    ),
    "halves after an id": ("x.csv", "x,0,0537\ny,1,25\n", Reading(header=False), "0,0537 may be"),
    "a comma missing in a list": (
        "x.csv",
        'e\n"[1, 0.3, 2 3]"\n"[1, 2, 3, 4]"\n',
        NONE,
        r"'\[1, 0.3, 2 3\]' in line 2 is no list of numbers",
    ),
    "a list that does not end": ("x.csv", 'e\n"[1, 2"\n"[3, 4]"\n', NONE, "is no list of numbers"),
    "a list and a name": (
        "x.csv",
        '"a,b",a,b\n1,2,3\n',
        Reading(columns=["a,b"]),
        "'a,b' is one column and a list of others. Use `--columns a --columns b`",
    ),
    "gzip": ("x.csv", gzip.compress(b"a,b\n1,2\n"), NONE, "with gzip. Rename it x.csv.gz"),
    "Excel": ("x.csv", b"PK\x03\x04 and more", NONE, "is an archive, as .xlsx"),
    "UTF-16": ("x.csv", "a,b\n1,2\n".encode("utf-16"), NONE, "UTF-16. Save it as UTF-8"),
    "UTF-16, big": ("x.csv", "\ufeffa,b\n1,2\n".encode("utf-16-be"), NONE, "iconv -f UTF-16"),
    "damaged gzip": ("x.csv.bz", b"", NONE, "must end in"),
    "zip": ("x.zip", b"PK", NONE, "must end in .* got .zip"),
    "torch": (
        "x.pt",
        b"",
        NONE,
        "got .pt. Convert it: python -c .*torch.load.'x.pt', weights_only=True",
    ),
    "AnnData": ("x.h5ad", b"", NONE, "got .h5ad. Convert it: .*to_df"),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("case", REFUSED)
def test_a_text_table_is_refused(case):
    name, content, options, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        read(name, content, options)


def test_ordinary_fractions_are_rows():
    """First lines rise by chance: of three columns, a third of them."""
    rng = np.random.default_rng(0)
    for i in range(300):
        sep, ending = [(",", "csv"), (";", "csv"), (" ", "txt")][i % 3]
        Z = rng.normal(size=(20, 3 + i % 4)).round(2 + i % 7)
        frame = pd.DataFrame(Z)
        frame.to_csv(f"x.{ending}", index=False, header=False, sep=sep)
        np.testing.assert_array_equal(read_rows(f"x.{ending}"), Z)


def test_a_file_that_may_not_be_read(monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    for name in ("x.npy", "x.npz", "x.csv", "x.csv.gz", "x.parquet"):
        write(name, "1,2\n")
        with pytest.raises(PermissionError, match=f"`{name}` must be a file that can be read"):
            read_rows(name)


def test_an_array_with_more_behind_it():
    with Path("x.npy").open("wb") as file:
        np.save(file, np.array(ONE))
        np.save(file, np.array(TWO))
    with pytest.raises(ValueError, match=r"must hold one array; \d+ bytes follow the first"):
        read_rows("x.npy")


def test_named_fields_of_an_array():
    np.save("x.npy", np.zeros(3, [("a", float), ("b", float)]))
    with pytest.raises(ValueError, match=r"got records of 2 named fields"):
        read_rows("x.npy")


def test_a_gap_inside_a_parquet_list():
    pytest.importorskip("pyarrow")
    pd.DataFrame({"e": [[1.0, 2.0], [3.0, np.nan]], "y": ["u", "v"]}).to_parquet("x.parquet")
    with pytest.raises(ValueError, match=r"none in row 1 .*, column 'e'"):
        read_groups("x.parquet", "y")
    with pytest.raises(ValueError, match=r"none in row 1 .*, column 'e'"):
        read_rows("x.parquet", Reading(columns=["e"]))


def test_separators_at_the_ends_beside_labels():
    write("x.csv", "id,y,a,b\n0,0,4,.10,\n1,1,5,.20,\n")
    with pytest.raises(ValueError, match=AT_END):
        read_groups("x.csv", "y")


def test_a_damaged_gzip_file_is_named():
    whole = gzip.compress(b"a,b\n" + b"1,2\n" * 9999)
    for content in (whole[:40], b"a,b\n1,2\n", whole[:30] + b"\xff" * 20 + whole[50:]):
        Path("x.csv.gz").write_bytes(content)
        with pytest.raises(ValueError, match=r"`x.csv.gz` must be a .csv.gz file of numbers; it c"):
            read_rows("x.csv.gz")


def test_what_is_left_out_or_looks_odd_is_said(capsys):
    read("x.csv", "a,b\n1,2,3\n2,4,5\n", NONE)
    assert (
        capsys.readouterr().err == "repdist: x.csv: the first column has no name and is left out\n"
    )
    read("x.csv", "a,b\n1,2\n,3\n4,5\n", Reading(dropna=True))
    assert capsys.readouterr().err == "repdist: x.csv: 1 of 3 rows have missing values, left out\n"
    read("x.csv", "id,b\n1,2\n2,3\n3,9\n", NONE)
    assert "column 'id' counts the rows" in capsys.readouterr().err
