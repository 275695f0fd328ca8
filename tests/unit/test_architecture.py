"""Rules of the architecture: one-way imports, a single package that imports the host, and routes that don't block."""

from __future__ import annotations

import ast
import graphlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.sources.imports import folder_of, imports, room_of, unreadable_imports
from fooocus_api.tests.support.sources.source_tree import expression, name_of, product_packages, python_files, tree_of

LEAVES = {"asgi", "files", "images", "model_files", "outbound", "auth", "dashboard", "guide"}
"""Packages that import neither tasks nor HTTP nor Fooocus."""
ALLOWED = {
    "adapters": {"adapters", "tasks", *LEAVES},
    "api": {"api", "tasks", *LEAVES},
    "tasks": {"tasks", "db", *LEAVES},
    "cluster": {"cluster", "tasks", "db", *LEAVES},
    "gateway": {"gateway", "api", "adapters", "cluster", "tasks", "db", *LEAVES},
    "db": {"db", "files"},
    "commands": {"commands", "tasks", "db", "installer", "adapters", *LEAVES},
    "installer": {"installer", "adapters", "files"},
    "files": {"files"},
    "images": {"images", "files"},
    "model_files": {"model_files", "files"},
    "outbound": {"outbound"},
    "auth": {"auth", "files"},
    "asgi": {"asgi"},
    "dashboard": {"dashboard", "asgi"},
    "guide": {"guide", "asgi"},
    "client": {"client"},
}
"""Package → packages that it may import, also in functions and for type checking."""

HOST = {"modules", "ldm_patched", "args_manager", "shared", "webui", "launch", "extras", "gradio", "fooocus_version"}
STDLIB_ONLY = [
    *sorted((ROOT / "files").glob("*.py")),
    *sorted((ROOT / "adapters" / "inspection").glob("*.py")),
    ROOT / "adapters" / "startup" / "console_text.py",
]
"""Files that the installer and the commands import before any package is installed."""

VERSION = ("__version__",)
FROM_THE_ROOT: dict[str, set[tuple[str, ...]]] = {
    "api/app.py": {VERSION},
    "api/compat/mcp/protocol/eras.py": {VERSION},
    "api/info.py": {VERSION},
    "installer/placement/startup_hook.py": {(), ("extension",)},
}
"""File → what it may import from the root's modules. The hook, which runs in the host, loads the package."""
BY_NAME = {
    "adapters/host_modules.py": "a module of the host, whose name the adapters pass",
    "adapters/inspection/task_signature.py": "a module that the host's own source imports",
}
"""File → what it imports by a name that is not written at the call."""
PACKAGES = product_packages()
FILES = [
    (path.relative_to(ROOT).parts[0], path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))
]
PATHS = [path for _, path in FILES]


def test_each_package_has_a_row() -> None:
    assert sorted(ALLOWED) == PACKAGES, "add the package to ALLOWED, or remove its row"


def forbidden(path: Path, root: Path = ROOT) -> list[str]:
    """Return the imports of a file that reach what its own package may not import."""
    file = path.relative_to(root)
    allowed, of_root = ALLOWED.get(file.parts[0], set()), FROM_THE_ROOT.get(file.as_posix(), set())
    rooms = [(found, room_of(found, root)) for found in imports(path, root) if found.inside not in of_root]
    return [f"line {found.line}: {room}" for found, room in rooms if room is not None and room not in allowed]


def breaking(check: Callable[[Path], Iterable[object]], paths: Iterable[Path] = PATHS) -> dict[str, list[object]]:
    """Return file → what a rule finds there, of the files that break it."""
    found = {name_of(path): [*check(path)] for path in paths}
    return {file: places for file, places in found.items() if places}


def test_imports_go_one_way() -> None:
    assert breaking(forbidden) == {}, "these reach into another package"


