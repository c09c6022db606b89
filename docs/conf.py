"""Settings of the documentation: `make docs` builds it, and a warning is an error."""

from importlib.metadata import version as installed_version

project = "vivace"
author = "vivace developers"
copyright = "2026, vivace developers"
version = release = installed_version("vivace")

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"  # numpydoc's parameter lists say it
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

html_theme = "furo"
html_title = f"vivace {release}"
nitpicky = False
