"""Changes of the file of API keys, by the command and by the API: one at a time, also between processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from .keys import Key, KeyQuota, Scope, digest_of, load, new_key, save

LOCK_TIMEOUT_S = 10
"""Seconds to wait for another change to finish."""


class NameTaken(Exception):
    """The file has a key of this name."""


class UnknownKey(Exception):
    """The file has no key of this name."""


class KeyFileUnavailable(Exception):
    """The file can't be changed now; the message names the file and the reason, and contains no key."""


@dataclass(frozen=True)
class AddedKey:
    """A new key and its secret, the `text` that clients send. `is_first` if the file had no key before."""

    key: Key
    text: str
    is_first: bool


def new_named_key(name: str, scopes: frozenset[Scope], limits: KeyQuota) -> tuple[str, Key]:
    """Return the secret of a new key, and the key to store."""
    text, now = new_key(), datetime.now().astimezone().isoformat(timespec="seconds")
    return text, Key(name, digest_of(text.encode()), scopes, limits, now)


class KeyFile:
    """The file of API keys. A running Fooocus applies a change at its next request."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.missing = f"{file} is missing; restore it, or restart Fooocus to run without it"

    def state(self) -> tuple[int, ...] | None:
        """Return what differs after each change of the file, None if it does not exist. Costs one `stat` call."""
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            return (error.errno or 0,)
        return status.st_mtime_ns, status.st_size, status.st_ino

    def load(self) -> list[Key]:
        """Return the keys of the file.

        Raises:
            FileNotFoundError: it does not exist.
            BrokenKeys: it can't be used.
        """
        return load(self._file)

    def add(self, name: str, scopes: frozenset[Scope], limits: KeyQuota) -> AddedKey:
        """Create a key and store its hash.

        Raises:
            NameTaken, BrokenKeys, KeyFileUnavailable: nothing has changed.
        """
        text, key = new_named_key(name, scopes, limits)
        with self._locked():
            keys = self._load()
            if any(other.name == name for other in keys):
                raise NameTaken(name)
            save(self._file, [*keys, key])
        return AddedKey(key, text, not keys)

    def remove(self, name: str, check: Callable[[Key, list[Key]], None] = lambda *_: None) -> list[Key]:
        """Remove a key and return those that are left. `check` is called with it and those before, and may raise.

        Raises:
            UnknownKey, BrokenKeys, KeyFileUnavailable: nothing has changed.
        """
        with self._locked():
            keys = self._load()
            gone = [key for key in keys if key.name == name]
            if not gone:
                raise UnknownKey(name)
            left = [key for key in keys if key.name != name]
            check(gone[0], left)
            save(self._file, left)
        return left

    def _load(self) -> list[Key]:
        try:
            return load(self._file)
        except FileNotFoundError:
            return []

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self._file}.lock", timeout=LOCK_TIMEOUT_S):
                yield
        except Timeout as error:
            raise KeyFileUnavailable("another program is changing the keys; try again") from error
        except OSError as error:
            raise KeyFileUnavailable(f"{self._file} can't be written: {error.strerror or error}") from error
