"""One user of a host during a soak: a key, a client, and the tasks it has submitted."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import requests

from ..support.client import Client
from ..support.servers.webhook_receiver import Receiver
from .ledger import Ledger
from .target import Target

MAX_OWN_TASKS = 6
"""Number of a user's newest tasks that it still controls: pending, running, or just ended."""


class SimulatedUser:
    """A user on a separate thread. `owner` is the name of its key, `mine` are its newest tasks."""

    def __init__(self, target: Target, owner: str, key: str, ledger: Ledger, receiver: Receiver, seed: float) -> None:
        self.owner = owner
        self.key = key
        self.models = target.models
        self.ledger = ledger
        self.receiver = receiver
        self.chance = random.Random(seed)
        self.mine: list[str] = []
        self._nodes = target.nodes
        self._urls = [*target.nodes, *target.gateways]
        self.client = Client(self._nodes[0], key, patience=600)
        self.stranger = Client(self._nodes[0], patience=600)

    def roam(self) -> None:
        """Choose the process that gets the next requests, any of them."""
        self._go_to(self._urls)

    def roam_nodes(self) -> None:
        """Choose a process with Fooocus for the next requests."""
        self._go_to(self._nodes)

    def _go_to(self, urls: Sequence[str]) -> None:
        self.client.url = self.stranger.url = self.chance.choice(urls)

    def close(self) -> None:
        """Close all connections."""
        self.client.session.close()
        self.stranger.session.close()

    def refuse(self, fields: dict[str, Any], response: requests.Response, owner: str | None = None) -> None:
        """Record an answer of 503: a refusal, or the id of an accepted task whose record can't be read now."""
        task_id = response.headers.get("x-task-id")
        if task_id is None and urlsplit(str(response.url)).path.startswith("/sdapi"):  # its answers name no task
            task_id = self.found(fields["prompt"])
        if task_id is None:
            self.ledger.refuse(fields, response)
            return
        self.ledger.count("accepted with 503")
        self.ledger.give(task_id, owner or self.owner, fields)

    def note(self, task_id: str, fields: dict[str, Any]) -> None:
        """Record the id of a task that the user has submitted."""
        self.ledger.give(task_id, self.owner, fields)
        self.mine = [*self.mine[-MAX_OWN_TASKS:], task_id]

    def sent(self, content: bytes) -> str | None:
        """Upload an image and return its URL, None if it was refused."""
        response = self.client.post("/inputs", files={"image": ("a.png", content)})
        return str(response.json()["url"]) if self.ledger.answered(response, 201) else None

    def found(self, prompt: str) -> str | None:
        """Return the id of the task with a unique prompt, None if there is none."""
        return next(iter(self.all_found(prompt)), None)

    def all_found(self, prompt: str) -> list[str]:
        """Return the ids of the tasks with a prompt, found by search or among the newest ones. Wait for the end of an outage."""
        found: dict[str, None] = {}
        for query in ({"prompt": prompt}, {}):
            while not self.ledger.answered(
                response := self.client.get("/tasks", params={**query, "page_size": 100}), 200
            ):
                time.sleep(1)
            records = [record for listed in response.json().values() for record in listed]
            found |= {one["task_id"]: None for one in records if one["req_params"]["prompt"] == prompt}
        return list(found)
