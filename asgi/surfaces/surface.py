"""Names and paths of the compatible APIs. Imported before Fooocus's own modules, so its imports are light."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from ..types import Scope, path_of


class Surface(str, Enum):
    """An API of another program that this server speaks, by its name in `--compat`."""

    OPENAI = "openai"
    A1111 = "a1111"
    LEGACY = "legacy"
    MCP = "mcp"

    @property
    def label(self) -> str:
        """Its name in sentences."""
        return LABELS[self]


LABELS = {
    Surface.OPENAI: "OpenAI Images",
    Surface.A1111: "AUTOMATIC1111",
    Surface.LEGACY: "Fooocus-API",
    Surface.MCP: "MCP",
}
NOT_IMAGES = ("/v1/audio", "/v1/chat", "/v1/completions", "/v1/embeddings", "/v1/responses")
"""Paths of OpenAI's API that this server lacks, as it generates images alone."""
PATHS: dict[Surface, tuple[str, ...]] = {
    Surface.OPENAI: ("/v1/images", "/v1/models", *NOT_IMAGES),
    Surface.A1111: ("/sdapi", "/controlnet"),
    Surface.LEGACY: (
        "/v1/generation",
        "/v2/generation",
        "/ping",
        "/files",
        "/v1/engines/clean_vram",
        "/v1/engines/refresh-models",
    ),
    Surface.MCP: ("/mcp",),
}
"""Surface → its paths; those below them belong to it, too."""
NAMED_PATHS: dict[Surface, tuple[str, ...]] = {
    Surface.OPENAI: ("/v1/images/generations", "/v1/images/edits", "/v1/images/variations", "/v1/models"),
    Surface.A1111: ("/sdapi/v1/txt2img", "/sdapi/v1/img2img", "/sdapi/v1/options"),
    Surface.LEGACY: (
        "/v1/generation/text-to-image",
        "/v2/generation/text-to-image-with-ip",
        "/v1/generation/query-job",
    ),
    Surface.MCP: ("/mcp",),
}
"""Surface → paths that a request for a similar one is answered with."""
FIRST_SEGMENTS = frozenset(path.split("/")[1] for paths in PATHS.values() for path in paths)
"""First segments of the paths of all surfaces."""
ALL_SURFACES = frozenset(Surface)


def surface_of(scope: Scope, enabled: Collection[Surface] = ALL_SURFACES) -> Surface | None:
    """Return the surface that a request is sent to, None for any other path and for a surface that is not enabled."""
    path = path_of(scope)
    for surface in enabled:
        for own in PATHS[surface]:
            if path.startswith(own) and path[len(own) : len(own) + 1] in ("", "/"):
                return surface
    return None
