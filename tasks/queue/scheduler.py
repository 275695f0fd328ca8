"""Picks the next pending task by priority, fair turns between sources, and the loaded models. Independent of the queue's type.

1. Tasks moved to the front, in their order.
2. The highest priority.
3. The source that has waited longest for its turn: a source that floods the queue delays others by one task.
4. Among that source's tasks, the one that needs most of the loaded models, the oldest among equals; but no task is overtaken
   more than `max_overtakes` times, nor for longer than `max_overtake_s`.

A pick costs the same with ten thousand pending tasks as with ten: it depends on the number of sources, priorities and sets of
models among them only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from ..model.pick import MOVED, OLDEST, Pick, Reason
from ..model.workload.workload import ModelNeeds
from .lanes import Arrivals, Lane
from .lanes import QueueEntry as QueueEntry


@dataclass
class Scheduler:
    """Holds the entries of the pending tasks, picks the next one, and remembers the sources' turns. One thread at a time."""

    fifo: bool = False
    max_overtakes: int = 8
    max_overtake_s: float = 60.0
    loaded: ModelNeeds | None = None
    paused: bool = False
    _turns: dict[str, int] = field(default_factory=dict)
    _turn: int = 0
    _arrivals: Arrivals = field(default_factory=Arrivals)
    _fronts: Arrivals = field(default_factory=Arrivals)
    _lasts: Arrivals = field(default_factory=Arrivals)
    _unheld: Arrivals = field(default_factory=Arrivals)
    _lanes: dict[int, dict[str, Lane]] = field(default_factory=dict)
    _newest: int = 0
    _foremost: int = 0

    def on_unloaded(self) -> None:
        """Record that the host has unloaded all models."""
        self.loaded = None

    def pause(self, paused: bool) -> None:
        """Pick only clicks in the WebUI and jobs from now on, or all again."""
        self.paused = paused

    def is_held(self) -> bool:
        """Return whether nothing is picked until the end of the pause."""
        return self.paused and not self._unheld

    def add(self, entry: QueueEntry) -> None:
        """Add the entry of a task that is pending from now on, behind all others of its kind."""
        self._newest += 1
        self._add(entry, self._newest)

    def add_first(self, entry: QueueEntry) -> None:
        """Add the entry of a task that was moved to the front, before all others."""
        self._foremost -= 1
        self._add(entry, self._foremost)
        for arrivals in self._arrivals, self._fronts, self._unheld:
            if entry in arrivals:
                arrivals.move_to_end(entry, last=False)

    def discard(self, entry: QueueEntry) -> None:
        """Remove the entry of a task that is no longer pending."""
        self._arrivals.pop(entry, None)
        self._unheld.pop(entry, None)
        if self._fronts.pop(entry, None) is not None or self._lasts.pop(entry, None) is not None:
            return
        sources = self._lanes.get(entry.priority, {})
        lane = sources.get(entry.source)
        if lane is not None:
            lane.discard(entry)
            if not lane:
                del sources[entry.source]
                if not sources:
                    del self._lanes[entry.priority]

    def arrival(self, entry: QueueEntry) -> int:
        """Return the number of an entry's arrival, which is higher than those of all before it; negative at the front.

        Raises:
            KeyError: the entry is not pending.
        """
        return self._arrivals[entry]

    def next(self, now: float) -> QueueEntry | None:
        """Return the next entry and count its source's turn, or return None without an entry. `discard` removes it.

        Args:
            now: seconds of the clock that `QueueEntry.since` uses.
        """
        if not (self._unheld if self.paused else self._arrivals):
            return None
        entry = next(iter(self._unheld)) if self.paused else self._next(now)
        self.picked(entry, now)
        return entry

    def restore_turns(self, turns: Mapping[str, int]) -> None:
        """Continue with the turns of an earlier scheduler: the number of the last turn of each source."""
        self._turns = dict(sorted(turns.items(), key=lambda item: item[1]))
        self._turn = max(self._turns.values(), default=self._turn)

    def picked(self, entry: QueueEntry, now: float) -> None:
        """Record that another scheduler has picked an entry, before `discard` removes it."""
        if not entry.front and not entry.last and not self.fifo:
            self._lanes[entry.priority][entry.source].record_pick(entry, now)
        self._record_turn(entry)

    def explain(self, entry: QueueEntry) -> Pick:
        """Return the reason for which `next` returns an entry, before `discard` removes it."""
        if entry.front or entry.last:
            return entry.fixed or MOVED
        if self.fifo or self.paused:
            return OLDEST
        arrival = self._arrivals[entry]
        lanes = [(priority, lane) for priority, sources in self._lanes.items() for lane in sources.values()]
        older = [(priority, lane) for priority, lane in lanes if lane.arrival() < arrival]
        if any(priority < entry.priority for priority, _ in older):
            return Pick(Reason.PRIORITY)
        own = self._lanes[entry.priority][entry.source]
        if any(lane is not own for _, lane in older):
            return Pick(Reason.TURN, entry.source)
        return Pick(Reason.MODEL) if older else OLDEST

    def snapshot(self, most: int) -> Snapshot:
        """Return enough entries to predict the next `most` picks: of each source the oldest. A later one is picked earlier in
        rare cases only, for its models."""
        rules = replace(
            self,
            _turns=dict(self._turns),
            _arrivals=Arrivals(),
            _fronts=Arrivals(),
            _lasts=Arrivals(),
            _unheld=Arrivals(),
            _lanes={},
        )
        if self.fifo:
            return Snapshot(rules, list(islice(self._arrivals.items(), most)), {})
        lanes = [lane for sources in self._lanes.values() for lane in sources.values()]
        entries = [
            *islice(self._fronts.items(), most),
            *islice(self._lasts.items(), most),
            *chain.from_iterable(lane.oldest_entries(most) for lane in lanes),
        ]
        overtakes = {lane.oldest(): lane.overtakes() for lane in lanes}
        return Snapshot(rules, entries, overtakes)

    def begin(self, entry: QueueEntry, arrival: int, overtakes: Sequence[tuple[int, float]]) -> None:
        """Add an entry with the number of its arrival in another scheduler, and with the picks that have overtaken it there."""
        if overtakes and not entry.last:
            self._lanes.setdefault(entry.priority, {})[entry.source] = Lane(overtakes)
        self._add(entry, arrival)

    def _add(self, entry: QueueEntry, arrival: int) -> None:
        self._arrivals[entry] = arrival
        if not entry.is_held:
            self._unheld[entry] = arrival
        if entry.front:
            self._fronts[entry] = arrival
        elif entry.last:
            self._lasts[entry] = arrival
        else:
            sources = self._lanes.setdefault(entry.priority, {})
            lane = sources.get(entry.source)
            if lane is None:
                lane = sources[entry.source] = Lane()
            lane.add(entry, arrival)

    def _next(self, now: float) -> QueueEntry:
        if self._fronts:
            return next(iter(self._fronts))
        if self.fifo:
            return next(iter(self._arrivals))
        if self._lasts and (last := self._due_last()) is not None:
            return last
        sources = self._lanes[max(self._lanes)]
        lane = sources[self._next_source(sources)]
        if lane.is_overdue(self.max_overtakes, self.max_overtake_s, now):
            return lane.oldest()
        return lane.best(self.loaded)

    def _due_last(self) -> QueueEntry | None:
        """Return the oldest entry that was moved to the end, unless an older one waits."""
        entry, arrival = next(iter(self._lasts.items()))
        lanes = chain.from_iterable(sources.values() for sources in self._lanes.values())
        return entry if all(lane.arrival() > arrival for lane in lanes) else None

    def _next_source(self, sources: dict[str, Lane]) -> str:
        """Return the source with the oldest turn. Sources without one come first, by arrival."""
        return min(sources, key=lambda name: (self._turns.get(name, -1), sources[name].arrival()))

    def _record_turn(self, taken: QueueEntry) -> None:
        self._turn += 1
        self._turns.pop(taken.source, None)  # re-insert, so that the dictionary's first key has the oldest turn
        self._turns[taken.source] = self._turn
        while len(self._turns) > 1000:
            del self._turns[next(iter(self._turns))]
        if taken.needs is not None:
            self.loaded = taken.needs


@dataclass(frozen=True)
class Snapshot:
    """A scheduler's rules, and its next entries with their arrivals. `overtakes` are the picks that have overtaken an entry."""

    rules: Scheduler
    entries: list[tuple[QueueEntry, int]]
    overtakes: dict[QueueEntry, list[tuple[int, float]]]

    def scheduler(self) -> Scheduler:
        """Return a scheduler with these entries, to be used once."""
        entries = sorted(self.entries, key=lambda one: one[1]) if self.rules.paused else self.entries
        for entry, arrival in entries:
            self.rules.begin(entry, arrival, self.overtakes.get(entry, ()))
        return self.rules
