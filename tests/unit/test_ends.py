"""The end of a task despite errors anywhere between the worker's event and the row, and despite any result of the host."""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis.strategies as st
import numpy
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from fooocus_api.api.responses.public_urls import PublicUrls
from fooocus_api.api.schemas.task import record_of
from fooocus_api.tasks.history.retention import Retention
from fooocus_api.tasks.lifecycle import observers
from fooocus_api.tasks.lifecycle.metrics import Metrics
from fooocus_api.tasks.lifecycle.observers import TaskLog
from fooocus_api.tasks.lifecycle.result_files import ResultFiles
from fooocus_api.tasks.model import events, gaps, image_record, rows
from fooocus_api.tasks.model.active_tasks import ActiveTasks
from fooocus_api.tasks.model.image_record import MAX_PATH_LENGTH
from fooocus_api.tasks.model.task import TERMINAL_STATUSES, Task, TaskError, TaskStatus, new_task_id
from fooocus_api.tasks.queue.estimator import Estimator
from fooocus_api.tasks.queue.eta import EtaCalculator
from fooocus_api.tasks.streaming.broadcaster import Broadcaster
from fooocus_api.tasks.webhooks.delivery import Webhooks
from fooocus_api.tests.support.fake_engine import PNG
from fooocus_api.tests.support.simulation import World

# ---------------------------------------------------------------- results of the host


class Mute(Exception):
    """An exception whose `__str__` raises."""

    def __str__(self) -> str:
        raise RuntimeError("mute")


class Leaving(SystemExit):
    """The exit of a library that mistakes itself for a program."""


def _endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["itself"] = value
    return value


