"""Comparison of a recorded run with one of today: the reasons for which a repetition's pixels would differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ...db.repository import Repository
from ...db.statements.repeats import RecordedRun, run_of, state_of
from ..model.task import Task
from ..ports.runs import Runs
from .model_hashes import FileVersion, ModelHashes


@dataclass(frozen=True)
class Difference:
    """A reason why a repetition may have other pixels. `code` is stable, `detail` is a sentence."""

    code: str
    detail: str


@dataclass(frozen=True)
class MissingModel:
    """A model file of a task that no longer exists: the field that named it, and its name."""

    field: str
    name: str


NO_RECORD = Difference("no_record", "the task ran before its run was recorded, or was not generated here")
NO_STATE = Difference("no_random_state", "the state of the random generator could not be recorded")


class Repeats:
    """The recorded runs of tasks. Blocking: off the event loop."""

    def __init__(self, repository: Repository, runs: Runs, hashes: ModelHashes) -> None:
        self._repository = repository
        self._runs = runs
        self._hashes = hashes

    def run(self, task_id: str) -> RecordedRun | None:
        """Return the record of a task's run, None without one.

        Raises:
            DatabaseUnavailable: the history can't be read.
        """
        return self._repository.read(partial(run_of, task_id))

    def source_of(self, task_id: str) -> str | None:
        """Return the source of a task, None without such a task. Raises as `run` does."""
        row = self._repository.read(partial(self._repository.get, task_id))
        return None if row is None else str(row["source"])

    def has_state(self, task_id: str) -> bool:
        """Return whether a random state is recorded that a repetition can restore. Raises as `run` does."""
        return bool(self._repository.read(partial(state_of, task_id)))

    def missing_models(self, parameters: dict[str, Any]) -> list[MissingModel]:
        """Return the model files of a task with these parameters that don't exist."""
        files = [file for file in self._runs.model_files(parameters) if not file.is_downloaded]
        return [MissingModel(file.field, file.name) for file in files if not file.path.is_file()]

    def differences(self, task: Task, run: RecordedRun | None) -> list[Difference]:
        """Return what differs between a recorded run of a task and one of today, nothing if it is exact. Raises as `run` does."""
        if run is None:
            return [NO_RECORD]
        found = [NO_STATE] if run.state == b"" else []
        return [*found, *self._of_host(run), *self._of_models(task, run)]

    def _of_host(self, run: RecordedRun) -> Iterator[Difference]:
        now = self._runs.host()
        for name in sorted({*now, *run.host}):
            then, today = run.host.get(name, ""), now.get(name, "")
            if then != today:
                yield Difference("host_changed", f"{name} was {then or 'absent'!r}, and is {today or 'absent'!r} now")

    def _of_models(self, task: Task, run: RecordedRun) -> Iterator[Difference]:
        now = {(file.field, file.name): file for file in self._runs.model_files(task.parameters)}
        for field, name, path, size, mtime_ns in run.models:
            file = now.pop((field, name), None)
            version = FileVersion.of(file.path) if file is not None else None
            if version is None:
                yield Difference("model_missing", f"{name} does not exist any more")
            elif reason := self._change(FileVersion(path, size, mtime_ns), version):
                yield Difference("model_changed", f"{name} {reason}")
        for file in now.values():
            if file.path.is_file() and not file.is_downloaded:
                yield Difference("model_changed", f"{file.name} did not exist when the task ran")

    def _change(self, then: FileVersion, now: FileVersion) -> str | None:
        """Return how a file has changed, None if it has the same content. Moved and copied files are compared by their hashes."""
        if (then.size, then.mtime_ns) == (now.size, now.mtime_ns) and Path(then.path).name == Path(now.path).name:
            return None
        if then.size != now.size:
            return "is another file than then"
        before = self._hashes.known(then)
        if before is None:
            return "was changed, and its hash of then is not known"
        today = self._hashes.known(now)
        if today is None:
            self._hashes.want(now)
            return "was changed, and its hash is being computed"
        return None if before == today else "is another file than then"
