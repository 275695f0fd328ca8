"""Sphinx configuration of the documentation's site. `python docs/build.py` builds it, once for each language.

The pages are plain Markdown that a repository's web page also shows. This file adds what a site needs: the navigation, which is
the order of links in README.md, and links that lead from one language to the other and out of the folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

    tags: frozenset[str]

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
REPOSITORY = re.findall(r"git clone (\S+)", (ROOT / "README.md").read_text("utf-8"))[0]
CHINESE = "chinese" in tags  # noqa: F821  # Sphinx defines it

project = "Fooocus API"
version = release = re.findall(r'__version__ = "(.+)"', (ROOT / "__init__.py").read_text("utf-8"))[0]
extensions = ["myst_parser"]
myst_heading_anchors = 3
root_doc = "README_zh" if CHINESE else "README"
language = "zh_CN" if CHINESE else "en"
include_patterns = ["*_zh.md"] if CHINESE else ["*.md"]
exclude_patterns = [] if CHINESE else ["*_zh.md"]

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
templates_path: list[str] = []

LINK = re.compile(r"\[([^\]]+)\]\((?!\w+://|#)([^)\s#]+)(#[^)\s]*)?\)")


def setup(app: Sphinx) -> None:
    """Register the adaptation of each page's Markdown."""
    app.connect("source-read", adapt)


def adapt(app: Sphinx, page: str, source: list[str]) -> None:
    """Replace `source[0]` by the Markdown of a page with links for the site, and with the navigation on the first page."""
    text = LINK.sub(_site_link, source[0])
    if page == root_doc:
        pages = [name.removesuffix(".md") for name in pages_in_order(source[0])]
        text += "\n```{toctree}\n:hidden:\n\n" + "\n".join(pages) + "\n```\n"
    source[0] = text


def pages_in_order(index: str) -> list[str]:
    """Return the files of this language that the index links, in the order of its columns."""
    rows = [row.strip("|").split("|") for row in index.splitlines() if row.startswith("|") and LINK.search(row)]
    names = [match[2] for column in zip(*rows, strict=True) for cell in column for match in LINK.finditer(cell)]
    return [name for name in names if _is_here(name)]


def _is_here(name: str) -> bool:
    """Return whether a linked file is a page of the language that is being built."""
    return "/" not in name and name.endswith(".md") and name.endswith("_zh.md") is CHINESE


def _site_link(match: re.Match[str]) -> str:
    text, name, anchor = match[1], match[2], match[3] or ""
    if name.startswith("../"):
        return f"[{text}]({REPOSITORY}/blob/main/{name.removeprefix('../')}{anchor})"
    if not name.endswith(".md") or _is_here(name):
        return match[0]
    folder = "../" if CHINESE else "zh/"  # a page of the other language
    return f'<a href="{folder}{name.removesuffix(".md")}.html{anchor}">{text}</a>'
