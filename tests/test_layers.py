"""Who may import whom, and which names users meet."""

import ast
import dataclasses
import functools
import importlib
import inspect
import re
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import repdist

HOME = Path(__file__).parents[1]
ROOT = Path(repdist.__file__).parent

# The ground, which every file may stand on.
GROUND = {
    "_version",
    "_typing",
    "_checks",
    "_files",
    "_threads",
    "_numbers",
    "_guide",
    "_spreadsheet",
}
# Folder or file: what it may import beside the ground and itself. Each stands above those it names.
LAYERS = {
    "_arrays": set(),
    "kernels": {"_arrays"},
    "_blocks": set(),
    "_designs": {"_blocks"},
    "_pass": {"_arrays", "kernels", "_blocks"},
    "_inference": {"_designs", "_blocks"},
    "plotting": set(),
    "_report": {"plotting"},
    "_results": {"_inference", "_designs", "kernels", "plotting", "_report"},
    "_options": {"kernels", "_designs"},
    "sketches": {
        "_arrays", "kernels", "_pass", "_inference", "_results", "_options",
    },
    "_questions": {
        "_arrays", "kernels", "_blocks", "_designs", "_pass", "_inference", "_results", "_options",
        "sketches",
    },
    "metrics": {"_arrays", "kernels", "_designs", "_inference", "_questions", "_results"},
    "drift": {
        "_arrays", "_designs", "_inference", "_results", "_options", "plotting", "_report",
        "sketches",
    },
    "_experiments": set(),
    "_example": {"_experiments"},
    "__init__": {"kernels", "_results", "_questions", "_example", "sketches", "drift", "metrics"},
    "torch": {"__init__", "_arrays", "kernels", "_options"},
    "torchmetrics": {"__init__", "kernels"},
    "_cli": {"__init__", "_arrays", "kernels", "metrics", "plotting"},
    "__main__": {"_cli"},
}  # fmt: skip

# Folders that know no library but NumPy: others are imported inside functions of these files.
NUMPY_ALONE = {"_blocks", "_designs", "_inference"}
STATISTICS = {
    "_inference.linear",
    "_inference.rates",
    "_inference.shares",
    "_inference.multiplicity",
    "_inference.transform",
}
STANDARD_LIBRARY = set(sys.stdlib_module_names)
ARRAY_LIBRARIES = {"torch", "torchmetrics", "array_api_compat", "cupy", "jax", "tensorflow"}
SLOW = {"scipy", "pandas", "statsmodels", "matplotlib", "torch", "tensorflow", "rich", "typer"}
SLOW |= {"torchmetrics"}
SLOW |= {"dask", "distributed", "numba", "threadpoolctl", "narwhals", "polars", "pyarrow"}
# File: the frameworks that it is written for. Users import it by its name; nothing else does.
FRAMEWORKS = {"torch": {"torch"}, "torchmetrics": {"torch", "torchmetrics"}}


def files_of(folder):
    """Every file of a package, as a dotted name below it: tree."""
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.py"))
    }


FILES = files_of(ROOT) | {"_experiments.__init__": ast.parse("")}  # it finds the case study
FILES = {name: tree for name, tree in FILES.items() if "lenet_gap" not in name}
STUDY_FILES = files_of(HOME / "experiments" / "lenet_gap")
BENCHMARKS = files_of(HOME / "benchmarks")
ALL = pytest.mark.parametrize("name", FILES)


def folder_of(name):
    return name.partition(".")[0]


@functools.cache
def imports(tree):
    """Return pairs (what is imported, whether at the top of the file), as dotted names."""
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) not in inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            prefix = "." * node.level + (f"{node.module}." if node.module else "")
            found += [(f"{prefix}{alias.name}", id(node) not in inside) for alias in node.names]
    return found


def own_imports(tree, package="repdist.", files=FILES):
    """Yield (file of the package, name taken from it or "") for what is imported of it."""
    for dotted, _ in imports(tree):
        if not f"{dotted}.".startswith(package):
            continue
        parts = f"{dotted}.".removeprefix(package).strip(".").split(".")
        for stop in range(len(parts), -1, -1):
            known = [".".join([*parts[:stop], *end]) for end in ((), ("__init__",))]
            found = [name for name in known if name in files]
            if found:
                yield found[0], ".".join(parts[stop:])
                break


