"""Fixtures for the tests of model files: a server of files, and folders of models without a host."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.tasks.model_files.build import ModelFileServices
from fooocus_api.tests.support.servers.file_server import CONTENT, FileServer
from fooocus_api.tests.support.servers.model_folders import FoldersOnDisk, services


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(CONTENT) as running:
        yield running


@pytest.fixture
def folders(tmp_path: Path) -> FoldersOnDisk:
    return FoldersOnDisk(tmp_path)


@pytest.fixture
def parts(folders: FoldersOnDisk) -> ModelFileServices:
    return services(folders)
