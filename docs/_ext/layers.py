"""The table of the package's folders, with what each may import: read from tests/test_layers.py."""

import ast
from pathlib import Path

from house import PACKAGE, draw_house, shown
from measured import table
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
LAYERS = ROOT / "tests" / "test_layers.py"
ENTRIES = {"__init__", "__main__", "_experiments", "_example"}  # no layers of their own


class Layers(SphinxDirective):
    """``{layers}``: folder or file, its docstring's first line, what it imports."""

    def run(self):
        self.env.note_dependency(str(LAYERS))
        named = literals_of(LAYERS)
        body = [
            [shown(name), what_it_is(name), "NumPy and the standard library"]
            for name in sorted(named["GROUND"])
        ]
        body += [
            [shown(name), what_it_is(name), ", ".join(map(shown, sorted(allowed))) or "the ground"]
            for name, allowed in named["LAYERS"].items()
            if name not in ENTRIES
        ]
        body.append(["experiments/", "the case study", "public names, _files.py"])
        return [table(["folder or file", "its one idea", "imports"], body)]


def literals_of(source):
    """Return the values of the literals GROUND and LAYERS at the top of a file."""
    tree = ast.parse(source.read_text(encoding="utf-8"))
    values = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    return {name: ast.literal_eval(values[name]) for name in ("GROUND", "LAYERS")}


def what_it_is(name):
    path = PACKAGE / name
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0].rstrip(".").replace("`", "")


def draw(app):
    folder = Path(app.srcdir) / "auto_images"
    folder.mkdir(exist_ok=True)
    draw_house(folder / "house.png", literals_of(LAYERS)["GROUND"])


def setup(app):
    app.connect("builder-inited", draw)
    app.add_directive("layers", Layers)
    return {"parallel_read_safe": True}
