"""Parses the source of AsyncTask's constructor into a `Signature`. Stdlib only; for adapters and installer."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from .task_signature import Argument, Branch, Group, Signature, Slot, UnknownSignature

ALIASES = {"lora_tuple": "loras"}
"""Argument name in a fork → Fooocus's own name for the same argument."""


def read_signature(source: str) -> Signature:
    """Parse the source text of `modules/async_worker.py`.

    Raises:
        UnknownSignature: it has no such class, or the class takes its arguments in another way.
    """
    tree = ast.parse(source)
    init = _constructor(tree)
    instance, parameter = (argument.arg for argument in init.args.args)
    reader = _Reader(parameter)
    slots = tuple(reader.block(init.body))
    _require_own_values(init, instance, {slot.name for slot in slots if isinstance(slot, Argument)})
    if not slots or not reader.reversed:
        raise UnknownSignature("AsyncTask's constructor does not pop its arguments from its list")
    used = _names_used(slots)
    imports = [
        node
        for node in (*tree.body, *ast.walk(init))
        if isinstance(node, ast.Import | ast.ImportFrom) and used & {_bound_name(node, alias) for alias in node.names}
    ]
    return Signature(slots, tuple(dict.fromkeys(imports)), instance)


def _constructor(tree: ast.Module) -> ast.FunctionDef:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "AsyncTask":
            for item in node.body:
                if isinstance(item, ast.FunctionDef) and item.name == "__init__" and len(item.args.args) == 2:
                    return item
    raise UnknownSignature("modules/async_worker.py has no class AsyncTask whose constructor takes one list")


def _require_own_values(init: ast.FunctionDef, instance: str, arguments: set[str]) -> None:
    """Reject a constructor that takes an argument and then overwrites it: a request could not set such a parameter.

    Raises:
        UnknownSignature: it overwrites arguments; the message names them.
    """
    replaced = {}
    for node in init.body:
        if not (isinstance(node, ast.Assign) and len(node.targets) == 1):
            continue
        target = ast.unparse(node.targets[0])
        name = target.removeprefix(f"{instance}.")
        within = {ast.unparse(part) for part in ast.walk(node.value)}
        if name in arguments and target not in within and not any(part.endswith(".pop()") for part in within):
            replaced[name] = ast.unparse(node.value)
    if replaced:
        name, source = next(iter(replaced.items()))
        raise UnknownSignature(
            f"it keeps {', '.join(replaced)} outside of its tasks (as {source}), where no request can set them"
            if len(replaced) > 1
            else f"it keeps {name} outside of its tasks (as {source}), where no request can set it"
        )


class _Reader:
    """Walks the constructor in Python's evaluation order and yields a slot for every `args.pop()`."""

    def __init__(self, parameter: str) -> None:
        self.parameter = parameter
        self.reversed = False

    def block(self, statements: list[ast.stmt]) -> Iterator[Slot]:
        for statement in statements:
            yield from self.statement(statement)

    def statement(self, node: ast.stmt) -> Iterator[Slot]:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            yield from self.expression(node.value, *_named(target))
        elif isinstance(node, ast.For):
            yield from self.repeated(node.iter, list(self.block(node.body)), node)
        elif isinstance(node, ast.If):
            yield from self.either(node.test, self.block(node.body), self.block(node.orelse))
        elif isinstance(node, ast.Expr) and self.is_call(node.value, "reverse"):
            self.reversed = True
        elif isinstance(node, ast.Expr):  # discarded, or passed to a call
            yield from self.expression(node.value, "", True)
        elif any(self.is_call(child, "pop") for child in ast.walk(node)):
            raise UnknownSignature(f"line {node.lineno} of async_worker.py takes arguments in an unknown way")

    def expression(self, node: ast.expr, name: str, is_local: bool) -> Iterator[Slot]:
        if self.is_call(node, "pop"):
            if not self.reversed:
                raise UnknownSignature("AsyncTask takes its arguments from the end of the list")
            yield Argument(name, is_local)
        elif isinstance(node, ast.IfExp):
            sides = (self.expression(side, name, is_local) for side in (node.body, node.orelse))
            yield from self.either(node.test, *sides)
        elif isinstance(node, ast.ListComp):
            slots = list(self.expression(node.elt, name, is_local))
            yield from self.repeated(node.generators[0].iter, slots, node)
        elif isinstance(node, ast.Tuple):
            for position, element in enumerate(node.elts):
                yield from self.expression(element, f"{name}.{position}", is_local)
        else:
            for child in ast.iter_child_nodes(node):
                if isinstance(child, ast.expr):
                    yield from self.expression(child, name, is_local)

    def either(self, test: ast.expr, then: Iterator[Slot], otherwise: Iterator[Slot]) -> Iterator[Branch]:
        branch = Branch(test, tuple(then), tuple(otherwise))
        if branch.then or branch.otherwise:
            yield branch

    def repeated(self, iterable: ast.expr, slots: list[Slot], node: ast.AST) -> Iterator[Slot]:
        if not slots:
            return
        is_range = (
            isinstance(iterable, ast.Call)
            and isinstance(iterable.func, ast.Name)
            and iterable.func.id == "range"
            and len(iterable.args) == 1
        )
        if not is_range or _has_group(slots):
            raise UnknownSignature(
                f"line {getattr(node, 'lineno', '?')} of async_worker.py repeats arguments in an unknown way"
            )
        assert isinstance(iterable, ast.Call)  # nosec B101  # for mypy, which can't know
        yield Group(tuple(slots), iterable.args[0])

    def is_call(self, node: ast.AST, method: str) -> bool:
        return (
            isinstance(node, ast.Call)
            and not node.args
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == method
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == self.parameter
        )


def _named(target: ast.expr) -> tuple[str, bool]:
    """Return the name that a value is assigned to, and whether it is a local variable."""
    if isinstance(target, ast.Attribute):
        return target.attr, False
    name = ast.unparse(target)
    return ALIASES.get(name, name), True


def _has_group(slots: Iterable[Slot]) -> bool:
    return any(
        isinstance(slot, Group) or (isinstance(slot, Branch) and _has_group((*slot.then, *slot.otherwise)))
        for slot in slots
    )


def _names_used(slots: Iterable[Slot]) -> set[str]:
    used: set[str] = set()
    for slot in slots:
        match slot:
            case Branch(test, then, otherwise):
                used |= _names_in(test) | _names_used(then) | _names_used(otherwise)
            case Group(inner, count):
                used |= _names_in(count) | _names_used(inner)
    return used


def _names_in(expression: ast.expr) -> set[str]:
    return {node.id for node in ast.walk(expression) if isinstance(node, ast.Name)}


def _bound_name(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> str:
    return alias.asname or (alias.name if isinstance(statement, ast.ImportFrom) else alias.name.split(".")[0])
