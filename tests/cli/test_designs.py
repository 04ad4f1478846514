"""Pairs, clusters and strata on the command line: columns of ids, and the answers of Python."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from given import needs

import repdist
from repdist._cli.outputs import with_options

RNG = np.random.default_rng(4)
X = RNG.normal(size=(30, 3))
Y = RNG.normal(size=(25, 3)) + 0.5
NAMED = pd.DataFrame(X, columns=["a", "b", "c"])
CLUSTERS = [f"{i // 3:02d}" for i in range(30)], [f"{20 + i // 5:02d}" for i in range(25)]
STRATA = ["07", "7"] * 15, ["7", "07", "7", "7", "07"] * 5  # text as it is written
QUICK = ("--resamples", 99)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", X)
    np.save(tmp_path / "b.npy", Y)
    monkeypatch.chdir(tmp_path)


def write(name, rows, **ids):
    table = pd.DataFrame(rows, columns=["a", "b", "c"])
    for place, (column, values) in enumerate(ids.items()):
        table.insert(place + 1, column, values)
    if name.endswith(".parquet"):
        table.to_parquet(name)
    else:
        table.to_csv(name, index=False, sep="\t" if name.endswith(".tsv") else ",")


def frame(rows):
    return pd.DataFrame(rows, columns=["a", "b", "c"])


# --- a column of text that was forgotten ---------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "tsv", "parquet"])
@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("test {} b.npy", "--clusters,--strata"),
        ("columns {} b.npy", "--clusters,--strata"),
        ("check {} b.npy", "--clusters,--strata"),
        ("power {} b.npy --strata b", "--clusters"),
        ("matrix {} --labels b", "--clusters,--strata"),
        ("against {} b.npy", "--clusters,--strata"),
        ("metric kid {} b.npy", "--labels,--clusters"),
        ("metric kid {} b.npy --clusters b", ""),
        ("metric fid {} b.npy", "--labels"),
        ("by-label {} b.npy --labels b", ""),
        ("reference fit {} -o ref.npz", ""),
    ],
)
def test_a_column_of_text_may_be_named_by_the_options_of_the_command(run, ending, command, options):
    if ending == "parquet":
        needs("pyarrow")
    file = f"x.{ending}"
    write(file, X, donor=[f"d{i // 3}" for i in range(30)])
    code, output, message = run(*command.format(file).split())
    assert (code, output) == (2, "")
    assert message.startswith(f"repdist: `{file}` must hold numeric columns only; got other values")
    use = " or ".join(f"`{option} donor`" for option in options.split(",") if option)
    hint = f"If donor holds ids or classes of rows, use {use}. " if use else ""
    rest = message.partition(". ")[2]
    assert rest.startswith(f"{hint}Leave out what is not compared: `--drop donor`")


def test_several_columns_of_text_are_dropped_at_once(run):
    write("x.csv", X, **{"the donor": ["d"] * 30, "site": ["s"] * 30})
    _, _, message = run("test", "x.csv", "b.npy")
    assert "use `--clusters 'the donor'` or `--strata 'the donor'`. " in message
    assert "Leave out what is not compared: `--drop 'the donor',site`;" in message
    code, *_ = run("test", "x.csv", "b.npy", "--drop", "the donor,site", *QUICK)
    assert code == 0


@pytest.mark.parametrize("cell", ["1.5.2", "12 %"])
def test_a_number_that_is_damaged_is_no_id(run, cell):
    write("x.csv", X, d=[cell] * 30)
    assert "clusters" not in run("test", "x.csv", "b.npy")[2]
    write("x.csv", X, d=[1, "x"] * 15)
    assert "clusters" not in run("test", "x.csv", "b.npy")[2]


# --- two samples ---------------------------------------------------------------------------------


def test_pairs(run):
    after = pd.DataFrame(X + 0.1, columns=["a", "b", "c"])
    after[["b", "c", "a"]].to_csv("after.csv", index=False)  # matched by name
    NAMED.to_csv("before.csv", index=False)
    code, output, message = run("test", "before.csv", "after.csv", "--paired", *QUICK)
    expected = repdist.mmd_test(NAMED, after, paired=True, n_resamples=99, rng=0)
    assert (code, output, message) == (0, with_options(f"{expected}\n"), "")
    assert output.startswith("Paired MMD test: 30 pairs of rows\n")


def test_files_that_cannot_be_paired(run):
    code, output, message = run("test", "a.npy", "b.npy", "--paired")
    assert (code, output) == (2, "")
    assert message == (
        "repdist: `a.npy` and `b.npy` must have as many rows if `--paired`: row i of `a.npy` "
        "belongs to row i of `b.npy`; got 30 and 25. Leave out rows that have no partner.\n"
    )
    for name, gap in (("first.csv", "1,\n2,3\n4,5\n"), ("second.csv", "1,2\n3,\n4,5\n")):
        Path(name).write_text(f"a,b\n{gap}", encoding="utf-8")
    code, output, message = run("test", "first.csv", "second.csv", "--paired", "--dropna")
    assert (code, output) == (2, "")
    assert message == (
        "repdist: `--dropna` must not be given with `--paired`: rows left out of one file would "
        "part the others of first.csv and second.csv. Leave out both rows of such pairs.\n"
    )


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--clusters", "video"], {"clusters": CLUSTERS}),
        (["--strata", "site"], {"strata": STRATA}),
        (
            ["--clusters", "video", "--strata", "site"],
            {"clusters": CLUSTERS, "strata": (["u"] * 15 + ["v"] * 15, ["u"] * 10 + ["v"] * 15)},
        ),
    ],
    ids=["clusters", "strata", "clusters in strata"],
)
def test_columns_of_both_tables(run, options, ids):
    """They are left out of the features, whichever are named."""
    columns = {"clusters": "video", "strata": "site"}
    of_x, of_y = ({columns[name]: values[i] for name, values in ids.items()} for i in (0, 1))
    write("x.csv", X, **of_x)
    write("y.tsv", Y, **of_y)
    code, output, message = run("test", "x.csv", "y.tsv", *options, *QUICK)
    expected = repdist.mmd_test(NAMED, Y, **ids, n_resamples=99, rng=0)
    assert (code, output, message) == (0, with_options(f"{expected}\n"), "")


def test_pairs_of_clusters(run):
    ids_y = np.repeat([f"{i:02d}" for i in (4, 1, 2, 3, 0)], 5)
    ids_x = np.repeat([f"{i:02d}" for i in (0, 1, 2, 3, 4)], 6)
    write("x.csv", X, donor=ids_x)
    write("y.csv", Y, donor=ids_y)
    options = "--paired", "--clusters", "donor", *QUICK
    code, output, message = run("test", "x.csv", "y.csv", *options)
    expected = repdist.mmd_test(
        NAMED, frame(Y), paired=True, clusters=(ids_x, ids_y), n_resamples=99, rng=0
    )
    assert (code, output, message) == (0, with_options(f"{expected}\n"), "")
    assert output.startswith("Paired MMD test: 5 pairs of clusters")


def test_pairs_of_clusters_may_lose_rows(run):
    """Ids make the pairs: a row that is left out parts none, as it would those by place."""
    ids = np.repeat([f"{i:02d}" for i in range(5)], 6)
    gap = X.copy()
    gap[4, 1] = np.nan
    write("x.csv", gap, donor=ids)
    write("y.csv", X + 0.5, donor=ids)
    options = "--paired", "--clusters", "donor", "--dropna", *QUICK
    code, output, message = run("test", "x.csv", "y.csv", *options)
    rest = np.delete(X, 4, axis=0), X + 0.5
    pairs = np.delete(ids, 4), ids
    expected = repdist.mmd_test(
        *map(frame, rest), paired=True, clusters=pairs, n_resamples=99, rng=0
    )
    assert (code, output) == (0, with_options(f"{expected}\n"))
    assert message == "repdist: x.csv: 1 of 30 rows have missing values, left out\n"


def test_pairs_in_strata(run):
    write("x.csv", X, site=["u"] * 14 + ["v"] * 16)
    write("y.csv", X[::-1], site=["u"] * 14 + ["v"] * 16)
    code, output, _ = run("test", "x.csv", "y.csv", "--paired", "--strata", "site", *QUICK)
    sites = ["u"] * 14 + ["v"] * 16
    expected = repdist.mmd_test(
        NAMED, frame(X[::-1]), paired=True, strata=(sites, sites), n_resamples=99, rng=0
    )
    assert (code, output) == (0, with_options(f"{expected}\n"))


def test_rows_that_have_no_partner(run):
    """An id of its own for each row makes rows pairs, in any order."""
    order = np.random.default_rng(0).permutation(30)
    after = X + 0.1 * RNG.normal(size=X.shape)
    write("before.csv", X, image=[f"i{i:02d}" for i in range(30)])
    write("after.csv", after[order][:25], image=[f"i{i:02d}" for i in order[:25]])
    options = "test", "before.csv", "after.csv", "--paired", "--clusters", "image", *QUICK
    code, output, message = run(*options)
    assert (code, output) == (2, "")
    lone = f"i{min(order[25:]):02d}"
    assert message.startswith(
        "repdist: `--clusters` must have rows in both samples if `--paired`; got 1 row of "
        f"`before.csv` and 0 of `after.csv` in {lone!r}, "
    )
    assert message.endswith("Leave out these 5 rows, e.g. by `--unmatched drop`.\n")
    code, output, _ = run(*options, "--unmatched", "drop")
    assert code == 0
    assert "left out: 5 rows of X and 0 of Y" in output
    both = np.sort(order[:25])
    as_rows = repdist.mmd_test(
        frame(X[both]), frame(after[both]), paired=True, n_resamples=99, rng=0
    )
    assert f"p-value  {as_rows.pvalue:.4g}" in output


def test_strata_of_one_sample_are_left_out_if_asked_for(run):
    sites_x, sites_y = ["u", "v"] * 15, ["v"] * 12 + ["u"] * 12 + ["w"]
    write("x.csv", X, site=sites_x)
    write("y.csv", Y, site=sites_y)
    code, _, message = run("test", "x.csv", "y.csv", "--strata", "site", *QUICK)
    assert code == 2
    assert message.startswith(
        "repdist: `--strata` must have rows of both samples in every stratum; got 0 rows of "
        "`x.csv` and 1 of `y.csv` in 'w'. Join strata"
    )
    assert message.endswith("e.g. by `--unmatched drop`.\n")
    options = "--strata", "site", "--unmatched", "drop", *QUICK
    code, output, _ = run("test", "x.csv", "y.csv", *options)
    expected = repdist.mmd_test(
        NAMED, frame(Y), strata=(sites_x, sites_y), unmatched="drop", n_resamples=99, rng=0
    )
    assert (code, output) == (0, with_options(f"{expected}\n"))
    assert "caution  left out: 0 rows of X and 1 of Y" in output


def test_ids_of_rows_that_are_left_out_are_left_out(run):
    ids_x, ids_y = ["u", "v"] * 15, ["v"] * 12 + ["u"] * 13
    gap = X.copy()
    gap[4, 1] = np.nan
    write("x.csv", gap, site=ids_x)
    write("y.csv", Y, site=[*ids_y[:-1], ""])
    options = "test", "x.csv", "y.csv", "--strata", "site", *QUICK
    code, _, message = run(*options)
    assert code == 2
    assert "`x.csv` must have a value in every cell; got none in line 6, column 'b'" in message
    code, output, _ = run(*options, "--dropna")
    rest = np.delete(X, 4, axis=0), Y[:-1]
    ids = np.delete(ids_x, 4), ids_y[:-1]
    assert code == 0
    expected = repdist.mmd_test(*map(frame, rest), strata=ids, n_resamples=99, rng=0)
    assert output == with_options(f"{expected}\n")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["x.csv", "y.csv", "--clusters", "movie"],
            "`--clusters` must name a column of x.csv; got 'movie', it has a, video, b, c.",
        ),
        (
            ["x.csv", "other.csv", "--strata", "video"],
            "`--strata` must name a column of other.csv; got 'video', it has a, site, b, c.",
        ),
        (
            ["a.npy", "y.csv", "--clusters", "video"],
            "`--clusters` must name a column, and a.npy has none with a name: ids need a table; "
            "got 'video'. Save rows and ids as .csv, .tsv, .txt or .parquet.",
        ),
        (
            ["x.csv", "y.csv", "--strata", "video", "--drop", "video"],
            "`--strata` must name a column that is not compared; got 'video', which `--columns` or "
            "`--drop` names too.",
        ),
        (
            ["x.csv", "gap.csv", "--clusters", "video"],
            "`gap.csv` must have a value in every cell; got none in line 2, column 'video' of "
            "`--clusters`. Use `--dropna` to leave such rows out.",
        ),
        (
            ["x.csv", "x.csv", "--clusters", "video"],
            "`--clusters` must each have all of their rows in one sample; got rows of 'p' in "
            "`x.csv` and `x.csv` (2 such in all). If the same items were measured twice, give "
            "`--paired` too; if each has rows of its own in both, give the ids as `--strata`;",
        ),
        (
            ["x.csv", "y.csv", "--strata", "video"],
            "`--strata` must have rows of both samples in every stratum; got 15 rows of `x.csv` "
            "and 0 of `y.csv` in 'p', 15 rows of `x.csv` and 0 of `y.csv` in 'q', 0 rows of "
            "`x.csv` and 12 of `y.csv` in 'r', 0 rows of `x.csv` and 13 of `y.csv` in 's'.",
        ),
        (
            ["x.csv", "x.csv", "--strata", "video", "--combine", "fuse"],
            '`--combine` must be "max" or "mean" with `--strata`, which make two statistics of '
            'each component; got "fuse".',
        ),
        (
            ["x.csv", "y.csv", "--paired", "--clusters", "video"],
            "`--clusters` must have rows in both samples if `--paired`; got 15 rows of `x.csv` and "
            "0 of `y.csv` in 'p',",
        ),
        (
            ["x.csv", "y.csv", "--paired", "--clusters", "video", "--strata", "video"],
            "`--strata` must not be given with `--paired` and `--clusters`: pairs of clusters are "
            "compared within themselves. Test each stratum by itself.",
        ),
        (["x.csv", "y.csv", "--unmatched", "keep"], ""),
    ],
)
@pytest.mark.parametrize("command", ["test", "check", "power"])
def test_what_is_refused(run, command, arguments, expected):
    write("x.csv", X, video=["p", "q"] * 15)
    write("y.csv", Y, video=["r"] * 12 + ["s"] * 13)
    write("other.csv", Y, site=["r"] * 12 + ["s"] * 13)
    write("gap.csv", Y, video=[""] + ["r"] * 12 + ["s"] * 12)
    code, output, message = run(command, *arguments)
    assert (code, output) == (2, "")
    assert message.startswith(f"repdist: {expected}") or (not expected and "--unmatched" in message)


@needs("pyarrow")
def test_ids_of_a_parquet_file_are_text(run):
    write("x.parquet", X, site=[1, 2] * 15)
    write("y.csv", Y, site=["1"] * 12 + ["2"] * 13)
    code, output, _ = run("test", "x.parquet", "y.csv", "--strata", "site", *QUICK)
    ids = ["1", "2"] * 15, ["1"] * 12 + ["2"] * 13
    expected = repdist.mmd_test(NAMED, frame(Y), strata=ids, n_resamples=99, rng=0)
    assert (code, output) == (0, with_options(f"{expected}\n"))
    write("gap.parquet", X, site=["u", None] * 15)
    code, _, message = run("test", "gap.parquet", "y.csv", "--strata", "site", *QUICK)
    assert code == 2
    assert "got none in row 1 (of rows from 0), column 'site' of `--strata`." in message


# --- level and power -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        (["--clusters", "video"], {"clusters": CLUSTERS}),
        (["--strata", "site"], {"strata": STRATA}),
        (["--paired", "--clusters", "video"], {"paired": True, "clusters": (CLUSTERS[0],) * 2}),
        (["--paired", "--strata", "site"], {"paired": True, "strata": (STRATA[0],) * 2}),
    ],
    ids=["clusters", "strata", "pairs of clusters", "pairs in strata"],
)
def test_level_and_power(run, options, ids):
    first, second = X, X[::-1] + 0.5 if "paired" in ids else Y
    columns = {"clusters": "video", "strata": "site"}
    for name, rows, i in (("x.csv", first, 0), ("y.csv", second, 1)):
        write(name, rows, **{columns[key]: ids[key][i] for key in columns if key in ids})
    quick = {"n_repetitions": 10, "n_resamples": 19, "rng": 0}
    shorter = "--repetitions", 10, "--resamples", 19
    code, output, _ = run("check", "x.csv", "y.csv", *options, *shorter)
    expected = repdist.check_level(frame(first), frame(second), **ids, **quick)
    assert (code, output) == (0, with_options(f"{expected}\n"))
    code, output, _ = run("power", "x.csv", "y.csv", *options, *shorter, "--sizes", 4)
    expected = repdist.estimate_power(frame(first), frame(second), sizes=[4], **ids, **quick)
    assert (code, output) == (0, with_options(f"{expected}\n"))


@pytest.mark.parametrize("command", ["check", "power"])
def test_level_and_power_of_what_has_partners(run, command):
    write("x.csv", X, site=["u"] * 29 + ["w"])
    write("y.csv", Y, site=["u"] * 25)
    options = command, "x.csv", "y.csv", "--strata", "site", "--repetitions", 5, "--resamples", 19
    code, _, message = run(*options)
    assert code == 2
    assert message.endswith("e.g. by `--unmatched drop`.\n")
    code, output, _ = run(*options, "--unmatched", "drop")
    assert code == 0
    assert "caution  left out: 1 row of X and 0 of Y" in output


# --- a table of groups ---------------------------------------------------------------------------

Z = np.random.default_rng(1).normal(size=(72, 3)) + np.repeat([0, 1, 0.2], 24)[:, None]
KINDS = np.repeat(["u", "v", "w"], 24)
DONORS = np.tile(np.repeat([f"{i:02d}" for i in range(8)], 3), 3)  # the same of all groups
OWN = np.char.add(KINDS, DONORS)  # of each group its own
SITES = np.tile(np.repeat(["east", "west"], 12), 3)
IMAGES = np.tile([f"{i:02d}" for i in range(24)], 3)
ORDER = np.random.default_rng(2).permutation(72)


DESIGNS = {
    "clusters": (["--clusters", "own"], {"clusters": OWN}),
    "strata": (["--strata", "site"], {"strata": SITES}),
    "clusters in strata": (
        ["--clusters", "own", "--strata", "site"], {"clusters": OWN, "strata": SITES},
    ),
    "pairs": (["--paired"], {"paired": True}),
    "pairs by id": (["--paired-by", "image"], {"paired": IMAGES}),
    "pairs by id in strata": (
        ["--paired-by", "image", "--strata", "site"], {"paired": IMAGES, "strata": SITES},
    ),
    "pairs of clusters": (
        ["--paired", "--clusters", "donor"], {"paired": True, "clusters": DONORS},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["x.csv", pytest.param("x.parquet", marks=needs("pyarrow")), "x.npz"]
)
@pytest.mark.parametrize("design", DESIGNS)
def test_groups(run, design, kind):
    options, ids = DESIGNS[design]
    beside = {"kind": KINDS, "own": OWN, "donor": DONORS, "site": SITES, "image": IMAGES}
    beside = {name: values for name, values in beside.items() if name in ["kind", *options]}
    if kind == "x.npz":
        np.savez(kind, features=Z, **beside)
    else:
        write(kind, Z, **beside)
    code, output, message = run(
        "matrix", kind, "--labels", "kind", *options, *QUICK, "--csv", "out.csv"
    )
    expected = repdist.pairwise_mmd_test(Z, KINDS, **ids, n_resamples=99, rng=0)
    assert (code, message) == (0, "")
    found = pd.read_csv("out.csv")
    pd.testing.assert_frame_equal(found, expected.to_frame(), check_dtype=False, rtol=1e-9)
    assert output.splitlines()[0] == str(expected).splitlines()[0]


def test_pairs_by_id_stand_in_any_order(run):
    write("x.csv", Z, kind=KINDS, image=IMAGES)
    write("y.csv", Z[ORDER], kind=KINDS[ORDER], image=IMAGES[ORDER])
    options = "--labels", "kind", "--paired-by", "image", *QUICK
    first, second = (run("matrix", name, *options) for name in ("x.csv", "y.csv"))
    assert first[0] == 0
    assert first == second


def test_pairs_of_stacked_groups(run):
    np.save("x.npy", Z.reshape(3, 24, 3))
    code, output, _ = run("matrix", "x.npy", "--paired", *QUICK)
    expected = repdist.pairwise_mmd_test(Z.reshape(3, 24, 3), paired=True, n_resamples=99, rng=0)
    assert (code, output) == (0, with_options(f"{expected}\n"))


def test_rows_of_groups_without_partners(run):
    write("x.csv", Z[1:], kind=KINDS[1:], image=IMAGES[1:])
    options = "matrix", "x.csv", "--labels", "kind", "--paired-by", "image", *QUICK
    code, output, message = run(*options)
    assert (code, output) == (2, "")
    assert message == (
        "repdist: `--paired-by` must have every id in both groups; got 0 rows only in "
        "group 'u' and 1 only in group 'v', '00' among them. Leave them out, e.g. by "
        "`--unmatched drop`.\n"
    )
    code, output, _ = run(*options, "--unmatched", "drop", "--csv", "out.csv")
    assert code == 0
    assert pd.read_csv("out.csv")["pairs"].tolist() == [23, 23, 24]
    assert "'u' and 'v': left out: 0 rows of group 'u' and 1 of group 'v', in no pair" in output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["x.csv", "--labels", "kind", "--clusters", "donors"],
            "`--clusters` must name a column of x.csv; got 'donors', it has a, kind, donor, b, c.",
        ),
        (
            ["x.csv", "--labels", "kind", "--clusters", "donor"],
            "`--clusters` must each have all of their rows in one sample; got rows of '00' in "
            "group 'u' and group 'v' (8 such in all). If the same items were measured twice, "
            "give `--paired` too;",
        ),
        (
            ["x.csv", "--labels", "kind", "--paired-by", "donor"],
            "`--paired-by` must have each id once in a group; got '00' 3 times in group 'u'. If "
            "it names several rows, give `--paired` and these ids as `--clusters`.",
        ),
        (
            ["x.csv", "--labels", "kind", "--paired", "--paired-by", "donor"],
            "`--paired` and `--paired-by` must not be given together: rows are paired by place, or "
            "by an id.",
        ),
        (
            ["x.csv", "--labels", "kind", "--clusters", "donor", "--paired-by", "donor"],
            "`--paired-by` must not be given with `--clusters`. Use `--paired`: clusters of one id "
            "are then a pair.",
        ),
        (
            ["x.csv", "--labels", "kind", "--paired", "--dropna"],
            "`--dropna` must not be given with `--paired`: rows left out would part the others of "
            "its groups.",
        ),
        (
            ["x.csv", "--labels", "kind", "--strata", "donor", "--combine", "fuse"],
            '`--combine` must be "max" or "mean" with `--strata`',
        ),
        (
            ["x.npy", "--clusters", "donor"],
            "`--clusters` must not be given for x.npy; got 'donor'. Use a .npz.",
        ),
        (
            ["x.npz", "--clusters", "donor"],
            "`--clusters` must be given with `--labels` for x.npz; got 'donor': ids stand beside "
            "the rows of one array.",
        ),
        (
            ["x.npz", "--labels", "kind", "--strata", "site"],
            "`--strata` must be an array of x.npz; got 'site', it holds features, kind, short.",
        ),
        (
            ["x.npz", "--labels", "kind", "--strata", "short"],
            "`--strata` must hold one id for each of the 72 rows of `x.npz`; got 8.",
        ),
        (
            ["uneven.csv", "--labels", "kind", "--paired"],
            "group 'u' and group 'v' must have as many rows if `--paired`: row i "
            "of group 'u' belongs to row i of group 'v'; got 23 and 24.",
        ),
    ],
)
def test_groups_that_are_refused(run, arguments, expected):
    write("x.csv", Z, kind=KINDS, donor=DONORS)
    write("uneven.csv", Z[1:], kind=KINDS[1:])
    np.save("x.npy", Z.reshape(3, 24, 3))
    np.savez("x.npz", features=Z, kind=KINDS, short=DONORS[:8])
    code, output, message = run("matrix", *arguments, *QUICK)
    assert (code, output) == (2, "")
    assert message.startswith(f"repdist: {expected}")


def test_gaps_in_arrays_of_ids(run):
    ages = np.tile(np.repeat([1.0, 2.0, np.nan], 8), 3)
    np.savez("x.npz", features=Z, kind=KINDS, age=ages)
    options = "matrix", "x.npz", "--labels", "kind", "--strata", "age", *QUICK
    code, _, message = run(*options)
    assert code == 2
    assert message.startswith("repdist: `--strata` must not be missing; got nan in row 16 (24 in")
    code, output, message = run(*options, "--dropna")
    kept = ~np.isnan(ages)
    expected = repdist.pairwise_mmd_test(
        Z[kept], KINDS[kept], strata=ages[kept], n_resamples=99, rng=0
    )
    assert (code, output) == (0, with_options(f"{expected}\n"))
    assert message == "repdist: x.npz: 24 of 72 rows have missing values, left out\n"


def test_json_tells_the_strata(run):
    write("x.csv", X, site=STRATA[0])
    write("y.csv", Y, site=STRATA[1])
    code, output, _ = run("test", "x.csv", "y.csv", "--strata", "site", *QUICK, "--json")
    assert code == 0
    assert [row["stratum"] for row in json.loads(output)["strata"]] == ["07", "7"]
