"""The keys that count now: those of the command line, and those of a list that may change while the process runs."""

from __future__ import annotations

import contextlib
import logging
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from .key_file import AddedKey, KeyFile
from .keys import BrokenKeys, Key, KeyQuota, Scope, UnreadableKeys, digest_of

log = logging.getLogger("fooocus_api.keys")


class KeySource(Protocol):
    """A list of keys that may change at any time: `KeyFile`, or `KeyRow` in a cluster. Any thread."""

    missing: str
    """The problem if the list disappears."""

    def state(self) -> tuple[int, ...] | None:
        """Return what differs after each change of the list; None if there is none. Fast enough for an event loop."""

    def load(self) -> list[Key]:
        """Return the keys of the list.

        Raises:
            FileNotFoundError: there is none.
            BrokenKeys: it can't be used.
        """

    def add(self, name: str, scopes: frozenset[Scope], limits: KeyQuota) -> AddedKey:
        """Create a key and store its hash.

        Raises:
            NameTaken, BrokenKeys, KeyFileUnavailable: nothing has changed.
        """

    def remove(self, name: str, check: Callable[[Key, list[Key]], None] = ...) -> list[Key]:
        """Remove a key and return those that are left. `check` is called with it and those before, and may raise.

        Raises:
            UnknownKey, BrokenKeys, KeyFileUnavailable: nothing has changed.
        """


_Read = tuple[tuple[int, ...] | None, tuple[Key, ...], str | None]
"""The state of a list when it was read, its keys, and the problem with it."""
UNREAD: tuple[int, ...] = ()
"""The state of a list that is read again at the next request."""


class Keyring:
    """Keys of this process: those of the command line, and the current ones of the list. Any thread.

    A key is required once the list exists or the command line has a key. If the list breaks or disappears while Fooocus runs, its
    keys are rejected, and a key is still required.
    """

    def __init__(self, fixed: Sequence[Key], source: Path | KeySource) -> None:
        """Store the keys of the command line, and the list: a path is that of its file."""
        self._fixed = tuple(fixed)
        self._source: KeySource = KeyFile(source) if isinstance(source, Path) else source
        self._read: _Read = (None, (), None)
        self._needed = bool(fixed)
        self._is_unsure = False  # a list that can't be read may have keys

    def needed(self) -> bool:
        """Return whether a key is required."""
        self._current()
        return self._needed or self._is_unsure

    @property
    def source(self) -> KeySource:
        """The list of keys, for changes of it."""
        return self._source

    @property
    def fixed(self) -> tuple[Key, ...]:
        """The keys of the command line."""
        return self._fixed

    def find(self, given: bytes) -> Key | None:
        """Return the key that was sent, or None if it is unknown.

        Raises:
            BrokenKeys: the command line has no such key, and the list can't be used.
        """
        keys, problem = self._current()
        digest = digest_of(given)
        matching = [
            key for key in keys if secrets.compare_digest(key.digest, digest)
        ]  # compares all of them, so that timing reveals nothing
        if not matching and problem is not None:
            raise self._error(problem)
        return matching[0] if matching else None

    def stored(self) -> tuple[Key, ...]:
        """Return the keys of the list, empty if it has never existed.

        Raises:
            BrokenKeys: the list can't be used.
        """
        keys, problem = self._current()
        if problem is not None:
            raise self._error(problem)
        return keys[len(self._fixed) :]

    def named(self, name: str) -> list[Key]:
        """Return the keys of that name: the command line and the list may each have one.

        Raises:
            BrokenKeys: the command line has no key of that name, and the list can't be used.
        """
        keys, problem = self._current()
        found = [key for key in keys if key.name == name]
        if not found and problem is not None:
            raise self._error(problem)
        return found

    def _error(self, problem: str) -> BrokenKeys:
        """Return the error of a list that can't be used: one that passes by itself if it can't be read at the moment."""
        return UnreadableKeys(problem) if self._read[0] == UNREAD else BrokenKeys(problem)

    def _current(self) -> tuple[tuple[Key, ...], str | None]:
        """Return all keys, and the problem with the list. Costs one `stat` call while a file is unchanged."""
        state = self._source.state()
        read = self._read
        if state != read[0]:
            read = self._read = self._load(state, read[2])
        return (*self._fixed, *read[1]), read[2]

    def _load(self, state: tuple[int, ...] | None, known: str | None) -> _Read:
        problem = self._source.missing
        if state is not None:
            with contextlib.suppress(FileNotFoundError):
                try:
                    keys = tuple(self._source.load())
                    self._needed, self._is_unsure = True, False
                    return state, keys, None
                except (
                    UnreadableKeys
                ) as error:  # another program may have it open for a moment, or the database is away
                    state, problem = UNREAD, str(error)
                    self._is_unsure = True
                except BrokenKeys as error:
                    problem = str(error)
                    self._needed = True
        elif not self._needed:
            self._is_unsure = False
            return None, (), None  # there is no list, and there was none before it could not be read
        if problem != known:
            log.error("list of API keys rejected", extra={"reason": problem})
        return state, (), problem
