"""The migration guide's claims about this API, in both languages: endpoints, fields, flags and the command."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.docs.test_docs import our_flags
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import ROOT

GUIDES = ["migration.md", "migration_zh.md"]
HOST_FLAGS = {"--output-path"}
STATUSES = {"pending", "running", "finished", "failed", "stopped", "interrupted"}
OUR_OWN = STATUSES | {"imported", "message", "action"}


def text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def rows(guide: str) -> list[tuple[str, str]]:
    """Return the tables' rows: the old API's term and this API's."""
    cells = [line.strip("|").split("|") for line in guide.splitlines() if line.startswith("| ")]
    assert all(len(row) == 2 for row in cells)
    return [(old, new) for old, new in cells]


def spans(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def properties(schema: Any) -> Iterator[str]:
    """Yield the names of the properties of all objects in a schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
    if isinstance(schema, (dict, list)):
        for part in schema.values() if isinstance(schema, dict) else schema:
            yield from properties(part)


@pytest.fixture(params=GUIDES)
def guide(request: pytest.FixtureRequest) -> str:
    """Return the text of each guide in turn."""
    return text(request.param)


def test_every_endpoint_of_ours_exists(guide: str, client: Client) -> None:
    schema = client.get("/v1/openapi.json").json()["paths"]
    exist = {f"{method.upper()} {path}" for path, operations in schema.items() for method in operations}
    named = {span.split("?")[0] for _, new in rows(guide) for span in spans(new) if re.match("[A-Z]+ /", span)}
    assert len(named) > 10
    assert named <= exist


def test_every_field_of_ours_exists(guide: str, client: Client) -> None:
    exist = set(properties(client.get("/v1/openapi.json").json()))
    named = {span.split(".")[0] for _, new in rows(guide) for span in spans(new) if re.fullmatch("[a-z_.]+", span)}
    assert len(named) > 20
    assert named <= exist | OUR_OWN


def test_every_flag_of_ours_exists(guide: str) -> None:
    ours = guide.replace("`--queue-size`", "")
    ours = ours.replace("`--queue-history`", "").replace("`--persistent`", "")
    assert set(re.findall(r"--[a-z][a-z-]+", ours)) <= our_flags() | HOST_FLAGS


def test_the_command_exists(guide: str) -> None:
    assert "extension.py import /path/to" in guide
    command = [sys.executable, str(ROOT / "extension.py"), "import", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(sys.prefix)).stdout
    assert all(flag in shown for flag in ("--api-db", "--output-path", "PATH"))


def test_both_languages_say_the_same() -> None:
    english, chinese = (rows(text(name)) for name in GUIDES)
    assert [[sorted(spans(cell)) for cell in row] for row in english] == [
        [sorted(spans(cell)) for cell in row] for row in chinese
    ]
    for pattern in (r"^## ", r"^python ", r"^\d\. "):
        assert len(re.findall(pattern, text(GUIDES[0]), re.M)) == len(re.findall(pattern, text(GUIDES[1]), re.M))
