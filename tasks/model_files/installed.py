"""The model files in the host's folders: their list, and their deletion unless a task or the GPU uses them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...files.replacing import delete
from ...model_files.kinds import FileKind, kind_of
from ..model.active_tasks import ActiveTask, ActiveTasks
from ..model.workload.model_files import comparable
from ..model.workload.workload import ModelNeeds
from ..ports.model_folders import ModelFolder, ModelFolders, Role
from .downloads import ModelDownloads
from .placement import Placement


@dataclass(frozen=True)
class InstalledFile:
    """A model file. `name` is its path below the folder, with `/`; `size` is in bytes, `modified_at` in milliseconds since 1970.

    `sha256` is known of unchanged downloads, `short_hash`, its first ten digits, of files that the host has hashed.
    """

    name: str
    kind: FileKind
    size: int
    modified_at: int
    sha256: str | None
    short_hash: str | None


class UnknownModelFile(Exception):
    """The folder has no such file."""


class ModelFileInUse(Exception):
    """A task or the GPU uses the file; the message says which."""


class InstalledFiles:
    """Reads and changes the host's model folders. Any thread but an event loop's: it walks the folders."""

    def __init__(
        self, folders: ModelFolders, placement: Placement, downloads: ModelDownloads, active: ActiveTasks
    ) -> None:
        self._folders = folders
        self._placement = placement
        self._downloads = downloads
        self._active = active

    def files(self, only: str | None = None) -> dict[str, list[InstalledFile]]:
        """Return the files by folder, in the order of their names. A file that an earlier path of its folder also has is left
        out, as the host finds that one.

        Raises:
            UnknownFolder: the host has no folder `only`.
        """
        folders = self._folders.folders() if only is None else [self._placement.folder(only)]
        return {folder.name: self._in_folder(folder) for folder in folders}

    def delete(self, folder_name: str, name: str) -> None:
        """Delete a file, or the link of that name.

        Raises:
            UnknownFolder: the host has no such folder.
            UnknownModelFile: the folder has no such file.
            ModelFileInUse: it is in use.
            OSError: it can't be deleted.
        """
        folder = self._placement.folder(folder_name)
        path = next((path for root in folder.paths for found, path in _walk(root) if found == name), None)
        if path is None:
            raise UnknownModelFile(f"{folder_name} has no model file {name!r}")
        self._check_unused(folder, name, path)
        delete(path)
        self._folders.forget(path)
        self._folders.refresh()

    def _in_folder(self, folder: ModelFolder) -> list[InstalledFile]:
        found: dict[str, InstalledFile] = {}
        for root in folder.paths:
            for name, path in _walk(root):
                if name not in found and (file := self._file(name, path)) is not None:
                    found[name] = file
        return sorted(found.values(), key=lambda file: file.name.casefold())

    def _file(self, name: str, path: Path) -> InstalledFile | None:
        kind = kind_of(name)
        try:
            status = path.stat()
        except OSError:  # deleted since, or a link to nothing
            return None
        if kind is None or not stat.S_ISREG(status.st_mode):
            return None
        sha256 = self._downloads.sha256_of(path, status.st_size, status.st_mtime_ns)
        short = sha256[:10] if sha256 else self._folders.short_hash(path)
        return InstalledFile(name, kind, status.st_size, status.st_mtime_ns // 1_000_000, sha256, short)

    def _check_unused(self, folder: ModelFolder, name: str, path: Path) -> None:
        if Path(os.path.realpath(path)) in self._folders.loaded():
            raise ModelFileInUse(f"{name!r} is loaded; unload the models with POST /v1/engine/unload first")
        wanted = comparable(name)

        def uses(live: ActiveTask) -> bool:
            return any(comparable(one) == wanted for one in _needed(live.workload.needs, folder.role))

        users = [live.task.task_id for live in self._active.pending() if uses(live)]
        users += [task.task_id for task in self._active.started(uses)]
        if users:
            raise ModelFileInUse(
                f"{name!r} is used by {len(users)} tasks, such as {users[0]}; let them end, or stop them"
            )


def _needed(needs: ModelNeeds, role: Role) -> list[str]:
    """Return the names of the files with this role that a task needs. Its models are checkpoint, refiner and VAE."""
    if role is Role.CHECKPOINT:
        return list(needs.models[:2])
    if role is Role.VAE:
        return list(needs.models[2:])
    return [name for name, _ in needs.loras] if role is Role.LORA else []


def _walk(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and path of each model file, hidden ones left out. Links to folders are not followed, as the host does not."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            if not file.startswith(".") and kind_of(file) is not None:
                path = Path(folder, file)
                yield path.relative_to(root).as_posix(), path
