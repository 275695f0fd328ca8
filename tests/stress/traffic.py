"""The visitors of a host during a soak: users with random actions, a hostile client, and a subscriber that never reads."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from ..hostile.pictures import PICTURES
from ..hostile.requests import REQUESTS
from ..support.client import Client
from .access_actions import key, session, token
from .batch_actions import batch
from .compat_actions import other_program
from .control_actions import control, control_running, follow, listen, lists, look, read_without_permission
from .generate_actions import generate, left, repeated, upload
from .history_actions import bulk, gallery, images, repeat, tags
from .ledger import REFUSALS, Ledger
from .simulated_user import SimulatedUser
from .tool_actions import catalogue, model_file, pause, preset, tool, watch

Actions = dict[Callable[[SimulatedUser], None], float]

ACTIONS: Actions = {
    generate: 6,
    repeated: 1,
    left: 1,
    control: 3,
    control_running: 0.5,
    follow: 1,
    listen: 1,
    lists: 1.5,
    look: 1,
    upload: 0.5,
    read_without_permission: 1,
    other_program: 4,
    gallery: 1.5,
    tags: 0.5,
    bulk: 0.7,
    images: 2,
    repeat: 1,
    session: 0.7,
    token: 0.5,
    key: 0.4,
    tool: 1,
    catalogue: 0.5,
    preset: 0.4,
    model_file: 0.4,
    pause: 0.2,
    watch: 0.7,
}
"""Relative frequency of each action."""
BATCHES: Actions = {batch: 1}
"""The action of the user that waits for its batches."""


def visit(user: SimulatedUser, every: float, over: threading.Event, actions: Actions = ACTIONS) -> None:
    """Act about once every `every` seconds until `over` is set. Violations go to the ledger."""
    while not over.wait(user.chance.uniform(0, 2 * every)):
        (action,) = user.chance.choices(list(actions), list(actions.values()))
        user.roam()
        with user.ledger.noting(f"{user.owner} {action.__name__}"):
            action(user)
    user.close()


class HostileClient:
    """Sends the corpus of hostile input repeatedly, in random order."""

    def __init__(self, url: str, key: str, ledger: Ledger, pause: float, seed: float) -> None:
        self._client = Client(url, key, patience=600)
        self._ledger = ledger
        self._pause = pause
        self._chance = random.Random(seed)

    def visit(self, over: threading.Event) -> None:
        """Send hostile input until `over` is set. Violations go to the ledger."""
        for name in self._names():
            if over.wait(self._chance.uniform(0, 2 * self._pause)):
                break
            with self._ledger.noting(f"hostile {name}"):
                self._ledger.count("hostile")
                status, expected = self._sent(name)
                excused = status in REFUSALS and self._ledger.outages.excuse() is not None
                assert status in expected or excused, f"{status}, and not {expected}"
        self._client.session.close()

    def _names(self) -> Iterator[str]:
        while True:
            names = [*PICTURES, *REQUESTS]
            self._chance.shuffle(names)
            yield from names

    def _sent(self, name: str) -> tuple[int, tuple[int, ...]]:
        if name in PICTURES:
            make, status = PICTURES[name]
            response = self._client.post("/inputs", files={"image": ("x.jpg", make())})
            return response.status_code, (status,)
        send, expected = REQUESTS[name]
        return send(self._client), expected if isinstance(expected, tuple) else (expected,)


@contextlib.contextmanager
def silent_listener(url: str, key: str) -> Iterator[None]:
    """Subscribe to all events, and never read any."""
    place = urlsplit(url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((place.hostname, place.port))
        head = f"GET /v1/events HTTP/1.1\r\nHost: {place.netloc}\r\nX-API-KEY: {key}\r\n\r\n"
        connection.sendall(head.encode())
        yield
