"""Pending tasks of one source and priority, indexed so that the next one is found without a walk over all of them."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..model.pick import Pick
from ..model.workload.workload import ModelNeeds


@dataclass(frozen=True, eq=False)
class QueueEntry:
    """A pending task, or a job without a `task_id`. It was overtaken `overtaken` times before it was added to a scheduler, first
    at `since`, in seconds of any monotonic clock.

    The place of an entry in `front` is fixed, for the reason `fixed`. One that is `last` waits for all that arrived before it.
    """

    key: Any
    source: str = "api"
    priority: int = 0
    front: bool = False
    last: bool = False
    needs: ModelNeeds | None = None
    overtaken: int = 0
    since: float | None = None
    task_id: str | None = None
    fixed: Pick | None = None

    @property
    def is_held(self) -> bool:
        """Return whether it waits while the queue is paused: clicks in the WebUI and jobs do not."""
        return self.task_id is not None and self.source != WEBUI


WEBUI = "webui"
"""The source of clicks in the WebUI."""
Arrivals = OrderedDict[QueueEntry, int]
"""Entries with the numbers of their arrival, in that order. Unlike a dictionary's, its first entry is found at once even after
many before it were removed."""


class Lane:
    """The entries of one source and priority, in the order of their arrival."""

    def __init__(self, overtakes: Iterable[tuple[int, float]] = ()) -> None:
        """Begin with the picks that have overtaken the oldest entry already: the arrival and the time of each."""
        self._all = Arrivals()
        self._by_needs: defaultdict[Hashable, Arrivals] = defaultdict(Arrivals)
        self._by_models: defaultdict[Hashable, Arrivals] = defaultdict(Arrivals)
        self._overtakes = list(overtakes)  # as many as an entry may be overtaken

    def __bool__(self) -> bool:
        return bool(self._all)

    def add(self, entry: QueueEntry, arrival: int) -> None:
        """Add an entry that arrived after all others."""
        for arrivals in self._all, self._by_needs[entry.needs], self._by_models[_models(entry)]:
            arrivals[entry] = arrival

    def discard(self, entry: QueueEntry) -> None:
        """Remove an entry."""
        self._all.pop(entry, None)
        for index, key in (self._by_needs, entry.needs), (self._by_models, _models(entry)):
            index[key].pop(entry, None)
            if not index[key]:
                del index[key]
        if self._overtakes and self._all:
            oldest = self._all[self.oldest()]
            self._overtakes = [overtake for overtake in self._overtakes if overtake[0] > oldest]

    def oldest_entries(self, most: int) -> list[tuple[QueueEntry, int]]:
        """Return the oldest entries with their arrivals, at most `most`."""
        return list(islice(self._all.items(), most))

    def overtakes(self) -> list[tuple[int, float]]:
        """Return the arrival and the time of each pick that has overtaken the oldest entry."""
        return list(self._overtakes)

    def oldest(self) -> QueueEntry:
        """Return the entry that arrived first."""
        return next(iter(self._all))

    def arrival(self) -> int:
        """Return the arrival of the oldest entry."""
        return self._all[self.oldest()]

    def is_overdue(self, max_overtakes: int, max_overtake_s: float, now: float) -> bool:
        """Return whether the oldest entry must not be overtaken again."""
        oldest = self.oldest()
        since = self._overtakes[0][1] if oldest.since is None and self._overtakes else oldest.since
        late = since is not None and now - since >= max_overtake_s
        return late or oldest.overtaken + len(self._overtakes) >= max_overtakes

    def best(self, loaded: ModelNeeds | None) -> QueueEntry:
        """Return the entry that needs most of the loaded models, the oldest among equals."""
        if loaded is not None and loaded.models and loaded in self._by_needs:
            return next(iter(self._by_needs[loaded]))
        # The models alone decide here: LoRAs count only if all models are the same.
        heads = [next(iter(arrivals.items())) for arrivals in self._by_models.values()]
        entry, _ = max(heads, key=lambda head: (head[0].needs.match(loaded) if head[0].needs else 0, -head[1]))
        return entry

    def record_pick(self, entry: QueueEntry, now: float) -> None:
        """Record that an entry was picked, before it is removed: it overtakes those that arrived earlier."""
        if entry is not self.oldest():
            self._overtakes.append((self._all[entry], now))


def _models(entry: QueueEntry) -> tuple[str, ...]:
    return entry.needs.models if entry.needs else ()
