"""A contract of the readers: what a file means, or why it is refused; nothing is guessed."""

import gzip
import os
import re
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import repdist
from repdist._cli import commands
from repdist._cli.load import check_options, read_groups, read_rows
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
    with pytest.raises(ValueError, match=r"none in line 3, the label"):
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
    rows, labels = read_groups("x.csv", "V2", ROWS)
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
        check_options(["x.npy", "y.parquet"], Reading(sep=";"))
    with pytest.raises(ValueError, match=r"`--header` must be given"):
        check_options(["x.npz:key"], Reading(header=False))
    with pytest.raises(ValueError, match=r"`--drop` must be given for tables; got x.npy"):
        check_options(["x.npy"], Reading(drop=["a"]))
    check_options(["x.npy", "y.csv.gz"], Reading(sep=";", drop=["a"]))
    check_options(["x.parquet"], Reading(columns=["a"]))


# --- on the command line -------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command line in this process: exit code, output, messages."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["repdist", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            commands.main()
        return stopped.value.code, *capsys.readouterr()

    return run


X = np.random.default_rng(1).normal(size=(30, 3))
Y = np.random.default_rng(2).normal([0, 50, 0], size=(25, 3))
A, B = (pd.DataFrame(Z, columns=list("abc")) for Z in (X, Y))


def pvalue(run, *arguments):
    code, output, message = run("test", *arguments, "--resamples", 199)
    assert code == 0, message
    return float(re.search("p-value +([0-9.]+)", output)[1])


LEAST = float(f"{1 / 256:.4g}")  # of 255 relabelings and the observed one


def test_columns_of_two_files_are_matched_by_name(run):
    A.to_csv("a.csv", index=False)
    B.to_csv("b.csv", index=False)
    B[["c", "b", "a"]].to_csv("turned.csv", index=False, sep=";", decimal=",")
    A[["c", "a", "b"]].to_csv("same.csv", index=False)
    assert pvalue(run, "a.csv", "b.csv") == pvalue(run, "a.csv", "turned.csv") == LEAST
    assert pvalue(run, "a.csv", "same.csv") == 1
    B.rename(columns={"c": "d"}).to_csv("other.csv", index=False)
    code, output, message = run("test", "a.csv", "other.csv")
    assert (code, output) == (2, "")
    assert message == (
        "repdist: `a.csv` and `other.csv` must have the same columns; got 'c' only in `a.csv` and "
        "'d' only in `other.csv`. Select or rename columns.\n"
    )
    B.to_csv("plain.csv", index=False, header=False)
    assert pvalue(run, "a.csv", "plain.csv") == LEAST
    np.save("b.npy", Y)
    assert pvalue(run, "a.csv", "b.npy") == LEAST


def test_what_r_writes_gives_the_answer_of_the_rows(run):
    """Its header is one name short; the last column, which differs by 50, was lost once."""
    for name, frame in (("a.csv", A), ("b.csv", B[["a", "c", "b"]].set_axis(list("abc"), axis=1))):
        with_names = frame.set_index(np.arange(1, len(frame) + 1)).to_csv()
        write(name, with_names.removeprefix(","))
    assert pvalue(run, "a.csv", "b.csv") == LEAST


def test_names_of_columns_reach_the_cautions(run):
    frame = A.assign(d=1.0, b=1000 * A["b"])
    frame.to_csv("a.csv", index=False)
    code, output, _ = run("test", "a.csv", "a.csv", "--resamples", 99)
    assert code == 0
    assert "('d')" in output
    assert "column 'b'" in output


@pytest.mark.parametrize("command", ["test", "matrix", "check", "power"])
def test_every_command_has_the_options_of_reading(command, run):
    _, output, _ = run(command, "--help")
    for option in (
        "--sep",
        "--decimal",
        "--header",
        "--no-header",
        "--columns",
        "--drop",
        "--dropna",
    ):
        assert option in output
    assert ("--labels" in output) == (command == "matrix")


def test_options_of_reading_on_the_command_line(run):
    A.assign(id="x").to_csv("a.csv", index=False, sep=":", decimal=",")
    B.assign(id="y").to_csv("b.csv", index=False, sep=":", decimal=",")
    options = ("--sep", ":", "--decimal", ",", "--drop", "id")
    assert pvalue(run, "a.csv", "b.csv", *options) == LEAST
    assert pvalue(run, "a.csv", "b.csv", *options, "--columns", "a,c") > LEAST


def test_messages_speak_the_language_of_the_shell(run):
    np.save("a.npy", X[:, :, None])
    np.save("b.npy", Y)
    code, _, message = run("test", "a.npy", "b.npy")
    assert code == 2
    assert message == (
        "repdist: `a.npy` must have shape (rows, columns); got 3 dimensions, shape (30, 3, 1).\n"
    )
    np.savez("g.npz", a=X, b=np.where(X > 2, np.nan, X))
    code, _, message = run("matrix", "g.npz")
    assert message.startswith("repdist: `g.npz['b']` must hold finite numbers")


