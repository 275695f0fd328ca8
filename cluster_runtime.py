"""Composition root of a node's share in a cluster. Imported with `--cluster` only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from . import __version__
from .adapters.image_log.image_log import ImageLog
from .adapters.machine_load import card_name
from .adapters.models.catalog import CATALOGS
from .adapters.models.tools import FooocusTools
from .adapters.startup.launch_flags import Settings
from .adapters.startup.node_names import node_name
from .adapters.worker.engine import FooocusEngine, output_folders
from .api.context import Context
from .auth.key_row import KeyRow
from .auth.keys import FILE_NAME
from .cluster.build import Cluster
from .cluster.claim.chooser import Rules
from .cluster.claim.claimer import ClaimOptions
from .cluster.claim.node_worker import HostFacts
from .cluster.foundation import ClusterSettings, Hooks
from .db.repository import Repository
from .gateway.catalogue.writing import catalogue_of
from .images.depot.opening import check_depot, open_depot
from .images.renditions.renditions import Renditions
from .images.storage.deleted_notes import DeletedNotes
from .images.storage.depot_inputs import DepotInputStore
from .images.storage.file_journal import FileJournal
from .images.storage.library import output_file
from .images.storage.places import ClusterPlaces
from .images.storage.publisher import Publisher
from .tasks.build import TaskOptions
from .tasks.duty import Duty
from .tasks.model.events import Event
from .tasks.queue.scheduler import Scheduler
from .tasks.storage.shared_secrets import link_secret

log = logging.getLogger("fooocus_api.cluster")

FILES = ("models", "loras", "vaes")
"""Lists of the catalog with the names of files that tasks may need."""
SWEEP_S = 60.0
"""Seconds between two looks at the notes of deleted images."""


class ClusterShare:
    """What this process has and does as a node."""

    def __init__(
        self,
        settings: Settings,
        repository: Repository,
        image_log: ImageLog,
        renditions: Renditions,
        key_row: KeyRow | None,
    ) -> None:
        """Open the place of the images, and read the secrets that all processes share.

        Raises:
            DepotProblem, DatabaseUnavailable: the message has the reason and a remedy.
        """
        self._settings = settings
        self._repository = repository
        self._renditions = renditions
        self._image_log = image_log
        self.node = node_name(settings)
        outputs = output_folders()[-1]
        state = outputs / ".fooocus_api"
        depot = open_depot(settings.api_files or outputs.parent, state / "depot")
        check_depot(depot)
        self.inputs = DepotInputStore(depot)
        self._notes = DeletedNotes(depot, self.node, _own_image, self._remove_noted)
        self.places = ClusterPlaces(output_folders, self.inputs, depot, self.node, self._notes)
        self._publisher = Publisher(depot, self.places.relative_path, FileJournal(state / "uploads"))
        self._duty = Duty(is_mine=False)
        self._key_row = key_row
        if key_row is not None:
            key_row.take_over(state / FILE_NAME)
            key_row.start()
        self.link_secret = link_secret(repository)
        self._cluster: Cluster | None = None
        self._closing = threading.Event()

    def completed(self, options: TaskOptions) -> TaskOptions:
        """Return the options of the domain with those of a cluster."""
        return replace(options, duty=self._duty, publisher=self._publisher)

    def cluster(self, emit: Callable[[Event], None], engine: FooocusEngine, tools: FooocusTools) -> Cluster:
        """Return the cluster, which this process joins once the domain starts.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        settings = self._settings
        rules = Rules(settings.schedule == "fifo", settings.max_overtakes, settings.max_overtake_seconds)
        place = ClusterSettings(
            settings.api_db or "",
            self.node,
            __version__,
            timeout_s=settings.node_timeout,
            claims=ClaimOptions(rules, settings.affinity_wait),
            card=card_name(),
        )
        host = HostFacts(tools.has_started, _model_files)
        scheduler = Scheduler(rules.fifo, rules.max_overtakes, rules.max_overtake_s)
        self._cluster = Cluster(place, self._repository, emit, engine, host, scheduler, self._hooks())
        return self._cluster

    def describe(self, url: str, context: Context) -> None:
        """Write this node's address and what it offers, for gateways. Slow: it reads folders."""
        if self._cluster is None:
            return
        registry, catalogue = self._cluster.registry, catalogue_of(context.host, CATALOGS)
        self._repository.write(lambda: registry.describe(url, catalogue)).result()
        threading.Thread(target=self._sweep, name="fooocus-api-deleted", daemon=True).start()

    def _hooks(self) -> Hooks:
        return Hooks(self._take_duty, self._duty.look_again, self._setting_changed)

    def _take_duty(self, is_mine: bool) -> None:
        if is_mine:
            self._duty.taken()
        else:
            self._duty.lost()

    def _setting_changed(self, name: str) -> None:
        if self._key_row is not None and name == "api_keys":
            self._key_row.changed()

    def _remove_noted(self, paths: Sequence[str]) -> list[str]:
        stayed = [one.path for one in self._image_log.remove_images(output_folders(), paths)]
        self._renditions.forget([self.places.named(path) for path in paths])
        return stayed

    def _sweep(self) -> None:
        while not self._closing.wait(SWEEP_S):
            try:
                self._notes.sweep()
            except Exception:
                log.exception("notes of deleted images not read")


def _own_image(relative: str) -> Path | None:
    return output_file(output_folders(), PurePosixPath(relative))


def _model_files() -> list[str]:
    return [name for kind in FILES for name in CATALOGS[kind]()]
