"""The habits of the project: workflows, forms, oldest versions, releases, what is new."""

import ast
import importlib.util
import inspect
import re
import tomllib
from pathlib import Path

import pytest
from test_layers import FILES, GROUND, PUBLIC, folder_of, own_imports

import repdist

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = [
    path for path in sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    if path.stem != "config"
]  # fmt: skip
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def loaded(path):
    return pytest.importorskip("yaml").safe_load(path.read_text("utf-8"))


def script(path):
    """Return a script of the repository as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- workflows -----------------------------------------------------------------------------------


def test_there_is_a_workflow_for_tests_pages_and_releases():
    assert [path.stem for path in WORKFLOWS] == ["docs", "release", "tests"]


@each_workflow
def test_every_action_has_a_version(path):
    text = path.read_text("utf-8")
    used = re.findall(r"uses: (\S+)", text)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+|[0-9a-f]{40})", action), action
    assert text.count("actions/checkout@") == text.count("persist-credentials: false")


@each_workflow
def test_jobs_may_read_and_no_more_but_to_publish(path):
    workflow = loaded(path)
    assert workflow["permissions"] == {"contents": "read"}
    more = {
        name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job
    }
    assert (
        more
        == {
            "tests": {},
            "docs": {"publish": {"pages": "write", "id-token": "write"}},
            "release": {"publish": {"id-token": "write"}},
        }[path.stem]
    )
    for name in more:  # what may publish runs nothing of ours
        assert not [step for step in workflow["jobs"][name]["steps"] if "run" in step]
        assert workflow["jobs"][name]["environment"]["name"]
    assert "secrets." not in path.read_text("utf-8")


@each_workflow
def test_jobs_end_and_do_not_pile_up(path):
    workflow = loaded(path)
    assert workflow["concurrency"]["group"]
    assert all(0 < job["timeout-minutes"] <= 60 for job in workflow["jobs"].values())


@each_workflow
def test_workflows_use_targets_and_scripts_that_there_are(path):
    text = path.read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z-]+)", text)) <= targets
    for name in re.findall(r"python (\S+\.py)", text):
        assert (ROOT / name).is_file()


def test_the_tests_run_on_every_python_and_system():
    workflow = loaded(ROOT / ".github" / "workflows" / "tests.yml")
    matrix = workflow["jobs"]["tests"]["strategy"]["matrix"]
    oldest = int(PROJECT["project"]["requires-python"].removeprefix(">=3."))
    assert matrix["python"] == [f"3.{minor}" for minor in range(oldest, 15)]
    assert [system.partition("-")[0] for system in matrix["os"]] == ["ubuntu", "macos", "windows"]


# --- forms ---------------------------------------------------------------------------------------


def test_there_is_a_form_for_each_kind_of_issue():
    assert {path.stem for path in FORMS} == {"bug", "idea", "question", "wrong_number"}


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_a_form_asks_and_says_what_it_needs(path):
    form = loaded(path)
    assert form["name"]
    assert form["description"]
    questions = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in questions}) == len(questions)
    assert all(part["attributes"]["label"] for part in questions)
    assert any(part.get("validations", {}).get("required") for part in questions)


# --- the oldest versions -------------------------------------------------------------------------


def test_the_oldest_versions_are_the_bounds_of_pyproject():
    oldest = script(".ci/oldest.py")
    declared = oldest.declared()
    assert set(PROJECT["project"]["dependencies"]) <= declared
    pinned = oldest.oldest(declared)
    assert "numpy==2.1" in pinned
    assert "dask[array,distributed]==2024.9" in pinned
    names = [re.match(r"[\w-]+", line)[0] for line in [*pinned, *oldest.held()]]
    assert len(set(names)) == len(names)  # one bound for each, wherever it stands
    wanted = {re.match(r"[\w-]+", requirement)[0] for requirement in declared}
    assert set(names) == wanted - oldest.LEFT_OUT


def test_extras_and_groups_agree_on_bounds():
    groups = PROJECT["dependency-groups"].values()
    extras = PROJECT["project"]["optional-dependencies"].values()
    bounds = {}
    for requirement in {r.partition(";")[0] for many in (*groups, *extras) for r in many}:
        name, _, bound = requirement.partition(">=")
        assert bounds.setdefault(name, bound) == bound, name


@pytest.mark.parametrize("requirement", ["numpy", "numpy<3", "numpy>=2.1,<3", "numpy==2.1"])
def test_a_requirement_has_a_lower_bound_and_no_other(requirement):
    with pytest.raises(ValueError, match="must be `name>=version`; got"):
        script(".ci/oldest.py").oldest([requirement])


# --- releases ------------------------------------------------------------------------------------


@pytest.fixture
def checkout(tmp_path):
    (tmp_path / "repdist").mkdir()
    (tmp_path / "repdist" / "_version.py").write_text('"""V."""\n\n__version__ = "0.2.0"\n')
    (tmp_path / "CITATION.cff").write_text("title: x\nversion: 0.2.0\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [0.2.0] - 2026-12-01\n")
    return tmp_path


def test_a_release_needs_one_version_everywhere(checkout):
    faults = script(".ci/release.py").faults
    assert faults("v0.2.0", checkout) == []
    assert faults("v0.2.1", checkout) == [
        "the tag must be v0.2.0, as in repdist/_version.py; got v0.2.1."
    ]
    (checkout / "CITATION.cff").write_text("title: x\nversion: 0.1.0\n")
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## [0.2.0] - unreleased\n")
    assert len(faults("v0.2.0", checkout)) == 2


def test_the_changelog_has_its_versions_in_order():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - \S+$", text, re.MULTILINE)
    assert versions == sorted(versions, key=lambda v: [*map(int, v.split("."))], reverse=True)
    assert len(versions) == text.count("\n## ")
    assert repdist.__version__.removesuffix(".dev0") == versions[0]


# --- what is new since when ----------------------------------------------------------------------

FIRST = {  # names of 0.1.0: parameters of functions, fields and methods of results
    "GlobalTestResult": "statistic pvalue n_resamples",
    "LevelCheck": "confidence_interval plot",
    "MMDTestResult": "statistic pvalue mmd_squared standard_error null_distribution n_resamples "
    "n_bins exhaustive components confidence_interval plot",
    "PairwiseMMDResult": "mmd_squared standard_error ci_low ci_high pvalue pvalue_adjusted effect "
    "noise_floor times_floor global_test to_frame to_csv to_html plot dendrogram embed",
    "PowerCurve": "power rows_needed to_frame plot",
    "RepdistWarning": "",
    "check_level": "X Y kernel estimator combine alpha n_repetitions n_resamples n_bins rng n_jobs "
    "progress",
    "estimate_power": "X Y sizes kernel combine alpha n_repetitions n_resamples rng n_jobs "
    "progress",
    "example_features": "",
    "mmd_squared": "X Y kernel estimator",
    "mmd_test": "X Y kernel estimator combine n_resamples n_bins rng n_jobs progress",
    "pairwise_mmd_test": "groups labels kernel combine n_resamples n_bins adjust confidence_level "
    "rng n_jobs progress",
    "median_heuristic": "X Y",
    "Kernel": "evaluate fit shift_invariant",
    "RBF": "bandwidth evaluate fit shift_invariant",
    "Laplacian": "bandwidth evaluate fit shift_invariant",
    "RationalQuadratic": "bandwidth alpha evaluate fit shift_invariant",
    "Matern": "bandwidth nu evaluate fit shift_invariant",
    "Polynomial": "degree scale offset evaluate fit shift_invariant",
    "Linear": "evaluate fit shift_invariant",
    "Energy": "evaluate fit shift_invariant",
    "MultiRBF": "bandwidths size weights evaluate fit like_mmd_rbf shift_invariant",
    "Precomputed": "K evaluate fit shift_invariant",
}
SINCE = re.compile(r"^ *\.\. versionadded:: \d+\.\d+\.0$", re.MULTILINE)
NAMES = {name.rpartition(".")[2]: value for name, value in PUBLIC.items()}
NAMES |= {name: getattr(folder, name)
          for folder in (repdist.drift, repdist.sketches) for name in folder.__all__}  # fmt: skip
NAMES = {name: value for name, value in NAMES.items() if callable(value)}


def described(docstring, name):
    """Return what a docstring in numpydoc's form says of a parameter."""
    found = re.search(
        rf"^(?:\w+, )*{name}(?:, \w+)* :.*\n((?:    .*\n|\n)*)", f"{docstring}\n", re.MULTILINE
    )
    return found[1]


