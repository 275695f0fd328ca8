"""Kills the host at random moments during a stream of requests, and checks that no task, image or row was lost.

200 rounds on the demo host, 3 on the real Fooocus named by FOOOCUS_HOME.
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from typing import Any

import requests

from ...benchmarks.frame import Options, Row
from ..support.client import ENDED, Client, wait_for
from ..support.host import Host, HostError, demo_host, real_checkout, real_host
from .invariants import (
    SubmittedTask,
    assert_database_is_sound,
    assert_nothing_is_left_over,
    in_base64,
    new_picture,
    record_of,
    repeatable,
)

CLIENTS = 3
STATUSES_WITH_ID = (200, 202, 409, 500)
"""Expected statuses of a generate request; any other is a bug of this file."""


def run(options: Options) -> list[Row]:
    """Return one row with the final status of all tasks. Raises AssertionError, with the seed, on a violation."""
    if real_checkout() is not None:
        return [crash(real_host(), options.rounds or 3, options.seed, pause=12.0)]
    return [crash(demo_host(step_ms=10), options.rounds or 200, options.seed, pause=1.5)]


def crash(host: Host, rounds: int, seed: int, pause: float) -> Row:
    """Start and kill `host`, not started yet, `rounds` times; each run lasts up to `pause` seconds after its start."""
    with repeatable("crash", host, seed):
        return _CrashTest(host, random.Random(seed), pause).run(rounds)


class _CrashTest:
    def __init__(self, host: Host, chance: random.Random, pause: float) -> None:
        self.host = host
        self.chance = chance
        self.pause = pause
        self.given: dict[str, SubmittedTask] = {}
        self.done: Counter[str] = Counter()
        self.problems: list[str] = []

    def run(self, rounds: int) -> Row:
        for number in range(1, rounds + 1):
            if self.chance.random() < 0.15:
                self._killed_while_it_starts()
            self.host.start()
            clients = [threading.Thread(target=self._client, args=(self.chance.random(),)) for _ in range(CLIENTS)]
            for thread in clients:
                thread.start()
            time.sleep(self.chance.uniform(0.05, self.pause))
            self.host.kill()
            for thread in clients:
                thread.join()
            assert_database_is_sound(self.host)
            assert not self.problems, self.problems
            if number % 10 == 0:
                print(f"{number} rounds, {len(self.given)} tasks", flush=True)
        self.host.start()
        client = Client(self.host.url)
        wait_for(lambda: not any(client.get("/v1/info").json()["tasks"].values()), "all tasks to end", patience=900)
        return {"rounds": rounds, "starts_cut_off": self.done["starts_cut_off"], **self._results(client)}

    def _killed_while_it_starts(self) -> None:
        """Kill the host during its startup, and so during its recovery."""

        def start() -> None:
            with contextlib.suppress(HostError):
                self.host.start()

        starting = threading.Thread(target=start)
        starting.start()
        time.sleep(self.chance.uniform(0.5, 1.5 + self.pause))
        self.host.kill()
        starting.join()
        self.done["starts_cut_off"] += 1
        assert_database_is_sound(self.host)

    # ------------------------------------------------------------ while it runs

    def _client(self, seed: float) -> None:
        """Send random requests until the host stops answering."""
        chance = random.Random(seed)
        client = Client(self.host.url, patience=600)
        try:
            while True:
                action = chance.choices((self._generate, self._control), (3, 2))[0]
                action(client, chance)
                time.sleep(chance.uniform(0, self.pause / 5))
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            pass
        except Exception as error:
            self.problems.append(f"{type(error).__name__}: {error}")

    def _generate(self, client: Client, chance: random.Random) -> None:
        fields: dict[str, Any] = {
            "prompt": f"storm {chance.random()}",
            "image_number": chance.choice((1, 1, 1, 2, 3)),
            "overwrite_step": chance.randint(1, 5),
            "output_format": chance.choice(("png", "jpeg", "webp")),
        }
        if chance.random() < 0.2:
            fields["save_name"] = chance.choice(("mine", "yours"))
        if chance.random() < 0.2:
            fields |= {"uov_input_image": in_base64(new_picture(chance)), "uov_method": "Vary (Subtle)"}
        mode = chance.choices(("async", "sync", "stream", "binary"), (6, 1, 1, 1))[0]
        accept = "image/png" if mode == "binary" else None
        if mode in ("async", "stream"):
            fields[{"async": "async_process", "stream": "stream_output"}[mode]] = True
        self.done[mode] += 1
        with client.generate(accept=accept, stream=True, **fields) as response:
            assert response.status_code in STATUSES_WITH_ID, f"{response.status_code} {response.text}"
            task_id = response.headers["X-Task-Id"]
            self.given[task_id] = SubmittedTask(1 if mode == "binary" else fields["image_number"])
            response.content  # noqa: B018  # reads all of it, regardless of the time

    def _control(self, client: Client, chance: random.Random) -> None:
        ours = list(self.given)
        if not ours:
            return
        task_id = chance.choice(ours[-10:])  # the newest are pending, running, or have just ended
        what = chance.choice(("stop", "skip", "move-to-front", "delete"))
        self.done[what] += 1
        self.given[task_id].asked.add(what)
        if what == "delete":
            status = client.request("DELETE", f"/tasks/{task_id}").status_code
            self.given[task_id].deleted |= status == 204
        else:
            status = client.post(f"/tasks/{task_id}/{what}").status_code
        assert status in (200, 204, 409) or (status == 404 and "delete" in self.given[task_id].asked), (what, status)

    # ------------------------------------------------------------ invariants

    def _results(self, client: Client) -> Row:
        """Return the final status of every accepted task, and check every file."""
        ends: Counter[str] = Counter()
        for task_id, given in self.given.items():
            found = record_of(client, task_id, given)
            ends[found[0]["task_status"] if found else "deleted"] += 1
        self.host.stop()
        assert "Traceback" not in self.host.log(), "something broke; see the log"
        assert_database_is_sound(self.host)
        rows, files = assert_nothing_is_left_over(self.host)
        return {
            "ids_given_out": len(self.given),
            "rows": rows,
            **{end: ends[end] for end in (*ENDED, "deleted")},
            "images": files,
            **{
                what: self.done[what]
                for what in ("async", "sync", "stream", "binary", "stop", "skip", "move-to-front", "delete")
            },
        }
