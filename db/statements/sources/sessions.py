"""Statements about the browsers that are signed in by a key. Run by the repository's `read` and `write`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ...tables import SessionRow

MAX_IN_A_STATEMENT = 500
"""Values in one statement: databases limit them."""


def all_sessions() -> list[dict[str, Any]]:
    """Return all sessions, those that have expired included."""
    return list(SessionRow.select().dicts())


def session_of(digest: str) -> dict[str, Any] | None:
    """Return the session with this digest, None if there is none."""
    found: dict[str, Any] | None = SessionRow.select().where(SessionRow.digest == digest).dicts().first()
    return found


def add_session(row: dict[str, Any]) -> None:
    """Add a session. Changes the database."""
    SessionRow.insert(row).execute()


def renew_session(digest: str, renewed_at: int, expires_at: int) -> None:
    """Set the times of a session, if it still exists. Changes the database."""
    SessionRow.update(renewed_at=renewed_at, expires_at=expires_at).where(SessionRow.digest == digest).execute()


def remove_sessions(digests: Collection[str]) -> None:
    """Delete these sessions. Changes the database."""
    digests = sorted(digests)
    for start in range(0, len(digests), MAX_IN_A_STATEMENT):
        part = digests[start : start + MAX_IN_A_STATEMENT]
        SessionRow.delete().where(SessionRow.digest.in_(part)).execute()
