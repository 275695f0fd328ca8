"""The WebUI's login, as Gradio keeps it: who has logged in may use the API where no key is configured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COOKIES = ("access-token", "access-token-unsecure")
"""Gradio sets both: the first over HTTPS, the second over HTTP as well."""


class WebUILogin:
    """Of the `gradio.Blocks` that is served. Nobody is logged in before it is."""

    def __init__(self) -> None:
        self._blocks: Any = None
        self._needed = False

    def watch(self, blocks: Any, auth: Any) -> None:
        """`auth` is what `blocks.launch` was given: anything but None has Gradio ask for a login."""
        self._blocks = blocks
        self._needed = auth is not None

    @property
    def needed(self) -> bool:
        return self._needed

    def is_in(self, cookies: Mapping[str, str]) -> bool:
        """Whether these are the cookies of somebody who has logged in."""
        tokens = getattr(getattr(self._blocks, "server_app", None), "tokens", {})
        return any(cookies.get(name) in tokens for name in COOKIES)
