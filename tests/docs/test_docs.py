"""Flags, endpoints, commands, links and examples of the documentation, in both languages."""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
from fooocus_api_client.cli.app import app
from typer.main import get_command

from fooocus_api.adapters.startup.launch_flags import add_flags
from fooocus_api.asgi.error_codes import ErrorCode, FieldErrorCode
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import ROOT, Host

PAGES = sorted([*ROOT.glob("README*.md"), *(ROOT / "docs").glob("*.md")])
ENGLISH_ONLY = {"architecture.md", "development.md"}
ENGLISH = [page for page in PAGES if not page.stem.endswith("_zh")]
CHINESE = [*(page for page in PAGES if page.stem.endswith("_zh")), ROOT / "examples" / "README.md"]
OF_OTHERS = {
    "--always-high-vram",
    "--allow-http",
    "--build-arg",
    "--header",
    "--transport",
    "--demo-step-ms",
    "--demo-load-ms",
    "--demo-null",
    "--demo-vae-noise",
    "--demo-photo",
    "--demo-slow-disk",
    "--demo-trace",
    "--disable-image-log",
    "--gpu-device-id",
    "--listen",
    "--port",
    "--rebuild-hash-cache",
    "--share",
}
"""Flags of Fooocus, of the demo host and of other programs."""
OF_OTHER_APIS = {"--persistent", "--queue-history", "--queue-size"}
"""Flags of other APIs that the migration guide compares."""
MAX_README_LINES = 150

in_both_languages = pytest.mark.parametrize("language", ["", "_zh"], ids=["English", "Chinese"])
on_every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def text_of(name: str, language: str) -> str:
    """Return the text of a page in a language."""
    return (ROOT / f"{name}{language}.md").read_text("utf-8")


def our_flags() -> set[str]:
    """Return the extension's launch flags."""
    parser = argparse.ArgumentParser(add_help=False)
    add_flags(SimpleNamespace(parser=parser))  # type: ignore[arg-type]
    return {option for action in parser._actions for option in action.option_strings}


@in_both_languages
def test_every_flag_is_explained_once(language: str) -> None:
    explained = re.findall(r"^\| `(--[a-z-]+)", text_of("docs/flags", language), re.MULTILINE)
    page = f"docs/flags{language}.md"
    assert set(explained) == our_flags(), f"flags without a row, or rows without a flag; change {page}"
    assert len(explained) == len(set(explained)), f"a flag has two rows; remove one from {page}"


@pytest.fixture(scope="module")
def known_flags(demo: Host) -> set[str]:
    """Return the flags of the extension, its commands, its installer, the host and the demo."""
    helps = (
        ("install.py", "--help"),
        ("extension.py", "keys", "add", "--help"),
        ("extension.py", "import", "--help"),
        ("extension.py", "gateway", "--help"),
    )
    texts = (
        subprocess.run([demo.python, ROOT / script, *flags], capture_output=True, text=True, check=True).stdout
        for script, *flags in helps
    )
    return our_flags() | set(re.findall(r"--[a-z][a-z-]+", "".join(texts))) | options_of_the_client() | OF_OTHERS


def options_of_the_client() -> set[str]:
    """Return the options of the command line `fooocus`."""
    group: Any = get_command(app)
    commands = [group, *group.commands.values()]
    return {option for command in commands for parameter in command.params for option in parameter.opts} | {"--help"}


@pytest.mark.parametrize("page", [page for page in PAGES if "windows" not in page.stem], ids=lambda page: page.stem)
def test_every_flag_named_exists(page: Path, known_flags: set[str]) -> None:
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page.read_text("utf-8"))) <= known_flags | (
        OF_OTHER_APIS if "migration" in page.stem else set()
    )