def libraries(tree, *, at_top=False):
    return {dotted.partition(".")[0] for dotted, top in imports(tree) if top >= at_top} - {
        "repdist"
    }


def without_typing(tree):
    """Return the tree without its `if TYPE_CHECKING:` blocks."""

    class Removed(ast.NodeTransformer):
        def visit_If(self, node):
            return None if getattr(node.test, "id", None) == "TYPE_CHECKING" else node

    return Removed().visit(ast.parse(ast.unparse(tree)))


def private_names(tree, files=FILES):
    """What a file uses of others' private members: attributes, and names that it imports."""
    attributes = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.endswith("__")
        and getattr(node.value, "id", None) not in ("self", "cls")
    ]
    taken = [f"{file}: {name}" for file, name in own_imports(tree, files=files)
             if name.startswith("_") and not name.endswith("__")]  # fmt: skip
    return attributes + taken


# --- ranks ---------------------------------------------------------------------------------------


def test_every_folder_has_its_rank():
    """Each stands above what it imports, so that there is no circle of folders."""
    assert {folder_of(name) for name in FILES} == set(LAYERS) | GROUND
    below = set()
    for folder, allowed in LAYERS.items():
        assert allowed <= below, folder
        below.add(folder)
    words = {word for name in FILES for word in name.split(".")}
    assert not words & {"utils", "helpers", "base", "common", "_utils", "_helpers", "_base"}


@ALL
def test_a_file_imports_only_lower_ones(name):
    folder = folder_of(name)
    allowed = GROUND | LAYERS.get(folder, set()) | {folder}
    for imported, _ in own_imports(FILES[name]):
        assert folder_of(imported) in allowed, f"{name} imports {imported}"


@pytest.mark.parametrize(
    ("files", "package"), [(FILES, "repdist."), (STUDY_FILES, ".")], ids=["repdist", "case study"]
)
def test_no_files_import_each_other(files, package):
    """In a circle: imports inside functions and for annotations count."""
    graph = {
        name: {imported for imported, _ in own_imports(tree, package, files)} - {name}
        for name, tree in files.items()
    }
    assert set(TopologicalSorter(graph).static_order()) == set(files)
    assert sum(map(len, graph.values())) > len(files)


@ALL
def test_imports_are_absolute(name):
    assert not [dotted for dotted, _ in imports(FILES[name]) if dotted.startswith(".")]


# --- private members -----------------------------------------------------------------------------


@ALL
def test_no_file_uses_a_private_member_of_another(name):
    allowed = ["array._meta"] if name == "_arrays.on_dask" else []  # dask has no public name for it
    assert private_names(FILES[name]) == allowed


@pytest.mark.parametrize("name", STUDY_FILES)
def test_the_case_study_uses_public_names(name):
    assert not private_names(STUDY_FILES[name])
    for imported, _ in own_imports(STUDY_FILES[name]):
        assert imported in ("__init__", "_files") or not imported.startswith("_")
    for imported, taken in own_imports(STUDY_FILES[name], ".", STUDY_FILES):
        assert not taken.startswith("_"), imported


@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmarks_use_public_names(name):
    """Those of private files in the three that take a test apart."""
    assert not private_names(BENCHMARKS[name])
    if name not in ("ours", "evidence.defaults", "evidence.relabelings"):
        private = {file for file, _ in own_imports(BENCHMARKS[name]) if file.startswith("_")}
        assert private <= {"__init__", "_experiments.__init__"}


# --- libraries -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [n for n in FILES if folder_of(n) in NUMPY_ALONE | GROUND])
def test_these_files_know_numpy_alone(name):
    numpy = STANDARD_LIBRARY | {"numpy"}
    assert libraries(FILES[name], at_top=True) <= numpy
    if folder_of(name) in NUMPY_ALONE and name not in STATISTICS:
        assert libraries(FILES[name]) <= numpy


@ALL
def test_one_folder_knows_array_libraries_one_file_dask_and_one_tables(name):
    if folder_of(name) != "_arrays":
        assert libraries(FILES[name]) & ARRAY_LIBRARIES == FRAMEWORKS.get(name, set())
    if name != "_arrays.on_dask":
        assert not libraries(FILES[name]) & {"dask", "distributed"}
    if name != "_arrays.tables":
        assert not libraries(FILES[name]) & {"narwhals", "polars"}


