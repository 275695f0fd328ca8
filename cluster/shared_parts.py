"""The parts by which a process reaches what a cluster shares: images, API keys, the secret of links, and the duties of one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..auth.key_row import KeyRow
from ..db.repository import Repository
from ..images.depot.depot import Depot
from ..images.storage.deleted_notes import DeletedNotes
from ..images.storage.depot_inputs import DepotInputStore
from ..images.storage.places import ClusterPlaces
from ..tasks.duty import Duty
from ..tasks.storage.shared_secrets import link_secret
from .parts import Hooks

log = logging.getLogger("fooocus_api.cluster")

SWEEP_S = 60.0
"""Seconds between two looks at the notes of deleted images."""


@dataclass(frozen=True)
class OwnImages:
    """The images in this process's outputs folders; a gateway has none. `find` returns the file of `<date>/<file>`, `remove`
    deletes such images and returns those that stay for now."""

    folders: Callable[[], list[Path]] = list
    find: Callable[[str], Path | None] = lambda _: None
    remove: Callable[[Sequence[str]], Collection[str]] = lambda _: ()


class SharedParts:
    """The parts of one process. Built before its domain."""

    def __init__(self, repository: Repository, node: str, depot: Depot, own: OwnImages, key_row: KeyRow | None) -> None:
        """Build the parts, and read the secrets that all processes share.

        Raises:
            DatabaseUnavailable: the secret of links can't be read.
        """
        self.inputs = DepotInputStore(depot)
        self._notes = DeletedNotes(depot, node, own.find, own.remove)
        self.places = ClusterPlaces(own.folders, self.inputs, depot, node, self._notes)
        self.duty = Duty(is_mine=False)
        self._key_row = key_row
        if key_row is not None:
            key_row.start()
        self.link_secret = link_secret(repository)
        self._closing = threading.Event()

    def hooks(self) -> Hooks:
        """Return the functions by which the cluster reports to these parts."""
        return Hooks(self._take_duty, self.duty.look_again, self._setting_changed)

    def sweep(self) -> None:
        """Delete from now on what other processes have deleted, on a thread."""

        def run() -> None:
            while not self._closing.wait(SWEEP_S):
                try:
                    self._notes.sweep()
                except Exception:
                    log.exception("deleted images not looked for")

        threading.Thread(target=run, name="fooocus-api-deleted", daemon=True).start()

    def close(self) -> None:
        """End the threads."""
        self._closing.set()
        if self._key_row is not None:
            self._key_row.close()

    def _take_duty(self, is_mine: bool) -> None:
        if is_mine:
            self.duty.taken()
        else:
            self.duty.lost()

    def _setting_changed(self, name: str) -> None:
        if self._key_row is not None and name == "api_keys":
            self._key_row.changed()
