"""Three nodes and a gateway on one PostgreSQL under a soak: a node is killed, one is drained, and the database restarts."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import requests

from ...benchmarks.frame import Row
from ..support.client import ENDED, Client, wait_for
from ..support.clusters.gateways import known_nodes
from ..support.clusters.nodes import DemoCluster
from ..support.databases.postgres import PostgresServer
from ..support.host import Host
from ..support.servers.file_server import FileServer
from ..support.servers.webhook_receiver import Receiver
from .host_logs import assert_no_bugs_in
from .outages import DATABASE_RESTARTED, NODE_DRAINED, NODE_KILLED, RECEIVER_DOWN, receiver_down
from .target import ADMIN_KEY, FLAGS, NODE_FLAGS, MakeOutage, figures_at

NODES = 3
DATABASE_AWAY_S = 3.0
IMAGES = (".png", ".jpeg", ".webp")


class ClusterTarget:
    """A cluster. Its first node is killed and its second one drained; both start again."""

    def __init__(
        self, server: PostgresServer, checkout: Path, models: FileServer, allowed_growth: Mapping[str, int]
    ) -> None:
        self._server = server
        self.models = models
        self.allowed_growth = allowed_growth
        self.cluster = DemoCluster(
            server, NODES, *NODE_FLAGS, gateways=1, gateway_flags=FLAGS, step_ms=20, checkout=checkout
        )

    @property
    def nodes(self) -> Sequence[str]:
        return [node.url for node in self.cluster.nodes]

    @property
    def gateways(self) -> Sequence[str]:
        return [gateway.url for gateway in self.cluster.gateways]

    @property
    def _processes(self) -> list[Host]:
        return [*self.cluster.nodes, *self.cluster.gateways]

    def start(self) -> None:
        self.cluster.__enter__()
        self.cluster.audit()
        for gateway in self.cluster.gateways:
            known_nodes(gateway, ADMIN_KEY)

    def stop(self) -> None:
        for process in self._processes:
            process.stop()

    def close(self) -> None:
        self.cluster.__exit__(None, None, None)

    def log(self) -> str:
        return "\n".join(f"==== {process.url}\n{process.log()}" for process in self._processes)

    def bot_key(self) -> str:
        response = Client(self.nodes[0], ADMIN_KEY).post("/v1/keys", json={"name": "bot"})
        assert response.status_code == 201, response.text
        return str(response.json()["key"])

    def outages(self, receiver: Receiver) -> Mapping[str, tuple[float, MakeOutage]]:
        return {
            NODE_KILLED: (0.25, lambda: self._killed(self.cluster.nodes[0])),
            NODE_DRAINED: (0.45, lambda: self._drained(self.cluster.nodes[1])),
            DATABASE_RESTARTED: (0.65, self._restarted),
            RECEIVER_DOWN: (0.8, lambda: receiver_down(receiver)),
        }

    @contextlib.contextmanager
    def _killed(self, node: Host) -> Iterator[None]:
        node.kill()
        yield
        node.start()

    @contextlib.contextmanager
    def _drained(self, node: Host) -> Iterator[None]:
        assert node.process is not None
        node.process.send_signal(signal.SIGTERM)
        yield
        node.process.wait(60)
        node.start()

    @contextlib.contextmanager
    def _restarted(self) -> Iterator[None]:
        self._server.stop("immediate")
        time.sleep(DATABASE_AWAY_S)
        self._server.start()
        yield

    def figures(self) -> Mapping[str, Row]:
        found: dict[str, Row] = {}
        for number, process in enumerate(self._processes, 1):
            assert process.process is not None
            name = f"node {number}" if number <= NODES else "gateway"
            with contextlib.suppress(requests.ConnectionError):  # it does not run at the moment
                found[name] = figures_at(process.url, process.process.pid)
        return found

    def tasks(self) -> dict[str, str]:
        return dict(self.cluster.rows("SELECT task_id, words FROM task"))

    def assert_is_sound(self, disk_was_full: bool) -> Row:
        for process in self._processes:
            assert_no_bugs_in(process.log(), disk_was_full=disk_was_full)
        rows = self.cluster.rows("SELECT task_id, status, attempts FROM task")
        left = [task_id for task_id, status, _ in rows if status not in ENDED]
        assert not left, f"not ended: {left}"
        twice = {task_id: ends for task_id, ends in self.cluster.ends().items() if len(ends) > 1}
        assert not twice, f"ended twice: {twice}"
        wait_for(
            lambda: self.cluster.rows("SELECT count(*) FROM procrastinate_jobs") == [(0,)], "no job to be left", 30
        )
        listed = [path for (path,) in self.cluster.rows("SELECT path FROM task_image")]
        assert len(listed) == len(set(listed)), "an image is listed twice"
        files = {
            path.relative_to(self.cluster.files).as_posix()
            for path in self.cluster.files.glob("*/*/*")
            if path.suffix in IMAGES and path.parent.name[:2] == "20"
        }
        assert not files - set(listed), f"files no record knows: {sorted(files - set(listed))}"
        assert not set(listed) - files, f"images that are gone: {sorted(set(listed) - files)}"
        again = sum(attempts > 1 for _, _, attempts in rows)
        return {"rows in the end": len(rows), "images in the end": len(files), "tasks with two attempts": again}
