"""Ids of tasks as people type them."""

from __future__ import annotations

from ...sync.client import Client

LENGTH = 32
LAST = "last"


def task_id_of(client: Client, text: str) -> str:
    """Return the id of a task of its first digits, or of the newest task for `last`. A whole id is not looked up.

    Raises:
        ValueError: no task, or several, begin with these digits.
    """
    if len(text) >= LENGTH:
        return text
    lists = client.tasks.cards("all", page_size=100)
    ids = [card.task_id for card in (*lists.pending[::-1], *lists.current, *lists.history)]
    found = ids[:1] if text == LAST else [one for one in ids if one.startswith(text.lower())]
    if len(found) != 1:
        problem = "belongs to several of the newest tasks" if found else "belongs to none of the newest tasks"
        raise ValueError(f"{text!r} {problem}; give more of the id, as `fooocus tasks` lists it")
    return found[0]
