"""Fixtures of the client's tests: clients of the demo host, and the command line in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fooocus_api_client import Client
from fooocus_api_client.cli.app import app
from typer.testing import CliRunner

from fooocus_api.tests.client.constants import KEY
from fooocus_api.tests.support.host import Host, demo_host


@pytest.fixture(scope="module")
def api(demo: Host) -> Iterator[Client]:
    """Return a client of the shared demo host."""
    with Client(demo.url) as client:
        yield client


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the path of the user's settings, which do not exist yet."""
    path = tmp_path / "config" / "client.json"
    monkeypatch.setenv("FOOOCUS_CONFIG", str(path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("FOOOCUS_URL", raising=False)
    monkeypatch.delenv("FOOOCUS_API_KEY", raising=False)
    return path


@pytest.fixture
def fooocus(demo: Host, settings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that runs the command line on the demo host, with pipes in place of a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FOOOCUS_URL", demo.url)

    def run(*arguments: str, text: str | None = None) -> Any:
        return CliRunner().invoke(app, list(arguments), input=text)

    return run


@pytest.fixture(scope="module")
def guarded() -> Iterator[Host]:
    """Start a demo host that asks for a key and takes some seconds for an image."""
    with demo_host("--apikey", KEY, step_ms=60, load_ms=0) as host:
        yield host
