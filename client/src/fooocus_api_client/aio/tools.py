"""Tools: describe images, make masks, read metadata, expand prompts.

Written by client/scripts/write_async.py from sync/tools.py: change that, and run it again.
"""

from __future__ import annotations

from typing import Any

from ..calls import tools
from ..schema.image_source import ImageSource
from ..schema.tools import ExpandedPrompts, Metadata
from .transport import Transport


class Tools:
    """Functions of the server for images and prompts, which generate no image."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def describe(self, image: ImageSource, *, kind: str = "Photo") -> str:
        """Return a description of an image, usable as a prompt: a caption, or with the kind `Anime` tags."""
        return await self._transport.call(tools.describe(image, kind))

    async def mask(self, image: ImageSource, **options: Any) -> bytes:
        """Return a mask of what an image shows, as a PNG. The options are those of `POST /v1/tools/generate_mask`."""
        return await self._transport.call(tools.mask(image, options))

    async def read_metadata(self, image: ImageSource) -> Metadata:
        """Return the parameters in an image file, and a request that generates it again. A text is the path of a file."""
        return await self._transport.call(tools.read_metadata(image))

    async def expand_prompt(self, prompt: str, **fields: Any) -> ExpandedPrompts:
        """Return what a prompt becomes with its wildcards and styles."""
        return await self._transport.call(tools.expand_prompt(prompt, fields))
