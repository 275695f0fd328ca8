"""Places of model files: folders by their names, and names that are free and safe in them."""

from __future__ import annotations

import os
from pathlib import Path

from ...files.replacing import discard, put_in_free_place
from ...model_files.kinds import FileKind
from ...model_files.names import checked_name, kind_in_folder
from ..ports.model_folders import ModelFolder, ModelFolders
from .receiving.disk import sync_folder
from .receiving.records import DownloadErrorCode, DownloadFailed


class UnknownFolder(Exception):
    """The host has no such folder of models; `known` are the names of those that it has."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"unknown folder {name!r}")
        self.known = known


class Placement:
    """Decides where a file goes, and moves it there. Any thread."""

    def __init__(self, folders: ModelFolders, *, allow_pickles: bool) -> None:
        self._folders = folders
        self._allow_pickles = allow_pickles

    def folder(self, name: str) -> ModelFolder:
        """Return the folder of this name.

        Raises:
            UnknownFolder: the host has none.
        """
        folders = self._folders.folders()
        found = next((folder for folder in folders if folder.name == name), None)
        if found is None:
            raise UnknownFolder(name, [folder.name for folder in folders])
        return found

    def check_name(self, folder: ModelFolder, name: str) -> str:
        """Return the name if a new file in the folder may have it.

        Raises:
            DownloadFailed: it may not, or it is taken.
        """
        try:
            checked = checked_name(name)
            kind = kind_in_folder(checked, folder.kinds)
        except ValueError as error:
            raise DownloadFailed(DownloadErrorCode.NAME_REFUSED, f"{name[:100]!r} {error}") from error
        if kind is FileKind.PICKLE and not self._allow_pickles:
            message = f"{checked!r} is a pickle, which can run code when it is loaded; start Fooocus with --allow-pickle-models"
            raise DownloadFailed(DownloadErrorCode.PICKLE_REFUSED, message)
        self.check_free(folder.paths[0], checked)
        return checked

    def is_placed(self, part: Path, root: Path, name: str | None) -> bool:
        """Return whether a part has its name already: an earlier process was killed right after it got it."""
        try:
            return name is not None and os.path.samefile(part, root.joinpath(*name.split("/")))
        except OSError:
            return False

    def check_free(self, root: Path, name: str) -> None:
        """Check each part of a name against the names that exist, which on Windows and macOS are equal in any case.

        Raises:
            DownloadFailed: the name is taken, or a sub-folder is a link or a file.
        """
        place = root
        *folders, file = name.split("/")
        for part in folders:
            found = _entry(place, part)
            if found is None:
                return
            place = place / found
            if found != part or place.is_symlink() or not place.is_dir():
                message = (
                    f"{name!r} leads through {found!r}, which is a link, a file, or spelt otherwise; use another name"
                )
                raise DownloadFailed(DownloadErrorCode.NAME_REFUSED, message)
            if os.path.ismount(place):
                message = f"{name!r} leads through {found!r}, which is on another disk; use another name"
                raise DownloadFailed(DownloadErrorCode.NAME_REFUSED, message)
        if _entry(place, file) is not None:
            raise _taken(name)

    def place(self, part: Path, root: Path, name: str) -> Path:
        """Rename a complete file to its name, and return its path.

        Raises:
            DownloadFailed: the name is taken.
            OSError: the file can't be renamed.
        """
        target = root.joinpath(*name.split("/"))
        if self.is_placed(part, root, name):
            discard(part)
            return target
        self.check_free(root, name)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            put_in_free_place(part, target)
        except FileExistsError as error:
            raise _taken(name) from error
        sync_folder(target.parent)
        return target

    def refresh(self) -> None:
        """Let the host find new files."""
        self._folders.refresh()


def _entry(folder: Path, name: str) -> str | None:
    """Return the entry of a folder that has this name in any case, the same spelling first."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return None
    return name if name in names else next((one for one in names if one.casefold() == name.casefold()), None)


def _taken(name: str) -> DownloadFailed:
    return DownloadFailed(
        DownloadErrorCode.NAME_TAKEN, f"{name!r} exists already; delete it first, or send another name"
    )
