"""What is loaded by an import, and by the commonest call. Each is a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import repdist

HEAVY = ["torch", "tensorflow", "pandas", "statsmodels", "matplotlib"]
HEAVY += ["dask", "distributed", "torchmetrics"]
IMPORT = "import repdist"
TEST = """
import numpy as np, repdist
rng = np.random.default_rng(0)
result = repdist.mmd_test(rng.normal(size=(200, 3)), rng.normal(size=(150, 3)), rng=0)
repdist.mmd_squared([0.0, 1.0], [1.0, 3.0])
repdist.median_heuristic([0.0, 1.0])
str(result), result.to_dict(), result.confidence_interval()
"""


def loaded_by(code):
    """Return the modules of other packages that are loaded after the code has run."""
    listing = (
        "\nimport json, sys; print(json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    )
    root = str(Path(repdist.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code + listing],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=os.environ | {"PYTHONPATH": root},
    )
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("code", "absent"),
    [(IMPORT, [*HEAVY, "scipy", "typer", "rich"]), (TEST, [*HEAVY, "typer", "rich"])],
    ids=["import", "test"],
)
def test_nothing_heavy_is_loaded(code, absent):
    loaded = loaded_by(code)
    assert "numpy" in loaded
    assert not loaded & set(absent)


def test_this_test_sees_what_is_loaded():
    assert "rich" in loaded_by("import repdist, rich")


def test_a_table_of_components_loads_pandas_alone():
    loaded = loaded_by(f"{TEST}\nresult.components")
    assert "pandas" in loaded
    assert not loaded & {"torch", "tensorflow", "statsmodels", "matplotlib"}


@pytest.mark.parametrize("absent", ["torchmetrics", "torch"])
def test_a_file_for_a_framework_says_how_to_install_it(absent):
    code = f"import sys; sys.modules[{absent!r}] = None\nimport repdist.torchmetrics"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        loaded_by(code)
    assert "ImportError: repdist.torchmetrics needs torchmetrics" in caught.value.stderr
    assert 'pip install "repdist[torchmetrics]"' in caught.value.stderr
