"""`--demo --nodes N`: runs several demo hosts as the nodes of a cluster, with one database."""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..check import in_use
from ..errors import InstallError
from .children import Child
from .run_demo import announcement, demo_requirements
from .run_demo_db import demo_database, is_running
from .stopping import UntilInterrupted, wait_while
from .venv import prepare_environment

MAX_NODES = 16
LAST_PORT = 65_535
FIRST_START_S = 120.0


@dataclass(frozen=True)
class Cluster:
    """The cluster that the flags ask for. `files` and `api_db` are None for the demo's own; `rest` are the hosts' other flags."""

    nodes: int
    port: int
    api_db: str | None
    files: str | None
    rest: list[str]

    @property
    def ports(self) -> range:
        return range(self.port, self.port + self.nodes)


def asks_for_nodes(flags: list[str]) -> bool:
    """Return whether the demo's flags ask for a cluster."""
    return any(flag == "--nodes" or flag.startswith("--nodes=") for flag in flags)


def read_flags(flags: list[str]) -> Cluster:
    """Return what the flags ask for.

    Raises:
        InstallError: a value is out of its range, or a flag is one that each node gets for itself.
    """
    parser = argparse.ArgumentParser("install.py --demo --nodes", add_help=False, allow_abbrev=False)
    parser.add_argument("--nodes", type=int)
    parser.add_argument("--port", type=int, default=int(os.environ.get("GRADIO_SERVER_PORT") or 7865))
    parser.add_argument("--api-db")
    parser.add_argument("--api-files")
    parser.add_argument("--output-path", "--temp-path", "--node-name", "--api-port", dest="of_each")
    found, rest = parser.parse_known_args(flags)
    if not 1 <= found.nodes <= MAX_NODES:
        raise InstallError(f"--nodes {found.nodes} is not a number from 1 to {MAX_NODES}")
    if not 1 <= found.port <= LAST_PORT + 1 - found.nodes:
        raise InstallError(f"--port {found.port} leaves no ports for {found.nodes} nodes; choose a lower one")
    if found.of_each is not None:
        raise InstallError(
            "--output-path, --temp-path, --node-name and --api-port don't go with --nodes: each node gets its own"
        )
    return Cluster(found.nodes, found.port, found.api_db, found.api_files, [one for one in rest if one != "--cluster"])


def run_nodes(root: Path, flags: list[str]) -> int:
    """Serve until stopped: first the database, unless one is named, then the nodes. They end in the opposite order.

    Returns:
        0 after Ctrl-C, 1 if every node has ended by itself.

    Raises:
        InstallError: the demo is missing here, or a port, the database or the environment is not available.
    """
    cluster = read_flags(flags)
    if not (root / "demo" / "launch.py").is_file():
        raise InstallError(f"{root} has no demo; run --demo from a clone of the repository")
    for port in cluster.ports:
        if in_use(port):
            raise InstallError(f"port {port} is in use; stop the program that uses it, or add `--port N`")
    with ExitStack() as stack:
        python = prepare_environment(root, [*demo_requirements(root), root / "requirements-cluster.txt"])
        with UntilInterrupted():
            database = None if cluster.api_db else stack.enter_context(demo_database())
            url = database.url() if database else str(cluster.api_db)
            files = Path(cluster.files or stack.enter_context(_temp_folder())).resolve()
            nodes = Nodes(root, python, cluster, url, files)
            stack.callback(nodes.stop)
            nodes.start()
            print(announcement(cluster.port, cluster.rest))
            print(notes(cluster))
            wait_while(lambda: nodes.any_runs() and (database is None or is_running(database)))
            print("error: every node has ended" if not nodes.any_runs() else "error: the database has ended")
            return 1
    return 0


def notes(cluster: Cluster) -> str:
    """Return the lines about the other nodes, and about what is deleted when the demo ends."""
    lines: list[str] = []
    if cluster.nodes > 1:
        others = enumerate(cluster.ports[1:], 2)
        lines += [
            "The other nodes:",
            *(f"  {node_name(number):<9}  http://127.0.0.1:{port}" for number, port in others),
        ]
    for given, things, flag in (
        (cluster.files, "images", "--api-files FOLDER"),
        (cluster.api_db, "records", "--api-db URL"),
    ):
        if given is None:
            lines.append(f"The {things} are deleted when the demo ends; keep them with {flag}.")
    return "\n".join([*lines, ""])


def node_name(number: int) -> str:
    """Return the name of a node, which counts from 1."""
    return f"node-{number}"


class Nodes:
    """The hosts of a cluster, as processes whose output has their name before each line."""

    def __init__(self, root: Path, python: Path, cluster: Cluster, url: str, files: Path) -> None:
        self._root = root
        self._python = python
        self._cluster = cluster
        self._url = url
        self._files = files
        self._children: list[Child] = []

    def start(self) -> None:
        """Start the nodes: the first one alone until it serves, as it makes the database's tables.

        Raises:
            InstallError: the first one does not serve.
        """
        for number, port in enumerate(self._cluster.ports, 1):
            name = node_name(number)
            child = Child(name, self.command(name, port), self._root, self.environment(name))
            self._children.append(child)
            if number == 1:
                self._wait_for(child, port)
        for child, port in zip(self._children[1:], self._cluster.ports[1:], strict=True):
            self._wait_for(child, port)

    def command(self, name: str, port: int) -> list[str]:
        """Return the command line of a node."""
        folder = self._files / name
        own = ["--node-name", name, "--port", str(port)]
        places = ["--output-path", str(folder / "outputs"), "--temp-path", str(folder / "temp")]
        shared = ["--cluster", "--api-db", self._url, "--api-files", str(self._files)]
        start = [str(self._python), str(self._root / "extension.py")]
        browser = [] if "--in-browser" in self._cluster.rest else ["--disable-in-browser"]
        return [*start, *shared, *own, *places, *browser, *self._cluster.rest]

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment of a node: the hosts share the demo's folder, but no settings."""
        folder = self._files / name
        for part in ("outputs", "temp"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        return {
            **os.environ,
            "FOOOCUS_API_CHECKOUT": str(self._root / "demo"),
            "PYTHONUNBUFFERED": "1",
            "config_path": str(folder / "config.txt"),
            "config_example_path": str(folder / "config_modification_tutorial.txt"),
        }

    def any_runs(self) -> bool:
        """Return whether a node has not ended."""
        return any(child.runs() for child in self._children)

    def stop(self) -> None:
        """End all nodes, together, and wait for them."""
        for child in self._children:
            child.ask_to_end()
        for child in self._children:
            child.wait()

    def _wait_for(self, child: Child, port: int) -> None:
        pause, waited = threading.Event(), 0.0
        while child.runs() and not in_use(port):
            pause.wait(0.2)
            waited += 0.2
            if waited > FIRST_START_S:
                raise InstallError(f"{child.name} does not serve after {FIRST_START_S:.0f} s; see its messages above")
        if not child.runs():
            raise InstallError(f"{child.name} has ended before it served; see its messages above")


@contextmanager
def _temp_folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="fooocus-nodes-", ignore_cleanup_errors=True) as folder:
        yield folder