def test_the_names_of_the_first_version_are_still_there():
    assert set(FIRST) <= set(NAMES)


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(FIRST)))
def test_a_new_name_says_since_when(name):
    assert SINCE.search(inspect.getdoc(NAMES[name])), "its docstring needs `.. versionadded::`"


@pytest.mark.parametrize("name", ["torch", "torchmetrics"])
def test_a_name_of_a_new_module_says_since_when(name):
    tree = ast.parse((ROOT / "repdist" / f"{name}.py").read_text("utf-8"))
    public = [node for node in tree.body if isinstance(node, ast.ClassDef)
              and not node.name.startswith("_")]  # fmt: skip
    assert public
    assert all(SINCE.search(ast.get_docstring(node)) for node in public)


@pytest.mark.parametrize("name", [name for name in FIRST if inspect.isfunction(NAMES[name])])
def test_a_new_parameter_says_since_when(name):
    text = inspect.getdoc(NAMES[name])
    for parameter in inspect.signature(NAMES[name]).parameters:
        is_new = parameter not in FIRST[name].split()
        assert bool(SINCE.search(described(text, parameter))) is is_new, parameter


@pytest.mark.parametrize("name", [name for name in FIRST if inspect.isclass(NAMES[name])])
def test_a_new_method_says_since_when(name):
    for method, value in vars(NAMES[name]).items():
        is_method = callable(value) or hasattr(value, "__func__") or hasattr(value, "func")
        if method.startswith("_") or not (is_method or isinstance(value, property)):
            continue
        is_new = method not in FIRST[name].split()
        assert bool(SINCE.search(inspect.getdoc(value))) is is_new, method


# --- the picture of the house --------------------------------------------------------------------


@pytest.fixture
def house():
    return script("docs/_ext/house.py")


def test_the_house_is_drawn_from_what_is_imported(house):
    files, edges = house.imports_between(GROUND)
    wanted = {}
    for name, tree in FILES.items():
        for imported, _ in own_imports(tree):
            pair = tuple(house.step_of(folder_of(n), GROUND) for n in (name, imported))
            if pair[0] != pair[1]:
                wanted[pair] = wanted.get(pair, 0) + 1
    assert edges == wanted
    assert sum(files.values()) == len(list((ROOT / "repdist").rglob("*.py")))


def test_no_step_imports_one_above_it(house):
    _, edges = house.imports_between(GROUND)
    rank = house.ranks(edges)
    assert rank[house.GROUND] == 0
    assert all(rank[own] > rank[other] for own, other in edges)
    assert rank["kernels"] == 1 + rank["_arrays"] == 2


def test_the_house_can_be_drawn(house, tmp_path):
    house.draw_house(tmp_path / "house.png", GROUND)
    assert (tmp_path / "house.png").read_bytes().startswith(b"\x89PNG")
