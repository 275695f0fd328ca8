"""A look at the source of the host's `log`: it may save later only if it does not use the saved file itself."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

HARMLESS = {"os.path.dirname", "os.path.basename", "os.path.join", "print"}
"""Functions that use a path's text, not its file."""


def leaves_its_file(function: Callable[..., Any]) -> bool:
    """Return whether a function that saves an image at a path then only returns that path, or parts of it. False if unknown."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return False
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    saves = [node for node in ast.walk(tree) if _is_save(node)]
    paths = {_path_of(save) for save in saves}
    if not paths or None in paths:
        return False
    uses = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and node.id in paths and isinstance(node.ctx, ast.Load)
    ]
    return all(_is_harmless(use, parents) for use in uses)


def _is_save(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "save"


def _path_of(save: ast.AST) -> str | None:
    """Return the name of the variable with the path, None if the path is computed in the call."""
    first = save.args[0] if isinstance(save, ast.Call) and save.args else None
    return first.id if isinstance(first, ast.Name) else None


def _is_harmless(use: ast.Name, parents: dict[ast.AST, ast.AST]) -> bool:
    user = parents[use]
    while isinstance(user, ast.FormattedValue | ast.JoinedStr):
        user = parents[user]
    if isinstance(user, ast.Call):
        return _is_save(user) or ast.unparse(user.func) in HARMLESS
    return isinstance(user, ast.Return)