@ALL
def test_what_is_slow_to_import_is_imported_where_it_is_used(name):
    if folder_of(name) != "_cli":
        at_top = libraries(without_typing(FILES[name]), at_top=True)
        assert at_top & SLOW == FRAMEWORKS.get(name, set())


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_files_for_a_framework_are_imported_by_users_alone(name):
    for imported, taken in own_imports(FILES[name]):
        assert imported != "__init__" or taken in repdist.__all__
    assert not [user for user in FILES for file, _ in own_imports(FILES[user]) if file == name]


# --- public names --------------------------------------------------------------------------------


def test_the_public_names():
    assert repdist.__all__ == [
        "ByLabelResult",
        "ColumnResult",
        "EquivalenceResult",
        "Explanation",
        "GlobalTestResult",
        "LevelCheck",
        "MMDTestResult",
        "Monitor",
        "PairwiseMMDResult",
        "PowerCurve",
        "Reference",
        "ReferenceResult",
        "RegionResult",
        "RepdistWarning",
        "Sketch",
        "WitnessResult",
        "__version__",
        "check_level",
        "column_test",
        "compare_by_label",
        "compare_to_reference",
        "estimate_power",
        "example_features",
        "explain",
        "kernels",
        "median_heuristic",
        "metrics",
        "mmd_squared",
        "mmd_test",
        "pairwise_mmd_test",
        "region_test",
        "witness",
    ]
    assert repdist.__all__ == sorted(repdist.__all__)


def test_the_public_names_of_drift_and_sketches():
    assert repdist.drift.__all__ == ["Monitor", "MonitorStep"]
    assert repdist.sketches.__all__ == ["Reference", "Sketch"]
    for folder in (repdist.drift, repdist.sketches):
        for name in folder.__all__:
            assert getattr(repdist, name, getattr(folder, name)) is getattr(folder, name)


def test_the_public_names_of_metrics():
    names = ["MetricResult", "by_label", "cmmd", "fid", "kad", "kid"]
    assert repdist.metrics.__all__ == names
    assert {getattr(repdist.metrics, name).__module__ for name in names} == {"repdist.metrics"}


def test_the_public_names_of_torch():
    pytest.importorskip("torch")
    module = importlib.import_module("repdist.torch")
    assert module.__all__ == ["MMDLoss"]
    assert module.MMDLoss.__module__ == "repdist.torch"


def test_the_public_names_of_kernels():
    named = {name for name, value in vars(repdist.kernels).items() if not name.startswith("_")
             and getattr(value, "__module__", None) == "repdist.kernels"}  # fmt: skip
    assert set(repdist.kernels.__all__) == named
    assert {"Kernel", "MultiRBF", "median_heuristic"} <= named


