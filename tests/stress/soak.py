"""Everything at once for an hour: many clients in all modes, some disconnecting or hostile, a locked database, a full disk.

An hour on the demo host, ten minutes on the real Fooocus named by FOOOCUS_HOME, or `--minutes`. Runs only if named.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ...adapters.webui.server import KEEP_ALIVE_S
from ...benchmarks.frame import Options, Row
from ..support.client import Client, wait_for
from ..support.databases.small_disk import SmallDisk
from ..support.host import DEMO, Host, demo_host, real_checkout, real_host
from ..support.hosts.installation_copies import copy_checkout
from ..support.servers.file_server import CONTENT, FileServer
from ..support.servers.webhook_receiver import Receiver
from .auditor import Auditor
from .invariants import repeatable
from .ledger import Ledger
from .outages import BREAKS, DISK_FULL, Outages
from .simulated_user import SimulatedUser
from .target import ADMIN_KEY, NODE_FLAGS, SECRET, SingleHost, Target
from .traffic import BATCHES, HostileClient, silent_listener, visit

ADMINS, BOTS = 3, 2
WARM_UP_FRACTION = 0.15
"""Fraction of the time after which resources are first counted."""
MAX_OUTAGE_S = 60.0
MIN_OUTAGE_S = 8.0
"""Seconds; SQLite waits five for a lock."""
HOSTILE_PAUSE_FACTOR = 5
"""Multiple of a user's pause: much of the hostile input is large."""
BATCH_PAUSE_FACTOR = 4
BURST = 24
"""Number of concurrent clients."""
GROWTH_OF_POOLS = ADMINS + BOTS + 3
"""Allowed growth of threads: a pool has a thread per request that ever waited concurrently, at most one per visitor."""
ALLOWED_GROWTH = {"threads": GROWTH_OF_POOLS, "files": 2, "listeners": 0}
"""Allowed growth at the end. SQLite keeps the file of a closed connection open for the next one while others are open, so the
files show the most connections that there were at one time."""
ALLOWED_MB = 64.0
"""Allowed growth of a process's memory from the third quarter to the last one: both are after all restarts."""
MEMORY_MINUTES = 20
"""Number of minutes of a soak from which on its memory is compared: before, caches still fill."""
NO_IMAGE = {"image": ("none.png", b"no image")}
AS_JPEG = {"Accept": "image/jpeg"}
TASK_TIMEOUT_S = 900
CONNECTION_TIMEOUT_S = KEEP_ALIVE_S + 1.0
"""Seconds after which the connections of the last requests are closed."""
THREADS_TIMEOUT_S = 120


def run(options: Options) -> list[Row]:
    """Return tables of actions and of resources used. Raises AssertionError, with the seed, on a violation."""
    if real_checkout() is not None:
        with single_target(real_host(*NODE_FLAGS)) as target:
            return soak(target, options.minutes or 10, options.seed, pause=6.0)
    with demo_target() as target:
        return soak(target, options.minutes or 60, options.seed, pause=1.25)


@contextlib.contextmanager
def demo_files() -> Iterator[tuple[Path, FileServer]]:
    """Yield a copy of the demo, which presets and model files are written into, and a server of model files."""
    temp = tempfile.TemporaryDirectory(prefix="fooocus-api-soak-", ignore_cleanup_errors=True)
    with temp as folder, FileServer(CONTENT) as models:
        yield copy_checkout(DEMO, Path(folder) / "demo"), models


@contextlib.contextmanager
def demo_target() -> Iterator[SingleHost]:
    """Yield a demo host, not started yet."""
    with contextlib.ExitStack() as stack:
        checkout, models = stack.enter_context(demo_files())
        yield stack.enter_context(single_target(demo_host(*NODE_FLAGS, step_ms=20, checkout=checkout), models))


@contextlib.contextmanager
def single_target(host: Host, models: FileServer | None = None) -> Iterator[SingleHost]:
    """Yield a host, not started yet, with its outputs on a small disk if this machine permits."""
    why_not = SmallDisk.why_not()
    if why_not:
        print(f"the full disk is left out: {why_not}", flush=True)
    with contextlib.nullcontext() if why_not else SmallDisk(host.outputs) as disk:
        yield SingleHost(host, disk, models, ALLOWED_GROWTH)


