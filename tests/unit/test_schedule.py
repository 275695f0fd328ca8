"""Order of the queue for arrivals of every kind: its bounds, its fairness and the model loads it saves."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from itertools import count
from typing import Any

import pytest

from fooocus_api.adapters.task_args.workload_fields import model_needs
from fooocus_api.tasks.model.workload.workload import ModelNeeds
from fooocus_api.tasks.queue.scheduler import QueueEntry, Scheduler


def needs(checkpoint: str, lora: str = "") -> ModelNeeds:
    return ModelNeeds((checkpoint, "None", "Default (model)"), frozenset({(lora, 1.0)} if lora else ()))


def drain(schedule: Scheduler, entries: Iterable[QueueEntry] = (), now: float = 0.0) -> list[Any]:
    """Return the keys in the order in which the entries are picked."""
    for entry in entries:
        schedule.add(entry)
    order = []
    while (taken := schedule.next(now)) is not None:
        schedule.discard(taken)
        order.append(taken.key)
    return order


def predicted(schedule: Scheduler, now: float) -> list[Any]:
    return drain(schedule.snapshot(1000).scheduler(), now=now)


def test_alone_a_source_is_served_in_order() -> None:
    assert drain(Scheduler(), [QueueEntry(str(number)) for number in range(5)]) == ["0", "1", "2", "3", "4"]


def test_a_click_waits_for_one_task_of_a_flood() -> None:
    flood = [QueueEntry(f"bot {number}", "key-1") for number in range(300)]
    schedule = Scheduler()
    for entry in flood:
        schedule.add(entry)
    first = schedule.next(0.0)
    assert first is flood[0]
    schedule.discard(first)
    schedule.add(QueueEntry("click", "webui"))
    assert drain(schedule)[0] == "click"


def test_sources_take_turns() -> None:
    entries = [QueueEntry(f"a{number}", "a") for number in range(4)]
    entries += [QueueEntry("b0", "b"), QueueEntry("c0", "c"), QueueEntry("b1", "b")]
    assert drain(Scheduler(), entries) == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


def test_a_higher_priority_goes_first_and_the_front_before_all() -> None:
    entries = [
        QueueEntry("low", priority=-1),
        QueueEntry("normal"),
        QueueEntry("high", priority=5),
        QueueEntry("front", front=True),
    ]
    assert drain(Scheduler(), entries) == ["front", "high", "normal", "low"]


def test_first_come_first_served_when_asked_for() -> None:
    entries = [QueueEntry("a", "x", 0), QueueEntry("b", "y", 9, needs=needs("m")), QueueEntry("c", "z", 0)]
    assert drain(Scheduler(fifo=True), entries) == ["a", "b", "c"]


def test_what_is_loaded_goes_first_the_best_match_before_all() -> None:
    schedule = Scheduler(loaded=needs("a", "style"))
    entries = [
        QueueEntry("other", needs=needs("b")),
        QueueEntry("same", needs=needs("a")),
        QueueEntry("all", needs=needs("a", "style")),
    ]
    assert drain(schedule, entries) == ["all", "same", "other"]


def test_24_tasks_of_two_checkpoints_need_three_loads_at_most() -> None:
    schedule = Scheduler()
    order = drain(schedule, [QueueEntry("ab"[number % 2], needs=needs("ab"[number % 2])) for number in range(24)])
    loads = sum(before != after for before, after in zip([None, *order], order, strict=False))
    assert 48 / (24 + loads) >= 1.7, "".join(order)


def test_the_forecast_is_what_happens_and_changes_nothing() -> None:
    entries = [
        QueueEntry(number, source="xyz"[number % 3], priority=number % 2, needs=needs("ab"[number % 2]))
        for number in range(40)
    ]
    schedule = Scheduler()
    for entry in entries:
        schedule.add(entry)
    forecast = predicted(schedule, 0.0)
    assert len(forecast) == 40 and forecast == predicted(schedule, 0.0)
    assert forecast == drain(schedule)


@pytest.mark.parametrize("seed", range(40))
def test_the_forecast_is_what_happens_whatever_waits(seed: int) -> None:
    chance = random.Random(seed)
    models = ["a", "b", "c"][: chance.randint(1, 3)]

    def entry(number: int) -> QueueEntry:
        return QueueEntry(
            number,
            source=chance.choice("xyz"[: chance.randint(1, 3)]),
            priority=chance.choice([0, 0, 0, 1]),
            front=chance.random() < 0.1,
            last=chance.random() < 0.1,
            needs=chance.choice(
                [None, needs(chance.choice(models)), needs(chance.choice(models), chance.choice("pq"))]
            ),
            overtaken=chance.choice([0, 0, 0, 3, 8]),
            since=chance.choice([None, 0.0, 70.0]),
        )

    schedule = Scheduler(
        fifo=chance.random() < 0.1,
        max_overtakes=chance.choice([0, 2, 8]),
        loaded=chance.choice([None, needs("a"), needs("a", "p"), ModelNeeds()]),
    )
    assert drain(schedule, [QueueEntry("before", source="x")]) == ["before"]
    entries = [entry(number) for number in range(chance.randint(1, 60))]
    for waiting in entries:
        schedule.add(waiting)
    for waiting in chance.sample(entries, len(entries) // 4):
        schedule.discard(waiting)
    for _ in range(chance.randint(0, 5)):
        if (taken := schedule.next(chance.choice([10.0, 90.0]))) is not None:
            schedule.discard(taken)
    if chance.random() < 0.3:
        schedule.add_first(QueueEntry("moved", front=True))
    forecast = predicted(schedule, 100.0)
    assert forecast == drain(schedule, now=100.0)


@pytest.mark.parametrize("seed", range(40))
def test_the_index_picks_as_a_walk_over_all_entries_does(seed: int) -> None:
    """Compare each pick with the rules applied to a plain list, while tasks arrive, are withdrawn and are picked."""
    chance = random.Random(seed)
    schedule = Scheduler(max_overtakes=chance.choice([0, 1, 3, 8]), max_overtake_s=chance.choice([0.0, 20.0, 60.0]))
    walk = Walk(schedule.max_overtakes, schedule.max_overtake_s)
    numbers, now = count(), 0.0
    for _ in range(300):
        now += chance.choice([0.0, 1.0, 30.0])
        action = chance.random()
        if action < 0.6:
            entry = QueueEntry(
                next(numbers),
                chance.choice("xyz"),
                chance.choice([0, 0, 0, 1]),
                needs=chance.choice([None, needs("a"), needs("b"), needs("a", "p"), needs("a", "q")]),
            )
            schedule.add(entry)
            walk.waiting.append(entry)
        elif action < 0.7 and walk.waiting:
            withdrawn = chance.choice(walk.waiting)
            schedule.discard(withdrawn)
            walk.waiting.remove(withdrawn)
        elif walk.waiting:
            taken = schedule.next(now)
            assert taken is walk.next(now)
            assert taken is not None
            schedule.discard(taken)


class Walk:
    """The scheduler's rules, applied to a list of all entries."""

    def __init__(self, max_overtakes: int, max_overtake_s: float) -> None:
        self.waiting: list[QueueEntry] = []
        self._limits = max_overtakes, max_overtake_s
        self._turns: dict[str, int] = {}
        self._overtaken: Counter[Any] = Counter()
        self._since: dict[Any, float] = {}
        self._loaded: ModelNeeds | None = None

    def next(self, now: float) -> QueueEntry:
        highest = max(entry.priority for entry in self.waiting)
        urgent = [entry for entry in self.waiting if entry.priority == highest]
        source = min((entry.source for entry in urgent), key=lambda name: self._turns.get(name, -1))
        own = [entry for entry in urgent if entry.source == source]
        oldest, (most, longest) = own[0], self._limits
        overdue = self._overtaken[oldest.key] >= most or now - self._since.get(oldest.key, now + 1) >= longest
        taken = oldest if overdue else max(own, key=lambda one: one.needs.match(self._loaded) if one.needs else 0)
        for entry in own[: own.index(taken)]:
            self._overtaken[entry.key] += 1
            self._since.setdefault(entry.key, now)
        self._turns[source] = max(self._turns.values(), default=0) + 1
        self._loaded = taken.needs or self._loaded
        self.waiting.remove(taken)
        return taken


