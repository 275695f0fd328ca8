"""Writes and deletes preset files. Files of Fooocus and of the user are never touched: those of the API carry a mark."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

from ...files.replacing import delete, write_atomically
from ...images.storage.input_store import StorageUnavailable
from ...tasks.ports.presets import ProtectedPreset, TooManyPresets, UnknownPreset
from ..host_modules import host_module
from .preset_menu import show_presets

MARK = {"created_by": "Fooocus API"}
"""A member that Fooocus ignores. It is in the file itself, so that the file stays the API's wherever the outputs are."""
MAX_PRESETS = 1000
MAX_READ_BYTES = 2**20


class PresetFiles:
    """The files in the host's folder of presets. Any thread except the event loop's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def is_own(self, name: str) -> bool:
        """Return whether the API has written the preset, so that it may replace and delete it."""
        if name == "initial" or name not in _listed():
            return False
        path = _path(name)
        try:
            content = json.loads(path.read_text("utf-8")) if path.stat().st_size <= MAX_READ_BYTES else None
        except (OSError, ValueError, RecursionError):
            return False
        return isinstance(content, dict) and MARK.items() <= content.items()

    def write(self, name: str, content: dict[str, Any]) -> bool:
        """Write a preset atomically and show it in the WebUI. Return whether it is new.

        Args:
            name: a name that is valid on every system.
            content: the members of the file.

        Raises:
            ProtectedPreset: the preset exists, and the API has not written it.
            TooManyPresets: there are `MAX_PRESETS` already.
            StorageUnavailable: the file can't be written; an existing one is unchanged.
        """
        with self._lock:
            listed = _listed()
            if name in listed and not self.is_own(name):
                raise ProtectedPreset(name)
            if name not in listed and len(listed) >= MAX_PRESETS:
                raise TooManyPresets(name)
            text = json.dumps({**content, **MARK}, ensure_ascii=False, indent=4)
            try:
                path = _path(name)
                path.parent.mkdir(exist_ok=True)
                write_atomically(path, text + "\n")
            except OSError as error:
                raise StorageUnavailable(f"preset can't be written: {error.strerror or 'disk error'}") from error
            show_presets()
            return name not in listed

    def remove(self, name: str) -> None:
        """Delete a preset, and remove it from the WebUI's menu.

        Raises:
            UnknownPreset: there is none of this name.
            ProtectedPreset: the API has not written it.
            StorageUnavailable: the file can't be deleted.
        """
        with self._lock:
            if name not in _listed():
                raise UnknownPreset(name)
            if not self.is_own(name):
                raise ProtectedPreset(name)
            try:
                delete(_path(name))
            except OSError as error:
                raise StorageUnavailable(f"preset can't be deleted: {error.strerror or 'disk error'}") from error
            show_presets()


def _listed() -> list[str]:
    return list(host_module("modules.config").get_presets())


def _path(name: str) -> Path:
    """Return the file of a preset. Fooocus reads the folder next to its modules."""
    modules = Path(host_module("modules.config").__file__).absolute().parent
    return modules.parent / "presets" / f"{name}.json"
