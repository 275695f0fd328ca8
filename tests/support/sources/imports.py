"""The imports of a Python file: relative, absolute and by name, each with the place in this project that it reaches."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fooocus_api.tests.support.sources.source_tree import expression, tree_of

PACKAGE = "fooocus_api"
BY_NAME = {"importlib.import_module", "import_module", "__import__", "importlib.__import__"}


@dataclass(frozen=True)
class Import:
    """One imported name. `inside` is its path from the project's root; `outside` the dotted name of another package."""

    line: int
    inside: tuple[str, ...] | None = None
    outside: str = ""

    @property
    def top(self) -> str:
        """The outside package, or an empty text for an import from this project."""
        return self.outside.split(".")[0]


@cache
def imports(path: Path, root: Path) -> tuple[Import, ...]:
    """Return every import in a file, function bodies included. The file is read once."""
    return tuple(_imports(path, root))


def unreadable_imports(tree: ast.AST) -> list[str]:
    """Return the imports by name whose beginning is not written at the call, so that no rule can judge them."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and expression(node.func) in BY_NAME]
    return [f"line {call.lineno}: {ast.unparse(call)}" for call in calls if _name_at_run_time(call) is None]


def room_of(found: Import, root: Path) -> str | None:
    """Return the package of this project that an import reaches, or None for an import from outside."""
    if found.inside is None:
        return None
    return found.inside[0] if found.inside and (root / found.inside[0]).is_dir() else "the root"


def folder_of(parts: tuple[str, ...], root: Path) -> str:
    """Return the dotted folder of the module that a path reaches.

    A file directly in a package counts as a folder of its own: some are below the package's folders, some above.
    """
    while parts and not root.joinpath(*parts).with_suffix(".py").is_file():
        if root.joinpath(*parts).is_dir():
            return ".".join(parts)
        parts = parts[:-1]
    return ".".join(parts if len(parts) == 2 else parts[:-1]) or "the root"


def _imports(path: Path, root: Path) -> Iterator[Import]:
    folder = path.parent.relative_to(root).parts
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (_import(node.lineno, alias.name, folder) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            dot = "." if node.module else ""
            yield from (_import(node.lineno, f"{module}{dot}{alias.name}", folder) for alias in node.names)
        elif (name := _name_at_run_time(node)) is not None:
            yield _import(node.lineno, name, folder)  # type: ignore[attr-defined]  # a call or a subscript


def _import(line: int, name: str, folder: tuple[str, ...]) -> Import:
    level = len(name) - len(name.lstrip("."))
    names = tuple(part for part in name.split(".") if part)
    if level:
        return Import(line, inside=(*folder[: len(folder) - level + 1], *names))
    return Import(line, inside=names[1:]) if names[:1] == (PACKAGE,) else Import(line, outside=name)


def _name_at_run_time(node: ast.AST) -> str | None:
    """Return the module's name of `import_module("…")` or `sys.modules["…"]`; of an f-string, the text before its first value."""
    if isinstance(node, ast.Call):
        function = expression(node.func)
        given = node.args[0] if node.args and function in (*BY_NAME, "sys.modules.get") else None
    elif isinstance(node, ast.Subscript) and expression(node.value) == "sys.modules":
        given = node.slice
    else:
        return None
    first = given.values[0] if isinstance(given, ast.JoinedStr) and given.values else given
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
