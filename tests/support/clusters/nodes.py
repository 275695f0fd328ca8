"""A cluster of demo hosts on one PostgreSQL server, with real processes and signals."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.clusters.gateways import GatewayProcess
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.host import Host, demo_host

NODE_TIMEOUT_S = 3


class DemoCluster:
    """Nodes named node-1, node-2, …, which run within the `with` block."""

    def __init__(
        self,
        server: PostgresServer,
        number: int,
        *flags: str,
        timeout_s: int = NODE_TIMEOUT_S,
        first: Mapping[str, str] | None = None,
        gateways: int = 0,
        gateway_flags: tuple[str, ...] = (),
        checkouts: Sequence[Path] = (),
        **pace: Any,
    ) -> None:
        """Prepare the nodes, and gateways named gateway-1, …, which start after them.

        Args:
            timeout_s: the seconds without a heartbeat after which a node is dead.
            first: environment variables of the first node alone.
            gateway_flags: further flags of the gateways.
            checkouts: the checkout of each node; by default all have that of the demo.
            pace: the arguments of `demo_host`.
        """
        self.server = server
        self.location = server.new_database()
        self._files = tempfile.TemporaryDirectory(prefix="fooocus-api-cluster-", ignore_cleanup_errors=True)
        self.files = Path(self._files.name)
        self._timeout_s = timeout_s
        self.nodes = [
            self._node(
                index,
                flags,
                {
                    **pace,
                    **({"env": first} if first and index == 1 else {}),
                    **({"checkout": checkouts[index - 1]} if checkouts else {}),
                },
            )
            for index in range(1, number + 1)
        ]
        self.gateways = [self._gateway(index, gateway_flags) for index in range(1, gateways + 1)]

    def _node(self, index: int, flags: tuple[str, ...], pace: dict[str, Any]) -> Host:
        place = (
            "--cluster",
            "--api-db",
            self.location,
            "--node-name",
            f"node-{index}",
            "--api-files",
            self._files.name,
        )
        return demo_host(*place, "--node-timeout", str(self._timeout_s), *flags, **pace)

    def _gateway(self, index: int, flags: tuple[str, ...]) -> Host:
        timeout = ("--node-timeout", str(NODE_TIMEOUT_S))
        return GatewayProcess(f"gateway-{index}", self.location, self._files.name, *timeout, *flags)

    def __enter__(self) -> DemoCluster:
        try:
            for process in (*self.nodes, *self.gateways):
                process.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (*self.gateways, *self.nodes):
            with contextlib.suppress(ProcessLookupError):
                process.close()
        self._files.cleanup()

    def audit(self) -> None:
        """Record each end of a task from now on, for `ends`."""
        self.change(
            "CREATE TABLE IF NOT EXISTS audit (task_id text, status text);"
            "CREATE OR REPLACE FUNCTION audit_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF NEW.status NOT IN ('pending', 'running') AND "
            "(OLD.status IN ('pending', 'running') OR NEW.finished_at <> OLD.finished_at) "
            "THEN INSERT INTO audit VALUES (NEW.task_id, NEW.status); END IF; RETURN NULL; END $$;"
            "DROP TRIGGER IF EXISTS audit_end ON task;"
            "CREATE TRIGGER audit_end AFTER UPDATE ON task FOR EACH ROW EXECUTE FUNCTION audit_end()"
        )

    def ends(self) -> dict[str, list[str]]:
        """Return the statuses of all ends of each task since `audit`."""
        found: dict[str, list[str]] = {}
        for task_id, status in self.rows("SELECT task_id, status FROM audit"):
            found.setdefault(task_id, []).append(status)
        return found

    def audit_claims(self) -> None:
        """Record each claim of a task from now on, for `claims`. Nodes claim one after another, under a lock."""
        self.change(
            "DROP TABLE IF EXISTS claims; CREATE TABLE claims (number serial, task_id text);"
            "CREATE OR REPLACE FUNCTION audit_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "INSERT INTO claims (task_id) VALUES (NEW.task_id); RETURN NULL; END $$;"
            "DROP TRIGGER IF EXISTS audit_claim ON task;"
            "CREATE TRIGGER audit_claim AFTER UPDATE ON task FOR EACH ROW "
            "WHEN (OLD.status = 'pending' AND NEW.status = 'running') EXECUTE FUNCTION audit_claim()"
        )

    def claims(self) -> list[str]:
        """Return the tasks in the order in which nodes have claimed them since `audit_claims`."""
        return [task_id for (task_id,) in self.rows("SELECT task_id FROM claims ORDER BY number")]

    def node_of(self, task_id: str) -> int | None:
        """Return the index of the node that runs a task or has run it, None before a node has claimed it."""
        ((name,),) = self.rows(f"SELECT node FROM task WHERE task_id = '{task_id}'")
        return None if name is None else int(name.rpartition("-")[2]) - 1

    def change(self, statement: str) -> None:
        """Run statements without rows."""
        with contextlib.closing(psycopg.connect(self.location, autocommit=True)) as connection:
            connection.execute(statement.encode())

    def client(self, index: int = 0) -> Client:
        """Return a client of a node."""
        return Client(self.nodes[index].url)

    @contextlib.contextmanager
    def paused(self, index: int) -> Iterator[None]:
        """Stop a node's process without its knowledge within the block."""
        process = self.nodes[index].process
        assert process is not None
        os.killpg(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGCONT)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        with contextlib.closing(psycopg.connect(self.location, autocommit=True)) as connection:
            return list(connection.execute(statement.encode()).fetchall())
