"""The order of AsyncTask's positional arguments, read from the checkout's source. Stdlib only; for adapters and installer.

Fooocus builds a task from one flat list, popped value by value in the constructor. The order differs between
versions, forks, configurations and flags, so it is parsed here instead of being written down.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias


class UnknownSignature(Exception):
    """AsyncTask's constructor is not built in a way this module understands; the message says how."""


@dataclass(frozen=True)
class Argument:
    """One value of the list. `condition` is the host's own expression that decides whether it is there at all."""

    name: str
    condition: ast.expr | None = None


@dataclass(frozen=True)
class Group:
    """Arguments repeated `count` times, `count` being the host's own expression."""

    arguments: tuple[Argument, ...]
    count: ast.expr


Slot: TypeAlias = "Argument | Group"


@dataclass(frozen=True)
class Signature:
    """The constructor's argument order as written, before any configuration is known."""

    slots: tuple[Slot, ...]
    imports: tuple[ast.Import | ast.ImportFrom, ...]

    def describe(self) -> str:
        """A line for people: how many arguments there are and which of them repeat."""
        plain = sum(isinstance(slot, Argument) for slot in self.slots)
        groups = [ast.unparse(slot.count) for slot in self.slots if isinstance(slot, Group)]
        return f"{plain} arguments and {len(groups)} repeated groups ({', '.join(groups)})"

    def resolve(self, namespace: dict[str, Any] | None = None) -> list[str]:
        """The names in order for the running host, groups as `name[0]`, `name[1]`, …

        Args:
            namespace: what the host's expressions mean; by default read from the host modules that the source imports.
        """
        known = self._import() if namespace is None else namespace
        names: list[str] = []
        for slot in self.slots:
            if isinstance(slot, Argument):
                if slot.condition is None or _evaluate(slot.condition, known):
                    names.append(slot.name)
                continue
            for index in range(int(_evaluate(slot.count, known))):
                names += [_indexed(argument.name, index) for argument in slot.arguments]
        return names

    def _import(self) -> dict[str, Any]:
        known: dict[str, Any] = {}
        for statement in self.imports:
            for alias in statement.names:
                if isinstance(statement, ast.ImportFrom):
                    module = importlib.import_module(statement.module or "")
                    if hasattr(module, alias.name):
                        known[alias.asname or alias.name] = getattr(module, alias.name)
                else:
                    module = importlib.import_module(alias.name)
                    top = alias.name.split(".")[0]
                    known[alias.asname or top] = module if alias.asname else importlib.import_module(top)
        return known


def read_signature(source: str) -> Signature:
    """Parse the source text of `modules/async_worker.py`.

    Raises:
        UnknownSignature: there is no such class, or it takes its arguments in another way.
    """
    tree = ast.parse(source)
    init = _constructor(tree)
    reader = _Reader(init.args.args[1].arg)
    slots = tuple(reader.block(init.body))
    if not slots or not reader.reversed:
        raise UnknownSignature("AsyncTask does not take its arguments one by one from the list it is given")
    used = _names_used(slots)
    imports = [
        node
        for node in (*tree.body, *ast.walk(init))
        if isinstance(node, ast.Import | ast.ImportFrom) and used & {_bound_name(node, alias) for alias in node.names}
    ]
    return Signature(slots, tuple(dict.fromkeys(imports)))


def _constructor(tree: ast.Module) -> ast.FunctionDef:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "AsyncTask":
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__" and len(item.args.args) == 2:
                    return item
    raise UnknownSignature("there is no AsyncTask class whose constructor takes one list")