@in_both_languages
def test_every_endpoint_is_explained_and_exists(language: str, client: Client) -> None:
    schema = client.get("/v1/openapi.json").json()["paths"]
    explained = re.findall(r"\| `((?:GET|POST|PUT|DELETE) /[^` ]*)`", text_of("docs/endpoints", language))
    exist = {f"{method.upper()} {path}" for path, operations in schema.items() for method in operations}
    page = f"docs/endpoints{language}.md"
    differing = set(explained) ^ (exist | {"GET /docs", "GET /v1/openapi.json"})
    assert not differing, f"without a row or without a route: {differing}; change {page}"
    assert len(explained) == len(set(explained)), f"an endpoint has two rows; remove one from {page}"


def test_every_folder_of_tests_is_explained() -> None:
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|", text_of("docs/development", ""), re.MULTILINE)
    explained = {name for row in rows for name in re.findall(r"\w+", row)}
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/*.py")}
    assert explained == folders, "a folder of tests without a row, or a row without one; change docs/development.md"


@in_both_languages
def test_every_error_code_is_explained_with_its_status(language: str) -> None:
    text = text_of("docs/errors", language)
    problems = re.findall(r"^\| `([a-z_]+)` \| (\d+) \|", text, re.MULTILINE)
    assert problems == [(code.value, str(code.status)) for code in ErrorCode]
    fields = re.findall(r"^\| `([a-z_]+)` \| (?!\d+ \|)", text, re.MULTILINE)
    assert fields == [code.value for code in FieldErrorCode]


def test_error_codes_have_the_meaning_of_the_page() -> None:
    text = text_of("docs/errors", "")
    assert [code.meaning for code in (*ErrorCode, *FieldErrorCode) if f"| {code.meaning} |" not in text] == []


@in_both_languages
def test_the_commands_come_first(language: str) -> None:
    first = text_of("README", language).split("```")[1]
    assert "python install.py --demo" in first and "python install.py --test" in first


@in_both_languages
def test_the_readme_is_short(language: str) -> None:
    assert len(text_of("README", language).splitlines()) <= MAX_README_LINES


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@on_every_page
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.is_file(), target
        assert not anchor or unquote(anchor) in anchors_of(linked), target


@pytest.mark.parametrize(
    "page", [page for page in ENGLISH if page.name not in ENGLISH_ONLY], ids=lambda page: page.stem
)
def test_both_languages_say_the_same(page: Path) -> None:
    english, chinese = (one.read_text("utf-8") for one in (page, page.with_name(f"{page.stem}_zh.md")))
    for pattern in (r"^## ", r"^\| `[^`]+`", r"^```\w+", r"^!\["):
        assert len(re.findall(pattern, english, re.M)) == len(re.findall(pattern, chinese, re.M)), pattern


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.stem)
def test_chinese_lines_end_with_a_sentence(page: Path) -> None:
    prose = re.sub(r"^```.*?^```|^[#|<!].*?$", "", page.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)
    # Markdown shows the end of a line within a sentence as a space between two characters.
    assert re.findall(r"^(?=.*[\u4e00-\u9fff]).*[^\s。：！？）*](?=\n *(?!- |\* |\d+\. )\S)", prose, re.MULTILINE) == []


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: page.stem)
def test_chinese_pages_use_the_fields_words(page: Path) -> None:
    assert re.findall("绘制|(?<!（)蒙版|掩码|回答|您|Fooocus 副本", page.read_text("utf-8")) == []


@pytest.mark.parametrize("page", ENGLISH, ids=lambda page: page.stem)
def test_the_index_links_every_page(page: Path) -> None:
    name = "../README.md" if page.parent == ROOT else page.name
    assert page == ROOT / "docs" / "README.md" or f"]({name}" in text_of("docs/README", "")


def test_the_modules_that_the_architecture_names_exist() -> None:
    named = re.findall(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|js))`", text_of("docs/architecture", ""))
    missing = [name for name in named if not (ROOT / name).is_file()]
    assert named and not missing, f"no such file: {missing}; write the path from the repository's root"
