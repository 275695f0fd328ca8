"""Names of the server: models, styles, presets, and names of all kinds.

Written by client/scripts/write_async.py from sync/catalog.py: change that, and run it again.
"""

from __future__ import annotations

from typing import Any

from ..calls import catalog
from ..schema.catalog import Info, ModelFile, ModelNames, Preset, Style
from .transport import Transport


class Catalog:
    """The names that requests can use."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def info(self) -> Info:
        """Return the versions and features of the server, and the reason if it can't generate."""
        return await self._transport.call(catalog.info())

    async def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI schema, with each field's default and allowed values on this server."""
        return await self._transport.call(catalog.openapi())

    async def model_names(self) -> ModelNames:
        """Return the names of checkpoints, LoRAs and VAEs."""
        return await self._transport.call(catalog.model_names())

    async def model_files(self) -> list[ModelFile]:
        """Return the model files with kind, size and time."""
        return await self._transport.call(catalog.model_files())

    async def styles(self) -> list[str]:
        """Return the names of the styles."""
        return await self._transport.call(catalog.names("styles"))

    async def style(self, name: str) -> Style:
        """Return a style's templates."""
        return await self._transport.call(catalog.style(name))

    async def presets(self) -> list[str]:
        """Return the names of the presets."""
        return await self._transport.call(catalog.names("presets"))

    async def preset(self, name: str) -> Preset:
        """Return a preset as fields of a request."""
        return await self._transport.call(catalog.preset(name))

    async def names(self, of: str) -> list[str]:
        """Return the names of a list of `GET /v1/engines/…`: samplers, schedulers, performances, uov-methods and others."""
        return await self._transport.call(catalog.names(of))