@pytest.mark.parametrize(
    "line",
    [
        "from ...api.app import create_api",
        "from fooocus_api.api.app import create_api",
        "import fooocus_api.api.app",
        "def f():\n    from fooocus_api import api",
        "importlib.import_module('fooocus_api.api.app')",
        "import_module('...api', __package__)",
        "sys.modules['fooocus_api.api.app']",
        "from ... import runtime",
        "from ... import __version__",
        "from fooocus_api.runtime import build_runtime",
        "from fooocus_api.tests.support import host",
    ],
)
@pytest.mark.parametrize("name", ["app.py", "info.py"])
def test_an_import_in_the_other_direction_is_found(name: str, line: str, tmp_path: Path) -> None:
    for folder in ("api", "tests"):
        (tmp_path / folder).mkdir()
    file = tmp_path / "tasks" / "queue" / name
    file.parent.mkdir(parents=True)
    file.write_text(line, "utf-8")
    assert len(forbidden(file, tmp_path)) == 1


OF_TWO_SURFACES = {"api/compat/legacy/server.py": {"get_output"}}
"""File of a compatible API → the native routes that it serves under a path of its own, too."""


def native_routes(path: Path) -> list[str]:
    """Return the lines by which a compatible API imports native routes, which are no library."""
    allowed = OF_TWO_SURFACES.get(path.relative_to(ROOT).as_posix(), set())
    routes = ROOT / "api" / "routes"
    return [
        f"line {found.lineno}: {found.module}"
        for found in ast.walk(tree_of(path))
        if isinstance(found, ast.ImportFrom)
        and path.parents[found.level - 1].joinpath(*(found.module or "").split(".")).is_relative_to(routes)
        and not {one.name for one in found.names} <= allowed
    ]


def test_compatible_apis_use_no_native_route_as_a_library() -> None:
    files = [path for _, path in FILES if path.is_relative_to(ROOT / "api" / "compat")]
    assert breaking(native_routes, files) == {}, "move what both need to api/images, api/results or api/requests"
    assert native_routes(ROOT / "api/compat/legacy/server.py") == []


def host_modules(path: Path, root: Path = ROOT) -> set[str]:
    return {found.top for found in imports(path, root)} & HOST


def test_only_adapters_meet_the_host() -> None:
    assert breaking(host_modules, [path for room, path in FILES if room != "adapters"]) == {}


def test_the_roots_files_meet_the_host_at_its_start_alone() -> None:
    assert breaking(host_modules, ROOT.glob("*.py")) == {"extension.py": ["launch"]}


