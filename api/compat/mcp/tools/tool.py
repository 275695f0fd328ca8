"""A tool: its name, what it takes, which scope it needs, and the function that does its work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .....auth.keys import Scope
from ....context import Context
from ....schemas.generate import CommonRequest
from ..protocol.calls import Call

Schema = dict[str, Any]
Properties = Callable[[Context, type[CommonRequest]], dict[str, Schema]]
"""Returns the schemas of a tool's arguments on the running host: flat ones, as some hosts accept no others."""
READING = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
CREATING = {"readOnlyHint": False, "destructiveHint": False, "idempotentHint": False, "openWorldHint": False}
STOPPING = {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": True, "openWorldHint": False}


def _none(*_: Any) -> dict[str, Schema]:
    return {}


@dataclass(frozen=True)
class Tool:
    """A tool.

    Args:
        scope: the scope that it needs, None if any key may use it.
        waits: whether it takes long, so that its response is a stream.
        names: field of a generate request → the argument that it is made from, for errors.
    """

    name: str
    title: str
    description: str
    run: Callable[[Call], Awaitable[dict[str, Any]]]
    scope: Scope | None = None
    annotations: Mapping[str, bool] = field(default_factory=lambda: READING)
    properties: Properties = _none
    required: tuple[str, ...] = ()
    waits: bool = False
    names: Mapping[str, str] = field(default_factory=dict)

    def schema(self, context: Context, model: type[CommonRequest]) -> Schema:
        """Return the JSON schema of the arguments."""
        properties = self.properties(context, model)
        schema: Schema = {"type": "object"}
        if properties:
            schema["properties"] = properties
        if self.required:
            schema["required"] = list(self.required)
        return {**schema, "additionalProperties": False}

    def definition(self, context: Context, model: type[CommonRequest]) -> dict[str, Any]:
        """Return the tool's entry in the list."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputSchema": self.schema(context, model),
            "annotations": {"title": self.title, **self.annotations},
        }


def text(description: str, choices: list[str] | None = None) -> Schema:
    """Return the schema of a text."""
    return {"type": "string", "description": description, **({"enum": choices} if choices else {})}


def integer(description: str, minimum: int, maximum: int) -> Schema:
    """Return the schema of an integer."""
    return {"type": "integer", "description": description, "minimum": minimum, "maximum": maximum}


def texts(description: str, choices: list[str] | None = None) -> Schema:
    """Return the schema of a list of texts."""
    items: Schema = {"type": "string", **({"enum": choices} if choices else {})}
    return {"type": "array", "items": items, "description": description}
