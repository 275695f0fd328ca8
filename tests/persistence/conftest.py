"""Fixtures for the tests of persistence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.db.repository import Repository
from fooocus_api.tests.support.databases.databases import Place
from fooocus_api.tests.support.databases.old_histories import picture


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    """Return an output folder with the images of the tasks 0 to 4."""
    for number in range(5):
        picture(tmp_path / "outputs" / "2024-07-04" / f"{number}.png")
    return tmp_path / "outputs"


@pytest.fixture
def repository(place: Place) -> Iterator[Repository]:
    repository = Repository(place.location)
    yield repository
    repository.close()