def _png(width: int, height: int) -> bytes:
    """Return a PNG with this size in its header and no rows."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


FILES: dict[str, bytes | None] = {
    "good": PNG,
    "of 400 megapixels": _png(20_000, 20_000),
    "cut in its header": PNG[:20],
    "no image": b"<html>",
    "empty": b"",
    "gone": None,
}
WHOLE = ("good", "of 400 megapixels")
"""Complete files."""

METADATA: dict[str, Any] = {
    "plain": {"seed": "7", "prompt": "a cat"},
    "numbers of numpy": {
        "seed": numpy.int64(7),
        "scale": numpy.float32(1.5),
        "nan": float("nan"),
        "list": numpy.ones(3),
    },
    "half of a character": {"seed": "7", "prompt": "\ud800 and \x00"},
    "a circle": _endless(),
    "no JSON": {1: object(), None: b"bytes", "set": {1, 2}, "mute": Mute()},
    "a seed of 30 digits": {"seed": "9" * 30},
    "a seed beyond the database's": {"seed": str(2**63)},
    "digits that are none": {"seed": "²"},
    "a huge number": {"steps": 10**5000},
    "no dictionary": 7,
}
UNKNOWN_SEED = ("a seed of 30 digits", "a seed beyond the database's", "no dictionary")

OTHER_RESULTS: dict[str, Any] = {
    "array": numpy.zeros((2, 2, 3), numpy.uint8),
    "nothing": None,
    "path": Path("a.png"),
    "outside": "/nowhere/a.png",
    "impossible": "\x00.png",
}
ERRORS: tuple[Callable[[], BaseException], ...] = (
    lambda: ValueError("bad"),
    lambda: OSError(28, "No space left on device"),
    lambda: RuntimeError("\ud800\x00"),
    MemoryError,
    RecursionError,
    Mute,
    lambda: Leaving(3),
)

# ------------------------------------------------------------------ failing parts

READS = ("relative_path", "is_kept", "save_array", "read_header")
PARTS = {
    "relative_path": lambda world: (world.machine, "relative_path"),
    "is_kept": lambda world: (world.machine, "is_kept"),
    "save_array": lambda world: (world.machine, "save_array"),
    "remove_images": lambda world: (world.machine, "remove_images"),
    "read_header": lambda world: (image_record, "read_header"),
    "journal entries": lambda world: (world.journal, "entries"),
    "journal clear": lambda world: (world.journal, "clear"),
    "estimate of the end": lambda world: (Estimator, "on_ended"),
    "estimate of the start": lambda world: (Estimator, "on_started"),
    "forecast of one": lambda world: (EtaCalculator, "outlook"),
    "forecast of some": lambda world: (EtaCalculator, "outlooks"),
    "count of events": lambda world: (Metrics, "count_event"),
    "count of tasks": lambda world: (Metrics, "observe_task"),
    "webhook": lambda world: (Webhooks, "ended"),
    "wake": lambda world: (Webhooks, "wake"),
    "expire later": lambda world: (Retention, "expire_later"),
    "log": lambda world: (observers.log, "log"),
    "complaint": lambda world: (gaps.log, "exception"),
    "observation": lambda world: (TaskLog, "on_event"),
}
"""Parts that the end of a task calls; each may fail on every call."""
ENGINES = {
    "publish": (1, lambda world: (Broadcaster, "publish")),
    "update": (3, lambda world: (world.repository, "update")),
    "insert": (3, lambda world: (world.repository, "insert")),
    "changes": (3, lambda world: (rows, "changes")),
}
"""Parts that the end itself consists of: each fails at most this many times, and then works."""


OF_THE_END: dict[str, Callable[[tuple[Any, ...]], bool]] = {
    "publish": lambda args: args[1] in TERMINAL_STATUSES,
    "update": lambda args: args[1].get("status") in TERMINAL_STATUSES,
    "insert": lambda args: args[0]["status"] in TERMINAL_STATUSES,
    "changes": lambda args: args[0].status.is_terminal,
}


class Breakage:
    """Makes parts of a world fail, and records which of them were called."""

    def __init__(self, world: World, broken: dict[str, Callable[[], BaseException]], times: dict[str, int]) -> None:
        self.world, self.broken, self.times = world, broken, dict(times)
        self.called: set[str] = set()

    @contextmanager
    def begin(self) -> Iterator[None]:
        """Make the parts fail within the `with` block."""
        patches = []
        for name, error in self.broken.items():
            place = PARTS[name] if name in PARTS else ENGINES[name][1]
            owner, attribute = place(self.world)
            patches.append(patch.object(owner, attribute, self._failing(name, error, getattr(owner, attribute))))
        for each in patches:
            each.start()
        try:
            yield
        finally:
            for each in reversed(patches):
                each.stop()

    def _failing(self, name: str, error: Callable[[], BaseException], real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if name in ENGINES:
                if not OF_THE_END[name](args) or self.times.get(name, 0) <= 0:
                    return real(*args, **kwargs)
                self.times[name] -= 1
            self.called.add(name)
            raise error()

        return call


ANY_ERROR = st.sampled_from(ERRORS)
BROKEN = st.dictionaries(st.sampled_from(sorted(PARTS)), ANY_ERROR, max_size=6)
BROKEN_ENGINES = st.dictionaries(st.sampled_from(sorted(ENGINES)), st.tuples(ANY_ERROR, st.integers(1, 3)), max_size=2)
SAVED = st.lists(st.tuples(st.sampled_from(sorted(FILES)), st.sampled_from(sorted(METADATA))), max_size=3)
OTHERS = st.lists(st.sampled_from(sorted(OTHER_RESULTS)), max_size=2)


@pytest.fixture(scope="module", autouse=True)
def unheard() -> Iterator[None]:
    """Keep log lines out of pytest's report: some contain lone surrogates, which can't be sent to another process."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Yield one process for all examples; each has a task of its own."""
    world = World(end_write_timeout_s=30)
    yield world
    world.close()