class _Reader:
    """Walks the constructor in the order in which Python evaluates it, noting every `args.pop()`."""

    def __init__(self, parameter: str) -> None:
        self.parameter = parameter
        self.reversed = False

    def block(self, statements: list[ast.stmt]) -> Iterator[Slot]:
        for statement in statements:
            yield from self.statement(statement)

    def statement(self, node: ast.stmt) -> Iterator[Slot]:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield from self.expression(node.value, _target_name(target))
        elif isinstance(node, ast.For):
            yield from self.repeated(node.iter, list(self.block(node.body)), node)
        elif isinstance(node, ast.If):
            for slot in self.block(node.body):
                yield self.conditional(slot, node.test)
            for slot in self.block(node.orelse):
                yield self.conditional(slot, _negated(node.test))
        elif isinstance(node, ast.Expr) and self.is_call(node.value, "reverse"):
            self.reversed = True
        elif any(self.is_call(child, "pop") for child in ast.walk(node)):
            raise UnknownSignature(f"line {node.lineno} of async_worker.py takes arguments in an unknown way")

    def expression(self, node: ast.expr, name: str) -> Iterator[Slot]:
        if self.is_call(node, "pop"):
            if not self.reversed:
                raise UnknownSignature("AsyncTask takes its arguments from the end of the list")
            yield Argument(name)
        elif isinstance(node, ast.IfExp):
            for slot in self.expression(node.body, name):
                yield self.conditional(slot, node.test)
            for slot in self.expression(node.orelse, name):
                yield self.conditional(slot, _negated(node.test))
        elif isinstance(node, ast.ListComp):
            yield from self.repeated(node.generators[0].iter, list(self.expression(node.elt, name)), node)
        elif isinstance(node, ast.Tuple):
            for position, element in enumerate(node.elts):
                yield from self.expression(element, f"{name}.{position}")
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from self.expression(child, name)

    def repeated(self, iterable: ast.expr, slots: list[Slot], node: ast.AST) -> Iterator[Slot]:
        if not slots:
            return
        is_range = (
            isinstance(iterable, ast.Call) and isinstance(iterable.func, ast.Name) and iterable.func.id == "range"
        )
        arguments = [slot for slot in slots if isinstance(slot, Argument) and slot.condition is None]
        if not is_range or len(arguments) != len(slots):
            raise UnknownSignature(
                f"line {getattr(node, 'lineno', '?')} of async_worker.py repeats arguments in an unknown way"
            )
        assert isinstance(iterable, ast.Call)  # nosec B101  # for mypy, which can't know
        yield Group(tuple(arguments), iterable.args[0])

    def conditional(self, slot: Slot, test: ast.expr) -> Argument:
        if isinstance(slot, Group) or slot.condition is not None:
            raise UnknownSignature(f"line {test.lineno} of async_worker.py nests conditions around arguments")
        return Argument(slot.name, test)

    def is_call(self, node: ast.AST, method: str) -> bool:
        return (
            isinstance(node, ast.Call)
            and not node.args
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == method
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == self.parameter
        )


def _target_name(target: ast.expr) -> str:
    return target.attr if isinstance(target, ast.Attribute) else ast.unparse(target)


def _negated(test: ast.expr) -> ast.expr:
    return ast.copy_location(ast.UnaryOp(ast.Not(), test), test)


def _indexed(name: str, index: int) -> str:
    """`loras.1` of the third group is `loras[2].1`."""
    head, dot, tail = name.partition(".")
    return f"{head}[{index}]{dot}{tail}"


def _evaluate(expression: ast.expr, namespace: dict[str, Any]) -> Any:
    code = compile(ast.fix_missing_locations(ast.Expression(expression)), "<async_worker.py>", "eval")
    try:
        return eval(code, {**namespace})  # nosec B307  # the host's own expression, from the host's own source
    except Exception as error:
        raise UnknownSignature(f"can't evaluate `{ast.unparse(expression)}`: {error}") from error


def _names_used(slots: tuple[Slot, ...]) -> set[str]:
    expressions = [slot.count if isinstance(slot, Group) else slot.condition for slot in slots]
    return {
        node.id
        for expression in expressions
        if expression is not None
        for node in ast.walk(expression)
        if isinstance(node, ast.Name)
    }


def _bound_name(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    return alias.asname or (alias.name if isinstance(statement, ast.ImportFrom) else alias.name.split(".")[0])
