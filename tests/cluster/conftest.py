"""Fixtures for the tests of clusters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.support.host import ROOT

WRITER = ROOT / "tests" / "support" / "hosts" / "catalogue_writer.py"


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