@pytest.mark.parametrize(
    "line",
    [
        "import modules.config",
        "importlib.import_module('modules.config')",
        "sys.modules.get('shared')",
        "__import__('gradio')",
    ],
)
def test_a_meeting_with_the_host_is_found(line: str, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text(line, "utf-8")
    assert host_modules(tmp_path / "file.py", tmp_path)


def test_an_import_by_name_has_its_name_at_the_call() -> None:
    found = breaking(lambda path: unreadable_imports(tree_of(path)))
    assert found.keys() == BY_NAME.keys(), found


@pytest.mark.parametrize("line", ["importlib.import_module(name)", "import_module(f'{name}.x')", "__import__('a' + b)"])
def test_an_import_by_another_name_is_found(line: str) -> None:
    assert unreadable_imports(ast.parse(line))


IMPORT_IN_A_STRING = re.compile(r"\b(?:from|import) (fooocus_api(?:\.\w+)+)")


def missing_modules(source: str, root: Path = ROOT) -> list[str]:
    """Return the project's modules that a file imports, scripts in its strings included, and that do not exist."""
    names = IMPORT_IN_A_STRING.findall(source)
    places = {name: root.joinpath(*name.split(".")[1:]) for name in names}
    return [name for name, place in places.items() if not place.is_dir() and not place.with_suffix(".py").is_file()]


def test_modules_in_scripts_exist() -> None:
    files = [path for path in python_files() if path.name not in ("test_tests.py", Path(__file__).name)]
    assert breaking(lambda path: missing_modules(path.read_text("utf-8")), files) == {}


def test_a_module_that_has_moved_is_found() -> None:
    assert missing_modules("SCRIPT = 'from fooocus_api.tasks.moved import Task'") == ["fooocus_api.tasks.moved"]


def folders_reached(path: Path) -> set[str]:
    """Return the project's folders from which a file imports."""
    return {folder_of(found.inside, ROOT) for found in imports(path, ROOT) if found.inside is not None}


def test_what_the_installer_reads_needs_the_standard_library_alone() -> None:
    libraries = {*sys.stdlib_module_names, "__future__"}
    outside = breaking(
        lambda path: {one.top for one in imports(path, ROOT) if one.inside is None} - libraries, STDLIB_ONLY
    )
    inside = breaking(lambda path: folders_reached(path) - {"adapters.inspection", "files"}, STDLIB_ONLY)
    assert (outside, inside) == ({}, {})


def test_of_adapters_the_installer_reads_the_inspection_alone() -> None:
    def others(path: Path) -> list[str]:
        return [each for each in folders_reached(path) if each.startswith("adapters") and each != "adapters.inspection"]

    assert breaking(others, (ROOT / "installer").rglob("*.py")) == {}


def test_folders_import_each_other_in_no_circle() -> None:
    graph: dict[str, set[str]] = {}
    for path in PATHS:
        folder = folder_of(path.relative_to(ROOT).with_suffix("").parts, ROOT)
        if path.name == "__init__.py":
            folder = folder_of(path.parent.relative_to(ROOT).parts, ROOT)
        graph.setdefault(folder, set()).update(folders_reached(path) - {folder, "the root"})
    order = graphlib.TopologicalSorter(graph)
    order.prepare()  # raises CycleError, which names the folders


def test_a_route_that_awaits_nothing_is_a_plain_function() -> None:
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith)

    def blocking(path: Path) -> Iterator[str]:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.AsyncFunctionDef) and not any(isinstance(each, waits) for each in ast.walk(node)):
                yield node.name

    assert breaking(blocking, (ROOT / "api" / "routes").rglob("*.py")) == {}, "these would block the event loop"


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
            of_module = expression(node.value) in ("os", "shutil") and node.attr in FUNCTIONS
            if of_module or node.attr in METHODS:
                yield f"{ast.unparse(node)} in line {node.lineno}"
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and (node.func.attr, len(node.args), len(node.keywords)) == ("replace", 1, 0)
        ):
            yield f"{ast.unparse(node)} in line {node.lineno}"


def test_files_are_renamed_and_deleted_in_one_place() -> None:
    """Require `files.replacing`: on Windows another program may have any file open, and it retries and reports the outcome."""
    # The client is a distribution of its own, without the extension's packages.
    files = [path for room, path in FILES if room not in ("files", "client")] + sorted(ROOT.glob("*.py"))
    with_care = {path for path in files if "installer" in path.parts and path.name in WITH_CARE_OF_ITS_OWN}
    assert (
        breaking(lambda path: replaced_directly(tree_of(path)), [path for path in files if path not in with_care]) == {}
    )


@pytest.mark.parametrize(
    "line",
    ["os.replace(a, b)", "run(os.unlink)", "path.unlink()", "a.rename(b)", "a.replace(b)", "from os import remove"],
)
def test_what_renames_or_deletes_is_found(line: str) -> None:
    assert list(replaced_directly(ast.parse(line)))


@pytest.mark.parametrize("line", ["text.replace('a', 'b')", "replace(task, status=1)", "time.replace(tzinfo=None)"])
def test_what_does_not_is_left_alone(line: str) -> None:
    assert not list(replaced_directly(ast.parse(line)))


def test_no_time_limit_is_one_that_the_host_takes_away() -> None:
    """Forbid `asyncio.wait_for`: Fooocus's WebUI patches it to wait for 18 hours, regardless of its timeout."""
    assert [name_of(path) for path in PATHS if "asyncio.wait_for" in path.read_text("utf-8")] == []