def soak(target: Target, minutes: float, seed: int, pause: float, name: str = "soak") -> list[Row]:
    """Soak a target, not started yet; each client acts about once every `pause` seconds."""
    with repeatable(name, target, seed), Receiver() as receiver:
        try:
            return _Soak(target, receiver, random.Random(seed), pause).run(minutes * 60)
        finally:
            target.stop()


class _Soak:
    def __init__(self, target: Target, receiver: Receiver, chance: random.Random, pause: float) -> None:
        self.target = target
        self.receiver = receiver
        self.chance = chance
        self.pause = pause
        self.outages = Outages()
        self.ledger = Ledger(self.outages)
        self.warm: dict[str, Row] = {}
        self.minutes: list[dict[str, Row]] = []
        self.began = 0.0

    def run(self, seconds: float) -> list[Row]:
        self.target.start()
        self.bot = self.target.bot_key()
        self.urls = [*self.target.nodes, *self.target.gateways]
        self.admin = Client(self.urls[-1], ADMIN_KEY)
        self.auditor = Auditor(self.urls, ADMIN_KEY, self.ledger, self.receiver, SECRET, self.chance.random())
        self.began = time.monotonic()
        with self._visitors():
            self._pass(seconds * WARM_UP_FRACTION)
        self._burst()
        self.warm = self._settle()
        length = min(MAX_OUTAGE_S, max(MIN_OUTAGE_S, seconds / 20))
        with self._visitors():
            for name, (start, outage) in self.target.outages(self.receiver).items():
                self._pass(seconds * start)
                with self.outages.during(name, outage()):
                    self._say(f"{name} for {length:.0f} s")
                    self._pass(time.monotonic() - self.began + length)
                self._say(f"{name} is over")
                wait_for(self._all_are_well, f"all to be well after the {name}")
            self._pass(seconds)
        return self._results(self._settle())

    # ------------------------------------------------------------ while it runs

    def _all_are_well(self) -> bool:
        return all(self.admin.get(f"{url}/healthz").status_code == 200 for url in self.urls)

    @contextlib.contextmanager
    def _visitors(self) -> Iterator[None]:
        """Run all visitors within the `with` block."""
        over = threading.Event()
        keys = [("admin", ADMIN_KEY)] * (ADMINS + 1) + [("bot", self.bot)] * BOTS
        batches, *users = [
            SimulatedUser(self.target, owner, key, self.ledger, self.receiver, self.chance.random())
            for owner, key in keys
        ]
        pause = self.pause * HOSTILE_PAUSE_FACTOR
        hostile = HostileClient(self.target.nodes[-1], ADMIN_KEY, self.ledger, pause, self.chance.random())
        threads = [
            *(threading.Thread(target=visit, args=(user, self.pause, over)) for user in users),
            threading.Thread(target=visit, args=(batches, self.pause * BATCH_PAUSE_FACTOR, over, BATCHES)),
            *(threading.Thread(target=other.visit, args=(over,)) for other in (hostile, self.auditor)),
        ]
        with silent_listener(self.target.nodes[-1], ADMIN_KEY):
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
                self.minutes.append(dict(self.target.figures()))
                self._say(_text(self.minutes[-1]))

    def _say(self, text: str) -> None:
        passed = (time.monotonic() - self.began) / 60
        print(f"{passed:5.1f} min: {len(self.ledger.given)} tasks, {text}", flush=True)

    def _burst(self) -> None:
        """Bring every thread pool of each process to its maximum size."""
        for url in self.urls:
            with ThreadPoolExecutor(BURST) as pool:
                clients = [Client(url, ADMIN_KEY) for _ in range(BURST)]
                list(pool.map(lambda client: [client.tasks(page_size=100) for _ in range(5)], clients))
                list(pool.map(lambda client: [client.post("/inputs", files=NO_IMAGE) for _ in range(5)], clients))
                paths = self._some_paths()
                list(pool.map(lambda client: [client.get(path, headers=AS_JPEG) for path in paths], clients))  # noqa: B023
            for client in clients:
                client.session.close()

    def _some_paths(self) -> list[str]:
        records = self.admin.tasks(query="history", page_size=5)["history"]
        return [url.removeprefix(self.admin.url) for record in records for url in record["result"]]

    def _settle(self) -> dict[str, Row]:
        """Wait until all tasks are done and all visitors have gone; return the resources used then."""
        wait_for(
            lambda: not any(self.admin.get("/v1/info").json()["tasks"].values()), "all tasks to end", TASK_TIMEOUT_S
        )
        self._say("all tasks have ended")
        wait_for(lambda: not self.auditor.waits_for_webhooks(), "all webhooks to be delivered", TASK_TIMEOUT_S)
        end = time.monotonic() + THREADS_TIMEOUT_S
        while True:
            time.sleep(CONNECTION_TIMEOUT_S)
            figures = dict(self.target.figures())
            if not self._grown(figures) or time.monotonic() > end:
                self._say(f"all is quiet: {_text(figures)}")
                return figures

    def _grown(self, figures: dict[str, Row]) -> list[str]:
        """Return what a process has more of than is allowed."""
        return [
            f"{process}, {name}: {warm[name]} at first, {figures[process][name]} in the end"
            for process, warm in self.warm.items()
            for name, more in self.target.allowed_growth.items()
            if figures[process][name] > warm[name] + more
        ]

    def _fatter(self) -> list[str]:
        """Return the processes with more memory in the last quarter of a long soak than in the third one, by minutes."""
        found = {process: dict(_quarters(self._memory(process))) for process in self.warm}
        return [
            f"{process}: {mb['quarter 3']:.0f} MB in the third quarter, {mb['quarter 4']:.0f} in the last one"
            for process, mb in found.items()
            if len(self.minutes) >= MEMORY_MINUTES and mb["quarter 4"] > mb["quarter 3"] + ALLOWED_MB
        ]

    def _memory(self, process: str) -> list[float]:
        return [row[process]["mb"] for row in self.minutes if process in row]

    # ------------------------------------------------------------ at the end

    def _results(self, end: dict[str, Row]) -> list[Row]:
        ledger = self.ledger
        for task_id, given in ledger.given.items():
            with ledger.noting(f"task {task_id}"):
                self.auditor.check(task_id, given)
        assert not ledger.problems, "\n".join(ledger.problems)
        wrong = {
            task_id
            for task_id, source in ledger.overheard.items()
            if task_id in ledger.given and ledger.given[task_id].owner != source
        }
        assert not wrong, f"shown as another's: {wrong}"
        self.admin.session.close()
        self.target.stop()
        names = [name for name, _, _ in self.outages.over]
        sound = self.target.assert_is_sound(DISK_FULL in names)
        unknown = ledger.unknown_of(self.target.tasks())
        assert not unknown or set(names) & set(BREAKS), f"tasks whose id no client received: {unknown}"
        grown = [*self._grown(end), *self._fatter()]
        assert not grown, "\n".join(grown)
        figures: dict[str, Any] = {
            "accepted tasks": len(ledger.given),
            "accepted as the connection broke": len(unknown),
            **{f"… {status}": number for status, number in sorted(self.auditor.ends.items())},
            **{f"failed: {message}": number for message, number in sorted(self.auditor.failures.items())},
            "refused": len(ledger.refused),
            **sound,
            **dict(sorted(ledger.done.items())),
            **{f"{name}, seconds": ended - began for name, began, ended in self.outages.over},
            **{f"refused, {what}": number for what, number in sorted(ledger.refusals.items())},
            **{f"webhooks answered {status}": number for status, number in sorted(self.auditor.deliveries.items())},
        }
        for process, warm in self.warm.items():
            seen = [row[process] for row in self.minutes if process in row]
            figures |= {
                **{f"{process}: {name}, warm": value for name, value in warm.items()},
                **{f"{process}: {name}, at most": max(row[name] for row in seen) for name in warm if seen},
                **{f"{process}: mb, {quarter}": value for quarter, value in _quarters(self._memory(process))},
                **{f"{process}: {name}, in the end": value for name, value in end[process].items()},
                f"{process}: mb grown": end[process]["mb"] - warm["mb"],
            }
        return [{"figure": name, "value": value} for name, value in figures.items()]


def _text(figures: dict[str, Row]) -> str:
    return "; ".join(
        f"{process}: " + ", ".join(f"{value:.0f} {name}" for name, value in row.items())
        for process, row in figures.items()
    )


def _quarters(memory: list[float]) -> Iterator[tuple[str, float]]:
    """Yield the median of the minutes' MB for each quarter of the time."""
    size = len(memory) // 4
    for number in range(4 if size else 0):
        yield f"quarter {number + 1}", statistics.median(memory[number * size : (number + 1) * size])
