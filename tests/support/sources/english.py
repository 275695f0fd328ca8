"""Reads the English of a file: docstrings, comments, descriptions, messages and names."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from itertools import pairwise

from fooocus_api.tests.support.sources.source_tree import nodes_of

Text = tuple[int, str]
"""A line and the text that begins there."""
DESCRIPTIONS = {"description", "summary", "title", "help", "response_description"}
"""Arguments whose texts are shown like docstrings."""
Documented = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


def docstrings(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Yield each module, class and function that has a docstring."""
    for node in nodes_of(tree):
        if isinstance(node, Documented) and (text := ast.get_docstring(node)):
            yield node, text


def docstring_texts(tree: ast.AST) -> Iterator[Text]:
    """Yield each string that stands alone: docstrings of all kinds."""
    for node in nodes_of(tree):
        if isinstance(node, ast.Expr) and (text := text_of(node.value)):
            yield node.lineno, text


def attribute_docstrings(tree: ast.AST) -> Iterator[Text]:
    """Yield each string that follows an assignment: the docstring of a constant or a field."""
    for node in nodes_of(tree):
        body = getattr(node, "body", None)
        for before, after in pairwise(body if isinstance(body, list) else ()):
            if isinstance(before, ast.Assign | ast.AnnAssign) and isinstance(after, ast.Expr):
                yield from ((after.lineno, text) for text in filter(None, [text_of(after.value)]))


def descriptions(tree: ast.AST) -> Iterator[Text]:
    """Yield the texts of `Field(description=…)`, `Query(description=…)`, `add_argument(help=…)` and the like."""
    for node in nodes_of(tree):
        if isinstance(node, ast.Call):
            given = (word.value for word in node.keywords if word.arg in DESCRIPTIONS)
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            given = (value for key, value in pairs if isinstance(key, ast.Constant) and key.value in DESCRIPTIONS)
        else:
            continue
        yield from ((value.lineno, text) for value in given for text in filter(None, [text_of(value)]))


def text_of(node: ast.AST) -> str:
    """Return the text of a string, or of an f-string with `{}` for its values; an empty text for another expression."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return ""


def parts_of(node: ast.AST) -> list[ast.expr]:
    """Return the expressions whose texts `text_of` puts together."""
    if isinstance(node, ast.JoinedStr):
        return node.values
    return [node.left, node.right] if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) else []


def comments(source: str) -> Iterator[Text]:
    """Yield each comment. Comments in consecutive lines are one text."""
    block: list[str] = []
    last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != last + 1:
            yield last - len(block) + 1, "\n".join(block)
            block = []
        block.append(token.string.lstrip("#: "))
        last = token.start[0]
    if block:
        yield last - len(block) + 1, "\n".join(block)


def strings(tree: ast.AST) -> Iterator[Text]:
    """Yield every string, docstrings included. The parts of an f-string or a sum are one text."""
    parts = {id(part) for node in nodes_of(tree) for part in parts_of(node)}
    for node in nodes_of(tree):
        if isinstance(node, ast.expr) and id(node) not in parts and (text := text_of(node)):
            yield node.lineno, text


def names(tree: ast.AST) -> Iterator[Text]:
    """Yield the names that a module defines, with spaces between their words."""
    for node in nodes_of(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found = node.name
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            found = node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.arg):
            found = node.arg
        else:
            continue
        yield node.lineno, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", found).replace("_", " ")
