"""Objects are built in one place from few parts, and complete: nothing is set on them from outside afterwards."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import pytest

from fooocus_api.tests.support.sources.source_tree import expression, name_of, product_files, tree_of

MAX_COLLABORATORS = 6
BAGS = {
    "TaskServices": "the result of the domain's composition: it hands out the parts and uses none of them",
    "Shutdown": "the order in which the parts close: it calls the close of each, and nothing else",
    "ClusterParts": "the parts of a cluster, which it hands out and does not use",
}
"""Dataclasses that may have more collaborators."""


VARIADIC = {"Problem": "`**extra` are members of the response's body, which are data"}
"""Classes whose constructors take any number of values."""
Classes = Mapping[str, ast.ClassDef]


@dataclass(frozen=True)
class Product:
    """The product as the rules see it: its classes, each with its file, the types with behaviour, and file → objects on which
    it sets attributes.
    """

    classes: list[tuple[str, ast.ClassDef]]
    types: set[str]
    set_on: dict[str, set[str]]

    @property
    def by_name(self) -> Classes:
        return {node.name: node for _, node in self.classes}


@cache
def product() -> Product:
    """Return the product's sources, read once, with the first test that asks for them."""
    trees = {name_of(path): tree_of(path) for path in product_files()}
    found = list(classes(trees))
    return Product(found, collaborator_types(trees), {file: {*outside(tree)} for file, tree in trees.items()})


