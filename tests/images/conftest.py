"""Fixtures for the tests of images."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.adapters.image_log import page_writer
from fooocus_api.adapters.webui.login import WebUILogin
from fooocus_api.api.context import Context, ImageStores, Security
from fooocus_api.auth.keyring import Keyring
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.tests.support.api_calls.image_sources import HERE, OUTPUT, PNG, HostWithOutputs
from fooocus_api.tests.support.host import DEMO
from fooocus_api.tests.support.hosts.day_log import DayLog, MakeDay

HOST = ("modules", "args_manager", "ldm_patched", "fooocus_version")


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Return a server's context with one output and two files that are not images."""
    outputs = tmp_path / "outputs"
    (tmp_path / OUTPUT).parent.mkdir(parents=True)
    (tmp_path / OUTPUT).write_bytes(PNG)
    (tmp_path / OUTPUT).with_name("broken.png").write_bytes(PNG[:50])
    (tmp_path / OUTPUT).with_name("log.html").write_text("<html>")
    return Context(
        host=HostWithOutputs(outputs),
        task_services=None,
        images=ImageStores(InputStore(tmp_path / "inputs")),
        security=Security(Keyring((), tmp_path / "keys.json"), WebUILogin()),
        base_url="https://pictures.example/draw",
        outbound=HERE,
    )


@pytest.fixture
def make_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeDay]:
    """Return a maker of the demo's log, each in outputs of its own, with the extension or without."""
    monkeypatch.chdir(DEMO)
    monkeypatch.syspath_prepend(str(DEMO))
    made: list[DayLog] = []

    def host_names() -> list[str]:
        return [name for name in sys.modules if name.partition(".")[0] in HOST]

    def make(folder: str = "outputs", *, extended: bool = True) -> DayLog:
        for name in host_names():
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "argv", ["launch.py", "--output-path", str(tmp_path / folder)])
        made.append(DayLog(tmp_path / folder, extended=extended))
        return made[-1]

    yield make
    for day in made:
        day.close()
    for name in host_names():
        del sys.modules[name]


@pytest.fixture
def day(make_day: MakeDay) -> DayLog:
    return make_day()


@pytest.fixture
def never_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no page written but on request."""
    monkeypatch.setattr(page_writer.PageWriter, "start", lambda _: None)
