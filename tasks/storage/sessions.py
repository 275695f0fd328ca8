"""Browsers that are signed in by a key. The database has their sessions; this process has them in memory once a cookie comes."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace

from ...auth.keys import BrokenKeys, Key
from ...db.writer import DatabaseUnavailable
from .session_store import Session, SessionStore

LIFETIME_S = 30 * 24 * 3600
"""Seconds for which a session lasts after its last renewal."""
RENEWAL_S = 3600
"""Seconds after which a renewal is written: a page may ask often."""
MAX_PER_KEY = 50
"""Sessions of a key. A further one ends the one that was renewed least recently."""
REREAD_S = 1.0
"""Seconds after which a process of a cluster reads the sessions again, if there is a request with a session."""
COOKIE = b"fooocus-api cookie"
DOMAIN = b"fooocus-api session"
"""Separates the digests of keys from other uses of the same secret."""

FindKeys = Callable[[str], "list[Key]"]


class Sessions:
    """The sessions, each with an id that only its browser has. Any thread; the coroutines on any event loop.

    A session ends with its key: with the name, the secret and the server's own secret. Its scopes are those of its key now.
    """

    def __init__(
        self,
        store: SessionStore | None,
        find: FindKeys,
        secret: bytes,
        clock: Callable[[], float] = time.time,
        *,
        is_shared: bool = False,
    ) -> None:
        """Prepare the sessions; nothing is read yet.

        Args:
            store: the sessions in the database; None on a host without a history, on which none can be opened.
            find: returns the current keys of a name; its exceptions propagate.
            secret: the server's secret: without it, the database does not show which key a session is of.
            clock: returns seconds since 1970.
            is_shared: other processes open and end sessions, too. Those that one has opened are known here at once, and those
                that one has ended are so within `REREAD_S`.
        """
        self.cookie_mark = hmac.digest(secret, COOKIE, "sha256").hex()[:8] if is_shared else None
        """Part of the cookie's name by which all processes of a cluster find it at any port; None without a cluster."""
        self._store = store
        self._is_shared = is_shared
        self._find = find
        self._secret = hmac.digest(secret, DOMAIN, "sha256")
        self._clock = clock
        self._lock = threading.Lock()
        self._known: dict[str, Session] | None = None
        self._changes = 0
        """Changes of this process, so that what was read before one does not replace it."""
        self._read_at = float("-inf")

    async def load(self, identifier: str | None = None) -> None:
        """Read the sessions: once, or from time to time if other processes change them. One with the id is known then.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        if self._known is None or (self._is_shared and time.monotonic() - self._read_at >= REREAD_S):
            await self._read_all()
        if self._is_shared and identifier is not None and self._store is not None:
            digest = _digest(identifier)
            if digest not in (self._known or {}) and (session := await self._store.get(digest)) is not None:
                with self._lock:
                    (self._known or {}).setdefault(digest, session)

    async def _read_all(self) -> None:
        begun, changes = time.monotonic(), self._changes
        stored = [] if self._store is None else await self._store.all()
        known = {session.digest: session for session in stored}
        with self._lock:
            if self._known is None or (self._is_shared and self._changes == changes):
                self._known, self._read_at = known, begun

    def find(self, identifier: str) -> tuple[Session, Key] | None:
        """Return the session with this id and its key, None if it does not exist or has ended. `load` came before.

        Raises:
            BrokenKeys: the file of keys can't be used.
        """
        session = (self._known or {}).get(_digest(identifier))
        if session is None or session.expires_at <= self._now():
            return None
        key = self._key(session)
        return None if key is None else (session, key)

    async def open(self, key: Key, *, is_secure: bool, instead_of: str | None = None) -> tuple[str, Session]:
        """Open a session of a key and return its id, 256 random bits, and the session. The one with the id `instead_of` ends.

        Raises:
            DatabaseUnavailable: the history can't be written, or there is none.
        """
        if self._store is None:
            raise DatabaseUnavailable("there is no history; /v1/info gives the reason")
        await self.load()
        identifier, now = secrets.token_urlsafe(32), self._now()
        expires_at = now + LIFETIME_S * 1000
        session = Session(_digest(identifier), key.name, self._binding(key), now, now, expires_at, is_secure)
        ended = self._ended(session) | ({_digest(instead_of)} if instead_of else set())
        await self._store.add(session, ended)
        with self._lock:
            assert self._known is not None  # nosec B101  # for mypy: `load` has read them
            self._known[session.digest] = session
            self._changes += 1
        self._forget(ended)
        return identifier, session

    async def renew(self, session: Session) -> Session:
        """Return the session with a new lifetime, which is written at most once an hour.

        Raises:
            DatabaseUnavailable: the history can't be written.
        """
        now = self._now()
        if now - session.renewed_at < RENEWAL_S * 1000:
            return session
        renewed = replace(session, renewed_at=now, expires_at=now + LIFETIME_S * 1000)
        if self._store is not None:
            await self._store.renew(renewed)
        with self._lock:
            if self._known is not None and session.digest in self._known:  # it may have been closed since
                self._known[session.digest] = renewed
                self._changes += 1
        return renewed

    async def close(self, identifier: str) -> None:
        """End the session with this id, if there is one.

        Raises:
            DatabaseUnavailable: it has ended in this process, but would be open again after a restart.
        """
        digests = {_digest(identifier)}
        self._forget(digests)
        if self._store is not None:
            await self._store.remove(digests)
            self._forget(digests)  # they may have been read again before they were removed

    async def close_all(self, key: Key) -> int:
        """End all sessions of a key, and return their number.

        Raises:
            DatabaseUnavailable: as for `close`.
        """
        await self.load()
        digests = {session.digest for session in self._of(key)}
        self._forget(digests)
        if self._store is not None:
            await self._store.remove(digests)
            self._forget(digests)
        return len(digests)

    async def numbers(self, keys: Collection[Key]) -> list[int]:
        """Return the number of open sessions of each of these keys.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        await self.load()
        return [len(self._of(key)) for key in keys]

    def _of(self, key: Key) -> list[Session]:
        binding, now = self._binding(key), self._now()
        with self._lock:
            known = list((self._known or {}).values())
        return [session for session in known if session.binding == binding and session.expires_at > now]

    def _ended(self, coming: Session) -> set[str]:
        """Return the digests of sessions that have expired, that have lost their key, and that are too many for this one."""
        with self._lock:
            known = list((self._known or {}).values())
        ended = {session.digest for session in known if session.expires_at <= coming.created_at}
        with contextlib.suppress(BrokenKeys):  # they may still have their keys
            ended |= {session.digest for session in known if self._key(session) is None}
        same = [each for each in known if each.key_name == coming.key_name and each.digest not in ended]
        same.sort(key=lambda session: session.renewed_at, reverse=True)
        return ended | {session.digest for session in same[MAX_PER_KEY - 1 :]}

    def _forget(self, digests: Collection[str]) -> None:
        with self._lock:
            self._changes += 1
            for digest in digests:
                (self._known or {}).pop(digest, None)

    def _key(self, session: Session) -> Key | None:
        for key in self._find(session.key_name):
            if hmac.compare_digest(session.binding, self._binding(key)):
                return key
        return None

    def _binding(self, key: Key) -> str:
        return hmac.digest(self._secret, f"{key.name}\n{key.digest}".encode(), "sha256").hex()

    def _now(self) -> int:
        return int(self._clock() * 1000)


def _digest(identifier: str) -> str:
    return hashlib.sha256(identifier.encode()).hexdigest()


NO_SESSIONS = Sessions(None, lambda _: [], b"")
"""For a context in which no session can be opened."""
