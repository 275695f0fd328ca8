"""The API of this process, as the extension drives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from .api.context import Context
from .api.deliveries import start_deliveries
from .asgi.late import LateApp
from .tasks.build import TaskServices

if TYPE_CHECKING:
    from .cluster_runtime import ClusterShare


@dataclass(frozen=True)
class Runtime:
    """The running API. `services` is None if no task can be accepted, `context` if the API itself could not be built, `share`
    without a cluster."""

    api: LateApp
    services: TaskServices | None = None
    context: Context | None = None
    share: ClusterShare | None = None

    def listening(self, url: str) -> None:
        """Build the routes, and then start the delivery of webhooks, whose URLs begin with this address unless `--base-url` is
        given."""
        self.api.start(partial(self._deliver, url))

    def _deliver(self, url: str) -> None:
        if self.services is not None and self.context is not None:
            start_deliveries(self.context, url)
        if self.share is not None and self.context is not None:
            self.share.describe(url, self.context)

    def drain(self, then: Callable[[], None]) -> bool:
        """Finish the running task as a node of a cluster, then call `then`. Return False without a cluster."""
        return self.services is not None and self.services.drain.begin(then)

    def stopping(self) -> None:
        """End all streams and waiting requests."""
        if self.share is not None:
            self.share.stopping()
        if self.services is not None:
            self.services.end_subscriptions()
