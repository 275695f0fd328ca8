"""Imports go one way, the host is met in one room only, and no route blocks the event loop."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.host import ROOT

ALLOWED = {
    "adapters": {"adapters", "tasks", "files"},
    "api": {"api", "tasks", "files"},
    "tasks": {"tasks", "db", "files"},
    "db": {"db", "files"},
    "commands": {"commands", "tasks", "db", "installer", "adapters", "files"},
    "installer": {"installer", "adapters", "files"},
    "files": {"files"},
}
"""Room → the rooms it may import from. Of `adapters`, `installer` and `commands` read the stdlib-only modules."""

HOST = {"modules", "ldm_patched", "args_manager", "shared", "webui", "launch", "extras", "gradio", "fooocus_version"}
STDLIB_ONLY = {"arguments", "signature", "signature_reader", "patch_points"}

FILES = [(room, path) for room in ALLOWED for path in sorted((ROOT / room).rglob("*.py"))]


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """(level, dotted name) of every import statement in a file, function bodies included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from ((node.level, f"{module}.{alias.name}".strip(".")) for alias in node.names)


def room_of(path: Path, level: int, name: str) -> str | None:
    """The room of ours that an import reaches, None when it leaves the package."""
    if level == 0:
        return None
    folder = path.parent
    for _ in range(level - 1):
        folder = folder.parent
    parts = (*folder.relative_to(ROOT).parts, *name.split("."))
    return parts[0] if (ROOT / parts[0]).is_dir() else "the root"


@pytest.mark.parametrize(("room", "path"), FILES, ids=lambda value: getattr(value, "stem", value))
def test_imports_go_one_way(room: str, path: Path) -> None:
    rooms = (room_of(path, level, name) for level, name in imported(path))
    reached = {reached_room for reached_room in rooms if reached_room is not None}
    if path.name == "app.py":
        reached.discard("the root")  # the version
    assert reached <= ALLOWED[room], f"{path.relative_to(ROOT)} reaches into {sorted(reached - ALLOWED[room])}"


@pytest.mark.parametrize(("room", "path"), FILES, ids=lambda value: getattr(value, "stem", value))
def test_only_adapters_meet_the_host(room: str, path: Path) -> None:
    met = {name.split(".")[0] for level, name in imported(path) if level == 0} & HOST
    assert not met or room == "adapters", f"{path.relative_to(ROOT)} imports {sorted(met)}"


@pytest.mark.parametrize("name", sorted(STDLIB_ONLY))
def test_what_the_installer_reads_needs_the_standard_library_alone(name: str) -> None:
    import sys

    tops = {name.split(".")[0] for level, name in imported(ROOT / "adapters" / f"{name}.py") if level == 0}
    assert tops <= set(sys.stdlib_module_names) | {"__future__"}


@pytest.mark.parametrize("path", sorted((ROOT / "api" / "routes").glob("*.py")), ids=lambda path: path.stem)
def test_a_route_that_awaits_nothing_is_a_plain_function(path: Path) -> None:
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AsyncFunctionDef):
            assert any(isinstance(child, waits) for child in ast.walk(node)), f"{node.name} would block the event loop"


@pytest.mark.parametrize("path", [path for _, path in FILES], ids=lambda path: path.stem)
def test_no_time_limit_is_one_that_the_host_takes_away(path: Path) -> None:
    """Fooocus's WebUI has `asyncio.wait_for` wait for 18 hours, whatever it is told."""
    assert "asyncio.wait_for" not in path.read_text("utf-8")
