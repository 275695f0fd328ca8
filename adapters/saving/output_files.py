"""The image files in the host's folders, and those of other processes that the extension finds."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain, count
from pathlib import Path
from typing import Any

import numpy
from PIL import Image as PILImage

from ...images.storage.file_journal import FileJournal
from ...images.storage.places import ImagePlaces
from ...tasks.ports.engine import Stayed
from ..host_modules import host_module
from ..image_log.image_log import ImageLog
from .saves import ImageSaves


class OutputFiles:
    """Implements `tasks.ports.engine.EngineFiles` on the folders of a running host."""

    def __init__(
        self,
        saves: ImageSaves,
        image_log: ImageLog,
        journal: FileJournal,
        places: ImagePlaces,
        images_removed: Callable[[Sequence[str]], None] = lambda _: None,
    ) -> None:
        """Store the dependencies.

        Args:
            images_removed: is called with the paths of images that have been deleted.
        """
        self._saves = saves
        self._image_log = image_log
        self._journal = journal
        self._places = places
        self._images_removed = images_removed

    def save_array(self, task_id: str, array: Any, image_format: str) -> str:
        folder = output_folders()[0]
        extension = {"jpg": "jpeg"}.get(image_format, image_format)
        _, path, _ = host_module("modules.util").generate_temp_filename(folder=str(folder), extension=extension)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._journal.record(task_id, path)
        PILImage.fromarray(numpy.asarray(array, dtype=numpy.uint8)).save(path)
        return str(path)

    def encode(self, array: Any) -> bytes:
        buffer = io.BytesIO()
        PILImage.fromarray(numpy.asarray(array, dtype=numpy.uint8)).save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def keep(self, task_id: str, path: str) -> str:
        source = Path(path)
        folder = output_folders()[0] / source.parent.name  # both have one folder per day
        folder.mkdir(parents=True, exist_ok=True)
        content = source.read_bytes()
        for name in chain([source.name], (f"{source.stem}-{number}{source.suffix}" for number in count(1))):
            with suppress(FileExistsError), (folder / name).open("xb") as file:
                self._journal.record(task_id, str(folder / name))
                file.write(content)
                return str(folder / name)
        raise AssertionError("file numbers are unlimited")

    def relative_path(self, path: str) -> str | None:
        return self._places.relative_path(path)

    def is_kept(self, path: str) -> bool:
        return Path(path).resolve().is_relative_to(output_folders()[-1].resolve())

    def is_unfinished(self, file: Path) -> bool:
        return self._saves.is_unfinished(file)

    def finish_saves(self, within_s: float) -> None:
        self._saves.finish(within_s)

    def remove_images(self, paths: Sequence[str]) -> list[Stayed]:
        own = {relative: path for path in paths if (relative := self._places.own(path)) is not None}
        left = self._image_log.remove_images(output_folders(), list(own))
        stayed = {own[each.path]: replace(each, path=own[each.path]) for each in left}
        for path, (file, error) in self._places.remove_elsewhere(paths).items():
            stayed.setdefault(path, Stayed(path, file, error))
        self._images_removed(paths)
        return list(stayed.values())


def output_folders() -> list[Path]:
    """Return the host's current image folders, the preferred one first: with `--disable-image-log` its temp folder."""
    config = host_module("modules.config")
    folders = [Path(config.path_outputs)]
    if getattr(host_module("args_manager").args, "disable_image_log", False):
        folders.insert(0, Path(config.temp_path))
    return folders
