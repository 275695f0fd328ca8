"""Composition root of a node's share in a cluster. Imported with `--cluster` only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from . import __version__
from .adapters.image_log.image_log import ImageLog
from .adapters.machine_load import card_name
from .adapters.models.catalog import CATALOGS, FooocusCatalog
from .adapters.models.prompts import FooocusPrompts
from .adapters.models.tools import FooocusTools
from .adapters.saving.output_files import output_folders
from .adapters.startup.launch_flags import Settings
from .adapters.startup.node_names import node_name
from .adapters.worker.engine import FooocusEngine
from .api.context import Context
from .auth.key_row import KeyRow
from .auth.keys import FILE_NAME
from .cluster.build import Cluster
from .cluster.claim.chooser import Rules
from .cluster.claim.claimer import ClaimOptions
from .cluster.claim.node_worker import LocalHost, Obstacle
from .cluster.control.answering import OwnTools
from .cluster.nodes.offers import Offers
from .cluster.parts import ClusterSettings
from .cluster.shared_parts import OwnImages, SharedParts
from .db.disk.placement import need_room
from .db.repository import Repository
from .files.free_space import free_bytes
from .gateway.catalogue.writing import catalogue_of
from .images.depot.opening import check_depot, open_depot
from .images.renditions.renditions import Renditions
from .images.storage.file_journal import FileJournal
from .images.storage.library import output_file
from .images.storage.publisher import Publisher
from .tasks.batches.admission import MIN_FREE_BYTES, ROWS_OF_ONE, rows_of_nodes
from .tasks.build import TaskOptions
from .tasks.model.events import Event
from .tasks.queue.scheduler import Scheduler

FILES = ("model_files", "lora_files", "vaes")
"""Lists of the catalog with the names of files that tasks may need."""


class ClusterShare:
    """The share of this process in a cluster, as a node."""

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
        depot = open_depot(settings.api_files or _default_place(outputs), state / "depot")
        check_depot(depot)
        if key_row is not None:
            key_row.take_over(state / FILE_NAME)
        self.parts = SharedParts(
            repository, self.node, depot, OwnImages(output_folders, _own_image, self._remove_noted), key_row
        )
        self._publisher = Publisher(depot, self.parts.places.relative_path, FileJournal(state / "uploads"))
        self._cluster: Cluster | None = None
        self._offers: Offers | None = None

    def completed(self, options: TaskOptions) -> TaskOptions:
        """Return the options of the domain with those of a cluster."""
        return replace(options, duty=self.parts.duty, publisher=self._publisher)

    def cluster(self, emit: Callable[[Event], None], engine: FooocusEngine, tools: FooocusTools) -> Cluster:
        """Return the cluster, which this process joins once the domain starts.

        Raises:
            DatabaseUnavailable: the database can't be used.
        """
        settings = self._settings
        catalog, inputs = FooocusCatalog(), self.parts.inputs
        own = OwnTools(tools, FooocusPrompts(tools.worker), self._look)
        host = LocalHost(engine, partial(_obstacle, tools), _model_files, catalog.refresh, inputs, own)
        self._cluster = Cluster(
            place_of(settings), self._repository, emit, host, scheduler_of(rules_of(settings)), self.parts.hooks()
        )
        return self._cluster

    def describe(self, url: str, context: Context) -> None:
        """Write this node's address and what it offers, for gateways, now and when that changes. Slow: it reads folders."""

        def read() -> dict[str, Any]:
            context.host.catalog.refresh()
            return {**catalogue_of(context.host, CATALOGS), "files": _model_files()}

        self._offers = Offers(read, partial(self._describe, url))
        self._offers.look()
        self._offers.start()
        self.parts.sweep()

    def stopping(self) -> None:
        """Look no more at what this node offers."""
        if self._offers is not None:
            self._offers.close()

    def _look(self, within_s: float) -> None:
        if self._offers is not None:
            self._offers.look(within_s)

    def _describe(self, url: str, catalogue: dict[str, Any]) -> None:
        if self._cluster is not None:
            registry = self._cluster.registry
            self._repository.write(lambda: registry.describe(url, catalogue)).result()

    def rows_of_batch(self) -> int:
        """Return the number of rows that a batch may have in the queue: two for each node."""
        if self._cluster is None:
            return ROWS_OF_ONE
        return rows_of_nodes(self._cluster.registry.serving(self._repository.read))

    def _remove_noted(self, paths: Sequence[str]) -> list[str]:
        stayed = [one.path for one in self._image_log.remove_images(output_folders(), paths)]
        self._renditions.forget([self.parts.places.named(path) for path in paths])
        return stayed


def place_of(settings: Settings, role: str = "node") -> ClusterSettings:
    """Return the place of this process in the cluster that its flags name."""
    return ClusterSettings(
        settings.api_db or "",
        node_name(settings),
        __version__,
        role,
        timeout_s=settings.node_timeout,
        claims=ClaimOptions(rules_of(settings), settings.affinity_wait),
        card=card_name() if role == "node" else "",
    )


def rules_of(settings: Settings) -> Rules:
    """Return the rules of the scheduler that the flags name."""
    return Rules(settings.schedule == "fifo", settings.max_overtakes, settings.max_overtake_seconds)


def scheduler_of(rules: Rules) -> Scheduler:
    """Return a scheduler that shows the order of these rules."""
    return Scheduler(rules.fifo, rules.max_overtakes, rules.max_overtake_s)


def _default_place(outputs: Path) -> Path:
    """Return the folder of images that the nodes of one machine share whose outputs folders lie next to each other."""
    place = outputs.parent / "fooocus-cluster"
    place.mkdir(exist_ok=True)
    return place


def _own_image(relative: str) -> Path | None:
    return output_file(output_folders(), PurePosixPath(relative))


def _obstacle(tools: FooocusTools) -> Obstacle | None:
    """Return the reason why this node claims no task. With a full disk it would claim one after the other, and fail them all; one
    with little room would, too, as its own image needs more than it seems to have."""
    if not tools.has_started():
        return "starting"
    folder = output_folders()[0]
    try:
        need_room(folder)
    except FileNotFoundError:
        return None  # the host makes the folder with its first image
    except OSError:
        return "full"
    free = free_bytes([folder])
    return "full" if free is not None and free < MIN_FREE_BYTES else None


def _model_files() -> list[str]:
    return [name for kind in FILES for name in CATALOGS[kind]()]
