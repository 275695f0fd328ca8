"""State of the host at one moment, as health checks and `/v1/info` report it."""

from __future__ import annotations

from dataclasses import dataclass

from .engine import WorkerNotRunning


@dataclass(frozen=True)
class HostStatus:
    """Snapshot of the host.

    `problem` is the reason why the API can't use this host, None if it can. `model_loaded` is whether a checkpoint is in memory
    now, `has_started` whether one has been since the process began, and `no_worker` the reason if no worker is alive.
    """

    problem: str | None
    worker_alive: bool
    model_loaded: bool
    has_started: bool
    no_worker: str = WorkerNotRunning.MESSAGE
