"""Picks the next pending task by priority, fair turns between sources, and the loaded models. Independent of the queue's type.

1. Tasks moved to the front, in their order.
2. The highest priority.
3. The source that has waited longest for its turn: a source that floods the queue delays others by one task.
4. Among that source's tasks, the one that needs most of the loaded models, the oldest among equals; but no task is overtaken
   more than `max_overtakes` times, nor for longer than `max_overtake_s`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..model.workload.workload import ModelNeeds


@dataclass
class QueueEntry:
    """A pending task. `since` is the time at which it was overtaken first, in seconds of any monotonic clock."""

    key: Any
    source: str = "api"
    priority: int = 0
    front: bool = False
    needs: ModelNeeds | None = None
    overtaken: int = 0
    since: float | None = None


@dataclass
class Scheduler:
    """Picks from a list of entries in the order of their arrival, and remembers the sources' turns. One thread at a time."""

    fifo: bool = False
    max_overtakes: int = 8
    max_overtake_s: float = 60.0
    loaded: ModelNeeds | None = None
    _turns: dict[str, int] = field(default_factory=dict)
    _turn: int = 0

    def on_unloaded(self) -> None:
        """Record that the host has unloaded all models."""
        self.loaded = None

    def next(self, entries: Sequence[QueueEntry], now: float) -> int:
        """Return the index of the next entry, and count its source's turn.

        Args:
            entries: at least one, in the order of their arrival.
            now: seconds of the clock that `QueueEntry.since` uses.
        """
        index = self._next_index(entries, now)
        self._record_pick(entries, index, now)
        return index

    def order(self, entries: Sequence[QueueEntry], now: float) -> Iterator[Any]:
        """Yield the keys in the order in which they would be picked if no other task arrived. Changes nothing.

        A thousand entries take a few milliseconds: unlike `next`, which scans all entries, it looks each one up by its needs.
        """
        ahead = replace(self, _turns=dict(self._turns))
        queues: defaultdict[int, dict[str, _SourceQueue]] = defaultdict(dict)
        for entry in entries:
            if entry.front:
                ahead._record_turn(entry)
                yield entry.key
            else:
                queues[entry.priority].setdefault(entry.source, _SourceQueue()).append(entry)
        if self.fifo:
            yield from (entry.key for entry in entries if not entry.front)
            return
        for priority in sorted(queues, reverse=True):
            sources = queues[priority]
            while sources:
                source = ahead._next_source(sources)
                taken = sources[source].take(ahead, now)
                ahead._record_turn(taken)
                yield taken.key
                if sources[source].is_empty():
                    del sources[source]

    def _next_index(self, entries: Sequence[QueueEntry], now: float) -> int:
        front = next((index for index, entry in enumerate(entries) if entry.front), None)
        if front is not None:
            return front
        if self.fifo:
            return 0
        highest = max(entry.priority for entry in entries)
        urgent = [(index, entry) for index, entry in enumerate(entries) if entry.priority == highest]
        source = self._next_source(entry.source for _, entry in urgent)
        own = [(index, entry) for index, entry in urgent if entry.source == source]
        index, oldest = own[0]
        if self._is_overdue(oldest, now):
            return index
        return max(own, key=lambda item: item[1].needs.match(self.loaded) if item[1].needs else 0)[0]

    def _next_source(self, sources: Iterable[str]) -> str:
        """Return the source with the oldest turn. Sources without one come first, by arrival: `min` keeps the first of equals."""
        return min(sources, key=lambda name: self._turns.get(name, -1))

    def _is_overdue(self, entry: QueueEntry | _Waiting, now: float) -> bool:
        late = entry.since is not None and now - entry.since >= self.max_overtake_s
        return late or entry.overtaken >= self.max_overtakes

    def _record_pick(self, entries: Sequence[QueueEntry], index: int, now: float) -> None:
        taken = entries[index]
        for entry in entries[:index]:
            if entry.source == taken.source and entry.priority == taken.priority and not taken.front:
                entry.overtaken += 1
                entry.since = now if entry.since is None else entry.since
        self._record_turn(taken)

    def _record_turn(self, taken: QueueEntry) -> None:
        self._turn += 1
        self._turns.pop(taken.source, None)  # re-insert, so that the dictionary's first key has the oldest turn
        self._turns[taken.source] = self._turn
        while len(self._turns) > 1000:
            del self._turns[next(iter(self._turns))]
        if taken.needs is not None:
            self.loaded = taken.needs


@dataclass(eq=False)
class _Waiting:
    """An entry in a simulated order, with its own counts."""

    entry: QueueEntry
    arrival: int
    overtaken: int
    since: float | None
    taken: bool = False


class _SourceQueue:
    """The entries of one source and priority in a simulated order, indexed by their needs.

    A taken entry stays in the other queues until it reaches their head.
    """

    def __init__(self) -> None:
        self._all: deque[_Waiting] = deque()
        self._by_needs: defaultdict[ModelNeeds | None, deque[_Waiting]] = defaultdict(deque)
        self._by_models: defaultdict[tuple[str, ...], deque[_Waiting]] = defaultdict(deque)

    def append(self, entry: QueueEntry) -> None:
        waiting = _Waiting(entry, len(self._all), entry.overtaken, entry.since)
        self._all.append(waiting)
        self._by_needs[entry.needs].append(waiting)
        self._by_models[entry.needs.models if entry.needs else ()].append(waiting)

    def is_empty(self) -> bool:
        return _head(self._all) is None

    def take(self, scheduler: Scheduler, now: float) -> QueueEntry:
        """Take the entry that the scheduler would pick, and return it."""
        picked = _head(self._all)
        assert picked is not None  # nosec B101  # for mypy: `order` takes from a queue that is not empty
        if not scheduler._is_overdue(picked, now):
            picked = self._best(scheduler.loaded)
        picked.taken = True
        for other in self._all:
            if other is picked:
                break
            if not other.taken:
                other.overtaken += 1
                other.since = now if other.since is None else other.since
        return picked.entry

    def _best(self, loaded: ModelNeeds | None) -> _Waiting:
        """Return the entry that needs most of the loaded models, the oldest among equals."""
        if loaded is not None and loaded.models and (same := _head(self._by_needs[loaded])):
            return same
        # The models alone decide here: LoRAs count only if all models are the same.
        heads = [head for models in list(self._by_models) if (head := _head(self._by_models[models]))]
        return max(heads, key=lambda head: (head.entry.needs.match(loaded) if head.entry.needs else 0, -head.arrival))


def _head(waiting: deque[_Waiting]) -> _Waiting | None:
    while waiting and waiting[0].taken:
        waiting.popleft()
    return waiting[0] if waiting else None
