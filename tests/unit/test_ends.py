"""The end of a task despite errors anywhere between the worker's event and the row, and despite any result of the host."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings

from fooocus_api.api.responses.public_urls import PublicUrls
from fooocus_api.api.schemas.task import record_of
from fooocus_api.tasks.lifecycle.result_files import ResultFiles
from fooocus_api.tasks.model import events, rows
from fooocus_api.tasks.model.active_tasks import ActiveTasks
from fooocus_api.tasks.model.image_record import MAX_PATH_LENGTH
from fooocus_api.tasks.model.task import Task, TaskError, TaskStatus, new_task_id
from fooocus_api.tests.support.fakes.breakage import ENGINES, PARTS, READS, Breakage
from fooocus_api.tests.support.fakes.host_results import (
    ERRORS,
    FILES,
    METADATA,
    OTHER_RESULTS,
    UNKNOWN_SEED,
    WHOLE,
    Leaving,
)
from fooocus_api.tests.support.fakes.simulation import World

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


SETTINGS = settings(
    max_examples=100,
    phases=(Phase.generate,),  # a hang takes a minute: it is reported without shrinking
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
BREAKAGES = given(
    broken=BROKEN,
    engines=BROKEN_ENGINES,
    saved=SAVED,
    others=OTHERS,
    how=st.sampled_from(["finished", "failed", "stopped", "mute"]),
    clicked=st.booleans(),
    began=st.booleans(),
)


@SETTINGS
@BREAKAGES
def test_no_exception_keeps_a_task_from_its_end(world: World, **breakage: Any) -> None:
    end_in_spite(world, **breakage)


@pytest.mark.nightly
@settings(SETTINGS, max_examples=1000)
@BREAKAGES
def test_none_of_many_more_exceptions_does(world: World, **breakage: Any) -> None:
    end_in_spite(world, **breakage)


def end_in_spite(
    world: World,
    broken: dict[str, Callable[[], BaseException]],
    engines: dict[str, tuple[Callable[[], BaseException], int]],
    saved: list[tuple[str, str]],
    others: list[str],
    how: str,
    clicked: bool,
    began: bool,
) -> None:
    """End a task while parts of the product fail, and check its row and its record."""
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
    with patch.object(world.machine.files, "relative_path", lambda path: "x" * (MAX_PATH_LENGTH + 1)):
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


def test_results_are_saved_also_while_the_interpreter_exits(monkeypatch: pytest.MonkeyPatch) -> None:
    results = ResultFiles(Any, Any, Any, Any)  # type: ignore[arg-type]  # none of them is used
    monkeypatch.setattr("concurrent.futures.thread._shutdown", True)  # as threading does before it calls exit handlers
    assert results.run(lambda: 5).result() == 5
    with pytest.raises(ZeroDivisionError):
        results.run(lambda: 1 // 0).result()
    results.close(1)
    with pytest.raises(RuntimeError):
        results.run(lambda: 5)
