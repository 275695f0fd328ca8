"""Rules of the architecture: one-way imports, a single package that imports the host, and routes that don't block."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT

LEAVES = {"asgi", "files", "images", "outbound", "auth"}
"""Packages that import neither tasks nor HTTP nor Fooocus."""
ALLOWED = {
    "adapters": {"adapters", "tasks", *LEAVES},
    "api": {"api", "tasks", *LEAVES},
    "tasks": {"tasks", "db", *LEAVES},
    "db": {"db", "files"},
    "commands": {"commands", "tasks", "db", "installer", "adapters", *LEAVES},
    "installer": {"installer", "adapters", "files"},
    "files": {"files"},
    "images": {"images", "files"},
    "outbound": {"outbound"},
    "auth": {"auth", "files"},
    "asgi": {"asgi"},
}
"""Package → packages that it may import, also in functions and for type checking."""

HOST = {"modules", "ldm_patched", "args_manager", "shared", "webui", "launch", "extras", "gradio", "fooocus_version"}
STDLIB_ONLY = [
    *sorted((ROOT / "files").glob("*.py")),
    *sorted((ROOT / "adapters" / "inspection").glob("*.py")),
    ROOT / "adapters" / "startup" / "console_text.py",
]
"""Files that the installer and the commands import before any package is installed."""

MOST_FILES = 11
LINES: dict[str, int] = {}
"""Line counts of the files that may exceed the limit; they must not grow."""
NOT_LIMITED = {"demo", ".git", ".venv", ".venv-lowest", "build", "dist", "site"}
"""Folders outside the limit: the demo host, and those that git does not track."""
LIMITED = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in NOT_LIMITED]
REPOSITORY = sorted([*ROOT.glob("*.py"), *(path for folder in LIMITED for path in folder.rglob("*.py"))])
"""All Python files of the repository to which the limit applies."""
FILES = [(room, path) for room in ALLOWED for path in sorted((ROOT / room).rglob("*.py"))]


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (level, dotted name) of every import in a file, function bodies included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield from ((node.level, f"{module}.{alias.name}".strip(".")) for alias in node.names)


def room_of(path: Path, level: int, name: str) -> str | None:
    """Return the package of this project that an import reaches, or None for an import from outside."""
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
    if path.name in ("app.py", "info.py"):
        reached.discard("the root")  # the version
    assert reached <= ALLOWED[room], f"{path.relative_to(ROOT)} reaches into {sorted(reached - ALLOWED[room])}"


@pytest.mark.parametrize(("room", "path"), FILES, ids=lambda value: getattr(value, "stem", value))
def test_only_adapters_meet_the_host(room: str, path: Path) -> None:
    met = {name.split(".")[0] for level, name in imported(path) if level == 0} & HOST
    assert not met or room == "adapters", f"{path.relative_to(ROOT)} imports {sorted(met)}"


@pytest.mark.parametrize("path", STDLIB_ONLY, ids=lambda path: path.stem)
def test_what_the_installer_reads_needs_the_standard_library_alone(path: Path) -> None:
    tops = {name.split(".")[0] for level, name in imported(path) if level == 0}
    assert tops <= set(sys.stdlib_module_names) | {"__future__"}
    assert {folder_of(path, level, name) for level, name in imported(path)} <= {None, "adapters.inspection", "files"}


@pytest.mark.parametrize("path", sorted((ROOT / "installer").rglob("*.py")), ids=lambda path: path.stem)
def test_of_adapters_the_installer_reads_the_inspection_alone(path: Path) -> None:
    folders = [folder_of(path, level, name) or "" for level, name in imported(path)]
    assert {folder for folder in folders if folder.startswith("adapters")} <= {"adapters.inspection"}


def folder_of(path: Path, level: int, name: str) -> str | None:
    """Return the dotted folder of the module that an import reaches, or None for an import from outside.

    A file directly in a package counts as a folder of its own: some are below the package's folders, some above.
    """
    if level == 0:
        return None
    folder = path.parent
    for _ in range(level - 1):
        folder = folder.parent
    parts = [*folder.relative_to(ROOT).parts, *name.split(".")]
    while parts and not (ROOT.joinpath(*parts)).with_suffix(".py").is_file():
        if ROOT.joinpath(*parts).is_dir():
            return ".".join(parts)
        parts.pop()
    return ".".join(parts if len(parts) == 2 else parts[:-1]) or "the root"


def test_folders_import_each_other_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for _, path in FILES:
        folder = folder_of(path, 1, path.stem) if path.name != "__init__.py" else folder_of(path, 1, "")
        assert folder is not None
        reached = {folder_of(path, level, name) for level, name in imported(path)}
        graph.setdefault(folder, set()).update(one for one in reached if one not in (None, folder, "the root"))
    order = graphlib.TopologicalSorter(graph)
    order.prepare()  # raises CycleError, which names the folders


def test_no_folder_has_more_files_than_one_can_overlook() -> None:
    for package in ALLOWED:
        for folder in [ROOT / package, *(path for path in (ROOT / package).rglob("*") if path.is_dir())]:
            files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
            assert len(files) <= MOST_FILES, folder.relative_to(ROOT)


@pytest.mark.parametrize("path", REPOSITORY, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_has_at_most_300_lines(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LINES.get(path.relative_to(ROOT).as_posix(), 300)


@pytest.mark.parametrize("path", sorted((ROOT / "api" / "routes").rglob("*.py")), ids=lambda path: path.stem)
def test_a_route_that_awaits_nothing_is_a_plain_function(path: Path) -> None:
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.AsyncFunctionDef):
            assert any(isinstance(child, waits) for child in ast.walk(node)), f"{node.name} would block the event loop"


FUNCTIONS = {"remove", "unlink", "rename", "renames", "replace", "rmdir", "move", "rmtree"}
"""Functions of `os` and `shutil` that rename or delete."""
METHODS = {"unlink", "rename", "rmdir"}
WITH_CARE_OF_ITS_OWN = {"extension_files.py", "staging.py", "uninstall.py"}
"""Files of the installer that report held files themselves."""


def replaced_directly(tree: ast.AST) -> Iterator[str]:
    """Yield the places at which a module renames or deletes files itself: such an attribute of `os`, `shutil` or a path, called
    or not, and `.replace` with one argument, which is a path's (a string's has two, a dataclass's or a time's has keywords).
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil"):
            yield from (alias.name for alias in node.names if alias.name in FUNCTIONS)
        elif isinstance(node, ast.Attribute):
            of_module = ast.unparse(node.value) in ("os", "shutil") and node.attr in FUNCTIONS
            if of_module or node.attr in METHODS:
                yield f"{ast.unparse(node)} in line {node.lineno}"
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and (node.func.attr, len(node.args), len(node.keywords)) == ("replace", 1, 0)
        ):
            yield f"{ast.unparse(node)} in line {node.lineno}"


