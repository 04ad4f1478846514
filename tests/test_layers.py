"""Who may import whom, and which names users meet."""

import ast
import dataclasses
import inspect
import sys
from pathlib import Path

import pytest

import repdist

ROOT = Path(repdist.__file__).parent
EXPERIMENTS = Path(__file__).parents[1] / "experiments"
PUBLIC_MODULES = {
    "",
    "kernels",
    "mmd",
    "two_sample",
    "pairwise",
    "level",
    "power",
    "plotting",
    "report",
}

# File: the files of the package that it may import, "" for the package itself.
LAYERS = {
    "_checks": set(),
    "_threads": set(),
    "_files": set(),
    "_example": {"_experiments"},
    "_dask": set(),
    "_array": {"_dask"},
    "_samples": {"_array", "_checks", "_dask"},
    "_distances": {"_array", "_checks", "_threads"},
    "_bandwidths": {"_array", "_checks", "_distances", "_samples"},
    "_kernel": {"_array", "_checks", "_distances", "_samples"},
    "_gaussian": {"_array", "_bandwidths", "_checks", "_distances", "_kernel", "_samples"},
    "kernels": {
        "_array",
        "_bandwidths",
        "_checks",
        "_distances",
        "_gaussian",
        "_kernel",
        "_samples",
    },
    "_units": {"_checks"},
    "_compiled": set(),
    "_sums": {"_compiled", "_threads", "_array", "_checks", "_gaussian", "_kernel"},
    "_cluster": {"_threads", "_array", "_dask", "_kernel", "_sums"},
    "_null": {"_units"},
    "mmd": {
        "_threads",
        "_array",
        "_checks",
        "_cluster",
        "_null",
        "_samples",
        "_sums",
        "_units",
        "kernels",
    },
    "two_sample": {
        "_array",
        "_checks",
        "_cluster",
        "_null",
        "_samples",
        "_sums",
        "_threads",
        "_units",
        "kernels",
        "mmd",
    },
    "_groups": {"_array", "_checks", "_samples"},
    "_pairs": {"_threads", "_array", "_cluster", "_kernel", "_null", "_sums", "_units", "mmd"},
    "_whole": {"_array", "_null", "_pairs"},
    "pairwise": {
        "_array",
        "_checks",
        "_groups",
        "_null",
        "_pairs",
        "_samples",
        "_whole",
        "kernels",
        "mmd",
        "two_sample",
    },
    "_rehearsal": {"_array", "_checks", "_samples", "_threads", "_units", "two_sample"},
    "level": {"_array", "_checks", "_null", "_rehearsal", "kernels", "mmd", "two_sample"},
    "power": {"_array", "_checks", "_null", "_rehearsal", "kernels", "mmd", "two_sample"},
    "plotting": (PUBLIC_MODULES | {"_files"}) - {"plotting", "report"},
    "report": (PUBLIC_MODULES | {"_files"}) - {"report"},
    "cli": PUBLIC_MODULES,
    "__init__": {
        "_checks",
        "_example",
        "kernels",
        "level",
        "mmd",
        "pairwise",
        "power",
        "two_sample",
    },
}
# Inside a function: a result draws itself and tells the version that made it.
LATER = {
    "two_sample": {"plotting", ""},
    "pairwise": {"plotting", "report"},
    "level": {"plotting", ""},
    "power": {"plotting", ""},
}

# Files that know fewer libraries than the others. An array library is known by `_array` alone.
STANDARD_LIBRARY = set(sys.stdlib_module_names)
ONLY_NUMPY = ["_checks", "_units", "_null"]
ARRAY_LIBRARIES = {"torch", "array_api_compat", "cupy", "jax", "tensorflow"}
DASK = {"dask", "distributed"}


def modules():
    return {path.stem: ast.parse(path.read_text("utf-8")) for path in sorted(ROOT.glob("*.py"))}


def imports(tree, *, deepest_level=0):
    """Yield (what is imported, whether at the top of the file), as dotted names."""
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        at_top = id(node) not in inside
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, at_top
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= deepest_level, "imports are absolute"
            prefix = "." * node.level + (f"{node.module}." if node.module else "")
            for alias in node.names:
                yield f"{prefix}{alias.name}", at_top


def own_imports(tree, *, deepest_level=0):
    """Yield (file of the package, name taken from it or None, whether at the top)."""
    for dotted, at_top in imports(tree, deepest_level=deepest_level):
        package, _, rest = dotted.partition(".")
        if package != "repdist":
            continue
        first, _, name = rest.partition(".")
        if (ROOT / f"{first}.py").is_file() or ((ROOT / first).is_dir() and first):
            yield first, name or None, at_top
        else:
            yield "", first or None, at_top


def libraries(tree):
    return {dotted.partition(".")[0] for dotted, _ in imports(tree)} - {"repdist"}


MODULES = modules()


def test_every_file_has_its_place():
    assert set(MODULES) <= set(LAYERS)
    for name in ("utils", "helpers", "base", "common"):
        assert name not in MODULES


@pytest.mark.parametrize("name", MODULES)
def test_a_file_imports_only_lower_ones(name):
    for imported, _, at_top in own_imports(MODULES[name]):
        allowed = LAYERS[name] if at_top else LAYERS[name] | LATER.get(name, set())
        assert imported in allowed, f"{name} imports {imported or 'repdist'}"


