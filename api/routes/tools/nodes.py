"""The node of a cluster at which a tool runs."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import Query

from ....asgi.error_codes import FieldErrorCode
from ....asgi.problem import shortened
from ....tasks.ports.tools import Tools
from ...context import Context
from ...responses.problems import invalid_field

NodeName = Annotated[
    str | None,
    Query(description="In a cluster: the name of the node that does it. Default: this one; at a gateway, a free one."),
]
UnloadNode = Annotated[
    str | None,
    Query(description="In a cluster: the name of the node, or `*` for all. Default: this one; at a gateway, all."),
]
ALL = "*"


async def tools_at(context: Context, node: str | None) -> Tools:
    """Return the tools of a node; None for those of this process, and `*` for all nodes.

    Raises:
        Problem: as for `Context.services`.
        InvalidFields: no node of that name takes requests.
    """
    if node is None:
        return context.tools
    nodes = context.services.node_tools
    if nodes is None:
        raise invalid_field(
            "node", FieldErrorCode.UNKNOWN_VALUE, "is not known; this process belongs to no cluster", []
        )
    if node == ALL:
        return nodes.of(None)
    names = await asyncio.to_thread(nodes.names)
    if node not in names:
        message = f"{shortened(node)!r} is no node that takes requests now"
        raise invalid_field("node", FieldErrorCode.UNKNOWN_VALUE, message, names)
    return nodes.of(node)