@settings(
    max_examples=400,
    phases=(Phase.generate,),  # a hang takes a minute: it is reported without shrinking
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    broken=BROKEN,
    engines=BROKEN_ENGINES,
    saved=SAVED,
    others=OTHERS,
    how=st.sampled_from(["finished", "failed", "stopped", "mute"]),
    clicked=st.booleans(),
    began=st.booleans(),
)
def test_no_exception_keeps_a_task_from_its_end(
    world: World,
    broken: dict[str, Callable[[], BaseException]],
    engines: dict[str, tuple[Callable[[], BaseException], int]],
    saved: list[tuple[str, str]],
    others: list[str],
    how: str,
    clicked: bool,
    began: bool,
) -> None:
    note(f"{how}, clicked {clicked}, began {began}, saved {saved}, others {others}")
    note(f"fails: { {name: repr(type(error())) for name, error in broken.items()} } {engines}")
    task_id = arrived(world, clicked)
    times = {name: min(most, ENGINES[name][0]) for name, (_, most) in engines.items()}
    if "update" in times and "changes" in times:  # both are retried in each of four forms
        times["changes"] = 3 - min(times["update"], 2)
        times["update"] = min(times["update"], 2)
    breakage = Breakage(world, {**broken, **{name: error for name, (error, _) in engines.items()}}, times)
    paths = files(world, task_id, saved)
    with breakage.begin():
        if began:
            world.bus.emit(events.Started(task_id))
        for path, (_, metadata) in zip(paths, saved, strict=True):
            world.bus.emit(events.ImageSaved(task_id, path, METADATA[metadata]))
        ended = world.run(
            told(world, task_id, ending(task_id, [*paths, *(OTHER_RESULTS[name] for name in others)], how))
        )
        world.settle()
    row = world.rows()[task_id]
    found = world.repository.read(lambda: world.repository.get(task_id))
    assert found is not None
    task = rows.from_row(found)
    wanted = {"mute": "failed"}.get(how, how)
    assert row["status"] in ({wanted, "failed"} if how == "finished" else {wanted})
    assert row["status"] == wanted or (task.error is not None and task.error.type == "NotSaved")
    assert ended.status.value == row["status"] and row["finished_at"] >= row["queued_at"]
    assert world.services.active.get(task_id) is None, "it is still alive"
    if not clicked and "webhook" not in breakage.called:
        webhook = world.repository.read(lambda: world.repository.outbox.of(task_id))
        assert webhook is not None and webhook[0].state == "pending"
    missing = task.notes.get("incomplete", [])
    assert all(isinstance(sentence, str) and sentence for sentence in missing)
    for said in (task, ended):
        record = record_of(said, PublicUrls(None, "http://host"), lambda _: b"")
        json.dumps(record, allow_nan=False, ensure_ascii=False).encode("utf-8")
        assert record.get("incomplete", []) == said.notes.get("incomplete", [])
    complete = (
        all(file in WHOLE for file, _ in saved)
        and not any(metadata in UNKNOWN_SEED for _, metadata in saved)
        and not others
        and not {*READS, "webhook", *ENGINES} & breakage.called
    )
    if complete:
        assert not missing
        assert {image.path for image in task.images} == {Path(path).name for path in paths}
        assert all(image.width and image.format == "png" for image in task.images)
    if {"relative_path", "read_header"} & breakage.called or {"update", "changes"} & breakage.called:
        assert missing, "something is missing, and the record does not say so"


def arrived(world: World, clicked: bool) -> str:
    """Queue a task and return its id."""
    if clicked:
        task_id = new_task_id()
        world.bus.emit(events.Queued(task_id, "webui", {"prompt": "clicked \ud800", "sharpness": float("nan")}))
        world.settle()
        return task_id
    submitted = world.run(world.services.submissions.submit({"prompt": "sent"}, webhook_url="http://receiver/"))
    world.machine.queue.clear()
    world.settle()
    return submitted.task.task_id


def files(world: World, task_id: str, saved: list[tuple[str, str]]) -> list[str]:
    paths = []
    for number, (content, _) in enumerate(saved):
        path = world.outputs / f"{task_id[:8]}-{number}.png"
        if (data := FILES[content]) is not None:
            path.write_bytes(data)
        paths.append(str(path))
    return paths


