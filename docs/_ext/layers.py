"""The table of the package's files, with what each may import: read from tests/test_layers.py."""

import ast
from pathlib import Path

from measured import table
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]


class Layers(SphinxDirective):
    """``{layers}``: file, its docstring's first line, what it imports."""

    def run(self):
        source = ROOT / "tests" / "test_layers.py"
        self.env.note_dependency(str(source))
        layers = layers_of(source)
        body = [
            [f"{name}.py", what_it_is(name), ", ".join(n for n in layers if n in allowed)]
            for name, allowed in layers.items()
            if name not in ("plotting", "report", "cli", "__init__")
        ]
        body.append(
            ["plotting.py, report.py, cli.py", "pictures, the page, commands", "public names"]
        )
        return [table(["file", "its one idea", "imports"], body)]


def layers_of(source):
    tree = ast.parse(source.read_text(encoding="utf-8"))
    (value,) = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "LAYERS"
    ]
    return {
        key.value: {item.value for item in names.elts if isinstance(item, ast.Constant)}
        if isinstance(names, ast.Set)
        else set()
        for key, names in zip(value.keys, value.values, strict=True)
    }


def what_it_is(name):
    text = (ROOT / "repdist" / f"{name}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0].rstrip(".")


def setup(app):
    app.add_directive("layers", Layers)
    return {"parallel_read_safe": True}
