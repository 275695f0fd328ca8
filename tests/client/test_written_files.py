"""The client's types are those of the schema, and its asynchronous form is that of the synchronous one."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from fooocus_api_client.sync.batches import Batches
from fooocus_api_client.sync.tasks import Tasks

from fooocus_api.tests.support.host import ROOT, Host

CLIENT = ROOT / "client"
PAGES = ("client.md", "client_zh.md")
PACKAGE = CLIENT / "src" / "fooocus_api_client"


def written(folder: Path, script: str, *arguments: str) -> dict[str, str]:
    """Return the modules that a script writes, by name."""
    command = [sys.executable, str(CLIENT / "scripts" / script), *arguments, "--out", str(folder)]
    subprocess.run(command, check=True)
    return {path.name: path.read_text("utf-8") for path in folder.glob("*.py")}


def test_types_are_those_of_the_schema(demo: Host, tmp_path: Path) -> None:
    found = written(tmp_path, "write_types.py", demo.url)
    assert len(found) == 8
    for name, text in found.items():
        assert (PACKAGE / "schema" / name).read_text("utf-8") == text, f"run client/scripts/write_types.py: {name}"


def test_the_asynchronous_client_is_written_from_the_synchronous_one(tmp_path: Path) -> None:
    found = written(tmp_path, "write_async.py")
    assert sorted(found) == sorted(path.name for path in (PACKAGE / "aio").glob("*.py"))
    for name, text in found.items():
        assert (PACKAGE / "aio" / name).read_text("utf-8") == text, f"run client/scripts/write_async.py: {name}"


@pytest.mark.parametrize("page", PAGES)
def test_the_page_names_the_methods(page: str) -> None:
    rows = dict(
        re.findall(r"^\| `(tasks|batches)` \| (.+) \|$", (ROOT / "docs" / page).read_text("utf-8"), re.MULTILINE)
    )
    for name, kind in (("tasks", Tasks), ("batches", Batches)):
        differing = set(re.findall(r"\w+", rows[name])) ^ {
            method for method in vars(kind) if not method.startswith("_")
        }
        assert not differing, f"without a method or unnamed: {differing}; change the row `{name}` of docs/{page}"
