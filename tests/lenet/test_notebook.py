"""The notebook of the study: that it is one, and that its cells run."""

import importlib
import json

import numpy as np
import pytest
from given import needs

from repdist._cli import commands

notebook = importlib.import_module("repdist._experiments.lenet_gap.notebook")


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "study.ipynb"
    notebook.write_notebook(path)
    return json.loads(path.read_text("utf-8"))


def test_it_is_a_notebook(written):
    validate = pytest.importorskip("nbformat").validate
    validate(written)


def test_its_cells_have_text_and_code_in_turn(written):
    kinds = [cell["cell_type"] for cell in written["cells"]]
    assert kinds[0] == kinds[-1] == "markdown"
    assert kinds.count("code") >= 8
    assert len({cell["id"] for cell in written["cells"]}) == len(kinds)
    text = "".join("".join(cell["source"]) for cell in written["cells"])
    for word in ("2019", "GAP_Value_10*300*64.npy", "CAM_c", "mmd_rbf", "pairwise_mmd_test"):
        assert word in text


@needs("tensorflow")
def test_its_cells_run(written, tmp_path, monkeypatch, capsys):
    """In their order, with fewer images; what the text says comes out."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("Agg")
    pyplot.close("all")  # of other tests
    names = {}
    for cell in written["cells"]:
        if cell["cell_type"] == "code":
            code = "".join(cell["source"]).replace("N = 300 ", "N = 30 ")
            exec(compile(code, cell["id"], "exec"), names)
    printed = capsys.readouterr().out
    assert names["GAP"].shape == (10, 30, 64)
    assert len(pyplot.get_fignums()) == 3
    pyplot.close("all")
    assert printed.count("6.19") >= 100  # each cell of the first table
    assert "one against one: 6.1863" in printed
    assert "two random points: 6.1863" in printed
    assert "10 groups of 30 rows, 45 pairs" in printed
    assert (names["predicted"] == names["test"].labels).mean() > 0.9
    np.testing.assert_array_equal(np.load("GAP_Value_10x30x64.npy"), names["GAP"])


def test_it_is_no_file_that_is_there(tmp_path):
    (tmp_path / "mine.ipynb").write_text("mine")
    with pytest.raises(ValueError, match=r"`OUT` must be a new file; .*mine\.ipynb is there"):
        notebook.write_notebook(tmp_path / "mine.ipynb")
    assert (tmp_path / "mine.ipynb").read_text() == "mine"
    with pytest.raises(ValueError, match=r"`OUT` must be a name that ends with \.ipynb; got .*x"):
        notebook.write_notebook(tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.ipynb"]


def test_the_command_writes_it(tmp_path, monkeypatch, capsys):
    """Without TensorFlow."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["repdist", "lenet-gap", "notebook", "study.ipynb"])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    assert stopped.value.code == 0
    assert capsys.readouterr().out == "Notebook: study.ipynb\n"
    assert json.loads((tmp_path / "study.ipynb").read_text("utf-8"))["nbformat"] == 4
