"""The shapes of errors of the enabled surfaces."""

from __future__ import annotations

from collections.abc import Collection

from ...asgi.surfaces.error_shapes import ErrorShape
from ...asgi.surfaces.surface import Surface
from .a1111.errors import a1111_shape

SHAPES: dict[Surface, ErrorShape] = {Surface.A1111: a1111_shape}
"""Surface → the function that gives its shape; without one its errors are problem documents."""


def error_shapes(enabled: Collection[Surface]) -> dict[Surface, ErrorShape]:
    """Return the shapes of these surfaces."""
    return {surface: SHAPES[surface] for surface in enabled if surface in SHAPES}
