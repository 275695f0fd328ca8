"""Completion of names that only the server knows. Without an answer in a moment there is none."""

from __future__ import annotations

from typing import Callable

from ...sync.client import Client
from ...wire.errors import FooocusError
from .session import client_of

PATIENCE_S = 1.5
"""Seconds that a shell waits for the names."""


def completed(incomplete: str, read: Callable[[Client], list[str]]) -> list[str]:
    """Return the names that begin as the user has typed."""
    try:
        with client_of(None, None, retries=0, timeout=PATIENCE_S) as client:
            return [name for name in read(client) if name.lower().startswith(incomplete.lower())]
    except (FooocusError, OSError, ValueError, ImportError):
        return []


def styles(incomplete: str) -> list[str]:
    """Complete a style."""
    return completed(incomplete, lambda client: client.catalog.styles())


def presets(incomplete: str) -> list[str]:
    """Complete a preset."""
    return completed(incomplete, lambda client: client.catalog.presets())


def models(incomplete: str) -> list[str]:
    """Complete a checkpoint."""
    return completed(incomplete, lambda client: client.catalog.model_names().model_filenames)


def tasks(incomplete: str) -> list[str]:
    """Complete the id of a recent task."""

    def read(client: Client) -> list[str]:
        lists = client.tasks.cards("all", page_size=20)
        return [card.task_id for card in (*lists.current, *lists.pending, *lists.history)]

    return completed(incomplete, read)


def active_tasks(incomplete: str) -> list[str]:
    """Complete the id of a task that has not ended."""

    def read(client: Client) -> list[str]:
        lists = client.tasks.cards("all", page_size=20)
        return [card.task_id for card in (*lists.current, *lists.pending)]

    return completed(incomplete, read)
