"""A cluster of demo hosts on one PostgreSQL server, with real processes and signals."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import psycopg

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.databases.postgres import PostgresServer
from fooocus_api.tests.support.host import Host, demo_host

NODE_TIMEOUT_S = 3


class DemoCluster:
    """Nodes named node-1, node-2, …, which run within the `with` block."""

    def __init__(self, server: PostgresServer, number: int, *flags: str, **pace: Any) -> None:
        """Prepare the nodes. `pace` are the arguments of `demo_host`."""
        self.server = server
        self.location = server.new_database()
        self.nodes = [self._node(index, flags, pace) for index in range(1, number + 1)]

    def _node(self, index: int, flags: tuple[str, ...], pace: dict[str, Any]) -> Host:
        place = ("--cluster", "--api-db", self.location, "--node-name", f"node-{index}")
        return demo_host(*place, "--node-timeout", str(NODE_TIMEOUT_S), *flags, **pace)

    def __enter__(self) -> DemoCluster:
        try:
            for node in self.nodes:
                node.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes:
            with contextlib.suppress(ProcessLookupError):
                node.close()

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
