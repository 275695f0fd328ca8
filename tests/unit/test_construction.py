"""Objects are built in one place from few parts, and complete: nothing is set on them from outside afterwards."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from fooocus_api.tests.support.host import ROOT

MAX_COLLABORATORS = 6
PACKAGES = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in ("tests", "benchmarks")]
PATHS = [*(path for package in sorted(PACKAGES) for path in sorted(package.rglob("*.py"))), *sorted(ROOT.glob("*.py"))]
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8")) for path in PATHS}
BAGS = {"TaskServices": "the result of the domain's composition: it hands out the parts and uses none of them"}
"""Dataclasses that may have more collaborators."""


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    for file, tree in TREES.items():
        yield from ((file, node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def initializer(node: ast.ClassDef) -> ast.FunctionDef | None:
    return next((each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None)


COLLABORATORS = {
    node.name
    for _, node in classes()
    if initializer(node) is not None or any(ast.unparse(base) == "Protocol" for base in node.bases)
}
"""Classes with behaviour. The others are dataclasses of plain data, enums and exceptions."""


def collaborators(node: ast.ClassDef) -> int:
    """Return the number of a constructor's parameters, or of a dataclass's fields that are objects with behaviour."""
    init = initializer(node)
    if init is not None:
        return len([*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs]) - 1
    if not any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
        return 0
    fields = [each.annotation for each in node.body if isinstance(each, ast.AnnAssign)]
    return sum(bool({n.id for n in ast.walk(field) if isinstance(n, ast.Name)} & COLLABORATORS) for field in fields)


@pytest.mark.parametrize(
    ("file", "node"), list(classes()), ids=lambda value: value.name if isinstance(value, ast.ClassDef) else value
)
def test_a_class_has_at_most_six_collaborators(file: str, node: ast.ClassDef) -> None:
    assert collaborators(node) <= MAX_COLLABORATORS or node.name in BAGS, f"{node.name} in {file}"


def test_a_seventh_collaborator_is_found() -> None:
    (node,) = ast.parse("class A:\n def __init__(self, a, b, c, *, d, e, f, g): ...").body
    assert isinstance(node, ast.ClassDef) and collaborators(node) == 7
    fields = "\n".join(f" field_{number}: Repository | None" for number in range(7))
    (bag,) = ast.parse(f"@dataclass(frozen=True)\nclass B:\n{fields}").body
    assert isinstance(bag, ast.ClassDef) and collaborators(bag) == 7


# ------------------------------------------------------------------- attributes set from outside

SET_FROM_OUTSIDE = {
    ("tasks/", "task"): "a task's record, whose state the life cycle changes",
    ("tasks/", "live"): "an active task's state",
    ("tasks/", "live.task"): "a task's record",
    ("tasks/queue/estimator.py", "run"): "the measurements of the running task",
    ("tasks/queue/scheduler.py", "entry"): "an entry's counts",
    ("tasks/queue/scheduler.py", "picked"): "an entry's counts",
    ("tasks/queue/scheduler.py", "other"): "an entry's counts",
    ("adapters/worker/task_queue.py", "entry"): "an entry's key",
    ("adapters/worker/task_queue.py", "entry_of(item)"): "an entry's place in the queue",
    ("adapters/worker/", "task"): "the host's task",
    ("adapters/worker/", "item"): "the host's task",
    ("adapters/startup/console_close.py", "kernel32.SetConsoleCtrlHandler"): "a function of Windows",
    ("adapters/startup/console_logging.py", "self._logger"): "a logger of Python's",
    ("adapters/startup/console_logging.py", "record"): "a log record of Python's",
    ("adapters/webui/proactor.py", "instance"): "a transport of Python's",
    ("adapters/webui/server.py", "server"): "a server of uvicorn's",
    ("adapters/webui/server.py", "instance.config"): "a server of uvicorn's",
    ("adapters/webui/server.py", "app"): "an application of FastAPI's",
    ("api/app.py", "app.router"): "an application of FastAPI's",
    ("api/app.py", "app.state"): "the place that FastAPI offers for such values",
    ("api/", "request.state"): "the place that FastAPI offers for such values",
    ("api/", "field"): "a field of a pydantic model that is being built",
    ("api/schemas/host_request.py", "merged"): "a field of a pydantic model that is being built",
    ("api/schemas/host_request.py", "changed"): "a field of a pydantic model that is being built",
    ("asgi/error_codes.py", "member"): "a member of an enum, in its `__new__`",
    ("commands/history_import/old_databases.py", "self._connection"): "a connection of sqlite3's",
    ("outbound/connection.py", "self._alarm"): "a thread of Python's",
    ("extension.py", "sys"): "the arguments of the host's process",
}
"""(file or folder, object) → what the object is."""


def outside(tree: ast.AST) -> Iterator[str]:
    """Yield the objects on which a module sets an attribute, except the method's own object or class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = ast.unparse(node.value)
            if owner not in ("self", "cls"):
                yield owner


def is_known(file: str, owner: str) -> bool:
    return any(file.startswith(place) and owner == known for place, known in SET_FROM_OUTSIDE)


@pytest.mark.parametrize("file", sorted(TREES))
def test_no_attribute_is_set_after_construction(file: str) -> None:
    found = {owner for owner in outside(TREES[file]) if not is_known(file, owner)}
    assert not found, f"{file} sets attributes of {sorted(found)}: pass the values to the constructor"


@pytest.mark.parametrize(("place", "owner"), sorted(SET_FROM_OUTSIDE))
def test_each_exception_is_needed(place: str, owner: str) -> None:
    assert any(owner in outside(tree) for file, tree in TREES.items() if file.startswith(place))


@pytest.mark.parametrize("line", ["worker.before_task = f", "a, self.b.c = 1, 2", "service.count += 1"])
def test_an_attribute_that_is_set_is_found(line: str) -> None:
    assert list(outside(ast.parse(line)))
