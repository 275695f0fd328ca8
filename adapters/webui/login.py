"""The WebUI's login, as Gradio keeps it: its users may use the API where no key is configured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

COOKIES = ("access-token", "access-token-unsecure")
"""Gradio sets both: the first over HTTPS, the second over HTTP as well."""


class WebUILogin:
    """Login state of the `gradio.Blocks` being served. Until it is served, no user is logged in."""

    def __init__(self) -> None:
        self._blocks: Any = None
        self._needed = False

    def watch(self, blocks: Any, auth: Any) -> None:
        """Follow `blocks`. `auth` is the argument of `blocks.launch`: for anything but None, Gradio requires a login."""
        self._blocks = blocks
        self._needed = auth is not None

    @property
    def needed(self) -> bool:
        return self._needed

    def is_in(self, cookies: Mapping[str, str]) -> bool:
        """Return whether these cookies belong to a logged-in user."""
        tokens = getattr(getattr(self._blocks, "server_app", None), "tokens", {})
        return any(cookies.get(name) in tokens for name in COOKIES)