@pytest.mark.parametrize(
    "path", [path for room, path in FILES if room != "files"] + sorted(ROOT.glob("*.py")), ids=lambda path: path.stem
)
def test_files_are_renamed_and_deleted_in_one_place(path: Path) -> None:
    """Require `files.replacing`: on Windows another program may have any file open, and it retries and reports the outcome."""
    if "installer" in path.parts and path.name in WITH_CARE_OF_ITS_OWN:
        return
    assert not list(replaced_directly(ast.parse(path.read_text("utf-8"))))


@pytest.mark.parametrize(
    "line",
    ["os.replace(a, b)", "run(os.unlink)", "path.unlink()", "a.rename(b)", "a.replace(b)", "from os import remove"],
)
def test_what_renames_or_deletes_is_found(line: str) -> None:
    assert list(replaced_directly(ast.parse(line)))


@pytest.mark.parametrize("line", ["text.replace('a', 'b')", "replace(task, status=1)", "time.replace(tzinfo=None)"])
def test_what_does_not_is_left_alone(line: str) -> None:
    assert not list(replaced_directly(ast.parse(line)))


@pytest.mark.parametrize("path", [path for _, path in FILES], ids=lambda path: path.stem)
def test_no_time_limit_is_one_that_the_host_takes_away(path: Path) -> None:
    """Forbid `asyncio.wait_for`: Fooocus's WebUI patches it to wait for 18 hours, regardless of its timeout."""
    assert "asyncio.wait_for" not in path.read_text("utf-8")
