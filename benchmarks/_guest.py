"""One of those who use a host while it is soaked: a key, a client, and what it has asked for."""

from __future__ import annotations

import random
from typing import Any

from ..tests.client import Client
from ..tests.receiver import Receiver
from ._ledger import Ledger

NEWEST = 6
"""So many of a guest's own tasks are those it still meddles with: some wait, run, or have just ended."""


class Guest:
    """On a thread of its own. `owner` is the name of its key, `mine` are its newest tasks."""

    def __init__(self, url: str, owner: str, key: str, ledger: Ledger, receiver: Receiver, seed: float) -> None:
        self.owner = owner
        self.ledger = ledger
        self.receiver = receiver
        self.chance = random.Random(seed)
        self.mine: list[str] = []
        self.client = Client(url, key, patience=600)
        self.stranger = Client(url, patience=600)

    def close(self) -> None:
        """Leave no connection behind."""
        self.client.session.close()
        self.stranger.session.close()

    def note(self, task_id: str, fields: dict[str, Any]) -> None:
        """A task's id was given to it."""
        self.ledger.give(task_id, self.owner, fields)
        self.mine = [*self.mine[-NEWEST:], task_id]

    def sent(self, content: bytes) -> str | None:
        """The URL of an uploaded image, None when it was refused."""
        response = self.client.post("/inputs", files={"image": ("a.png", content)})
        return str(response.json()["url"]) if self.ledger.answered(response, 201) else None
