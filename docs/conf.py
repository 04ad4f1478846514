"""The documentation: `make docs` builds it, without a network once the packages are installed."""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS / "_ext"), str(DOCS / "explanation")]

import matplotlib as mpl  # noqa: E402
from docutils import nodes  # noqa: E402
from make_inventories import SITES  # noqa: E402
from make_pictures import draw_for_site  # noqa: E402

import repdist  # noqa: E402

project = "repdist"
author = "the repdist developers"
copyright = author
release = version = repdist.__version__

extensions = [
    "layers",  # _ext/layers.py
    "measured",  # _ext/measured.py
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    "sphinxcontrib.typer",
]
exclude_patterns = [
    "_build",
    "_static/README.md",
    "gallery/*",  # sources of auto_gallery and auto_tutorials
    "tutorials/*",
    "sg_execution_times.rst",
]
templates_path = ["_templates"]
suppress_warnings = ["config.cache"]  # the settings of the gallery hold functions

# --- text ----------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
bibtex_bibfiles = ["references.bib"]
bibtex_reference_style = "author_year"

# --- reference -----------------------------------------------------------------------------------

autodoc_typehints = "none"  # the docstrings have shapes and dtypes
autosummary_generate = True
numpydoc_show_class_members = False
intersphinx_mapping = {name: (url, f"inventories/{name}.inv") for name, url in SITES.items()}


def signature_of(_app, what, name, *_):
    """Show no constructor for what only functions make."""
    if what == "class" and name.endswith(("Result", "LevelCheck", "PowerCurve")):
        return "", None
    return None


def keep_together(_app, doctree, *_):
    """Break no line between a number and its sign of per cent."""
    for text in list(doctree.findall(nodes.Text)):
        if " %" in text and not isinstance(text.parent, nodes.literal | nodes.literal_block):
            whole = re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", text)
            text.parent.replace(text, nodes.Text(whole))


def draw(_app):
    """Draw what must agree with the numbers beside it."""
    mpl.use("Agg")
    draw_for_site(DOCS / "auto_images")


def setup(app):
    app.connect("autodoc-process-signature", signature_of)
    app.connect("builder-inited", draw)
    app.connect("doctree-read", keep_together)


# --- what runs -----------------------------------------------------------------------------------

doctest_global_setup = """
import numpy as np
import repdist
"""
sphinx_gallery_conf = {
    "examples_dirs": ["tutorials", "gallery"],
    "gallery_dirs": ["auto_tutorials", "auto_gallery"],
    "filename_pattern": r"plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "capture_repr": (),  # what examples print, not what their last line returns
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
}

# --- pages ---------------------------------------------------------------------------------------

html_theme = "furo"
html_title = f"repdist {release}"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_sourcelink = False
mathjax_path = "tex-svg.js"
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
