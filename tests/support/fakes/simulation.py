"""The real services, database and bus around a `Machine`, with a blockable disk and power cuts. For tests of `tasks`."""

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
from fooocus_api.images.storage.file_journal import FileJournal
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.tasks.build import TaskOptions, build_task_services
from fooocus_api.tests.support.fakes.fake_engine import CountingBus, Machine

T = TypeVar("T")
MEMORY = Path("/dev/shm")


class World:
    """Successive processes on the same folder."""

    def __init__(self, end_write_timeout_s: float = 0.05, **options: Any) -> None:
        """Start a process with these `TaskOptions`; `end_write_timeout_s` is short by default because tests block the disk."""
        # In memory if possible: only `cut_the_power` interrupts this disk.
        self._temp = tempfile.TemporaryDirectory(prefix="fooocus-api-world-", dir=MEMORY if MEMORY.is_dir() else None)
        self.folder = Path(self._temp.name) / "now"
        self.outputs = self.folder / "outputs"
        self.outputs.mkdir(parents=True)
        self.complaints = Complaints()
        logging.getLogger("fooocus_api").addHandler(self.complaints)
        self._options = TaskOptions(end_write_timeout_s=end_write_timeout_s, **options)
        self._loop = asyncio.new_event_loop()
        self._gate: threading.Event | None = None
        self.open()

    def open(self) -> None:
        """Start a process."""
        self.bus = CountingBus()
        self.journal = journal = FileJournal(self.folder / "unfinished")
        self.machine = Machine(self.bus, journal, self.outputs)
        self.repository = Repository(self.folder / "tasks.sqlite3")
        inputs = InputStore(self.folder / "inputs")
        self.services = build_task_services(
            self.machine, self.repository, self.bus, journal, inputs, options=self._options
        )
        self.services.start()

    def close(self) -> None:
        """Stop the process and delete the folder."""
        self.release()
        self.services.close()
        logging.getLogger("fooocus_api").removeHandler(self.complaints)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
        self._temp.cleanup()

    def run(self, action: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and return its result."""
        return self._loop.run_until_complete(asyncio.wait_for(action, 60))

    def settle(self) -> None:
        """Wait until all pending work is done, except for writes that a blocked disk delays."""
        for _ in range(2):  # a result that is not a file yet passes through the bus twice
            self.bus.settle()
            if not self.held:
                self.repository.write(lambda: None).result(30)
            self.services.results.run(lambda: None).result(30)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return the tasks on the disk with the paths of their images, read past the repository. Check their tally."""
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
        """True while the disk is blocked."""
        return self._gate is not None

    def hold(self) -> None:
        """Block the disk: nothing is written until `release`."""
        self.settle()
        self._gate = gate = threading.Event()
        began = threading.Event()

        def wait() -> None:
            began.set()
            gate.wait(60)

        self.repository.write(wait)
        assert began.wait(30)

    def release(self) -> None:
        """Unblock the disk and wait until the delayed writes are done."""
        if self._gate is not None:
            self.unblock()
            self.settle()

    def unblock(self) -> None:
        """Unblock the disk, and wait for nothing."""
        assert self._gate is not None
        self._gate.set()
        self._gate = None

    def cut_the_power(self) -> None:
        """Keep only the committed rows and the files on the disk. Then `open` starts the next process."""
        if self._gate is None:
            self.hold()
        aside = self.folder.with_name("aside")
        self.bus.dead = True
        shutil.copytree(self.folder, aside, ignore=shutil.ignore_patterns("*.lock", "*-shm"))
        self.unblock()
        self.services.close()
        shutil.rmtree(self.folder)
        aside.rename(self.folder)
        self.complaints.said.clear()


class Complaints(logging.Handler):
    """Collects the errors that the product logs because it can't report them to a client."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))