@pytest.mark.parametrize("bad", ["-1", "-5"])
@pytest.mark.parametrize("command", ["test", "check", "power"])
def test_a_seed_below_zero(command, bad, run):
    np.save("a.npy", X)
    code, output, message = run(command, "a.npy", "a.npy", "--seed", bad)
    assert (code, output) == (2, "")
    assert message == f"repdist: `--seed` must be at least 0; got {bad}.\n"


def test_a_name_with_nul(run):
    code, _, message = run("test", "a\0b.csv", "b.csv")
    assert code == 2
    assert "NUL" in message
    np.save("a.npy", X)
    code, _, message = run("test", "a.npy", "a.npy", "--plot", "a\0b.png")
    assert code == 2
    assert "'--plot'" in message


# --- what is written -----------------------------------------------------------------------------


@pytest.fixture
def labelled(monkeypatch):
    """A file of groups; no work may begin."""
    A.assign(label=np.repeat(["u", "v", "w"], 10)).to_csv("in.csv", index=False)

    def no_work(*_, **__):
        raise AssertionError

    monkeypatch.setattr(repdist, "pairwise_mmd_test", no_work)


def refused_output(run, *arguments):
    content = Path("in.csv").read_text("utf-8")
    code, output, message = run("matrix", "in.csv", "--labels", "label", *arguments)
    assert (code, output) == (2, "")
    assert "Traceback" not in message
    assert Path("in.csv").read_text("utf-8") == content
    return message.removeprefix("repdist: ")


@pytest.mark.usefixtures("labelled")
def test_an_input_is_not_overwritten(run):
    Path("link.csv").symlink_to("in.csv")
    Path("hard.csv").hardlink_to("in.csv")
    for name in ("in.csv", "./in.csv", "link.csv", "hard.csv"):
        message = refused_output(run, "--csv", name)
        assert message.startswith("`--csv` must not be the file of in.csv; got")


@pytest.mark.usefixtures("labelled")
def test_an_input_behind_a_link_is_not_overwritten(run):
    Path("source.csv").symlink_to("in.csv")
    code, _, message = run("matrix", "source.csv", "--labels", "label", "--csv", "in.csv")
    assert code == 2
    assert "`--csv` must not be the file of source.csv" in message


@pytest.mark.usefixtures("labelled")
def test_two_outputs_are_two_files(run):
    Path("link.png").symlink_to("out.png")
    write("out.csv", "")
    Path("out.html").symlink_to("out.csv")
    assert "must end in .html or .htm; got out.html, a link to out.csv" in refused_output(
        run, "--csv", "out.csv", "--html", "out.html"
    )


@pytest.mark.usefixtures("labelled")
def test_links_that_lead_nowhere(run):
    Path("two.csv").symlink_to("one.csv")
    Path("one.csv").symlink_to("two.csv")
    Path("nowhere.csv").symlink_to("missing/out.csv")
    for name in ("one.csv", "nowhere.csv", "missing/out.csv", "in.csv/out.csv"):
        message = refused_output(run, "--csv", name)
        assert message.startswith("`--csv` must be a file in an existing folder; got")


@pytest.mark.usefixtures("labelled")
def test_what_cannot_be_written_is_refused_first(run, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    message = refused_output(run, "--csv", "out.csv")
    assert message == "`--csv` must be in a folder that can be written; got 'out.csv'.\n"


@pytest.mark.usefixtures("labelled")
def test_a_file_that_is_read_only_is_refused_first(run, monkeypatch):
    write("out.csv", "kept")
    monkeypatch.setattr(
        os, "access", lambda path, mode, **_: mode == os.R_OK or Path(path).is_dir()
    )
    message = refused_output(run, "--csv", "out.csv")
    assert message == "`--csv` must be a file that can be written; got out.csv.\n"


def test_the_result_is_printed_before_files_are_written(run, monkeypatch):
    np.save("a.npy", X)

    def fail(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(repdist.MMDTestResult, "to_html", fail)
    code, output, message = run("test", "a.npy", "a.npy", "--resamples", 99, "--html", "out.html")
    assert code == 2
    assert "p-value" in output
    assert "disk full" in message


def test_a_terminal_that_cannot_show_a_name(monkeypatch):
    import io

    A.assign(label=np.repeat(["日本", "v", "w"], 10)).to_csv("in.csv", index=False)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "argv", ["repdist", "matrix", "in.csv", "--labels", "label"])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    assert stopped.value.code == 0
    stream.seek(0)
    assert "??" in stream.read()
