"""The documentation's site: built in both languages without a warning, complete, and usable from the disk."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from fooocus_api.tests.support.host import ROOT

pytestmark = pytest.mark.nightly  # the site is built of all pages: 40 seconds

DOCS = ROOT / "docs"
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""Element → attribute with an address that the browser loads automatically."""
NOT_LOADED = {"search", "index", "next", "prev", "canonical"}
"""Kinds of `link` elements that only refer to another page."""


class Addresses(HTMLParser):
    """Addresses that a page loads, addresses of its links, and its anchors."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.anchors.add(str(values["id"]))
        if tag == "a" and values.get("href"):
            self.links.append(str(values["href"]))
        address = values.get(LOADED.get(tag, ""))
        if address and values.get("rel") not in NOT_LOADED:
            self.loaded.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the site, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run([sys.executable, DOCS / "build.py", folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def pages_of(site: Path) -> dict[Path, Addresses]:
    """Return all pages of the site except the search, whose script builds its links."""
    return {page: Addresses(page) for page in site.rglob("*.html") if page.name not in ("search.html", "genindex.html")}


def test_each_page_is_built_and_in_the_navigation(site: Path) -> None:
    for language, folder in (("", site), ("_zh", site / "zh")):
        sources = [page.stem for page in DOCS.glob("*.md") if page.stem.endswith("_zh") is bool(language)]
        linked = set(Addresses(folder / "index.html").links)
        assert len(sources) > 8
        for name in sources:
            assert (folder / f"{name}.html").is_file()
            assert f"{name}.html" in linked or name.startswith("README"), name


def test_each_link_leads_to_a_file_and_an_anchor(site: Path) -> None:
    pages = pages_of(site)
    for page, addresses in pages.items():
        for address in {*addresses.links, *addresses.loaded}:
            parts = urlsplit(address)
            if parts.scheme:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file(), f"{page.name}: {address}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].anchors, f"{page.name}: {address}"


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    for page, addresses in pages_of(site).items():
        assert [address for address in addresses.loaded if urlsplit(address).netloc] == [], page.name
