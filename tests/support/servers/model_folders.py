"""Folders of models in a temporary folder, for tests of downloads without a host."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from fooocus_api.model_files.kinds import FileKind
from fooocus_api.outbound.address_policy import AddressPolicy
from fooocus_api.outbound.pinned_connection import RequestLimits
from fooocus_api.outbound.streaming import STREAM_LIMITS, StreamClient
from fooocus_api.tasks.model.active_tasks import ActiveTasks
from fooocus_api.tasks.model_files.build import ModelFileOptions, ModelFileServices, build_model_files
from fooocus_api.tasks.model_files.receiving.records import DownloadRecord, DownloadRequest, DownloadState
from fooocus_api.tasks.ports.model_folders import ModelFolder, Role
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.servers.file_server import FileServer

PAUSES_S = (0.01,) * 3
LOCAL = AddressPolicy([ip_network("127.0.0.0/8")])


class FoldersOnDisk:
    """Implements `tasks.ports.model_folders.ModelFolders` with two folders on the disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.refreshed = 0
        self.in_memory: set[Path] = set()
        self._loras = root / "loras"
        for name in ("checkpoints", "loras"):
            (root / name).mkdir(parents=True, exist_ok=True)

    def folders(self) -> list[ModelFolder]:
        kinds = frozenset({FileKind.SAFETENSORS, FileKind.PICKLE})
        return [
            ModelFolder("checkpoints", (self.root / "checkpoints",), Role.CHECKPOINT, kinds),
            ModelFolder("loras", (self._loras,), Role.LORA, kinds),
        ]

    def break_loras(self) -> None:
        """Make the folder of LoRAs unreadable from now on: its path is that of a file."""
        self._loras = self.root / "file"
        self._loras.write_bytes(b"")

    def refresh(self) -> None:
        self.refreshed += 1

    def loaded(self) -> set[Path]:
        return self.in_memory

    def short_hash(self, path: Path) -> str | None:
        return None

    def forget(self, path: Path) -> None:
        """Do nothing: no hashes are known."""


def services(
    folders: FoldersOnDisk,
    *,
    allow_pickles: bool = False,
    reserve_gb: float = 0.001,
    policy: AddressPolicy = LOCAL,
    limits: RequestLimits = STREAM_LIMITS,
    active: ActiveTasks | None = None,
) -> ModelFileServices:
    """Return the parts for model files, whose attempts follow each other at once."""
    options = ModelFileOptions(reserve_gb, allow_pickles, PAUSES_S)
    return build_model_files(folders, StreamClient(policy, limits), active or ActiveTasks(), options)


def ended(parts: ModelFileServices, download_id: str) -> DownloadRecord:
    """Wait until a download has ended in any way. Return its record."""

    def look() -> DownloadRecord | None:
        record = parts.downloads.get(download_id)
        return None if record.state.is_active else record

    record: DownloadRecord = wait_for(look, f"download {download_id} to end", 30)
    return record


def done(parts: ModelFileServices, download_id: str) -> DownloadRecord:
    """Wait until a download is done; fail if it ends otherwise."""
    record = ended(parts, download_id)
    assert record.state is DownloadState.DONE, record
    return record


def fetch(parts: ModelFileServices, request: DownloadRequest) -> DownloadRecord:
    """Download a file and return the record of its end, whichever it is."""
    return ended(parts, parts.downloads.submit(request).download_id)


def wanted(server: FileServer, behaviour: str, name: str | None = "new.safetensors", **fields: Any) -> DownloadRequest:
    """Return the request for a LoRA that the server sends in a chosen way."""
    return replace(DownloadRequest(f"{server.url}/{behaviour}/x", "loras", name), **fields)


def parts_in(folder: Path) -> set[str]:
    """Return the names of the received parts below a folder."""
    return {path.name for path in folder.rglob("*.part")}
