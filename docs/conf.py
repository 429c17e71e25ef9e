"""How Sphinx makes the documentation: `make docs`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import mistcli

project = "mist"
author = "The mist developers"
version = release = mistcli.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated", "mathml"]
html_math_renderer = "mathml"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"mist {release}"
html_copy_source = False
html_show_copyright = False

nitpicky = True
# Other projects are not linked, so that the documentation is built without a network.
nitpick_ignore_regex = [
    ("py:.*", r"(torch|np|numpy|pd|pandas|click|pluggy|pathlib|collections|importlib|typing|os|types|enum)\b.*"),
    ("py:.*", r"(Tensor|Generator|Module|NDArray|Path|DataFrame|Any|ABC|Optimizer|EntryPoint|Figure|optional)"),
    ("py:.*", r"PluginManager(\.register)?"),
    ("py:.*", r"mistcli\.(distributions|estimators|auto)\..*"),  # parts of estimators, which no page is about
    ("py:.*", r"mistcli\.testing\.(pytest\.TestT|check\.Subject)"),
]

default_role = "code"
smartquotes_action = "D"  # dashes, which stand between a parameter and what it is
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.xref_missing"]
