"""Order of AsyncTask's positional arguments. Stdlib only; for adapters and installer.

Fooocus builds a task from one flat list, popped value by value in the constructor. The order differs between
versions, forks, configurations and flags, so it is parsed instead of hard-coded.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeAlias


class UnknownSignature(Exception):
    """AsyncTask's constructor has a form that this module does not support; the message says which."""


@dataclass(frozen=True)
class Argument:
    """One value of the list. `name` is empty if the constructor discards it; `is_local` if it only becomes a local variable."""

    name: str
    is_local: bool = False


@dataclass(frozen=True)
class Branch:
    """Arguments that depend on a condition of the host, which may use arguments before them."""

    test: ast.expr
    then: tuple[Slot, ...]
    otherwise: tuple[Slot, ...]


@dataclass(frozen=True)
class Group:
    """Arguments repeated `count` times, where `count` is an expression of the host."""

    slots: tuple[Slot, ...]
    count: ast.expr


Slot: TypeAlias = "Argument | Branch | Group"


@dataclass(frozen=True)
class Signature:
    """The constructor's argument order as written, before the configuration is known."""

    slots: tuple[Slot, ...]
    imports: tuple[ast.Import | ast.ImportFrom, ...]
    instance: str = "self"

    def describe(self) -> str:
        """Return a line for people: the number of arguments, and those that repeat."""
        groups = [ast.unparse(group.count) for group in _groups(self.slots)]
        return f"{_plain(self.slots)} arguments and {len(groups)} repeated groups ({', '.join(groups)})"

    def resolve(self, namespace: dict[str, Any] | None = None, values: Sequence[Any] = ()) -> list[str]:
        """Return the names in order for the running host, groups as `name[0]`, `name[1]`, …; discarded ones as `unnamed[7]`.

        Args:
            namespace: values of the names in the host's expressions; by default those that the source's imports provide.
            values: the arguments' values, for expressions that use an argument before them.

        Raises:
            UnknownSignature: an expression can't be evaluated.
        """
        return _Walk(self._known(namespace), self.instance, values).names_of(self.slots)

    def deciding(self, namespace: dict[str, Any] | None = None, values: Sequence[Any] = ()) -> frozenset[str]:
        """Return the arguments whose values determine the length of the list. Another value of theirs would shift the rest.

        Raises:
            UnknownSignature: an expression can't be evaluated.
        """
        walk = _Walk(self._known(namespace), self.instance, values)
        walk.names_of(self.slots)
        return frozenset(walk.deciding)

    def _known(self, namespace: dict[str, Any] | None) -> dict[str, Any]:
        return self._import() if namespace is None else namespace

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


class _Walk:
    """One pass over the slots that keeps the values of earlier arguments for the host's expressions."""

    def __init__(self, namespace: dict[str, Any], instance: str, values: Sequence[Any]) -> None:
        self.deciding: set[str] = set()
        self._values = values
        self._instance = SimpleNamespace()
        self._known = {**namespace, instance: self._instance}
        self._arguments: set[str] = set()
        self._position = 0

    def names_of(self, slots: tuple[Slot, ...], index: int | None = None) -> list[str]:
        names: list[str] = []
        for slot in slots:
            match slot:
                case Argument():
                    names.append(self._taken(slot, index))
                case Branch(test, then, otherwise):
                    self._note_deciding(slot)
                    names += self.names_of(then if _evaluate(test, self._known) else otherwise, index)
                case Group(inner, count):
                    for number in range(int(_evaluate(count, self._known))):
                        names += self.names_of(inner, number)
        return names

    def _taken(self, argument: Argument, index: int | None) -> str:
        position, self._position = self._position, self._position + 1
        if not argument.name:
            return f"unnamed[{position}]"
        self._arguments.add(argument.name)
        if position < len(self._values):
            if argument.is_local:
                self._known[argument.name] = self._values[position]
            else:
                setattr(self._instance, argument.name, self._values[position])
        return argument.name if index is None else _indexed(argument.name, index)

    def _note_deciding(self, branch: Branch) -> None:
        looked_at = {node.attr for node in ast.walk(branch.test) if isinstance(node, ast.Attribute)}
        looked_at |= {node.id for node in ast.walk(branch.test) if isinstance(node, ast.Name)}
        if self._length(branch.then) != self._length(branch.otherwise):
            self.deciding |= looked_at & self._arguments

    def _length(self, slots: tuple[Slot, ...]) -> int:
        length = 0
        for slot in slots:
            match slot:
                case Argument():
                    length += 1
                case Branch(_, then, otherwise):
                    length += max(self._length(then), self._length(otherwise))
                case Group(inner, count):
                    length += int(_evaluate(count, self._known)) * self._length(inner)
        return length


def _groups(slots: Iterable[Slot]) -> Iterator[Group]:
    for slot in slots:
        if isinstance(slot, Group):
            yield slot
        elif isinstance(slot, Branch):
            yield from _groups(slot.otherwise or slot.then)


def _plain(slots: Iterable[Slot]) -> int:
    """Return the maximum number of arguments outside of groups."""
    return sum(
        max(_plain(slot.then), _plain(slot.otherwise)) if isinstance(slot, Branch) else isinstance(slot, Argument)
        for slot in slots
    )


def _indexed(name: str, index: int) -> str:
    """Return the name of a group's item: `loras.1` of the third group is `loras[2].1`."""
    head, dot, tail = name.partition(".")
    return f"{head}[{index}]{dot}{tail}"


def _evaluate(expression: ast.expr, namespace: dict[str, Any]) -> Any:
    code = compile(ast.fix_missing_locations(ast.Expression(expression)), "<async_worker.py>", "eval")
    try:
        return eval(code, {**namespace})  # nosec B307  # the host's own expression, from the host's own source
    except Exception as error:
        raise UnknownSignature(f"can't evaluate `{ast.unparse(expression)}`: {error}") from error
