"""Sphinx configuration of the documentation's site. `python docs/build.py` runs it, once for each language.

The pages are plain Markdown that a repository's web page also shows; `site_sources.py` makes the sources of the site of them.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    tags: frozenset[str]

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from chinese_search import PairSearch  # noqa: E402  # Sphinx does not add this folder
from site_sources import one_language_only  # noqa: E402

CHINESE = "chinese" in tags  # noqa: F821  # Sphinx defines it

project = "Fooocus API"
version = release = re.findall(r'__version__ = "(.+)"', (HERE.parent / "__init__.py").read_text("utf-8"))[0]
extensions = ["myst_parser"]
myst_heading_anchors = 3
language = "zh_CN" if CHINESE else "en"
templates_path = ["templates"]

html_theme = "furo"
html_theme_options: dict[str, list[str]] = {"top_of_page_buttons": []}
html_title = project
html_static_path = ["assets"]
html_css_files = ["guide.css"]
html_js_files = ["guide.js"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_use_index = False
html_search_language = "zh" if CHINESE else "en"
html_sidebars = {
    "**": [
        f"sidebar/{name}.html" for name in ("brand", "search", "language", "scroll-start", "navigation", "scroll-end")
    ]
}
html_context = {
    "one_language_only": one_language_only(),
    "other_language": "en" if CHINESE else "zh-CN",
    "other_language_name": "English" if CHINESE else "中文",
    "other_language_folder": "../" if CHINESE else "zh/",
}


def setup(app: Sphinx) -> None:
    """Register the search of Chinese text."""
    app.add_search_language(PairSearch)
