"""Rules of the tests themselves: they use what the product makes public."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT

PRODUCT = ("adapters", "api", "asgi", "auth", "commands", "db", "files", "images", "installer", "outbound", "tasks")
OF_ASYNCIO = {"loops.py", "test_proactor_resets.py"}
"""Files that use private attributes of asyncio: one measures its callbacks, the other tests a fix of its transports."""
TESTS = sorted([*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])


def is_private(name: str) -> bool:
    """Return whether a name is private by its one underscore."""
    return name.startswith("_") and not name.startswith("__")


def private_names_of(path: Path) -> set[str]:
    """Return the private attributes and methods that a module's classes have, and its private functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_private(node.name):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self" and is_private(node.attr):
            found.add(node.attr)
    return found


PRIVATE = set().union(*(private_names_of(path) for package in PRODUCT for path in (ROOT / package).rglob("*.py")))
"""Private names of the product."""


def private_uses(tree: ast.Module) -> list[str]:
    """Return the uses of the product's private attributes, but those that a test's own classes define as well."""
    own = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "self"
    }
    own |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    uses = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in PRIVATE - own
        and ast.unparse(node.value) not in ("self", "cls", "super()")
    ]
    replaced = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("setattr", "patch.object"))
        and any(isinstance(value, ast.Constant) and value.value in PRIVATE for value in node.args[1:2])
    ]
    return [f"line {node.lineno}: {ast.unparse(node)}" for node in [*uses, *replaced]]


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_private_attribute_of_the_product_is_used(path: Path) -> None:
    assert path.name in OF_ASYNCIO or private_uses(ast.parse(path.read_text("utf-8"))) == []


def test_a_use_of_a_private_attribute_is_found() -> None:
    name = min(PRIVATE)
    assert private_uses(ast.parse(f"value = part.{name}"))
    assert private_uses(ast.parse(f"monkeypatch.setattr(part, '{name}', None)"))
    assert not private_uses(ast.parse("value = part.public"))
