"""The case study from an installed wheel, in a fresh environment and an empty folder."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TABLES = """features.npz pairs.csv pairs_untrained_network.csv pairs_raw_pixels.csv
images_needed.csv confusion.csv predictions.csv post_curve.csv post_pvalues_x2.csv
post_table_x1.csv post_table_x2.csv post_table_x10.csv post_table_x50.csv post_table_x150.csv
course.csv gap.csv GAP_Value_10x300x64.npy training_log.csv MODEL_CARD.md out"""
PICTURES = """samples.png network.png training.png cams.png cams_of_mistakes.png post_tables.png
post_curve.png table.png dendrogram.png map.png power.png power_narrow.png typical.png confusion.png
control.png course.png"""


def run(*command, cwd, **environment):
    clean = {name: value for name, value in os.environ.items()
             if name not in ("PYTHONPATH", "PYTHONHOME")}  # fmt: skip
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_study_runs_from_a_wheel(tmp_path):
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    run(*pip, "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("repdist-*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt",
        f"{wheel}[lenet]", cwd=tmp_path)  # fmt: skip
    empty = tmp_path / "empty"
    empty.mkdir()
    where = run(python, "-c", "import repdist; print(repdist.__file__)", cwd=empty)
    assert Path(where.strip()).is_relative_to(tmp_path / "venv")
    printed = run(python.parent / "repdist", "lenet-gap", cwd=empty)
    assert [path.name for path in empty.iterdir()] == ["lenet_gap_out"]
    assert {path.name for path in (empty / "lenet_gap_out").iterdir()} == {
        "report.html",
        *TABLES.split(),
        *PICTURES.split(),
    }
    assert "3,000 images of unseen digits" in printed
    # The same features as those that come with the package, to rounding.
    run(python, "-c", "\n".join([
        "import numpy as np, repdist",
        "made = np.load('lenet_gap_out/features.npz')['features']",
        "np.testing.assert_allclose(made, repdist.example_features()[0], rtol=1e-4, atol=1e-6)",
    ]), cwd=empty)  # fmt: skip
