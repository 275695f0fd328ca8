"""Notices of the checkpoint in memory: at the first step with another one, and after the models were unloaded."""

from __future__ import annotations

from dataclasses import dataclass

from ..model import events
from ..model.active_tasks import ActiveTask
from ..streaming.broadcaster import Broadcaster


@dataclass(frozen=True)
class LoadedModel:
    """The checkpoints in memory, as tasks have shown them: None while unknown. `source` is that of the task that loaded them."""

    model: str | None = None
    refiner: str | None = None
    source: str | None = None
    is_unloaded: bool = False


class ModelWatch:
    """Observes the events of tasks."""

    def __init__(self, broadcaster: Broadcaster) -> None:
        self._broadcaster = broadcaster
        self.loaded = LoadedModel()

    def on_event(self, event: events.Event, active: ActiveTask | None) -> None:
        """Publish a change of the loaded models."""
        if isinstance(event, events.Unloaded):
            self._set(LoadedModel(is_unloaded=True))
        elif active is not None and isinstance(event, events.Progress) and event.is_step:
            models = active.workload.needs.models
            model, refiner, *_ = (name if name not in ("", "None") else None for name in (*models, "", ""))
            known = self.loaded
            if known.is_unloaded or (model, refiner) != (known.model, known.refiner):
                self._set(LoadedModel(model, refiner, active.task.source))

    def _set(self, loaded: LoadedModel) -> None:
        self.loaded = loaded
        self._broadcaster.announce("model", loaded)
