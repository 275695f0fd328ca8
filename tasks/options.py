"""Settings of the domain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..images.storage.publisher import Publisher
from .batches.admission import Admission
from .duty import Duty
from .history.retention import RetentionPolicy
from .overview.nodes import Process
from .statistics.statistics import MachineLoad
from .storage.store import END_WRITE_TIMEOUT_S
from .webhooks.delivery import WebhookSettings


@dataclass(frozen=True)
class TaskOptions:
    """Settings of the domain.

    `max_pending` is the number of pending tasks at which more are refused, `admission` decides about the rows of batches.
    `end_write_timeout_s` is the time in seconds after which the subscribers of an ended task are notified although the database
    does not accept its end. `load` returns the load of the machine, `on_minute` gets it each minute, off the event loop.
    Only the process that has the `duty` does what only one of a cluster may do. `publisher` puts images into the depot of a
    cluster. `process` describes this one.
    """

    max_pending: int | None = None
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    end_write_timeout_s: float = END_WRITE_TIMEOUT_S
    admission: Admission = field(default_factory=lambda: Admission(lambda _: [], lambda: None))
    load: Callable[[], MachineLoad] = MachineLoad
    on_minute: Callable[[MachineLoad], object] = lambda _: None
    duty: Duty = field(default_factory=Duty)
    publisher: Publisher | None = None
    process: Process = field(default_factory=Process)