@pytest.mark.parametrize("seed", range(5))
def test_over_random_arrivals_the_bounds_hold(seed: int) -> None:
    """Simulate 10,000 arrivals in all, one to sixty seconds apart: no task is overtaken too often or for too long."""
    chance = random.Random(seed)
    schedule = Scheduler(max_overtakes=8, max_overtake_s=60)
    sources, checkpoints, numbers = ["webui", "key-1", "key-2", "key-3"], ["a", "b", "c"], count()
    waiting: list[QueueEntry] = []
    arrived: dict[int, float] = {}
    overtaken: Counter[int] = Counter()
    first_overtaken: dict[int, float] = {}
    now, done = 0.0, 0
    while done < 2000:
        for _ in range(chance.choice([0, 0, 1, 1, 1, 2, 3] if len(arrived) < 2000 else [0])):
            entry = QueueEntry(next(numbers), chance.choice(sources), needs=needs(chance.choice(checkpoints)))
            arrived[entry.key] = now
            waiting.append(entry)
            schedule.add(entry)
        if waiting:
            taken = schedule.next(now)
            assert taken is not None
            schedule.discard(taken)
            index = waiting.index(taken)
            del waiting[index]
            for entry in waiting[:index]:
                if entry.source == taken.source:
                    overtaken[entry.key] += 1
                    assert overtaken[entry.key] <= 8
                    assert now - first_overtaken.setdefault(entry.key, now) < 60
            done += 1
        now += chance.choice([1.0, 5.0, 20.0, 60.0])
    assert len(overtaken) > 100


def test_needs_are_read_from_a_request() -> None:
    request = {
        "base_model_name": "a.safetensors",
        "refiner_model_name": "None",
        "vae_name": "Default (model)",
        "performance_selection": "Speed",
        "loras": [
            {"enabled": True, "model_name": "style.safetensors", "weight": 0.5},
            {"enabled": False, "model_name": "other.safetensors", "weight": 1},
            {"enabled": True, "model_name": "None", "weight": 1},
        ],
    }
    found = model_needs(request)
    assert found == model_needs({**request, "prompt": "another", "loras": request["loras"][:1]})
    assert found.match(found) == 4
    assert found.match(model_needs({**request, "performance_selection": "Lightning"})) == 3
    assert found.match(model_needs({**request, "base_model_name": "b.safetensors"})) == 0
    assert model_needs({}).match(None) == 0
