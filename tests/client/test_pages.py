"""The commands of docs/client.md, docs/client_zh.md and the client's README.md, as a reader would type them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fooocus_api_client.cli.app import app
from fooocus_api_client.cli.frame.exit_codes import ExitCode
from typer.main import get_command

from fooocus_api.tests.client.constants import QUICK
from fooocus_api.tests.support.host import ROOT, Host
from fooocus_api.tests.support.sources.page_examples import examples_of

PAGES = [ROOT / "docs" / "client.md", ROOT / "client" / "README.md"]
ADDRESS = "http://127.0.0.1:7865"
SMALL = [argument for name, value in QUICK.items() for argument in ("--set", f"{name}={value}")]


def commands_of(page: Path) -> list[str]:
    lines = [line for example in examples_of(page) if example.language == "shell" for line in example.commands]
    return [line for line in lines if line.startswith("fooocus ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_the_commands_run(page: Path, fooocus: Callable[..., Any], demo: Host, tmp_path: Path) -> None:
    (tmp_path / "prompts.csv").write_text("prompt,performance_selection\na cat,Lightning\n", "utf-8")
    for line in commands_of(page):
        quick = SMALL if line.split()[1] in ("generate", "upscale", "inpaint") else []
        done = fooocus(*shlex.split(line.replace(ADDRESS, demo.url))[1:], *quick)
        assert done.exit_code == 0, f"{line}\n{done.output}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}-{page.stem}")
def test_both_languages_have_the_same_commands(page: Path) -> None:
    assert commands_of(page) == commands_of(page.with_name(f"{page.stem}_zh.md"))


@pytest.mark.parametrize("language", ["", "_zh"])
def test_the_page_names_each_exit_code_and_command(language: str) -> None:
    text = (ROOT / "docs" / f"client{language}.md").read_text("utf-8")
    assert re.findall(r"^\| `(\d+)` \|", text, re.MULTILINE) == [str(code.value) for code in ExitCode]
    commands: Any = get_command(app)
    assert [name for name in commands.commands if f"fooocus {name}" not in text] == []
