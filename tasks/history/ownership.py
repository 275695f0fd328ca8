"""Ownership of images: a source owns those that its tasks generated or use, and those that it uploaded. Restricts callers
that may see only their own."""

from __future__ import annotations

from functools import partial

from ...db.repository import Repository
from ...db.statements.sources import usage
from ...images.references import ImageReference
from ..model.active_tasks import ActiveTasks
from ..ports.engine import EngineFiles


class Ownership:
    """Owners of images. References are those of `images.references`."""

    def __init__(self, repository: Repository, active: ActiveTasks, files: EngineFiles) -> None:
        self._repository = repository
        self._active = active
        self._files = files

    def owns(self, source: str, reference: str) -> bool:
        """Return whether the source owns the image. Not on an event loop.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        image = ImageReference.parse(reference)
        if image is None:
            return False
        if image.kind == "inputs":
            return self._repository.read(partial(usage.owns_input, source, image.name))
        for owner, path in self._active.saved():  # images of an active task have no record yet
            if self._files.relative_path(path) == image.name:
                return owner == source
        return self._repository.read(partial(usage.owns_image, source, image.name))

    def is_recorded(self, path: str) -> bool:
        """Return whether a record lists the image with this path relative to the outputs folder. Not on an event loop.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        return path in self._repository.read(lambda: self._repository.recorded([path]))

    def recorded(self, beginning: str) -> list[str]:
        """Return the recorded image paths, relative to the outputs folder, that have this prefix. Not on an event loop.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        return self._repository.read(partial(usage.images_beginning, beginning))

    def is_used(self, source: str) -> bool:
        """Return whether the source has tasks or uploads, also from an earlier key of that name. Not on an event loop.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        return self._repository.read(partial(usage.has_left_traces, source))

    def note_upload(self, source: str, file_name: str) -> None:
        """Add the source to the owners of an input. Not on an event loop.

        Raises:
            DatabaseUnavailable: the history can't be written.
        """
        self._repository.write(partial(usage.add_upload, source, file_name)).result()
