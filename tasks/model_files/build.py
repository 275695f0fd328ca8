"""Builds the parts for model files, and hands out those that the API uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...outbound.streaming import StreamClient
from ..model.active_tasks import ActiveTasks
from ..ports.model_folders import ModelFolders
from .downloads import ModelDownloads
from .installed import InstalledFiles
from .placement import Placement
from .receiving.disk import GB, DiskReserve
from .receiving.transfer import Transfer
from .runner import PAUSES_S, DownloadRunner
from .watching import DownloadWatchers


@dataclass(frozen=True)
class ModelFileOptions:
    """Settings: the disk space to leave free in GB, and whether pickles may be downloaded; seconds between attempts."""

    reserve_gb: float = 5
    allow_pickles: bool = False
    pauses_s: Sequence[float] = PAUSES_S


@dataclass(frozen=True)
class ModelFileServices:
    """The parts for model files that the API and the wiring use."""

    downloads: ModelDownloads
    installed: InstalledFiles
    client: StreamClient


def build_model_files(
    folders: ModelFolders, client: StreamClient, active: ActiveTasks, options: ModelFileOptions | None = None
) -> ModelFileServices:
    """Return the parts. Nothing runs until `downloads.recover`."""
    options = options or ModelFileOptions()
    placement = Placement(folders, allow_pickles=options.allow_pickles)
    transfer = Transfer(client, DiskReserve(int(options.reserve_gb * GB)))
    downloads = ModelDownloads(
        folders, placement, DownloadRunner(transfer, placement, options.pauses_s), DownloadWatchers()
    )
    return ModelFileServices(downloads, InstalledFiles(folders, placement, downloads, active), client)
