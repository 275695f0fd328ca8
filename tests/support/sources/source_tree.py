"""The repository's own Python files, which the tests of its rules read."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from fooocus_api.tests.support.host import ROOT

BESIDE_THE_PRODUCT = {"tests", "benchmarks", "demo", "examples", "docs"}
"""Top-level folders with Python files that are not packages of the product."""
BUILT = {"build", "dist", "site", "example-images"}
"""Folders that tools and examples write, which git ignores."""


def python_files(root: Path = ROOT) -> list[Path]:
    """Return all Python files of the repository: of its root, its folders, and `.ci`."""
    nested = (path for folder in (*top_folders(root), root / ".ci") for path in folder.rglob("*.py"))
    return sorted([*root.glob("*.py"), *nested])


def name_of(path: Path) -> str:
    """Return the path of a file of the repository as the rules write it, such as `api/app.py`."""
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"))


@lru_cache(maxsize=1)
def nodes_of(tree: ast.AST) -> tuple[ast.AST, ...]:
    """Return the nodes of a tree. Those of the last tree are kept: several rules in turn ask for them."""
    return tuple(ast.walk(tree))


def expression(node: ast.AST) -> str:
    """Return an expression as source; `ast.unparse`, which takes ten times as long, only for more than names and dots."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
        return f"{expression(node.value)}.{node.attr}"
    return ast.unparse(node)


def top_folders(root: Path = ROOT) -> list[Path]:
    """Return the folders of the root that contain Python files, at any depth, but no hidden one such as `.venv`."""
    folders = (path for path in root.iterdir() if path.is_dir() and not path.name.startswith((".", "__")))
    return sorted(folder for folder in folders if folder.name not in BUILT and any(folder.rglob("*.py")))


def product_packages(root: Path = ROOT) -> list[str]:
    """Return the names of the product's packages, new ones included."""
    return [folder.name for folder in top_folders(root) if folder.name not in BESIDE_THE_PRODUCT]


def product_files(root: Path = ROOT) -> list[Path]:
    """Return the Python files of the product: its packages and the root's."""
    packages = (path for package in product_packages(root) for path in (root / package).rglob("*.py"))
    return sorted([*root.glob("*.py"), *packages])


def folders_of(files: list[Path]) -> Iterator[Path]:
    """Yield each folder of some files once."""
    yield from sorted({path.parent for path in files})
