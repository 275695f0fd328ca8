"""Options and functions of the composition root that the launch settings decide."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from functools import partial

from .adapters.machine_load import machine_load
from .adapters.saving.output_files import output_folders
from .adapters.startup.freed_memory import MemoryRelease
from .adapters.startup.launch_flags import Settings
from .db.repository import Repository
from .db.statements.repeats import state_of
from .db.writer import DatabaseUnavailable
from .images.storage.places import ImagePlaces
from .tasks.batches.admission import Admission
from .tasks.build import TaskOptions, TaskServices
from .tasks.history.retention import RetentionPolicy
from .tasks.overview.nodes import Process
from .tasks.queue.scheduler import Scheduler
from .tasks.statistics.statistics import MachineLoad
from .tasks.webhooks.delivery import WebhookSettings

log = logging.getLogger("fooocus_api")


def random_state(repository: Repository, task_id: str) -> Future[bytes | None]:
    """Begin to read the random state that is stored for a task, None without one."""
    return repository.submit_read(partial(state_of, task_id))


def recorded_names(services: TaskServices, places: ImagePlaces, beginning: str) -> list[str] | None:
    """Return the recorded names of images that begin like these paths in the outputs folders, None if they can't be read now."""
    try:
        return services.ownership.recorded(places.named(beginning))
    except DatabaseUnavailable as error:
        log.warning("recorded image names not read; the image gets a unique name", extra={"reason": str(error)})
        return None


def scheduler(settings: Settings) -> Scheduler:
    """Return the scheduler with the rules of the flags."""
    return Scheduler(
        fifo=settings.schedule == "fifo",
        max_overtakes=settings.max_overtakes,
        max_overtake_s=settings.max_overtake_seconds,
    )


def task_options(settings: Settings, admission: Admission, process: Process) -> TaskOptions:
    """Return the options of the domain."""
    webhooks = WebhookSettings(
        settings.webhook_url, settings.webhook_secret, settings.webhook_retry_seconds, settings.webhook_timeout
    )
    retention = RetentionPolicy(settings.keep_days, settings.keep_count)
    release = MemoryRelease()
    return TaskOptions(
        settings.max_pending,
        webhooks,
        retention,
        admission=admission,
        load=load,
        on_minute=lambda minute: release.look(minute.memory),
        process=process,
    )


def load() -> MachineLoad:
    """Return the load of the machine, with the disk of the outputs."""
    return machine_load(output_folders())
