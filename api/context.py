"""Dependencies of the routes, injected by the composition root, and the parameter by which a route receives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from ..asgi.error_codes import ErrorCode
from ..asgi.surfaces.surface import ALL_SURFACES, Surface
from ..auth.keyring import Keyring
from ..auth.signed_urls import UNSIGNED, UrlSigner
from ..auth.tokens import NO_TOKENS, Tokens
from ..images.renditions.renditions import Renditions
from ..images.storage.input_store import InputStore
from ..images.storage.places import ImagePlaces, OwnPlaces
from ..outbound.client import OutboundClient
from ..tasks.build import TaskServices
from ..tasks.model_files.build import ModelFileServices
from ..tasks.ports.catalog import ControlType, ModelFile, Style, Wildcard
from ..tasks.ports.host_arguments import Bounds, HostField
from ..tasks.ports.host_status import HostStatus
from ..tasks.ports.performance import Performance
from ..tasks.ports.prompts import Prompts
from ..tasks.ports.tools import Tools
from ..tasks.queue.model_downloads import Download
from ..tasks.storage.sessions import NO_SESSIONS, Sessions
from .responses.problems import Problem
from .responses.public_urls import PublicUrls


class Names(Protocol):
    """Names that the checkout offers: models, styles, samplers and the like."""

    def names(self, kind: str) -> list[str]: ...

    def refresh(self) -> None: ...


class Catalog(Names, Protocol):
    """Names that the checkout offers, and what it knows of them."""

    def wildcard(self, name: str) -> str: ...

    def performances(self) -> list[Performance]:
        """Return the performances with their steps and LoRAs."""

    def style_texts(self) -> dict[str, tuple[str, str]]:
        """Return the positive and the negative text of each style by its name."""

    def hashes(self, kind: str) -> dict[str, str]:
        """Return name → start of the SHA-256 of files whose hash the host knows; `kind` is a catalog of files."""


class DetailedCatalog(Catalog, Protocol):
    """A catalog with what the checkout knows about its names."""

    def control_types(self) -> list[ControlType]: ...

    def model_kinds(self) -> list[str]: ...

    def models(self, kinds: list[str]) -> list[ModelFile]: ...

    def style(self, name: str) -> Style | None: ...

    def wildcards(self) -> list[Wildcard]: ...


class Presets(Protocol):
    """The checkout's presets."""

    def values(self, name: str) -> dict[str, Any]:
        """Return a preset's values by request field."""

    def downloads(self, name: str) -> list[Download]:
        """Return the missing files that a preset needs."""

    def fields(self) -> frozenset[str]:
        """Return the request fields that a preset can hold."""

    def is_own(self, name: str) -> bool:
        """Return whether the API has written a preset, so that it may replace and delete it."""

    def write(self, name: str, fields: dict[str, Any]) -> bool:
        """Write a preset of these request fields, and return whether it is new.

        Raises:
            PresetError, StorageUnavailable: nothing was written.
        """

    def remove(self, name: str) -> None:
        """Delete a preset.

        Raises:
            PresetError, StorageUnavailable: nothing was deleted.
        """


class Login(Protocol):
    """The WebUI's login; `needed` if it is enabled."""

    @property
    def needed(self) -> bool: ...

    def is_in(self, cookies: Mapping[str, str]) -> bool:
        """Return whether these cookies contain a valid session."""


class HostArguments(Protocol):
    """Arguments of the checkout's tasks, as the WebUI's controls define them."""

    def default(self, field: str) -> Any:
        """Return the host's default for a request field, None if the host has no such argument."""

    def list_sizes(self) -> dict[str, int]:
        """Return the maximum length of each list field."""

    def bounds(self, field: str, key: str | None) -> Bounds:
        """Return the range of the host's control for a field, or for `key` of its items."""

    def extra_fields(self, taken: set[str]) -> dict[str, HostField]:
        """Return the arguments of this host alone: those that no field in `taken` covers."""


