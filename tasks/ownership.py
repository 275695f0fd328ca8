"""Whose an image is: of the source whose task drew it, uses it or has it uploaded. For who may see only what is its own."""

from __future__ import annotations

from functools import partial

from ..db import sources
from ..db.repository import Repository
from .engine import Engine
from .live import LiveTasks


class Ownership:
    """References are `inputs/<file name>` and `outputs/<date>/<file name>`."""

    def __init__(self, repository: Repository, live: LiveTasks, engine: Engine) -> None:
        self._repository = repository
        self._live = live
        self._engine = engine

    def owns(self, source: str, reference: str) -> bool:
        """Whether that image belongs to that source. Off the event loop.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        room, _, name = reference.partition("/")
        if room == "inputs":
            return self._repository.reading(partial(sources.owns_input, source, name))
        if room != "outputs":
            return False
        for owner, path in self._live.saved():  # its record comes at its end
            if self._engine.relative_path(path) == name:
                return owner == source
        return self._repository.reading(partial(sources.owns_image, source, name))

    def recorded(self, beginning: str) -> list[str]:
        """Return the paths below the outputs that records list and that begin so. Off the event loop.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        return self._repository.reading(partial(sources.images_beginning, beginning))

    def note_upload(self, source: str, file_name: str) -> None:
        """An input belongs to that source, too. Off the event loop.

        Raises:
            DatabaseUnavailable: it can't be written.
        """
        self._repository.write(partial(sources.add_upload, source, file_name)).result()
