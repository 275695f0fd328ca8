"""The browsers that are signed in by a key, as the database has them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from ...db.repository import Repository
from ...db.statements.sources import sessions


@dataclass(frozen=True)
class Session:
    """One signed-in browser.

    `digest` is the SHA-256 of the id in its cookie, `key_name` the key that signed it in and `binding` that key's state then.
    Times are milliseconds since 1970. `is_secure` if its cookie is for HTTPS alone.
    """

    digest: str
    key_name: str
    binding: str
    created_at: int
    renewed_at: int
    expires_at: int
    is_secure: bool


class SessionStore:
    """The sessions in the database. Its functions raise DatabaseUnavailable if it can't be read or written."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def all(self) -> list[Session]:
        """Return all sessions, those that have expired included."""
        found = await asyncio.wrap_future(self._repository.submit_read(sessions.all_sessions))
        return [_session(row) for row in found]

    async def get(self, digest: str) -> Session | None:
        """Return the session with this digest, None if there is none."""
        row = await asyncio.wrap_future(self._repository.submit_read(partial(sessions.session_of, digest)))
        return None if row is None else _session(row)

    async def add(self, session: Session, instead_of: Collection[str] = ()) -> None:
        """Add a session, and remove those with these digests in the same transaction."""

        def change() -> None:
            sessions.remove_sessions(instead_of)
            sessions.add_session(asdict(session))

        await asyncio.wrap_future(self._repository.write(change))

    async def renew(self, session: Session) -> None:
        """Write the times of a session that exists."""
        change = partial(sessions.renew_session, session.digest, session.renewed_at, session.expires_at)
        await asyncio.wrap_future(self._repository.write(change))

    async def remove(self, digests: Collection[str]) -> None:
        """Remove the sessions with these digests."""
        if digests:
            await asyncio.wrap_future(self._repository.write(partial(sessions.remove_sessions, digests)))


def _session(row: dict[str, Any]) -> Session:
    return Session(**{**row, "is_secure": bool(row["is_secure"])})