def classes(trees: Mapping[str, ast.AST]) -> Iterator[tuple[str, ast.ClassDef]]:
    for file, tree in trees.items():
        yield from ((file, node) for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def initializer(node: ast.ClassDef) -> ast.FunctionDef | None:
    return next((each for each in node.body if isinstance(each, ast.FunctionDef) and each.name == "__init__"), None)


def is_record(node: ast.ClassDef) -> bool:
    """Return whether a class gets its constructor from its fields."""
    sources = [*node.decorator_list, *node.bases]
    return initializer(node) is None and any(re.search("dataclass|NamedTuple", ast.unparse(each)) for each in sources)


def names_in(annotation: ast.AST) -> set[str]:
    """Return the names in an annotation, quoted ones included; of a dotted name, the last part."""
    names = set()
    for node in ast.walk(annotation):
        if isinstance(node, ast.Name | ast.Attribute):
            names.add(node.id if isinstance(node, ast.Name) else node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isascii():
            names |= set(re.findall(r"[A-Za-z_]\w*", node.value))
    return names


def callables(trees: Mapping[str, ast.Module]) -> set[str]:
    """Return the names of the types of functions."""
    aliases = [node for tree in trees.values() for node in tree.body if isinstance(node, ast.Assign)]
    named = {ast.unparse(node.targets[0]) for node in aliases if "Callable" in names_in(node.value)}
    return {"Callable", *named}


def collaborator_types(trees: Mapping[str, ast.Module]) -> set[str]:
    """Return the types with behaviour: functions, classes with a constructor of their own, protocols, and records of these.

    The others are records of plain data, enums and exceptions.
    """
    nodes = [node for _, node in classes(trees) if not {"Exception", "ValueError"} & set(map(ast.unparse, node.bases))]
    found = callables(trees) | {node.name for node in nodes if initializer(node) is not None}
    found |= {node.name for node in nodes if "Protocol" in map(ast.unparse, node.bases)}
    while more := {node.name for node in nodes if is_record(node) and own_collaborators(node, found)} - found:
        found |= more
    return found


def own_collaborators(node: ast.ClassDef, types: set[str]) -> int:
    fields = [each.annotation for each in node.body if isinstance(each, ast.AnnAssign)]
    return sum(bool(names_in(field) & types) and "ClassVar" not in names_in(field) for field in fields)


def collaborators(node: ast.ClassDef, types: set[str], known: Classes) -> int:
    """Return the number of a constructor's parameters, or of a record's fields, inherited ones included, that have behaviour."""
    init = initializer(node)
    if init is not None:
        return len([*init.args.posonlyargs, *init.args.args, *init.args.kwonlyargs]) - 1
    if not is_record(node):
        return 0
    bases = [known[name] for base in node.bases if (name := ast.unparse(base)) in known and name != node.name]
    return own_collaborators(node, types) + sum(collaborators(base, types, known) for base in bases)


def hidden_parameters(node: ast.ClassDef) -> list[str]:
    """Return the constructor's `*args` and `**kwargs`, except those that it hands on to its base class."""
    init = initializer(node)
    if init is None:
        return []
    names = [argument.arg for argument in (init.args.vararg, init.args.kwarg) if argument is not None]
    calls = [
        each for each in ast.walk(init) if isinstance(each, ast.Call) and ast.unparse(each.func) == "super().__init__"
    ]
    handed_on = {ast.unparse(each.value) for call in calls for each in call.args if isinstance(each, ast.Starred)}
    handed_on |= {ast.unparse(each.value) for call in calls for each in call.keywords if each.arg is None}
    return [name for name in names if name not in handed_on]


def test_a_class_has_at_most_six_collaborators() -> None:
    types, known = product().types, product().by_name
    checked = [(file, node) for file, node in product().classes if node.name not in BAGS]
    assert [
        f"{node.name} in {file}" for file, node in checked if collaborators(node, types, known) > MAX_COLLABORATORS
    ] == []


def test_a_constructor_names_its_parameters() -> None:
    checked = [(file, node) for file, node in product().classes if node.name not in VARIADIC]
    assert [f"{node.name} in {file}" for file, node in checked if hidden_parameters(node)] == []


def count(source: str) -> int:
    """Return the number of collaborators of the last class of a module."""
    trees = {"a.py": ast.parse(source)}
    nodes = [node for _, node in classes(trees)]
    return collaborators(nodes[-1], collaborator_types(trees), {node.name: node for node in nodes})


def fields(annotation: str, number: int = 7) -> str:
    return "\n".join(f" {chr(97 + index)}: {annotation}" for index in range(number))


REPOSITORY = "class Repository:\n def __init__(self): ...\n"
PARTS = f"{REPOSITORY}@dataclass\nclass Parts:\n repository: Repository\n"


@pytest.mark.parametrize(
    "source",
    [
        "class A:\n def __init__(self, a, b, c, *, d, e, f, g): ...",
        f"{REPOSITORY}@dataclass(frozen=True)\nclass A:\n{fields('Repository | None')}",
        f"{REPOSITORY}@dataclass\nclass A:\n{fields(repr('Repository'))}",
        f"{REPOSITORY}class A(NamedTuple):\n{fields('db.Repository')}",
        f"@dataclasses.dataclass\nclass A:\n{fields('Callable[[], int]')}",
        f"Hook = Callable[[], int]\n@dataclass\nclass A:\n{fields('Hook')}",
        f"{PARTS}@dataclass\nclass A:\n{fields('Parts')}",
        f"{PARTS}@dataclass\nclass B:\n{fields('Parts', 4)}\n@dataclass\nclass A(B):\n{fields('Repository', 3)}",
    ],
)
def test_a_seventh_collaborator_is_found(source: str) -> None:
    assert count(source) == 7


def test_a_record_of_data_has_no_collaborators() -> None:
    assert count(f"{PARTS}@dataclass\nclass A:\n{fields('dict[str, int]')}\n other: ClassVar[Parts]") == 0


@pytest.mark.parametrize("parameters", ["*parts", "a, **more", "*parts, **more"])
def test_hidden_parameters_are_found(parameters: str) -> None:
    ((_, node),) = classes({"": ast.parse(f"class A:\n def __init__(self, {parameters}): super().__init__(1)")})
    assert hidden_parameters(node)


def test_parameters_of_the_base_class_are_not_hidden() -> None:
    text = "class A(B):\n def __init__(self, *args, **kwargs): super().__init__(*args, a=1, **kwargs)"
    ((_, node),) = classes({"": ast.parse(text)})
    assert not hidden_parameters(node)


# ------------------------------------------------------------------- attributes set from outside

SET_FROM_OUTSIDE = {
    ("tasks/", "task"): "a task's record, whose state the life cycle changes",
    ("tasks/", "live"): "an active task's state",
    ("tasks/", "live.task"): "a task's record",
    ("cluster/", "task"): "a task's record, whose state the mirror changes",
    ("cluster/", "live"): "an active task's state",
    ("cluster/", "live.task"): "a task's record",
    ("tasks/queue/estimator.py", "run"): "the measurements of the running task",
    ("adapters/worker/", "task"): "the host's task",
    ("adapters/saving/deferred_image.py", "self._real()"): "an image of the host",
    ("adapters/worker/", "item"): "the host's task",
    ("adapters/inspection/task_signature.py", "self._instance"): "the host's task",
    ("adapters/models/memory.py", "owner"): "a module of the host",
    ("adapters/models/memory.py", "pipeline"): "a module of the host",
    ("adapters/models/prompts.py", "pipeline"): "a module of the host",
    ("adapters/patching/hooks.py", "owner"): "a module or class that is patched",
    ("adapters/patching/hooks.py", "parent"): "a package whose import is undone",
    ("adapters/startup/console_text.py", "sys"): "the streams of the host's process",
    ("adapters/startup/console_close.py", "kernel32.SetConsoleCtrlHandler"): "a function of Windows",
    ("adapters/startup/console_logging.py", "self._logger"): "a logger of Python's",
    ("adapters/startup/console_logging.py", "record"): "a log record of Python's",
    ("adapters/webui/proactor.py", "instance"): "a transport of Python's",
    ("adapters/webui/server.py", "server"): "a server of uvicorn's",
    ("adapters/webui/server.py", "instance.config"): "a server of uvicorn's",
    ("adapters/webui/server.py", "started[4].config"): "a server of uvicorn's",
    ("adapters/webui/server.py", "app"): "an application of FastAPI's",
    ("api/app.py", "app.router"): "an application of FastAPI's",
    ("api/app.py", "app.state"): "the place that FastAPI offers for such values",
    ("api/surfaces/dispatch.py", "app.router"): "an application of FastAPI's",
    ("api/surfaces/dispatch.py", "app.state"): "the place that FastAPI offers for such values",
    ("api/", "request.state"): "the place that FastAPI offers for such values",
    ("api/", "field"): "a field of a pydantic model that is being built",
    ("api/schemas/host_request.py", "merged"): "a field of a pydantic model that is being built",
    ("api/schemas/host_request.py", "changed"): "a field of a pydantic model that is being built",
    ("asgi/error_codes.py", "member"): "a member of an enum, in its `__new__`",
    ("tasks/model_files/receiving/records.py", "member"): "a member of an enum, in its `__new__`",
    ("commands/history_import/old_databases.py", "self._connection"): "a connection of sqlite3's",
    ("outbound/pinned_connection.py", "self._alarm"): "a thread of Python's",
    ("extension.py", "sys"): "the arguments of the host's process",
}
"""(file or folder, object) → what the object is."""


SETTERS = re.compile(r"setattr|delattr|(object|type|super\(\))\.__(set|del)attr__")


def outside(tree: ast.AST) -> Iterator[str]:
    """Yield the objects on which a module sets an attribute, by any means, except the method's own object or class."""
    for node in ast.walk(tree):
        owner = owner_of(node)
        if owner is not None and expression(owner) not in ("self", "cls"):
            yield expression(owner)


def owner_of(node: ast.AST) -> ast.AST | None:
    """Return the object of which a node sets or deletes an attribute."""
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return node.value
    if isinstance(node, ast.Call) and node.args:
        function = expression(node.func)
        return node.args[0] if SETTERS.fullmatch(function) else None
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        if isinstance(node.value, ast.Call) and expression(node.value.func) == "vars" and node.value.args:
            return node.value.args[0]
        if isinstance(node.value, ast.Attribute) and node.value.attr == "__dict__":
            return node.value.value
    return None


def is_known(file: str, owner: str) -> bool:
    return any(file.startswith(place) and owner == known for place, known in SET_FROM_OUTSIDE)


def test_no_attribute_is_set_after_construction() -> None:
    found = {
        file: {owner for owner in owners if not is_known(file, owner)} for file, owners in product().set_on.items()
    }
    assert {file: owners for file, owners in found.items() if owners} == {}, "pass the values to the constructor"


def test_each_exception_is_needed() -> None:
    there = {(file, owner) for file, owners in product().set_on.items() for owner in owners}
    needed = {
        (place, owner)
        for place, owner in SET_FROM_OUTSIDE
        for file, each in there
        if each == owner and file.startswith(place)
    }
    assert SET_FROM_OUTSIDE.keys() - needed == set()


@pytest.mark.parametrize(
    "line",
    [
        "worker.before_task = f",
        "a, self.b.c = 1, 2",
        "service.count += 1",
        "del service.count",
        "setattr(service, name, 1)",
        "object.__setattr__(service, 'count', 1)",
        "vars(service)['count'] = 1",
        "service.__dict__['count'] = 1",
    ],
)
def test_an_attribute_that_is_set_is_found(line: str) -> None:
    assert list(outside(ast.parse(line)))
