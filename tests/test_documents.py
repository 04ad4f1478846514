"""The code in the README runs, and prints what it says; that of docs/ is made to.

How code in docs/ runs: `make docs` gives {doctest} blocks of Markdown and examples of docstrings
to Sphinx's doctest builder, which compares what they print, and sphinx-gallery executes the scripts
docs/tutorials/plot_*.py and docs/gallery/plot_*.py. What is shown from the README runs here.
"""

import ast
import contextlib
import importlib.util
import inspect
import io
import re
from pathlib import Path

import pytest

import repdist
from repdist import _guide

ROOT = Path(__file__).parents[1]
PAGES = [
    page
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if not {"_build", "auto_tutorials", "auto_gallery"} & set(page.parts)
]
FRAMEWORKS = ["torch.py", "torchmetrics.py"]
RUN_OR_NO_PYTHON = re.compile(r"\{[a-z-]+\}|sh|text|bibtex")  # what may follow the ticks


def fences(name, language):
    text = (ROOT / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def run(code):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "document", "exec"), {"__name__": "document"})
    return printed.getvalue()


def test_the_readme_prints_what_it_says():
    example, *_ = fences("README.md", "python")
    expected, *_ = fences("README.md", "text")
    assert run(example).rstrip() == expected.rstrip()


def test_every_example_runs(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    examples = fences("README.md", "python")
    assert examples
    for example in examples:
        run(example)


@pytest.mark.parametrize("name", ["README.md", "experiments/lenet_gap/MODEL_CARD.md"])
def test_what_a_document_links_to_is_there(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", text) if not t.startswith("http")]
    assert targets
    for target in targets:
        assert (ROOT / name).parent.joinpath(target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_code_of_a_page_is_left_unrun(page):
    text = page.read_text(encoding="utf-8")
    openings = re.findall(r"^ *(?:```|~~~|:::)(\S*)", text, re.MULTILINE)
    for opening in openings[::2]:
        assert RUN_OR_NO_PYTHON.match(opening), opening
        assert not opening.startswith(("{code", "{parsed-literal")), opening
    assert "doctest: +SKIP" not in text


LESSONS = [
    p for f in ("tutorials", "gallery") for p in sorted((ROOT / "docs" / f).glob("plot_*.py"))
]


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.name)
def test_lessons_use_public_names_alone(page):
    imported = [
        f"{getattr(node, 'module', None) or ''}.{alias.name}"
        for node in ast.walk(ast.parse(page.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert imported
    assert not [name for name in imported if "repdist" in name and "._" in name.lstrip(".")]


def public_names_of(file):
    """Return `__all__` of a file of the package that is not imported here: it needs an extra."""
    tree = ast.parse((ROOT / "repdist" / file).read_text(encoding="utf-8"))
    (value,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    )
    return ast.literal_eval(value)


def test_the_reference_has_every_public_name():
    listed = re.findall(r"^   (\w+)$", (ROOT / "docs/reference/api.rst").read_text("utf-8"), re.M)
    names = {*repdist.__all__, *repdist.kernels.__all__, *repdist.metrics.__all__}
    names -= {"__version__", "kernels", "metrics"}
    names |= {name for file in FRAMEWORKS for name in public_names_of(file)}
    assert sorted(names) == sorted(listed)


def test_the_citation_has_the_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {repdist.__version__}\n" in text


# --- one table of questions ----------------------------------------------------------------------


def refresh_guide():
    spec = importlib.util.spec_from_file_location("refresh_guide", ROOT / "docs/refresh_guide.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_show_the_questions_as_they_are():
    """`python docs/refresh_guide.py` writes them."""
    guide = refresh_guide()
    for name in guide.PAGES:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert guide.with_table(text, name) == text, name


def test_every_command_and_every_function_answers_a_question():
    calls = " ".join(row.call for row in _guide.GUIDE)
    for name, value in vars(repdist).items():
        if inspect.isfunction(value) and name not in ("example_features", "median_heuristic"):
            assert f"{name}(" in calls, name
    for row in _guide.GUIDE:
        if row.page:
            assert (ROOT / f"docs/howto/{row.page}.md").is_file(), row.page


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120
