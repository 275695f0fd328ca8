"""The real service, database and bus around a `Machine`, with a disk that can be slow and a power cut. For tests of `tasks`."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sqlite3
import tempfile
import threading
from collections import Counter
from collections.abc import Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from fooocus_api.db.repository import Repository
from fooocus_api.images.file_journal import FileJournal
from fooocus_api.images.input_store import InputStore
from fooocus_api.tasks.build import TaskOptions, build_task_services
from fooocus_api.tests.support.fake_engine import CountingBus, Machine

T = TypeVar("T")
MEMORY = Path("/dev/shm")


class World:
    """One process after the other on the same folder."""

    def __init__(self, end_write_timeout_s: float = 0.05) -> None:
        """`end_write_timeout_s` is short by default, for a disk that is held."""
        # In memory where that is to be had: this disk is only ever cut off by us.
        self._temp = tempfile.TemporaryDirectory(prefix="fooocus-api-world-", dir=MEMORY if MEMORY.is_dir() else None)
        self.folder = Path(self._temp.name) / "now"
        self.outputs = self.folder / "outputs"
        self.outputs.mkdir(parents=True)
        self.complaints = Complaints()
        logging.getLogger("fooocus_api").addHandler(self.complaints)
        self._options = TaskOptions(end_write_timeout_s=end_write_timeout_s)
        self._loop = asyncio.new_event_loop()
        self._gate: threading.Event | None = None
        self.open()

    def open(self) -> None:
        """Start a process."""
        self.bus = CountingBus()
        self.claims = claims = FileJournal(self.folder / "unfinished")
        self.machine = Machine(self.bus, claims, self.outputs)
        self.repository = Repository(self.folder / "tasks.sqlite3")
        inputs = InputStore(self.folder / "inputs")
        self.services = build_task_services(
            self.machine, self.repository, self.bus, claims, inputs, options=self._options
        )
        self.services.start()

    def close(self) -> None:
        """The end of the world."""
        self.release()
        self.services.close()
        logging.getLogger("fooocus_api").removeHandler(self.complaints)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._temp.cleanup()

    def run(self, action: Coroutine[Any, Any, T]) -> T:
        """What an `async` function gives."""
        return self._loop.run_until_complete(asyncio.wait_for(action, 60))

    def settle(self) -> None:
        """Let everything happen that is under way, as far as the disk lets it."""
        for _ in range(2):  # a result that is no file yet goes round twice
            self.bus.settle()
            if not self.held:
                self.repository.write(lambda: None).result(30)
            self.services.results.run(lambda: None).result(30)

    def rows(self) -> dict[str, dict[str, Any]]:
        """The tasks on the disk, past the repository, with the paths of their images. Their tally is right."""
        with closing(sqlite3.connect(self.folder / "tasks.sqlite3")) as connection:
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            rows = {row["task_id"]: {**row, "images": []} for row in connection.execute("SELECT * FROM task")}
            by_id = {row["id"]: row for row in rows.values()}
            for image in connection.execute("SELECT task_id, path FROM task_image ORDER BY task_id, position"):
                by_id[image["task_id"]]["images"].append(image["path"])
            tally = {row[0]: row[1] for row in connection.execute("SELECT status, number FROM task_tally") if row[1]}
        assert tally == Counter(row["status"] for row in rows.values())
        return rows

    @property
    def held(self) -> bool:
        """Whether nothing is written now."""
        return self._gate is not None

    def hold(self) -> None:
        """The disk takes its time: nothing more is written until `release`."""
        self.settle()
        self._gate = gate = threading.Event()
        began = threading.Event()

        def wait() -> None:
            began.set()
            gate.wait(60)

        self.repository.write(wait)
        assert began.wait(30)

    def release(self) -> None:
        """All is written that waited for it."""
        if self._gate is not None:
            self._gate.set()
            self._gate = None
            self.settle()

    def cut_the_power(self) -> None:
        """What was committed and what lies on the disk stays, and nothing else. Then `open` starts the next process."""
        if self._gate is None:
            self.hold()
        aside = self.folder.with_name("aside")
        self.bus.dead = True
        shutil.copytree(self.folder, aside, ignore=shutil.ignore_patterns("*.lock", "*-shm"))
        assert self._gate is not None
        self._gate.set()
        self._gate = None
        self.services.close()
        shutil.rmtree(self.folder)
        aside.rename(self.folder)
        self.complaints.said.clear()


class Complaints(logging.Handler):
    """What the product says when something went wrong that it could not say to anyone."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))
