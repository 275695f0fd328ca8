"""Everything at once for an hour: many clients in all modes, some disconnecting or hostile, a locked database, a full disk.

An hour on the demo host, ten minutes on the real Fooocus named by FOOOCUS_HOME, or `--minutes`. Runs only if named.
"""

from __future__ import annotations

import contextlib
import random
import re
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

from ...benchmarks.frame import Options, Row
from ...benchmarks.memory import figures_of
from ..support.client import Client, wait_for
from ..support.databases.small_disk import SmallDisk
from ..support.host import Host, demo_host, real_checkout, real_host
from ..support.keys import add_key, key_of
from ..support.servers.webhook_receiver import Receiver
from .auditor import Auditor
from .invariants import assert_database_is_sound, assert_nothing_is_left_over, database_of, repeatable
from .ledger import Ledger
from .outages import DISK_FULL, LOCKED, RECEIVER_DOWN, Outages, locked, receiver_down
from .simulated_user import SimulatedUser
from .traffic import HostileClient, silent_listener, visit

ADMIN_KEY = "of-the-soak"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
FLAGS = (
    *("--apikey", f"admin:{ADMIN_KEY}", "--allow-private-urls", "127.0.0.0/8"),
    *("--webhook-secret", SECRET, "--webhook-retry-seconds", "0.5"),
)
ADMINS, BOTS = 3, 2
WARM_UP_FRACTION = 0.15
"""Fraction of the time after which resources are first counted."""
OUTAGE_STARTS = {LOCKED: 0.3, RECEIVER_DOWN: 0.5, DISK_FULL: 0.7}
"""Start of each outage as a fraction of the time."""
MAX_OUTAGE_S = 60.0
MIN_OUTAGE_S = 8.0
"""Seconds; SQLite waits five for a lock."""
HOSTILE_PAUSE_FACTOR = 5
"""Multiple of a user's pause: much of the hostile input is large."""
BURST = 24
"""Number of concurrent clients."""
ALLOWED_GROWTH = {"threads": ADMINS + BOTS + 2, "files": 0, "listeners": 0}
"""Allowed growth at the end: a pool has a thread per request that ever waited concurrently, at most one per visitor."""
NO_IMAGE = {"image": ("none.png", b"no image")}
AS_JPEG = {"Accept": "image/jpeg"}
TASK_TIMEOUT_S = 900
CONNECTION_TIMEOUT_S = 6.0
"""Seconds after which the connections of the last requests are closed."""
THREADS_TIMEOUT_S = 60


def run(options: Options) -> list[Row]:
    """Return tables of actions and of resources used. Raises AssertionError, with the seed, on a violation."""
    if real_checkout() is not None:
        return soak(real_host(*FLAGS), options.minutes or 10, options.seed, pause=6.0)
    return soak(demo_host(*FLAGS, step_ms=20), options.minutes or 60, options.seed, pause=1.25)


def soak(host: Host, minutes: float, seed: int, pause: float) -> list[Row]:
    """Soak `host`, not started yet; each client acts about once every `pause` seconds."""
    why_not = SmallDisk.why_not()
    if why_not:
        print(f"the full disk is left out: {why_not}", flush=True)
    with (
        repeatable("soak", host, seed),
        contextlib.nullcontext() if why_not else SmallDisk(host.outputs) as disk,
        Receiver() as receiver,
    ):
        try:
            return _Soak(host, disk, receiver, random.Random(seed), pause).run(minutes * 60)
        finally:
            host.stop()


