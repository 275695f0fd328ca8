"""The shapes of errors of the enabled surfaces."""

from __future__ import annotations

from collections.abc import Collection

from ...asgi.surfaces.error_shapes import ErrorShape
from ...asgi.surfaces.surface import Surface
from .mcp.protocol.errors import json_rpc_error
from .openai.errors import openai_reply

SHAPES: dict[Surface, ErrorShape] = {Surface.OPENAI: openai_reply, Surface.MCP: json_rpc_error}
"""Surface → the function that gives its shape; without one its errors are problem documents."""


def error_shapes(enabled: Collection[Surface]) -> dict[Surface, ErrorShape]:
    """Return the shapes of these surfaces."""
    return {surface: SHAPES[surface] for surface in enabled if surface in SHAPES}
