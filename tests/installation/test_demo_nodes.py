"""The demo as a cluster, and its throw-away database: flags, the nodes' commands, and what ends in which order."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from fooocus_api.installer.development import run_demo_db
from fooocus_api.installer.development.children import Child
from fooocus_api.installer.development.local_postgres import LocalPostgres, no_postgres, programs
from fooocus_api.installer.development.run_nodes import Nodes, asks_for_nodes, notes, read_flags, run_nodes
from fooocus_api.installer.errors import InstallError
from fooocus_api.installer.requirements import read_requirements
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.host import ROOT, detached, free_port
from fooocus_api.tests.support.hosts.installation_copies import INSTALL

needs_postgres = pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed")
URL = "postgresql://u:p@db.example/x"


def connect(url: str) -> None:
    with closing(psycopg.connect(url)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_each_node_has_its_own_name_port_and_folders(tmp_path: Path) -> None:
    flags = ["--nodes=3", "--api-db", URL, "--port", "9000", "--demo-step-ms", "5", "--cluster"]
    cluster = read_flags(flags)
    assert [*cluster.ports] == [9000, 9001, 9002] and cluster.rest == ["--demo-step-ms", "5"]
    nodes = Nodes(ROOT, Path(sys.executable), cluster, URL, tmp_path)
    command = nodes.command("node-2", 9001)
    assert command[:2] == [sys.executable, str(ROOT / "extension.py")]
    line = " ".join(command)
    for part in (
        f"--cluster --api-db {URL} --api-files {tmp_path} ",
        "--node-name node-2 --port 9001 ",
        f"--output-path {tmp_path / 'node-2' / 'outputs'} --temp-path {tmp_path / 'node-2' / 'temp'} ",
        "--disable-in-browser --demo-step-ms 5",
    ):
        assert part in line
    assert line.count("--cluster") == 1
    settings = nodes.environment("node-2")
    assert settings["config_path"] == str(tmp_path / "node-2" / "config.txt")
    assert (tmp_path / "node-2" / "outputs").is_dir()


def test_a_demo_without_nodes_is_one_host() -> None:
    assert asks_for_nodes(["--nodes", "3"]) and asks_for_nodes(["--nodes=3"])
    assert not asks_for_nodes(["--node-name", "3", "--nodesc"])


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--nodes", "0"], "not a number from 1 to"),
        (["--nodes", "99"], "not a number from 1 to"),
        (["--nodes", "3", "--port", "65534"], "leaves no ports"),
        (["--nodes", "3", "--output-path", "x"], "each node gets its own"),
        (["--nodes", "3", "--node-name=x"], "each node gets its own"),
    ],
)
def test_flags_that_make_no_cluster_are_refused(flags: list[str], said: str) -> None:
    with pytest.raises(InstallError, match=said):
        read_flags(flags)


def test_a_port_in_use_is_said_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InstallError, match=f"port {port} is in use"):
            run_nodes(ROOT, ["--nodes", "1", "--port", str(port)])


@pytest.mark.parametrize(("system", "remedy"), [("linux", "apt install"), ("darwin", "brew install"), ("win32", "EDB")])
def test_without_postgresql_the_remedy_is_named(system: str, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert remedy in no_postgres(system) and "docker run" in no_postgres(system)
    monkeypatch.setattr(run_demo_db, "programs", lambda: None)
    with pytest.raises(InstallError, match="PostgreSQL is not installed here"):
        run_demo_db.demo_database()


@needs_postgres
def test_a_database_that_does_not_start_says_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        folder = programs()
        assert folder is not None
        server = LocalPostgres(folder, "u", "p", port=taken.getsockname()[1])
        with pytest.raises(InstallError, match=r"does not start: .*Address already in use"), server:
            pass


@needs_postgres
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent another way on Windows")
def test_the_database_runs_until_ctrl_c() -> None:
    command = [sys.executable, str(INSTALL), "--demo-db"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **detached())
    try:
        assert demo.stdout is not None
        url = next(found[0] for line in demo.stdout if (found := re.search(r"postgresql://\S+", line)))
        connect(url)
        os.killpg(demo.pid, signal.SIGINT)  # as a terminal does: it reaches every process in the foreground
        said, _ = demo.communicate(timeout=60)
    finally:
        if demo.poll() is None:
            os.killpg(demo.pid, signal.SIGTERM)
            demo.wait(60)
    assert demo.returncode == 0 and "Traceback" not in said, said
    with pytest.raises(psycopg.OperationalError):
        connect(url)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is another thing on Windows")
def test_a_childs_lines_have_its_name_and_it_may_end_in_its_own_time(capfd: pytest.CaptureFixture[str]) -> None:
    script = (
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('tidying'), sys.exit(3)))\n"
        "print('serving', flush=True)\n"
        "while True: signal.pause()\n"
    )
    child = Child("node-1", [sys.executable, "-c", script], ROOT, {**os.environ})
    said = ""

    def serves() -> bool:
        nonlocal said
        said += capfd.readouterr().out
        return "node-1 | serving\n" in said

    wait_for(serves, "the child to serve", 30)
    assert child.runs()
    child.ask_to_end()
    child.wait()
    assert not child.runs()
    assert "node-1 | tidying\nnode-1 | has ended with status 3\n" in capfd.readouterr().out


@needs_postgres
def test_nodes_that_do_not_start_are_reported(tmp_path: Path) -> None:
    port = free_port()
    cluster = read_flags(["--nodes", "2", "--port", str(port), "--no-such-flag"])
    nodes = Nodes(ROOT, Path(sys.executable), cluster, URL, tmp_path)
    try:
        with pytest.raises(InstallError, match="node-1 has ended before it served; see its messages above"):
            nodes.start()
    finally:
        nodes.stop()


def test_the_other_nodes_and_what_is_deleted_are_named() -> None:
    own = notes(read_flags(["--nodes", "3", "--port", "7900"]))
    assert "node-2     http://127.0.0.1:7901\n" in own and "node-3     http://127.0.0.1:7902\n" in own
    assert "images are deleted" in own and "--api-files" in own and "records are deleted" in own and "--api-db" in own
    assert notes(read_flags(["--nodes", "1", "--api-db", "postgresql://x", "--api-files", "y"])) == ""


def test_the_installer_reads_what_a_cluster_requires() -> None:
    found = {one.name: one for one in read_requirements(ROOT / "requirements-cluster.txt")}
    assert found.keys() == {"procrastinate", "psycopg-binary", "obstore"}
    for requirement in found.values():
        assert requirement.met, f"{requirement.name} {requirement.installed}"
