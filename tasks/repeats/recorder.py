"""Recorder of what the repetition of a run needs: the seed, the host, the model files and the random state."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...db.repository import Repository
from ...db.statements.repeats import record_start, record_state
from ..model import events
from ..model.active_tasks import ActiveTask
from ..ports.runs import Runs, UsedModelFile
from .model_hashes import FileVersion, ModelHashes

MAX_SEED = 2**63 - 1


class RunRecorder:
    """Writes each record before the task's end: the writer keeps the order. Bus thread only."""

    def __init__(self, repository: Repository, runs: Runs, hashes: ModelHashes) -> None:
        self._repository = repository
        self._runs = runs
        self._hashes = hashes
        self._loaded: dict[str, FileVersion] = {}

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Record the start and the first encoding of a task."""
        match event:
            case events.Unloaded():
                self._loaded.clear()
            case events.Started() if active is not None:
                models = self._models(active.task.parameters)
                seed = event.seed if event.seed is not None and abs(event.seed) <= MAX_SEED else None
                self._write(partial(record_start, event.task_id, seed, self._runs.host(), models))
            case events.Encoded():
                self._write(partial(record_state, event.task_id, event.state))

    def _write(self, change: partial[None]) -> None:
        self._repository.write(change, retry=True)

    def _models(self, parameters: dict[str, Any]) -> list[list[Any]]:
        files = self._runs.model_files(parameters)
        before, self._loaded = self._loaded, {}
        models = []
        for file in files:
            version = self._version(file, before)
            if version is not None:
                self._hashes.want(version)
                models.append([file.field, file.name, version.path, version.size, version.mtime_ns])
        return models

    def _version(self, file: UsedModelFile, before: dict[str, FileVersion]) -> FileVersion | None:
        """Return the version that the host uses: of a file that was replaced, the one that is still in memory."""
        version = FileVersion.of(file.path)
        if not file.stays_loaded:
            return version
        kept = before.get(file.field)
        if kept is not None and kept.path == str(file.path):
            version = kept
        if version is not None:
            self._loaded[file.field] = version
        return version
