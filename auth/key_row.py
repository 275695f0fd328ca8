"""The list of API keys in a cluster: a row of the database, the same text as in the file. Standard library only.

The functions that read and change the row are given: this package knows no database.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .key_file import AddedKey, KeyFileUnavailable, NameTaken, UnknownKey, new_named_key
from .keys import BrokenKeys, Key, KeyQuota, Scope, UnreadableKeys, composed, load, parsed

log = logging.getLogger("fooocus_api.keys")

T = TypeVar("T")
ROW_NAME = "api_keys"
PLACE = "the database's list of API keys"
INTERVAL_S = 1.0
"""Seconds between two looks at the row."""
GRACE_S = 15.0
"""Seconds for which the keys count that were read last while the database does not answer: it can't change them then either."""
MAX_TRIES = 50
"""Changes that other processes may make while this one tries its own."""
NEVER_READ: tuple[int, ...] = (-1,)
TOO_OLD: tuple[int, ...] = (-2,)


class KeyRow:
    """The row with the keys. Any thread.

    `start` has a thread look at it each second. Without that, `state` looks itself, at most once a second: not on an event loop.
    """

    def __init__(
        self,
        read: Callable[[], str | None],
        exchange: Callable[[str | None, str], bool],
        announce: Callable[[], None] = lambda: None,
    ) -> None:
        """Store the functions. Reads nothing.

        Args:
            read: returns the row's text, None if there is no row; it raises `UnreadableKeys`.
            exchange: puts the second text in place of the first, None for no row, and returns False if the row has another one by
                now; it raises `KeyFileUnavailable`.
            announce: is called after each change here, for a notice to other processes. It must not raise.
        """
        self.missing = f"{PLACE} is missing; restore the row {ROW_NAME}, or restart all processes to run without it"
        self._read = read
        self._exchange = exchange
        self._announce = announce
        self._lock = threading.Lock()
        self._text: str | None = None
        self._version = 0
        self._read_at: float | None = None
        self._tried_at = float("-inf")
        self._problem = f"{PLACE} was not read yet"
        self._wake = threading.Event()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Read the row, and look at it each second from now on."""
        self._look()
        self._thread = threading.Thread(target=self._run, name="fooocus-api-keys", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._is_closed = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(INTERVAL_S)

    def changed(self) -> None:
        """Look at the row soon, as another process has changed it. Returns at once."""
        with self._lock:
            self._tried_at = float("-inf")
        self._wake.set()

    def state(self) -> tuple[int, ...] | None:
        """Return what differs after each change of the row; None if there is no row."""
        if self._thread is None and time.monotonic() - self._tried_at >= INTERVAL_S:
            self._look()
        if self._read_at is None:
            return NEVER_READ
        if time.monotonic() - self._read_at > INTERVAL_S + GRACE_S:
            return TOO_OLD
        return None if self._text is None else (self._version,)

    def load(self) -> list[Key]:
        """Return the keys that were read last.

        Raises:
            FileNotFoundError: there is no row.
            BrokenKeys: it can't be used, or has not been read for too long.
        """
        if self.state() in (NEVER_READ, TOO_OLD):
            raise UnreadableKeys(self._problem)
        if self._text is None:
            raise FileNotFoundError(ROW_NAME)
        return parsed(self._text, PLACE)

    def add(self, name: str, scopes: frozenset[Scope], limits: KeyQuota) -> AddedKey:
        """Create a key and store its hash.

        Raises:
            NameTaken, BrokenKeys, KeyFileUnavailable: nothing has changed.
        """
        text, key = new_named_key(name, scopes, limits)

        def change(keys: list[Key]) -> tuple[list[Key], bool]:
            if any(other.name == name for other in keys):
                raise NameTaken(name)
            return [*keys, key], not keys

        return AddedKey(key, text, self._changed(change))

    def remove(self, name: str, check: Callable[[Key, list[Key]], None] = lambda *_: None) -> list[Key]:
        """Remove a key and return those that are left. `check` is called with it and those before, perhaps several times, and may
        raise.

        Raises:
            UnknownKey, BrokenKeys, KeyFileUnavailable: nothing has changed.
        """

        def change(keys: list[Key]) -> tuple[list[Key], list[Key]]:
            gone = [key for key in keys if key.name == name]
            if not gone:
                raise UnknownKey(name)
            left = [key for key in keys if key.name != name]
            check(gone[0], left)
            return left, left

        return self._changed(change)

    def take_over(self, file: Path) -> bool:
        """Make the keys of a file the row if there is a file and no row, and return whether that was done. The file stays.

        Raises:
            BrokenKeys, KeyFileUnavailable: nothing has changed.
        """
        if self._read() is not None:
            return False
        try:
            keys = load(file)
        except FileNotFoundError:
            return False
        text = composed(keys)
        if not self._exchange(None, text):
            return False  # another process was first
        self._took(text)
        log.info("API keys of the file taken over into the database", extra={"file": str(file), "keys": len(keys)})
        return True

    def _changed(self, change: Callable[[list[Key]], tuple[list[Key], T]]) -> T:
        """Change the list as it is now, and return the second result of `change`."""
        for _ in range(MAX_TRIES):
            before = self._read()
            after, result = change([] if before is None else parsed(before, PLACE))
            text = composed(after)
            if self._exchange(before, text):
                self._took(text)
                self._announce()
                return result
        raise KeyFileUnavailable("other processes are changing the keys; try again")

    def _run(self) -> None:
        while not self._is_closed:
            self._wake.wait(INTERVAL_S)
            self._wake.clear()
            if not self._is_closed:
                self._look()

    def _look(self) -> None:
        """Read the row. A failure is known as the problem once the grace is over."""
        with self._lock:
            self._tried_at = begun = time.monotonic()
        try:
            text = self._read()
        except BrokenKeys as error:
            self._problem = str(error)
            return
        self._took(text, begun)

    def _took(self, text: str | None, since: float | None = None) -> None:
        """Use a text of the row, unless a newer one is known: that of a change here after the time `since`."""
        with self._lock:
            if since is not None and self._read_at is not None and self._read_at > since:
                return
            self._read_at = time.monotonic()
            if text != self._text:
                self._text = text
                self._version += 1
