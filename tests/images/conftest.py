"""Fixtures for the tests of images."""

from __future__ import annotations

from pathlib import Path

import pytest

from fooocus_api.adapters.webui.login import WebUILogin
from fooocus_api.api.context import Context, Security
from fooocus_api.auth.keys import Keyring
from fooocus_api.images.storage.input_store import InputStore
from fooocus_api.tests.support.api_calls.image_sources import HERE, OUTPUT, PNG, HostWithOutputs


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
        inputs=InputStore(tmp_path / "inputs"),
        security=Security(Keyring((), tmp_path / "keys.json"), WebUILogin()),
        base_url="https://pictures.example/draw",
        outbound=HERE,
    )