class _Soak:
    def __init__(
        self, host: Host, disk: SmallDisk | None, receiver: Receiver, chance: random.Random, pause: float
    ) -> None:
        self.host = host
        self.disk = disk
        self.receiver = receiver
        self.chance = chance
        self.pause = pause
        self.outages = Outages()
        self.ledger = Ledger(self.outages)
        self.warm: Row = {}
        self.minutes: list[Row] = []
        self.began = 0.0

    def run(self, seconds: float) -> list[Row]:
        self.host.start()
        self.bot = key_of(add_key(self.host, "bot"))
        self.admin = Client(self.host.url, ADMIN_KEY)
        self.auditor = Auditor(self.host.url, ADMIN_KEY, self.ledger, self.receiver, SECRET, self.chance.random())
        self.began = time.monotonic()
        with self._visitors():
            self._pass(seconds * WARM_UP_FRACTION)
        self._burst()
        self.warm = self._settle()
        length = min(MAX_OUTAGE_S, max(MIN_OUTAGE_S, seconds / 20))
        database = self.host.outputs / ".fooocus_api" / "tasks.sqlite3"
        kinds: dict[str, Callable[[], AbstractContextManager[None]]] = {
            LOCKED: lambda: locked(database),
            RECEIVER_DOWN: lambda: receiver_down(self.receiver),
        }
        if self.disk is not None:
            kinds[DISK_FULL] = self.disk.full
        with self._visitors():
            for name, outage in kinds.items():
                self._pass(seconds * OUTAGE_STARTS[name])
                with self.outages.during(name, outage()):
                    self._say(f"{name} for {length:.0f} s")
                    self._pass(time.monotonic() - self.began + length)
                self._say(f"{name} is over")
                wait_for(lambda: self.admin.get("/healthz").status_code == 200, f"it to be well after the {name}")
            self._pass(seconds)
        return self._results(self._settle())

    # ------------------------------------------------------------ while it runs

    @contextlib.contextmanager
    def _visitors(self) -> Iterator[None]:
        """Run all visitors within the `with` block."""
        over = threading.Event()
        keys = [("admin", ADMIN_KEY)] * ADMINS + [("bot", self.bot)] * BOTS
        users = [
            SimulatedUser(self.host.url, owner, key, self.ledger, self.receiver, self.chance.random())
            for owner, key in keys
        ]
        hostile = HostileClient(
            self.host.url, ADMIN_KEY, self.ledger, self.pause * HOSTILE_PAUSE_FACTOR, self.chance.random()
        )
        threads = [
            *(threading.Thread(target=visit, args=(user, self.pause, over)) for user in users),
            *(threading.Thread(target=other.visit, args=(over,)) for other in (hostile, self.auditor)),
        ]
        with silent_listener(self.host.url, ADMIN_KEY):
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                over.set()
                for thread in threads:
                    thread.join()
                self._say("everyone has gone")

    def _pass(self, until: float) -> None:
        """Wait until `until` seconds have passed since the beginning, and print the progress."""
        while (now := time.monotonic() - self.began) < until:
            time.sleep(min(1.0, until - now))
            assert not self.ledger.problems, "\n".join(self.ledger.problems)
            if int(now // 60) > len(self.minutes):
                self.minutes.append(self._figures())
                self._say(", ".join(f"{value:.0f} {name}" for name, value in self.minutes[-1].items()))

    def _say(self, text: str) -> None:
        passed = (time.monotonic() - self.began) / 60
        print(f"{passed:5.1f} min: {len(self.ledger.given)} tasks, {text}", flush=True)

    def _burst(self) -> None:
        """Bring every thread pool to its maximum size."""
        with ThreadPoolExecutor(BURST) as pool:
            clients = [Client(self.host.url, ADMIN_KEY) for _ in range(BURST)]
            list(pool.map(lambda client: [client.tasks(page_size=100) for _ in range(5)], clients))
            list(pool.map(lambda client: [client.post("/inputs", files=NO_IMAGE) for _ in range(5)], clients))
            list(pool.map(lambda client: [client.get(url, headers=AS_JPEG) for url in self._some_urls()], clients))
        for client in clients:
            client.session.close()

    def _some_urls(self) -> list[str]:
        return [url for record in self.admin.tasks(query="history", page_size=5)["history"] for url in record["result"]]

    def _settle(self) -> Row:
        """Wait until all tasks are done and all visitors have gone; return the resources used then."""
        wait_for(
            lambda: not any(self.admin.get("/v1/info").json()["tasks"].values()), "all tasks to end", TASK_TIMEOUT_S
        )
        self._say("nothing is drawn any more")
        wait_for(lambda: not self.auditor.waits_for_webhooks(), "all webhooks to be delivered", TASK_TIMEOUT_S)
        first, end = self.warm, time.monotonic() + THREADS_TIMEOUT_S
        while True:
            time.sleep(CONNECTION_TIMEOUT_S)
            figures = self._figures()
            back = all(figures[name] <= first[name] + more for name, more in ALLOWED_GROWTH.items()) if first else True
            if back or time.monotonic() > end:
                self._say(f"all is quiet: {figures}")
                return figures

    def _figures(self) -> Row:
        assert self.host.process is not None
        listeners = re.search(r"^fooocus_api_listeners (\S+)", self.admin.get("/metrics").text, re.M)
        assert listeners is not None
        return {**figures_of(self.host.process.pid), "listeners": int(float(listeners[1]))}

    # ------------------------------------------------------------ at the end

    def _results(self, end: Row) -> list[Row]:
        ledger = self.ledger
        for task_id, given in ledger.given.items():
            with ledger.noting(f"task {task_id}"):
                self.auditor.check(task_id, given)
        assert not ledger.problems, "\n".join(ledger.problems)
        wrong = {task_id for task_id, source in ledger.overheard.items() if ledger.given[task_id].owner != source}
        assert not wrong, f"shown as another's: {wrong}"
        self.admin.session.close()
        self.host.stop()
        excused = assert_no_bugs_in(
            self.host.log(), disk_was_full=DISK_FULL in [name for name, _, _ in self.outages.over]
        )
        assert_database_is_sound(self.host)
        rows, images = assert_nothing_is_left_over(self.host)
        self._assert_nobody_is_unknown()
        for name, more in ALLOWED_GROWTH.items():
            assert end[name] <= self.warm[name] + more, f"{name}: {self.warm[name]} at first, {end[name]} in the end"
        figures: dict[str, Any] = {
            "accepted tasks": len(ledger.given),
            **{f"… {status}": number for status, number in sorted(self.auditor.ends.items())},
            **{f"failed: {message}": number for message, number in sorted(self.auditor.failures.items())},
            "refused": len(ledger.refused),
            "rows in the end": rows,
            "images in the end": images,
            **dict(sorted(ledger.done.items())),
            **{f"{name}, seconds": ended - began for name, began, ended in self.outages.over},
            **{f"refused, {what}": number for what, number in sorted(ledger.refusals.items())},
            **{f"webhooks answered {status}": number for status, number in sorted(self.auditor.deliveries.items())},
            "tracebacks of the full disk": excused,
            **{f"{name}, warm": value for name, value in self.warm.items()},
            **{f"{name}, at most": max(row[name] for row in self.minutes) for name in self.warm if self.minutes},
            **{f"mb, {quarter}": value for quarter, value in self._quarters()},
            **{f"{name}, in the end": value for name, value in end.items()},
            "mb grown": end["mb"] - self.warm["mb"],
        }
        return [{"figure": name, "value": value} for name, value in figures.items()]

    def _quarters(self) -> Iterator[tuple[str, float]]:
        """Yield the median of the minutes' MB for each quarter of the time."""
        memory = [row["mb"] for row in self.minutes]
        size = len(memory) // 4
        for number in range(4 if size else 0):
            yield f"quarter {number + 1}", statistics.median(memory[number * size : (number + 1) * size])

    def _assert_nobody_is_unknown(self) -> None:
        """Check that each task's id was returned to its client, once, and that no refused task exists."""
        with database_of(self.host) as database:
            rows = dict(database.execute("SELECT task_id, words FROM task"))
        unknown = rows.keys() - self.ledger.given.keys()
        assert not unknown, f"tasks whose id no client received: {unknown}"
        prompts = [given.fields["prompt"] for given in self.ledger.given.values()]
        assert len(set(prompts)) == len(prompts), "a request was drawn twice"
        assert not self.ledger.refused & set(rows.values()), "a refused task is there"


TRACEBACK = "Traceback (most recent call last):"
CHAINED = ("During handling of the above", "The above exception was")
OUR_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[Fooocus API\]")


def assert_no_bugs_in(log: str, *, disk_was_full: bool) -> int:
    """Check every traceback in a log, and return the number of excused ones: Fooocus's worker may fail on the full disk."""
    excused = 0
    whole: list[str] = []
    for block in log.split(TRACEBACK)[1:]:
        lines = [line for line in block.splitlines()[1:] if not OUR_LINE.match(line)]
        end = next((number for number, line in enumerate(lines) if not line.startswith(" ")), len(lines) - 1)
        whole += lines[: end + 1]
        if any(line.startswith(CHAINED) for line in lines[end : end + 4]):
            continue  # the next traceback is its consequence
        in_worker = any("async_worker.py" in line for line in whole)
        text = "\n".join(whole)
        assert disk_was_full and in_worker and "No space left on device" in whole[-1], f"something broke:\n{text}"
        excused += 1
        whole = []
    return excused
