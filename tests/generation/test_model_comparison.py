"""The comparison of a recorded run's model files with those of today, by their hashes on a real disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.db.repository import Repository
from fooocus_api.db.statements.repeats import RecordedRun
from fooocus_api.tasks.model.task import Task
from fooocus_api.tasks.ports.runs import NoRuns, UsedModelFile
from fooocus_api.tasks.repeats.comparison import Repeats
from fooocus_api.tasks.repeats.model_hashes import FileVersion, ModelHashes
from fooocus_api.tests.support.client import wait_for

TASK = Task("a" * 32, "api", {})


class OneModel(NoRuns):
    """Runs with one model file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def model_files(self, parameters: dict[str, Any]) -> list[UsedModelFile]:
        return [UsedModelFile("base_model_name", self.path.name, self.path)]


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Repository]:
    repository = Repository(tmp_path / "tasks.sqlite3")
    yield repository
    repository.close()


@pytest.fixture
def hashes(repository: Repository) -> Iterator[ModelHashes]:
    hashes = ModelHashes(repository)
    yield hashes
    hashes.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"content")
    return path


def touched(path: Path) -> FileVersion:
    """Give a file another time, and return its version."""
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 10**9))
    return version(path)


def version(path: Path) -> FileVersion:
    found = FileVersion.of(path)
    assert found is not None
    return found


def reasons(repository: Repository, hashes: ModelHashes, path: Path, then: FileVersion) -> list[str]:
    run = RecordedRun(1, None, {}, [["base_model_name", path.name, then.path, then.size, then.mtime_ns]])
    return [one.detail for one in Repeats(repository, OneModel(path), hashes).differences(TASK, run)]


def hashed(hashes: ModelHashes, path: Path) -> None:
    """Have a file hashed after all that wait."""
    hashes.want(version(path))
    wait_for(lambda: hashes.known(version(path)), "the hash", 30)


def test_a_file_is_not_read_for_a_comparison_that_is_impossible(
    repository: Repository, hashes: ModelHashes, model: Path, tmp_path: Path
) -> None:
    then, now = version(model), touched(model)
    (reason,) = reasons(repository, hashes, model, then)
    assert reason == "model.safetensors was changed, and its hash of then is not known"
    (tmp_path / "other.safetensors").write_bytes(b"other")
    hashed(hashes, tmp_path / "other.safetensors")
    assert hashes.known(now) is None


def test_a_file_with_another_time_is_compared_by_its_hash(
    repository: Repository, hashes: ModelHashes, model: Path
) -> None:
    then = version(model)
    hashed(hashes, model)
    now = touched(model)
    (reason,) = reasons(repository, hashes, model, then)
    assert reason == "model.safetensors was changed, and its hash is being computed"
    wait_for(lambda: hashes.known(now), "the hash", 30)
    assert reasons(repository, hashes, model, then) == []
