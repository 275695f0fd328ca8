"""Rules of the tests themselves: they use what the product makes public."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Set
from functools import cache
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.sources.source_tree import expression, name_of, product_files, tree_of

OF_ASYNCIO = {
    "tests/support/hosts/loops.py": "asyncio.Handle._run",
    "tests/unit/test_proactor_resets.py": "asyncio.Transport._server",
}
"""File → a name that is asyncio's there: one measures its callbacks, the other tests a fix of its transports."""
TESTS = sorted([*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
PATH_OF_NAME = re.compile(r"(fooocus_api\.[\w.]*)?\w+")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_private(name: str) -> bool:
    """Return whether a name is private by its one underscore."""
    return name.startswith("_") and not name.startswith("__") and name != "_"


def names_of(tree: ast.Module) -> Iterator[str]:
    """Yield the names that a module and its classes define: functions, classes, constants, fields and attributes."""
    for node in ast.walk(tree):
        if isinstance(node, Function | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Attribute) and expression(node.value) in ("self", "cls"):
            yield node.attr
        if isinstance(node, ast.Module | ast.ClassDef):
            yield from variables_of(node)


def variables_of(holder: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Yield the names to which a module or a class body assigns."""
    for statement in holder.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))


def private_names_of(paths: Iterable[Path]) -> set[str]:
    """Return the private names that modules define."""
    return {name for path in paths for name in names_of(tree_of(path)) if is_private(name)}


@cache
def private_names() -> frozenset[str]:
    """Return the private names of the product."""
    return frozenset(private_names_of(product_files()))


def private_uses(tree: ast.Module, private: Set[str]) -> list[str]:
    """Return the imports of private names, and the uses of the product's private names that the module itself does not define."""
    foreign = private - set(names_of(tree))
    return [f"line {line}: {text}" for line, text in (*private_imports(tree), *private_references(tree, foreign))]


def private_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the imports of private modules and names of this project."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            if (node.level or names[0] == "fooocus_api") and any(is_private(name) for name in names):
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                first, *names = alias.name.split(".")
                if first == "fooocus_api" and any(is_private(name) for name in names):
                    yield node.lineno, ast.unparse(node)


def private_references(tree: ast.Module, private: Set[str]) -> Iterator[tuple[int, str]]:
    """Yield the attributes of other objects that have a private name, and the strings that are such a name, as in `getattr`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = node.attr if expression(node.value) not in ("self", "cls", "super()") else ""
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and PATH_OF_NAME.fullmatch(node.value):
            name = node.value.rpartition(".")[2]
        else:
            continue
        if name in private:
            yield node.lineno, ast.unparse(node)


def test_no_private_name_of_the_product_is_used() -> None:
    found = {}
    for path in TESTS:
        of_asyncio = {OF_ASYNCIO.get(name_of(path), "").rpartition(".")[2]}
        found[name_of(path)] = private_uses(tree_of(path), private_names() - of_asyncio)
    assert {file: uses for file, uses in found.items() if uses} == {}


@pytest.mark.parametrize("file", sorted(OF_ASYNCIO))
def test_each_exception_is_needed(file: str) -> None:
    assert private_uses(tree_of(ROOT / file), private_names())


@pytest.mark.parametrize(
    "line",
    [
        "value = part._spring",
        "extension._wound",
        "value = started._started",
        "monkeypatch.setattr(part, '_spring', None)",
        "monkeypatch.setattr('fooocus_api.part._Clock', None)",
        "getattr(part, '_spring')",
        "vars(part)['_spring']",
        "part._Clock()",
        "from fooocus_api.part import _anything",
        "from .part import public, _Clock",
        "from fooocus_api._part import public",
        "import fooocus_api.part._hidden",
    ],
)
def test_a_use_of_a_private_name_is_found(line: str, tmp_path: Path) -> None:
    part = tmp_path / "part.py"
    part.write_text("_wound: int = 0\nclass _Clock:\n _spring: int\n def __init__(self): self._started = 1\n", "utf-8")
    assert len(private_uses(ast.parse(line), private_names_of([part]))) == 1


@pytest.mark.parametrize(
    "line",
    ["value = part.public", "class A:\n def f(self): return self._spring", "from asyncio import _x", "'_ queue'"],
)
def test_other_uses_are_left_alone(line: str) -> None:
    assert private_uses(ast.parse(line), {"_spring", "_x"}) == []