class Host(Protocol):
    """The Fooocus that runs in this process. Implemented by `adapters.host`."""

    @property
    def catalog(self) -> DetailedCatalog: ...

    @property
    def presets(self) -> Presets: ...

    @property
    def arguments(self) -> HostArguments: ...

    @property
    def tools(self) -> Tools: ...

    @property
    def prompts(self) -> Prompts: ...

    def output_folders(self) -> list[Path]:
        """Return the current folders of generated images, the preferred one first."""

    def status(self) -> HostStatus:
        """Return the host's current state. Cheap."""

    def info(self) -> dict[str, Any]:
        """Return the host's part of `/v1/info`: versions, number of arguments, patched modules."""


@dataclass(frozen=True)
class Security:
    """Everything that decides which requests are allowed.

    `links` signs the URLs of images, `tokens` signs and verifies those of browsers, `sessions` are the browsers that a key has
    signed in, and `api_cors` are the allowed origins.
    `is_exposed` if other machines can reach the server.
    """

    keys: Keyring
    login: Login
    links: UrlSigner = UNSIGNED
    tokens: Tokens = NO_TOKENS
    sessions: Sessions = NO_SESSIONS
    api_cors: tuple[str, ...] = ()
    is_exposed: bool = False


@dataclass(frozen=True)
class ImageStores:
    """The images of the server: `inputs` are those that clients sent, `renditions` makes the thumbnails and views of outputs, and
    `cluster_places` is where a process of a cluster finds images."""

    inputs: InputStore
    renditions: Renditions = field(default_factory=Renditions)
    cluster_places: ImagePlaces | None = None


@dataclass(frozen=True)
class Context:
    """Everything a route may need.

    `task_services` is None if the host is not supported; `services` raises then. `images` are the server's images, `outbound`
    sends requests to servers that clients name, `base_url` is the configured public address, `surfaces` are the compatible APIs
    that are enabled, and `api_port` is the port without the WebUI, if there is one. `no_model_files` is the reason for a refusal
    where the domain has no parts for model files.
    """

    host: Host
    task_services: TaskServices | None
    images: ImageStores
    security: Security
    base_url: str | None = None
    outbound: OutboundClient = field(default_factory=OutboundClient)
    surfaces: frozenset[Surface] = ALL_SURFACES
    has_dashboard: bool = True
    api_port: int | None = None
    no_model_files: str = "Fooocus is not ready"

    @property
    def inputs(self) -> InputStore:
        """Return the store of the images that clients sent."""
        return self.images.inputs

    @property
    def renditions(self) -> Renditions:
        """Return the maker of thumbnails and views."""
        return self.images.renditions

    @property
    def places(self) -> ImagePlaces:
        """Return the way to images' files: in a cluster that of all its processes, else in the host's outputs folders."""
        return self.images.cluster_places or OwnPlaces(self.host.output_folders, self.inputs)

    def urls(self, request: Request) -> PublicUrls:
        """Return the builder of the URLs in a request's response."""
        return PublicUrls(request, self.base_url, self.security.links)

    @property
    def services(self) -> TaskServices:
        """Return the parts of the domain.

        Raises:
            Problem: 503, the host is not supported, for the given reason.
        """
        if self.task_services is None:
            raise Problem(ErrorCode.API_UNAVAILABLE, self.host.status().problem or "Fooocus is not ready")
        return self.task_services

    @property
    def model_files(self) -> ModelFileServices:
        """Return the parts for model files.

        Raises:
            Problem: as for `services`; 503, this process has none.
        """
        if (parts := self.services.model_files) is None:
            raise Problem(ErrorCode.API_UNAVAILABLE, self.no_model_files)
        return parts

    @property
    def tools(self) -> Tools:
        """Return the host's tools.

        Raises:
            Problem: as for `services`.
        """
        _ = self.services
        return self.host.tools

    @property
    def prompts(self) -> Prompts:
        """Return the host's functions for prompts.

        Raises:
            Problem: as for `services`.
        """
        _ = self.services
        return self.host.prompts


async def get_context(request: Request) -> Context:  # async: it never blocks, so it needs no thread
    """Return the context of the application that received the request."""
    context: Context = request.app.state.context
    return context


ApiContext = Annotated[Context, Depends(get_context)]
"""The type of a route's parameter for the context."""
