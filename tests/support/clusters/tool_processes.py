"""Processes of a cluster that ask each other for tools, within the process of the tests, on a real database, and slow folders."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from fooocus_api.adapters.models.tools import FooocusTools
from fooocus_api.adapters.worker.worker import Worker
from fooocus_api.cluster.control.answering import OwnTools
from fooocus_api.cluster.control.answers import Answers, ToolPlace
from fooocus_api.cluster.control.tools import ClusterTools
from fooocus_api.cluster.jobs.schema import install_schema
from fooocus_api.cluster.jobs.task_jobs import Claims, TaskJobs
from fooocus_api.cluster.messages.inbox import Inbox
from fooocus_api.cluster.messages.notices import EVERYONE, Hello, ToolAnswer, ToolDone, ToolRequest, channel_of, to_json
from fooocus_api.cluster.nodes.offers import Offers
from fooocus_api.cluster.nodes.registry import NodeFacts, Registry
from fooocus_api.cluster.signals.listener import NotificationListener
from fooocus_api.cluster.signals.sender import NotificationSender
from fooocus_api.db.membership import Membership
from fooocus_api.db.repository import Repository
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.tasks.ports.prompts import ResolvedPrompt
from fooocus_api.tasks.streaming.event_bus import EventBus


class Prompts:
    """Implements `tasks.ports.prompts.Prompts`: the prompt is as long as `length` says; one that is no number makes it fail. An
    expansion, which can't be cancelled once it is asked for, waits while `open` is not set."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.asked = 0

    def resolve(self, parameters: dict[str, Any], seed: int, indexes: Sequence[int]) -> Future[list[ResolvedPrompt]]:
        text = "x" * parameters["length"]
        found: Future[list[ResolvedPrompt]] = Future()
        found.set_result([ResolvedPrompt(seed, (text,), ("",), (), (text,), ("",), (), False) for _ in indexes])
        return found

    def expand(self, prompts: Sequence[ResolvedPrompt]) -> Future[list[str]]:
        texts: Future[list[str]] = Future()
        texts.set_running_or_notify_cancel()

        def run() -> None:
            assert self.open.wait(120)
            texts.set_result([prompt.prompt_lines[0] for prompt in prompts])

        self.asked += 1
        threading.Thread(target=run, daemon=True).start()
        return texts


class Inputs(InputStore):
    """A store of images in a place that is slow while `open` is not set, and how often an image was asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.open = threading.Event()
        self.open.set()
        self.asked = 0

    def path(self, file_name: str) -> Path:
        self.asked += 1
        assert self.open.wait(120)
        return super().path(file_name)


class Process:
    """The rows and messages of a process, and its tools of nodes; a node has a worker and a function that looks for files."""

    def __init__(
        self,
        location: str,
        name: str,
        folder: Path,
        look: Callable[[float], None] | None = None,
        worker: Worker | None = None,
    ) -> None:
        self.repository = Repository(location, Membership(name))
        database = self.repository.database
        self.repository.write(lambda: install_schema(database)).result()
        self.prompts = Prompts()
        self.inputs = Inputs(folder)
        role = "gateway" if look is None else "node"
        self.registry = Registry(database, TaskJobs(database, name, Claims()), name, role, 3600)
        self.repository.write(lambda: self.registry.register("", "", None, NodeFacts())).result()
        self.sender = NotificationSender(location)
        own = None if look is None else OwnTools(FooocusTools(worker or Worker(EventBus())), self.prompts, look)
        place = ToolPlace(name, self.inputs, own)
        self.tools = ClusterTools(place, self.sender, lambda: self.registry.known(self.repository.read))
        answers = Answers(place, self.sender)
        self._inbox = Inbox(
            self.sender.name,
            {
                ToolRequest: answers.requested,
                ToolAnswer: self.tools.answered,
                ToolDone: answers.done,
                Hello: lambda *_: self.tools.repeat(),
            },
        )
        self._location = location
        self.listen()

    def listen(self, *, says_hello: bool = False) -> None:
        """Begin to listen. With `says_hello` do what a process does after a gap: ask again, and have the others do so."""
        listening = threading.Event()

        def on_gap() -> None:
            if says_hello:
                self.sender.send(EVERYONE, to_json(Hello()))
                self.tools.repeat()
            listening.set()

        channels = {EVERYONE: self._inbox.receive, channel_of(self.sender.name): self._inbox.receive}
        self._listener = NotificationListener(self._location, channels, on_gap)
        assert listening.wait(30)

    def stop_listening(self) -> None:
        self._listener.close()

    def close(self) -> None:
        self._listener.close()
        self.sender.close()
        self.repository.close()

    def resolved(self, length: Any, number: int = 1) -> list[ResolvedPrompt]:
        return self.tools.prompts().resolve({"length": length}, 1, range(number)).result(120)


class Folders:
    """Folders that are slow while `open` is not set: the catalogue of a node, and how often it was read and asked for."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.read = self.asked = 0
        self.error: Exception | None = None
        self.offers = Offers(self._read, lambda _: None)

    def look(self, within_s: float) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        self.offers.look(within_s)

    def _read(self) -> dict[str, Any]:
        self.read += 1
        assert self.open.wait(120)
        time.sleep(0.05)
        return {"digest": str(self.read)}
