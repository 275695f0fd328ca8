"""The documentation's site: the committed one is what its sources make, complete, in both languages, and without other hosts."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from fooocus_api.tests.support.host import ROOT

DOCS = ROOT / "docs"
SITE = ROOT / "guide" / "pages"
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""Element → attribute with an address that the browser loads automatically."""
NOT_LOADED = {"search", "next", "prev"}
"""Kinds of `link` elements that only refer to another page."""
FRAME = re.compile(
    r'(?:>|aria-label="|title=")([A-Z][a-z]+(?: [a-z]+)* (?:sidebar|theme|content|top|heading|mode)|Next|Previous|Menu)(?=<|")'
)
"""Words of the theme's frame in English."""
ENGLISH_ONLY = {"architecture.html", "development.html", "security.html"}
MAX_MEGABYTES = 5


class Page(HTMLParser):
    """Addresses that a page loads, addresses of its links, its anchors, and what a strict policy would refuse."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.refused: list[str] = []
        self.to_other_language = ""
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.anchors.add(str(values["id"]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
            if values.get("hreflang"):
                self.to_other_language = str(values["href"])
        address = values.get(LOADED.get(tag, ""))
        if address and values.get("rel") not in NOT_LOADED:
            self.loaded.append(address)
        if tag == "style" or (tag == "script" and "src" not in values):
            self.refused.append(f"<{tag}>")
        self.refused += [name for name in values if name == "style" or name.startswith("on")]


@pytest.fixture(scope="module")
def pages() -> dict[Path, Page]:
    """Return all pages of the site."""
    return {path: Page(path) for path in SITE.rglob("*.html")}


def contents(folder: Path) -> dict[str, bytes]:
    """Return path → content of all files below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_committed_site_is_what_its_sources_make(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, DOCS / "build.py", tmp_path / "site"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    built, committed = contents(tmp_path / "site"), contents(SITE)
    differing = {name for name in built.keys() | committed.keys() if built.get(name) != committed.get(name)}
    assert not differing, "run `.venv/bin/python docs/build.py`, and commit guide/pages"


def test_the_frame_of_a_page_is_in_its_language_and_its_headings_have_levels(pages: dict[Path, Page]) -> None:
    texts = {path: path.read_text("utf-8") for path in pages}
    assert FRAME.findall(texts[SITE / "keys.html"]), "the theme has other words by now"
    in_english = {path.name: FRAME.findall(text) for path, text in texts.items() if path.parent.name == "zh"}
    assert [name for name, found in in_english.items() if found] == [], in_english
    for path, text in texts.items():
        assert text.count('role="heading"') == text.count('role="heading" aria-level="2"') > 0, path


def test_no_page_shows_marks_of_bold_text(pages: dict[Path, Page]) -> None:
    """Markdown takes marks for text behind Chinese punctuation that a letter follows."""
    code = re.compile(r"<(pre|code|script)\b.*?</\1>", re.DOTALL)
    assert [path.name for path in pages if "**" in code.sub("", path.read_text("utf-8"))] == []


def test_each_page_is_in_the_site_and_in_the_navigation(pages: dict[Path, Page]) -> None:
    for language, folder in (("", SITE), ("_zh", SITE / "zh")):
        sources = [page.stem for page in DOCS.glob("*.md") if page.stem.endswith("_zh") is bool(language)]
        names = {name.removesuffix("_zh") for name in sources} - {"README"}
        assert len(names) > 30
        linked = {path.name for path in pages if path.parent == folder}
        assert {f"{name}.html" for name in names} <= linked
        navigation = re.findall(
            r'toctree-l1"><a [^>]*href="([\w-]+)\.html"', (folder / "search.html").read_text("utf-8")
        )
        assert names <= set(navigation)


def test_each_link_leads_to_a_file_and_an_anchor(pages: dict[Path, Page]) -> None:
    wrong = []
    for path, page in pages.items():
        for address in {*page.links, *page.loaded}:
            parts = urlsplit(address)
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            has_anchor = not parts.fragment or target not in pages or unquote(parts.fragment) in pages[target].anchors
            if not target.is_file() or not has_anchor:
                wrong.append(f"{path.relative_to(SITE)}: {address}")
    assert not wrong


def test_each_page_leads_to_itself_in_the_other_language(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        wanted = "index.html" if path.name in ENGLISH_ONLY else path.name
        folder = SITE if path.parent.name == "zh" else SITE / "zh"
        assert (path.parent / page.to_other_language).resolve() == folder / wanted, path


def test_no_page_loads_anything_from_another_host_or_has_code_in_it(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert [address for address in page.loaded if urlsplit(address).netloc or ":" in address] == [], path
        assert page.refused == [], path
    for path in [*SITE.rglob("*.css"), *SITE.rglob("*.js")]:
        text = path.read_text("utf-8")
        assert not re.search(r"url\((?!['\"]?data:)|@import|importScripts|sourceMappingURL", text), path


def test_the_site_is_small_and_has_only_what_its_pages_use(pages: dict[Path, Page]) -> None:
    files = contents(SITE)
    assert sum(map(len, files.values())) < MAX_MEGABYTES * 2**20
    used = {
        (path.parent / unquote(urlsplit(address).path)).resolve().relative_to(SITE).as_posix()
        for path, page in pages.items()
        for address in {*page.loaded, *page.links}
        if not urlsplit(address).scheme and urlsplit(address).path
    }
    assert files.keys() - used - {"_static/licenses.txt"} == set()
    assert not [name for name, content in files.items() if str(ROOT).encode() in content]
