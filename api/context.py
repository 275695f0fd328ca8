"""What the routes work with, handed in by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fastapi import Request

from ..tasks.downloads import Download
from ..tasks.engine import EngineUnavailable
from ..tasks.host_field import Bounds, HostField
from ..tasks.inputs import InputStore
from ..tasks.keys import Keyring
from ..tasks.outbound import Outbound
from ..tasks.service import TaskService
from ..tasks.tools import Tools
from .links import UNSIGNED, Links
from .tokens import NO_TOKENS, Tokens
from .urls import PublicUrls


class Catalog(Protocol):
    """What the checkout offers by name."""

    def names(self, kind: str) -> list[str]: ...

    def wildcard(self, name: str) -> str: ...

    def refresh(self) -> None: ...


class Presets(Protocol):
    """What the checkout's presets say."""

    def values(self, name: str) -> dict[str, Any]:
        """Values by request field."""

    def downloads(self, name: str) -> list[Download]:
        """Files it needs that are not there."""


class Login(Protocol):
    """The WebUI's login; `needed` when it is on."""

    @property
    def needed(self) -> bool: ...

    def is_in(self, cookies: Mapping[str, str]) -> bool:
        """Whether these are the cookies of somebody who has logged in."""


@dataclass(frozen=True)
class Context:
    """Everything a route may need.

    `service` and `tools` are None when the host is not understood; `problem()` then says why. `default(field)` is the host's
    value for a request field, `places()` how many items its lists may have, `bounds(field, key)` the numbers that the host's
    control takes for a field, or for `key` of its items, and `extra_fields()` the arguments of this host alone.
    `output_folders()` is where images lie, `inputs` holds those that clients sent, and `info()` is what `/v1/info` tells.
    `links` signs the URLs of images, `tokens` makes those of browsers, and `api_cors` are the sites whose pages may use the
    API. `has_started()` says whether the host has loaded its models once, `model_loaded()` whether they are there now.
    `outbound` asks the servers that clients name.
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
    links: Links = UNSIGNED
    tokens: Tokens = NO_TOKENS
    api_cors: tuple[str, ...] = ()
    outbound: Outbound = field(default_factory=Outbound)

    def urls(self, request: Request) -> PublicUrls:
        """Makes the URLs that a request's answer tells."""
        return PublicUrls(request, self.base_url, self.links)

    def tasks(self) -> TaskService:
        """The service.

        Raises:
            EngineUnavailable: there is none, and why.
        """
        if self.service is None:
            raise EngineUnavailable(self.problem() or "Fooocus is not ready")
        return self.service
