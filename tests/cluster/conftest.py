"""Fixtures for the tests of clusters: their nodes, an S3-like server, and depots of both kinds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.images.depot.depot import Depot
from fooocus_api.images.depot.opening import open_depot
from fooocus_api.tests.support.clusters.nodes import DemoCluster
from fooocus_api.tests.support.clusters.tool_processes import Folders
from fooocus_api.tests.support.databases.object_store import ObjectStore, program
from fooocus_api.tests.support.databases.postgres import PostgresServer, programs
from fooocus_api.tests.support.host import ROOT

WRITER = ROOT / "tests" / "support" / "hosts" / "catalogue_writer.py"
MakeDepot = Callable[[str], Depot]


@pytest.fixture(scope="session")
def durable_postgres() -> Iterator[PostgresServer]:
    """Start a server that loses no commit when it is killed. Skip if PostgreSQL is not installed."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql): its tests are skipped")
    with PostgresServer(folder, synchronous_commit="on", max_connections="100") as server:
        yield server


@pytest.fixture(scope="module")
def cluster(durable_postgres: PostgresServer) -> Iterator[DemoCluster]:
    """Start three demo nodes, shared by the module's tests, each of which leaves them idle."""
    with DemoCluster(durable_postgres, 3, step_ms=20) as nodes:
        yield nodes


@pytest.fixture(scope="session")
def object_store() -> Iterator[ObjectStore]:
    """Start an S3-like server, shared by all tests."""
    found = program()
    if found is None:
        pytest.skip(
            "moto_server is not on PATH (pip install 'moto[server]' in an environment of its own): tests of S3 are skipped"
        )
    with ObjectStore(found) as store:
        yield store


@pytest.fixture
def bucket(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of an empty bucket, whose server this process finds by its environment."""
    for name, value in object_store.environment.items():
        monkeypatch.setenv(name, value)
    return object_store.new_bucket()


@pytest.fixture(params=["folder", "s3"])
def make_depot(request: pytest.FixtureRequest, tmp_path: Path) -> MakeDepot:
    """Return a maker of depots at one place, each for a process of the given name."""
    if request.param == "folder":
        (tmp_path / "shared").mkdir()
        return lambda _: open_depot(tmp_path / "shared", tmp_path / "unused")
    name = request.getfixturevalue("bucket")
    return lambda process: open_depot(f"s3://{name}/some/prefix", tmp_path / "copies" / process)


@pytest.fixture(scope="session")
def written_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file in which a demo host has described itself."""
    folder = tmp_path_factory.mktemp("demo")
    file = folder / "written.json"
    flags = ("--disable-in-browser", "--output-path", str(folder / "outputs"), "--temp-path", str(folder / "temp"))
    (folder / "temp").mkdir()
    environment = {**os.environ, "config_path": str(folder / "config.txt")}
    environment["config_example_path"] = str(folder / "example.txt")
    command = [sys.executable, str(WRITER), str(ROOT), str(file), *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
    assert file.exists(), done.stdout + done.stderr
    return file


@pytest.fixture
def written(written_file: Path) -> dict[str, Any]:
    """Return what a demo host has written of itself."""
    content: dict[str, Any] = json.loads(written_file.read_text("utf-8"))
    return content


@pytest.fixture
def folders() -> Iterator[Folders]:
    folders = Folders()
    yield folders
    folders.open.set()