def uses_only_public_names(tree, *, deepest_level=0):
    for imported, name, _ in own_imports(tree, deepest_level=deepest_level):
        assert imported == "_files" or not imported.startswith("_")
        assert not (name or "").startswith("_")
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
            allowed = node.attr.startswith("__") or getattr(node.value, "id", None) == "self"
            assert allowed, f"line {node.lineno}: {node.attr}"


@pytest.mark.parametrize("name", [n for n in ("plotting", "report", "cli") if n in MODULES])
def test_what_users_could_write_uses_public_names(name):
    uses_only_public_names(MODULES[name])


@pytest.mark.parametrize("path", sorted(EXPERIMENTS.rglob("*.py")), ids=lambda path: path.name)
def test_the_case_study_uses_public_names(path):
    tree = ast.parse(path.read_text("utf-8"))
    uses_only_public_names(tree, deepest_level=1)  # its files import each other, none a parent
    for dotted, _ in imports(tree, deepest_level=1):
        if dotted.startswith("."):
            names = dotted.strip(".").split(".")
            assert (path.parent / f"{names[0]}.py").is_file(), dotted
            assert not any(name.startswith("_") for name in names), dotted


@pytest.mark.parametrize("name", ONLY_NUMPY)
def test_these_files_know_numpy_alone(name):
    assert libraries(MODULES[name]) <= STANDARD_LIBRARY | {"numpy"}


@pytest.mark.parametrize("name", [n for n in MODULES if n != "_array"])
def test_one_file_knows_array_libraries(name):
    assert not libraries(MODULES[name]) & ARRAY_LIBRARIES


@pytest.mark.parametrize("name", [n for n in MODULES if n != "_dask"])
def test_one_file_knows_dask(name):
    assert not libraries(MODULES[name]) & DASK


@pytest.mark.parametrize("name", [n for n in MODULES if n != "cli"])
def test_what_is_slow_to_import_is_imported_where_it_is_used(name):
    slow = {"scipy", "pandas", "statsmodels", "matplotlib", "torch", "tensorflow", "rich", "typer"}
    slow |= DASK
    top = {dotted.partition(".")[0] for dotted, at_top in imports(without_typing(MODULES[name]))
           if at_top}  # fmt: skip
    assert not top & slow


def without_typing(tree):
    """Return the tree without its `if TYPE_CHECKING:` blocks."""

    class Removed(ast.NodeTransformer):
        def visit_If(self, node):
            return None if getattr(node.test, "id", None) == "TYPE_CHECKING" else node

    return Removed().visit(ast.parse(ast.unparse(tree)))


# --- public names --------------------------------------------------------------------------------


def test_the_public_names():
    assert repdist.__all__ == [
        "GlobalTestResult",
        "LevelCheck",
        "MMDTestResult",
        "PairwiseMMDResult",
        "PowerCurve",
        "RepdistWarning",
        "__version__",
        "check_level",
        "estimate_power",
        "example_features",
        "kernels",
        "median_heuristic",
        "mmd_squared",
        "mmd_test",
        "pairwise_mmd_test",
    ]
    assert repdist.__all__ == sorted(repdist.__all__)


def test_the_public_names_of_kernels():
    assert set(repdist.kernels.__all__) == {
        "RBF",
        "Energy",
        "Kernel",
        "Laplacian",
        "Linear",
        "Matern",
        "MultiRBF",
        "Polynomial",
        "Precomputed",
        "RationalQuadratic",
        "median_heuristic",
    }


PUBLIC = {f"repdist.{name}": getattr(repdist, name) for name in repdist.__all__} | {
    f"kernels.{name}": getattr(repdist.kernels, name) for name in repdist.kernels.__all__
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


RESULTS = [repdist.MMDTestResult, repdist.LevelCheck, repdist.PowerCurve]


@pytest.mark.parametrize("owner", [*RESULTS, *KERNELS.values()], ids=lambda o: o.__name__)
def test_every_public_method_has_a_docstring(owner):
    for name in dir(owner):
        value = inspect.getattr_static(owner, name)
        if not name.startswith("_") and (callable(value) or hasattr(value, "__func__")):
            assert inspect.getdoc(getattr(owner, name)), name


@pytest.mark.parametrize("name", FUNCTIONS)
def test_data_come_first_and_options_by_name(name):
    function = FUNCTIONS[name]
    for parameter in inspect.signature(function).parameters.values():
        is_data = parameter.name in ("X", "Y", "groups", "labels")
        wanted = parameter.POSITIONAL_OR_KEYWORD if is_data else parameter.KEYWORD_ONLY
        assert parameter.kind is wanted, parameter.name
        assert is_data or parameter.default is not parameter.empty
        assert parameter.annotation is not parameter.empty
        assert f"{parameter.name} :" in function.__doc__ or "X, Y :" in function.__doc__


def test_the_parameters_that_users_meet():
    defaults = {
        name: parameter.default
        for name, parameter in inspect.signature(repdist.mmd_test).parameters.items()
        if name not in ("X", "Y")
    }
    assert defaults == {
        "kernel": repdist.kernels.MultiRBF(),
        "estimator": "unbiased",
        "combine": "max",
        "n_resamples": 9999,
        "n_bins": "auto",
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