PUBLIC = {f"repdist.{name}": getattr(repdist, name) for name in repdist.__all__} | {
    f"{module.__name__.removeprefix('repdist.')}.{name}": getattr(module, name)
    for module in (repdist.kernels, repdist.metrics)
    for name in module.__all__
}
DOCUMENTED = {name: value for name, value in PUBLIC.items() if not name.endswith("__version__")}
FUNCTIONS = {name: value for name, value in PUBLIC.items() if inspect.isfunction(value)}
KERNELS = {
    name: value
    for name, value in PUBLIC.items()
    if inspect.isclass(value) and issubclass(value, repdist.kernels.Kernel)
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_public_name_has_a_docstring(name):
    value = DOCUMENTED[name]
    text = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    assert text is not None
    assert len(text.strip()) > 20
    assert not text.startswith(f"{getattr(value, '__name__', '')}(")  # made by dataclass


RESULTS = [
    repdist.ByLabelResult,
    repdist.ColumnResult,
    repdist.EquivalenceResult,
    repdist.Explanation,
    repdist.GlobalTestResult,
    repdist.LevelCheck,
    repdist.MMDTestResult,
    repdist.PairwiseMMDResult,
    repdist.PowerCurve,
    repdist.ReferenceResult,
    repdist.RegionResult,
    repdist.Sketch,
    repdist.WitnessResult,
    repdist.drift.MonitorStep,
    repdist.metrics.MetricResult,
]
THINGS = [repdist.Monitor, repdist.Reference]  # that do more than answer
DATA = {"X", "Y", "x_labels", "y_labels", "reference", "groups", "labels"}
OPTIONS = {("repdist.column_test", "groups")}  # of columns there
DATA |= {"real", "fake", "real_labels", "fake_labels", "metric"}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_pickles_name_the_public_module(name):
    """So that they can be read after files have moved."""
    value, public = DOCUMENTED[name], f"repdist.{name}".rpartition(".")[0]
    public = public.replace("repdist.repdist", "repdist")
    if inspect.isclass(value) or public != "repdist":
        assert value.__module__ in (public, "repdist.kernels")
        assert getattr(sys.modules[public], value.__name__) is value


@pytest.mark.parametrize("owner", [*RESULTS, *THINGS, *KERNELS.values()], ids=lambda o: o.__name__)
def test_every_public_method_has_a_docstring(owner):
    for name in dir(owner):
        value = inspect.getattr_static(owner, name)
        if not name.startswith("_") and (callable(value) or hasattr(value, "__func__")):
            assert inspect.getdoc(getattr(owner, name)), name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_data_come_first_and_options_by_name(name):
    function = FUNCTIONS[name]
    for parameter in inspect.signature(function).parameters.values():
        is_data = parameter.name in DATA and (name, parameter.name) not in OPTIONS
        wanted = parameter.POSITIONAL_OR_KEYWORD if is_data else parameter.KEYWORD_ONLY
        assert parameter.kind is wanted, parameter.name
        assert is_data or parameter.default is not parameter.empty
        assert parameter.annotation is not parameter.empty
        assert re.search(rf"^ +(\w+, )*{parameter.name}(, \w+)* :", function.__doc__, re.MULTILINE)


OF_THINGS = {
    f"{kind.__name__}.{name}": (kind, getattr(kind, name))
    for kind in (*THINGS, repdist.Sketch)
    for name in vars(kind)
    if not name.startswith("_") and callable(getattr(kind, name))
}
FIRST = {"X", "path", "rows", "label", "reference", "sketch", "name"}  # by place, too
INNER = {"folded", "null", "of_store", "sketched"}  # for other files of the library, which give all


@pytest.mark.parametrize("name", [n for n in OF_THINGS if n.partition(".")[2] not in INNER])
def test_options_of_methods_are_given_by_name(name):
    parameters = list(inspect.signature(OF_THINGS[name][1]).parameters.values())
    for parameter in parameters:
        is_first = parameter.name in FIRST | {"self"}
        assert (parameter.kind is parameter.KEYWORD_ONLY) is not is_first, parameter.name
        assert is_first or parameter.default is not parameter.empty


@pytest.mark.parametrize("kind", THINGS)
def test_every_option_of_a_thing_is_described(kind):
    parameters = list(inspect.signature(kind).parameters.values())
    assert parameters[0].kind is parameters[0].POSITIONAL_OR_KEYWORD
    for parameter in parameters:
        assert re.search(rf"^    {parameter.name} :", kind.__doc__, re.MULTILINE), parameter.name
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters[1:])


def test_the_parameters_that_users_meet():
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(repdist.mmd_test).parameters.items()
        if name not in ("X", "Y")
    }
    assert defaults == {
        "paired": False,
        "clusters": None,
        "strata": None,
        "unmatched": "raise",
        "kernel": repdist.kernels.MultiRBF(),
        "estimator": "unbiased",
        "combine": "max",
        "n_resamples": 9999,
        "n_bins": "auto",
        "method": "exact",
        "n_landmarks": 256,
        "rng": None,
        "n_jobs": -1,
        "progress": False,
    }
    assert list(inspect.signature(repdist.mmd_squared).parameters) == [
        "X", "Y", "kernel", "estimator",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [*RESULTS, *KERNELS.values()])
def test_results_and_kernels_are_frozen(kind):
    if kind is repdist.kernels.Kernel:
        assert inspect.isabstract(kind)
    else:
        assert dataclasses.is_dataclass(kind)
        assert kind.__dataclass_params__.frozen


def test_nothing_public_starts_with_test():
    """Pytest would run it."""
    names = [*dir(repdist), *dir(repdist.kernels), *dir(repdist.MMDTestResult)]
    assert not [name for name in names if name.lower().startswith("test")]


def test_the_package_is_typed():
    assert (ROOT / "py.typed").is_file()
