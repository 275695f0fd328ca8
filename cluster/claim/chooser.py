"""The choice among the candidates of a free node: the scheduler's, which waits a little for a node that has the model loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ...tasks.model.workload.workload import ModelNeeds
from ...tasks.queue.scheduler import QueueEntry, Scheduler
from .candidates import ClaimChoices, SourceJobs


@dataclass(frozen=True)
class Rules:
    """The flags of the scheduler."""

    fifo: bool = False
    max_overtakes: int = 8
    max_overtake_s: float = 60.0


@dataclass(frozen=True)
class NodeModels:
    """The models in this node's memory, None for none, and the checkpoints that other free or busy nodes have."""

    loaded: ModelNeeds | None
    elsewhere: Collection[str] = frozenset()


@dataclass(frozen=True)
class Choice:
    """The chosen entry, None if the node waits for others. `overtaking` is its rank and the time if it overtakes an older one of
    its source."""

    entry: QueueEntry | None
    overtaking: tuple[int, float] | None = None


NOTHING = Choice(None)


def choose(candidates: ClaimChoices, rules: Rules, models: NodeModels, *, patient: bool) -> Choice:
    """Return the task that the node generates next.

    Args:
        patient: leave a task to another node that has its checkpoint loaded. Take another one, if the task was not overtaken
            too often or too long.
    """
    if candidates.first is not None:
        return Choice(candidates.first)
    everything = [pair for lane in candidates.lanes.values() for pair in lane.entries]
    entry = _pick(candidates, rules, models.loaded, everything, candidates.lanes)
    if entry is None:
        return NOTHING
    if patient and _is_of_another(entry, models):
        if _is_overdue(candidates, rules, candidates.lanes[entry.source]):
            return NOTHING  # the other node takes it next, and nothing overtakes it again
        allowed = [
            pair
            for lane in candidates.lanes.values()
            for pair in (lane.entries[:1] if _is_overdue(candidates, rules, lane) else lane.entries)
        ]
        own = [pair for pair in allowed if not _is_of_another(pair[0], models)]
        other = _pick(candidates, rules, models.loaded, own, {})
        if other is None and models.loaded is not None:
            return NOTHING
        entry = other or entry  # a node without a model has to load one in any case
    entries = candidates.lanes[entry.source].entries
    (rank,) = (rank for one, rank in entries if one is entry)
    return Choice(entry, None if entry is entries[0][0] else (rank, candidates.now))


def _pick(
    candidates: ClaimChoices,
    rules: Rules,
    loaded: ModelNeeds | None,
    entries: Iterable[tuple[QueueEntry, int]],
    lanes: Mapping[str, SourceJobs],
) -> QueueEntry | None:
    """Return the scheduler's choice among these entries. `lanes` have the picks that have overtaken their first entries."""
    scheduler = Scheduler(rules.fifo, rules.max_overtakes, rules.max_overtake_s, loaded)
    scheduler.restore_turns(candidates.turns)
    begun: set[str] = set()
    for entry, rank in entries:
        lane = lanes.get(entry.source) if entry.source not in begun else None
        begun.add(entry.source)
        scheduler.begin(entry, rank, lane.overtakes if lane else ())
    return scheduler.next(candidates.now)


def _is_of_another(entry: QueueEntry, models: NodeModels) -> bool:
    """Return whether another node has the entry's checkpoint in memory, and this one has not."""
    needs = entry.needs
    if needs is None or not needs.models or needs.models[0] not in models.elsewhere:
        return False
    return needs.match(models.loaded) == 0


def _is_overdue(candidates: ClaimChoices, rules: Rules, lane: SourceJobs) -> bool:
    overtakes = lane.overtakes
    return bool(overtakes) and (
        len(overtakes) >= rules.max_overtakes or candidates.now - overtakes[0][1] >= rules.max_overtake_s
    )
