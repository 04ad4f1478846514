"""The code in README and CONTRIBUTING runs, and prints what they say."""

import contextlib
import io
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_example_runs(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    examples = fences(name, "python")
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
