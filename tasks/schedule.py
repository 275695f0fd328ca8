"""Which waiting task is next: priority, fair turns between sources, and what is loaded already. Knows no queue; called by one.

1. What was moved to the front, in that order.
2. Of the highest priority.
3. Of the source that has waited longest for its turn: one that floods the queue delays others by one task.
4. Of that source's tasks the one that needs most of what is loaded, the oldest among equals; but none is overtaken more
   than `most_overtakes` times, nor for longer than `most_seconds`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

MODEL_FIELDS = ("base_model_name", "refiner_model_name", "vae_name")


@dataclass(frozen=True)
class Needs:
    """What has to be loaded for a task, the costliest first."""

    models: tuple[str, ...] = ()
    loras: frozenset[tuple[str, float]] = frozenset()

    @classmethod
    def of(cls, parameters: dict[str, Any]) -> Needs:
        """What parameters by their names on the wire need."""
        loras = (
            (str(lora.get("model_name")), float(lora.get("weight") or 0))
            for lora in parameters.get("loras") or []
            if lora.get("enabled") and lora.get("model_name") not in (None, "None")
        )
        models = tuple(str(parameters.get(name) or "") for name in MODEL_FIELDS)
        # A performance such as Lightning brings a LoRA of its own.
        return cls(models, frozenset(loras) | {(str(parameters.get("performance_selection")), 0.0)})

    def match(self, loaded: Needs | None) -> int:
        """How much of it is loaded: 0 when the checkpoint is another."""
        if loaded is None or not self.models or self.models[0] != loaded.models[0]:
            return 0
        same = [mine == theirs for mine, theirs in zip(self.models, loaded.models, strict=True)]
        return sum(same) + (1 if all(same) and self.loras == loaded.loras else 0)


@dataclass
class Entry:
    """A task that waits. `since` is when it was overtaken first, in seconds of any clock that only goes forward."""

    key: Any
    source: str = "api"
    priority: int = 0
    front: bool = False
    needs: Needs | None = None
    overtaken: int = 0
    since: float | None = None


@dataclass
class Schedule:
    """Picks from a list of entries in the order of their arrival, and remembers whose turn it was. One thread at a time."""

    fifo: bool = False
    most_overtakes: int = 8
    most_seconds: float = 60.0
    loaded: Needs | None = None
    _turns: dict[str, int] = field(default_factory=dict)
    _turn: int = 0

    def pick(self, entries: Sequence[Entry], now: float) -> int:
        """The index of the next one, which is taken to be drawn now.

        Args:
            entries: in the order of their arrival, at least one.
            now: seconds.
        """
        index = self._next(entries, now)
        self._take(entries, index, now)
        return index

    def order(self, entries: Sequence[Entry], now: float) -> Iterator[Any]:
        """The keys in the order in which they would be picked if nothing else came. Changes nothing.

        A thousand take a few milliseconds: `pick` looks at all entries each time, this finds each by what it needs.
        """
        ahead = replace(self, _turns=dict(self._turns))
        lines: defaultdict[int, dict[str, _Line]] = defaultdict(dict)
        for entry in entries:
            if entry.front:
                ahead._had_turn(entry)
                yield entry.key
            else:
                lines[entry.priority].setdefault(entry.source, _Line()).append(entry)
        if self.fifo:
            yield from (entry.key for entry in entries if not entry.front)
            return
        for priority in sorted(lines, reverse=True):
            sources = lines[priority]
            while sources:
                source = ahead._whose_turn(sources)
                taken = sources[source].take(ahead, now)
                ahead._had_turn(taken)
                yield taken.key
                if sources[source].is_empty():
                    del sources[source]

    def _next(self, entries: Sequence[Entry], now: float) -> int:
        front = next((index for index, entry in enumerate(entries) if entry.front), None)
        if front is not None:
            return front
        if self.fifo:
            return 0
        highest = max(entry.priority for entry in entries)
        urgent = [(index, entry) for index, entry in enumerate(entries) if entry.priority == highest]
        source = self._whose_turn(entry.source for _, entry in urgent)
        own = [(index, entry) for index, entry in urgent if entry.source == source]
        index, oldest = own[0]
        if self._has_waited(oldest, now):
            return index
        return max(own, key=lambda item: item[1].needs.match(self.loaded) if item[1].needs else 0)[0]

    def _whose_turn(self, sources: Iterable[str]) -> str:
        """Whoever has never had a turn comes first, by arrival: `min` keeps the first of equals."""
        return min(sources, key=lambda name: self._turns.get(name, -1))

    def _has_waited(self, entry: Entry | _Waiting, now: float) -> bool:
        late = entry.since is not None and now - entry.since >= self.most_seconds
        return late or entry.overtaken >= self.most_overtakes

    def _take(self, entries: Sequence[Entry], index: int, now: float) -> None:
        taken = entries[index]
        for entry in entries[:index]:
            if entry.source == taken.source and entry.priority == taken.priority and not taken.front:
                entry.overtaken += 1
                entry.since = now if entry.since is None else entry.since
        self._had_turn(taken)

    def _had_turn(self, taken: Entry) -> None:
        self._turn += 1
        self._turns.pop(taken.source, None)  # the dictionary keeps the order of the turns, and stays small
        self._turns[taken.source] = self._turn
        while len(self._turns) > 1000:
            del self._turns[next(iter(self._turns))]
        if taken.needs is not None:
            self.loaded = taken.needs


@dataclass(eq=False)
class _Waiting:
    """An entry in a forecast, with counts of its own."""

    entry: Entry
    arrival: int
    overtaken: int
    since: float | None
    taken: bool = False


class _Line:
    """The entries of one source and priority, in a forecast: each found by what it needs, without a look at the others.

    What is taken out stays in the other queues until it comes to their head.
    """

    def __init__(self) -> None:
        self._all: deque[_Waiting] = deque()
        self._by_needs: defaultdict[Needs | None, deque[_Waiting]] = defaultdict(deque)
        self._by_models: defaultdict[tuple[str, ...], deque[_Waiting]] = defaultdict(deque)

    def append(self, entry: Entry) -> None:
        waiting = _Waiting(entry, len(self._all), entry.overtaken, entry.since)
        self._all.append(waiting)
        self._by_needs[entry.needs].append(waiting)
        self._by_models[entry.needs.models if entry.needs else ()].append(waiting)

    def is_empty(self) -> bool:
        return _head(self._all) is None

    def take(self, schedule: Schedule, now: float) -> Entry:
        """The one that the schedule would pick of these."""
        chosen = _head(self._all)
        assert chosen is not None  # nosec B101  # for mypy, which can't know
        if not schedule._has_waited(chosen, now):
            chosen = self._best(schedule.loaded)
        chosen.taken = True
        for other in self._all:
            if other is chosen:
                break
            if not other.taken:
                other.overtaken += 1
                other.since = now if other.since is None else other.since
        return chosen.entry

    def _best(self, loaded: Needs | None) -> _Waiting:
        """The oldest of those that need most of what is loaded."""
        if loaded is not None and loaded.models and (same := _head(self._by_needs[loaded])):
            return same
        # Nothing else tells how well they match: the LoRAs count only where all is the same.
        heads = [head for models in list(self._by_models) if (head := _head(self._by_models[models]))]
        return max(heads, key=lambda head: (head.entry.needs.match(loaded) if head.entry.needs else 0, -head.arrival))


def _head(waiting: deque[_Waiting]) -> _Waiting | None:
    while waiting and waiting[0].taken:
        waiting.popleft()
    return waiting[0] if waiting else None
