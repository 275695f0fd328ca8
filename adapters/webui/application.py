"""Protocol of the API, as the WebUI's server sees it. Implemented by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from ...asgi.types import AsgiApp


class Application(Protocol):
    """The API: it receives the requests for its paths, and follows the server's life."""

    @property
    def prefixes(self) -> frozenset[str]:
        """The first path segments of the API."""

    def is_misspelt(self, first: str) -> bool:
        """Return whether a first segment, one that the WebUI does not have, is probably a misspelt one of the API."""

    def with_error_shapes(self, app: AsgiApp) -> AsgiApp:
        """Return the API with its errors in the shapes of the APIs that clients speak; it is called before any other part."""

    def start(self) -> AsgiApp:
        """Build and return the ASGI application. Called once, when the WebUI is built and about to be served."""

    def listening(self, url: str) -> None:
        """Record the server's address, once it is known."""

    def drain(self, then: Callable[[], None]) -> bool:
        """Begin to end as a node of a cluster: finish the running task, take no other, and call `then`, from any thread. Return
        False without a cluster: nothing is to be waited for. Called by a signal's handler, so that it only starts a thread."""

    def stopping(self) -> None:
        """End all streams and waiting requests, because the server shuts down."""
