"""The shapes of errors of the enabled surfaces."""

from __future__ import annotations

from collections.abc import Collection

from ...asgi.surfaces.error_shapes import ErrorShape
from ...asgi.surfaces.surface import Surface
from ..compat.a1111.errors import a1111_shape
from ..compat.legacy.errors import legacy_error
from ..compat.mcp.protocol.errors import json_rpc_error
from ..compat.openai.errors import openai_reply

SHAPES: dict[Surface, ErrorShape] = {
    Surface.OPENAI: openai_reply,
    Surface.A1111: a1111_shape,
    Surface.LEGACY: legacy_error,
    Surface.MCP: json_rpc_error,
}
"""Surface → the function that gives its shape; without one its errors are problem documents."""


def error_shapes(enabled: Collection[Surface]) -> dict[Surface, ErrorShape]:
    """Return the shapes of these surfaces."""
    return {surface: SHAPES[surface] for surface in enabled if surface in SHAPES}
