"""One user of a host during a soak: a key, a client, and the tasks it has submitted."""

from __future__ import annotations

import random
from typing import Any

from ..support.client import Client
from ..support.servers.webhook_receiver import Receiver
from .ledger import Ledger

MAX_OWN_TASKS = 6
"""Number of a user's newest tasks that it still controls: pending, running, or just ended."""


class SimulatedUser:
    """A user on a separate thread. `owner` is the name of its key, `mine` are its newest tasks."""

    def __init__(self, url: str, owner: str, key: str, ledger: Ledger, receiver: Receiver, seed: float) -> None:
        self.owner = owner
        self.ledger = ledger
        self.receiver = receiver
        self.chance = random.Random(seed)
        self.mine: list[str] = []
        self.client = Client(url, key, patience=600)
        self.stranger = Client(url, patience=600)

    def close(self) -> None:
        """Close all connections."""
        self.client.session.close()
        self.stranger.session.close()

    def note(self, task_id: str, fields: dict[str, Any]) -> None:
        """Record the id of a task that the user has submitted."""
        self.ledger.give(task_id, self.owner, fields)
        self.mine = [*self.mine[-MAX_OWN_TASKS:], task_id]

    def sent(self, content: bytes) -> str | None:
        """Upload an image and return its URL, None if it was refused."""
        response = self.client.post("/inputs", files={"image": ("a.png", content)})
        return str(response.json()["url"]) if self.ledger.answered(response, 201) else None
