"""The page's words: each that is used exists in both languages, and none is written between them."""

from __future__ import annotations

import re
from pathlib import Path

from fooocus_api.tasks.model.pick import Reason
from fooocus_api.tests.support.host import ROOT

ASSETS = ROOT / "dashboard" / "assets"
ROW = re.compile(r'^  "([\w.-]+)": \[\s*(.+?),\s*"([^"]*)",?\s*\],$', re.MULTILINE | re.DOTALL)
USED = re.compile(r'\bt\(\s*"([\w.-]+)"')
IMPORT = re.compile(r'^(?:import|\}).*"(\.[^"]+)";$', re.MULTILINE)
TABLES = ("frame", "work", "history", "manage")
CHINESE = re.compile(r"[\u3400-\u9fff]")
LONGEST = 300
"""Lines of a module."""


def words() -> dict[str, str]:
    """Return the keys of all tables with their Chinese."""
    found: dict[str, str] = {}
    for table in TABLES:
        text = (ASSETS / "i18n" / f"{table}.js").read_text("utf-8")
        rows = ROW.findall(text)
        assert len(rows) == sum(line.startswith('  "') for line in text.splitlines()), table
        assert not found.keys() & {key for key, _, _ in rows}
        found |= {key: chinese for key, _, chinese in rows}
    return found


def modules() -> list[Path]:
    """Return the modules without the tables of words."""
    return [path for path in ASSETS.rglob("*.js") if path.parent.name != "i18n"]


def test_every_used_word_exists() -> None:
    known = words().keys()
    used = {key for path in modules() for key in USED.findall(path.read_text("utf-8"))}
    assert used <= known, f"no words: {used - known}; add rows to a table of dashboard/assets/i18n"


def test_every_reason_of_a_place_has_words() -> None:
    missing = {f"why.{reason.value}" for reason in Reason} - words().keys()
    assert not missing, f"no words: {missing}; add rows to dashboard/assets/i18n/work.js"


def test_every_page_has_a_title_and_those_in_the_header_an_icon() -> None:
    titles = dict(
        re.findall(r'^  "?(\w*)"?: \{ load: .*title: "([\w.]+)"', (ASSETS / "app.js").read_text("utf-8"), re.MULTILINE)
    )
    untitled = set(titles.values()) - words().keys()
    assert not untitled, f"no words: {untitled}; add rows to a table of dashboard/assets/i18n"
    listed = re.search(r"^const NAV = \[(.*)\];$", (ASSETS / "shell" / "shell.js").read_text("utf-8"), re.MULTILINE)
    assert listed is not None
    header = re.findall(r'"(\w*)"', listed[1])
    assert len(header) > 5 and set(header) <= titles.keys(), "a name in NAV of shell.js has no page in PAGES of app.js"
    icons = set(re.findall(r'<symbol id="(\w+)"', (ASSETS / "icons.svg").read_text("utf-8")))
    missing = {name or "overview" for name in header} - icons
    assert not missing, f"no icon: {missing}; add symbols to dashboard/assets/icons.svg"


def test_chinese_is_in_the_tables_alone() -> None:
    assert all(CHINESE.search(text) or re.fullmatch(r"[\w {}]+", text) for text in words().values())
    elsewhere = [path.name for path in modules() if CHINESE.search(path.read_text("utf-8").replace("简体中文", ""))]
    assert elsewhere == []


def test_modules_are_short_and_write_no_markup() -> None:
    for path in [*ASSETS.rglob("*.js"), *ASSETS.rglob("*.css")]:
        text = path.read_text("utf-8")
        limit = LONGEST if path.suffix == ".js" and path.parent.name != "i18n" else LONGEST * 2
        assert len(text.splitlines()) <= limit, path.name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text), (
            path.name
        )
        assert not re.search(r"https?://(?!www\.w3\.org)[a-z]", text), path.name


def imported(start: list[Path]) -> set[Path]:
    """Return the modules that these import, at any depth, but for those that are loaded with their page."""
    found: set[Path] = set()
    waiting = list(start)
    while waiting:
        path = waiting.pop().resolve()
        if path not in found:
            found.add(path)
            waiting += [path.parent / name for name in IMPORT.findall(path.read_text("utf-8"))]
    return found


def test_the_shell_names_what_the_first_page_needs() -> None:
    """Compare the files: a browser finds a module that is not named by the one that imports it, one after the other."""
    shell = (ASSETS / "index.html").read_text("utf-8")
    named = {(ASSETS / name).resolve() for name in re.findall(r'href="\{\{assets\}\}/([^"]+\.(?:js|css))"', shell)}
    first = imported([ASSETS / "app.js", ASSETS / "overview" / "page.js", ASSETS / "generate" / "page.js"])
    assert named == first | {path.resolve() for path in ASSETS.rglob("*.css")}