def ending(task_id: str, results: list[Any], how: str) -> events.Ended:
    if how == "finished":
        return events.Finished(task_id, results)
    if how == "stopped":
        return events.Stopped(task_id, results)
    return events.Failed(task_id, results, TaskError("Error", "\ud800\x00" if how == "mute" else "it broke"))


async def told(world: World, task_id: str, event: events.Ended) -> Task:
    """Return the task as a client receives it that began to wait before its end."""
    waiting = asyncio.ensure_future(world.services.tasks.wait(task_id))
    await asyncio.sleep(0)
    world.bus.emit(event)
    return await waiting


# ------------------------------------------------------------------- single cases


@pytest.mark.parametrize("content", sorted(FILES))
def test_what_cannot_be_read_of_a_file_is_named(world: World, content: str) -> None:
    task_id = arrived(world, clicked=False)
    (path,) = files(world, task_id, [(content, "plain")])
    task = world.run(told(world, task_id, events.Finished(task_id, [path])))
    assert task.status is TaskStatus.FINISHED and [image.path for image in task.images] == [Path(path).name]
    missing = task.notes.get("incomplete", [])
    if content in WHOLE:
        assert not missing and task.images[0].width == (20_000 if "megapixels" in content else 8)
    else:
        assert len(missing) == 1 and missing[0].startswith(f"outputs/{Path(path).name}: size and format unknown: ")


def test_a_path_that_no_row_holds_is_left_out(world: World) -> None:
    task_id = arrived(world, clicked=False)
    with patch.object(world.machine, "relative_path", lambda path: "x" * (MAX_PATH_LENGTH + 1)):
        task = world.run(told(world, task_id, events.Finished(task_id, ["/somewhere/x.png"])))
    assert task.status is TaskStatus.FINISHED and task.images == []
    assert any(sentence.startswith("an image whose path has more than") for sentence in task.notes["incomplete"])


def test_a_click_whose_row_could_not_be_written_has_one_at_its_end(world: World) -> None:
    task_id = new_task_id()
    with patch.object(world.repository, "insert", side_effect=ValueError("refused")):
        world.bus.emit(events.Queued(task_id, "webui", {"prompt": "clicked"}))
        world.settle()
    assert task_id not in world.rows()
    (path,) = files(world, task_id, [("good", "plain")])
    world.bus.emit(events.Started(task_id))
    world.run(told(world, task_id, events.Finished(task_id, [path])))
    row = world.rows()[task_id]
    assert (row["status"], row["images"]) == ("finished", [Path(path).name])


def test_the_bus_outlives_whatever_a_handler_raises(world: World) -> None:
    with patch.object(ActiveTasks, "get", side_effect=Leaving(1)):
        world.bus.emit(events.Moved("0" * 32))
        world.settle()
    task_id = arrived(world, clicked=True)
    assert world.rows()[task_id]["status"] == "pending"


def test_results_that_nothing_can_be_made_of_are_left_out(world: World) -> None:
    task_id = arrived(world, clicked=False)
    (path,) = files(world, task_id, [("good", "plain")])
    with patch.object(ResultFiles, "with_results", side_effect=Leaving(1)):
        task = world.run(told(world, task_id, events.Finished(task_id, [path, object()])))
    assert task.status is TaskStatus.FINISHED and [image.path for image in task.images] == [Path(path).name]
    assert task.notes["incomplete"][0].startswith("the results: ")


def test_the_error_of_a_handler_of_the_end_ends_the_task_all_the_same(world: World) -> None:
    task_id = arrived(world, clicked=False)
    with patch.object(ResultFiles, "are_kept", side_effect=Leaving(1)):
        task = world.run(told(world, task_id, events.Finished(task_id, [])))
    assert task.status.is_terminal and world.rows()[task_id]["status"] == task.status.value
