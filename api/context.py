"""Dependencies of the routes, injected by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fastapi import Request

from ..auth.keys import Keyring
from ..auth.signed_urls import UNSIGNED, UrlSigner
from ..auth.tokens import NO_TOKENS, Tokens
from ..images.input_store import InputStore
from ..outbound.client import OutboundClient
from ..tasks.ports.engine import EngineUnavailable
from ..tasks.ports.host_arguments import Bounds, HostField
from ..tasks.ports.tools import Tools
from ..tasks.queue.model_downloads import Download
from ..tasks.service import TaskService
from .responses.public_urls import PublicUrls


class Catalog(Protocol):
    """Names that the checkout offers: models, styles, samplers and the like, and the text of its wildcards."""

    def names(self, kind: str) -> list[str]: ...

    def wildcard(self, name: str) -> str: ...

    def refresh(self) -> None: ...


class Presets(Protocol):
    """The checkout's presets."""

    def values(self, name: str) -> dict[str, Any]:
        """Return a preset's values by request field."""

    def downloads(self, name: str) -> list[Download]:
        """Return the missing files that a preset needs."""


class Login(Protocol):
    """The WebUI's login; `needed` if it is enabled."""

    @property
    def needed(self) -> bool: ...

    def is_in(self, cookies: Mapping[str, str]) -> bool:
        """Return whether these cookies contain a valid session."""


@dataclass(frozen=True)
class Context:
    """Everything a route may need.

    `service` and `tools` are None if the host is not supported; `problem()` then returns the reason. `default(field)` is the
    host's default for a request field, `places()` the maximum length of each list, `bounds(field, key)` the range of the host's
    control for a field, or for `key` of its items, and `extra_fields()` the arguments of this host alone. `output_folders()`
    are the folders of generated images, `inputs` stores those that clients sent, and `info()` is the content of `/v1/info`.
    `links` signs the URLs of images, `tokens` signs and checks those of browsers, and `api_cors` are the allowed origins.
    `has_started()` returns whether the host has loaded its models once, `model_loaded()` whether they are loaded now.
    `outbound` sends requests to servers that clients name.
    """

    service: TaskService | None
    tools: Tools | None
    catalog: Catalog
    presets: Presets
    default: Callable[[str], Any]
    places: Callable[[], dict[str, int]]
    extra_fields: Callable[[set[str]], dict[str, HostField]]
    output_folders: Callable[[], list[Path]]
    inputs: InputStore
    info: Callable[[], dict[str, Any]]
    problem: Callable[[], str | None]
    keys: Keyring
    login: Login
    bounds: Callable[[str, str | None], Bounds] = lambda field, key: Bounds()
    worker_alive: Callable[[], bool] = lambda: True
    model_loaded: Callable[[], bool] = lambda: False
    has_started: Callable[[], bool] = lambda: True
    base_url: str | None = None
    links: UrlSigner = UNSIGNED
    tokens: Tokens = NO_TOKENS
    api_cors: tuple[str, ...] = ()
    outbound: OutboundClient = field(default_factory=OutboundClient)

    def urls(self, request: Request) -> PublicUrls:
        """Return the builder of the URLs in a request's response."""
        return PublicUrls(request, self.base_url, self.links)

    def tasks(self) -> TaskService:
        """Return the service.

        Raises:
            EngineUnavailable: the host is not supported; the message gives the reason.
        """
        if self.service is None:
            raise EngineUnavailable(self.problem() or "Fooocus is not ready")
        return self.service
