"""Fixtures for all tests: this repository as `fooocus_api`, its client, demo and real hosts, databases, and a browser."""

from __future__ import annotations

import os
import signal
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
from load_package import load_package  # noqa: E402

sys.path.remove(str(ROOT))
load_package()
sys.path.append(str(ROOT / "client" / "src"))  # the client, as it is after `pip install ./client`

from fooocus_api.tests.support.client import Client  # noqa: E402
from fooocus_api.tests.support.databases.databases import Place, PostgresPlace, SqlitePlace  # noqa: E402
from fooocus_api.tests.support.databases.postgres import PostgresServer, programs  # noqa: E402
from fooocus_api.tests.support.fakes.sharing_violations import Violations  # noqa: E402
from fooocus_api.tests.support.host import Host, demo_host, real_checkout, real_host  # noqa: E402
from fooocus_api.tests.support.hosts.preloaded import SERVERS  # noqa: E402

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

NO_REAL_HOST = "FOOOCUS_HOME is not set: real tests are skipped"

DemoFactory = Callable[..., Host]


def pytest_configure(config: pytest.Config) -> None:
    # Hosts are sessions of their own: a SIGTERM that ends the tests must not leave them running.
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", returncode=143))
    os.environ.pop(
        "PYTHONDONTWRITEBYTECODE", None
    )  # hosts and commands would compile hundreds of modules at each start
    sys.dont_write_bytecode = False  # pytest would rewrite the assertions of all tests in each run: twenty seconds
    for server in SERVERS:
        server.enable()
    config.addinivalue_line("markers", "real: needs a real Fooocus checkout, named by FOOOCUS_HOME")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip `real` tests without a real Fooocus."""
    for item in items:
        if item.get_closest_marker("real") is not None and real_checkout() is None:
            item.add_marker(pytest.mark.skip(reason=NO_REAL_HOST))


@pytest.fixture(scope="session")
def demo() -> Iterator[Host]:
    """Start the demo host at its fastest, shared by all tests: leave it idle, and change none of its files."""
    with demo_host() as host:
        info = Client(host.url).get("/v1/info").json()
        assert info["supported"], f"{info['problem']}\n{host.log()[-4000:]}"
        yield host


@pytest.fixture
def demo_factory() -> Iterator[DemoFactory]:
    """Return a function that starts demo hosts, which end with the test: `demo_factory("--nowebui", step_ms=50, load_ms=0)`."""
    hosts: list[Host] = []

    def start(*flags: str, **arguments: object) -> Host:
        host = demo_host(*flags, **arguments)  # type: ignore[arg-type]
        hosts.append(host)
        return host.start()

    yield start
    for host in hosts:
        host.close()


@pytest.fixture
def violations_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Violations]:
    """Return a function that causes sharing violations in folders, for processes started afterwards."""

    def make(*folders: Path, every: int = 3) -> Violations:
        violations = Violations(tmp_path / "violations", *folders, every=every)
        for name, value in violations.environment().items():
            monkeypatch.setenv(name, value)
        return violations

    return make


@pytest.fixture(scope="session")
def real() -> Iterator[Host]:
    """Start a real Fooocus with the extension, shared by all tests that are marked `real`."""
    if real_checkout() is None:
        pytest.skip(NO_REAL_HOST)
    with real_host() as host:
        yield host


@pytest.fixture(scope="session")
def client(demo: Host) -> Client:
    """Return a client of the shared demo host."""
    return Client(demo.url)


@pytest.fixture(scope="session")
def real_client(real: Host) -> Client:
    """Return a client of the shared real host. A busy CPU takes minutes for an image with Fooocus V2."""
    return Client(real.url, patience=900)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Start a PostgreSQL server for the tests. Skip if it is not installed."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed (Debian: apt install postgresql): its tests are skipped")
    with PostgresServer(folder) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Return an empty database of each kind, with functions to inspect and to disturb it."""
    if request.param == "sqlite":
        return SqlitePlace(tmp_path / "history" / "tasks.sqlite3")
    return PostgresPlace(request.getfixturevalue("postgres"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium for the tests. Skip if selenium or Chromium is not installed."""
    pytest.importorskip("selenium", reason="selenium is not installed: tests that click in the WebUI are skipped")
    from fooocus_api.tests.support.browsers.browser import Browser

    with Browser() as window:
        yield window


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """Return the Chromium with a new tab and an empty profile."""
    yield chromium.renew()
    chromium.driver.get("about:blank")  # its streams would reconnect to the port of a later host


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the minutes that the tests of each folder took, set-up and teardown included, over all processes."""
    minutes: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                minutes[folder_of(report.nodeid)] += report.duration / 60
    if sum(minutes.values()) >= 1:
        terminalreporter.section("minutes by folder, over all processes")
        for folder, spent in sorted(minutes.items(), key=lambda item: -item[1]):
            terminalreporter.write_line(f"{spent:6.1f}  {folder}")


def folder_of(nodeid: str) -> str:
    """Return the folder of a test, as `tests/unit`."""
    return nodeid.partition("::")[0].rpartition("/")[0]
