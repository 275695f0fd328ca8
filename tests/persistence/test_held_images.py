"""Images that another program holds open: all else is deleted, and the images follow once they are free."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.adapters.image_log.entry import ENTRY, SPLIT
from fooocus_api.db.statements.filters import Filter
from fooocus_api.tasks.history import leftovers, retention
from fooocus_api.tasks.history.retention import RetentionPolicy
from fooocus_api.tests.support.fakes.fake_engine import PNG
from fooocus_api.tests.support.fakes.sharing_violations import SharingViolation, Violations
from fooocus_api.tests.support.fakes.simulation import World

ALL = Filter()


class Held:
    """Files whose deletion raises until their errors are cleared."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.errors: dict[Path, Callable[[], OSError]] = {}
        self.pauses: list[float] = []
        self.while_waiting: Callable[[], None] = lambda: None
        real = Path.unlink

        def unlink(path: Path, missing_ok: bool = False) -> None:
            if path in self.errors and path.exists():
                raise self.errors[path]()
            real(path, missing_ok)

        def sleep(seconds: float) -> None:
            self.pauses.append(seconds)
            self.while_waiting()

        monkeypatch.setattr(Path, "unlink", unlink)
        monkeypatch.setattr("fooocus_api.tasks.history.leftovers.sleep", sleep)

    def hold(self, path: Path) -> None:
        self.errors[path] = lambda: SharingViolation(str(path))


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    return Held(monkeypatch)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def drawn(world: World, number: int = 1) -> list[Path]:
    """Finish that many tasks of one image each, write the day's log, and return the images."""
    for _ in range(number):
        world.run(world.services.submissions.submit({"prompt": "a"}))
        world.machine.start()
        world.machine.save(reported=True)
        world.machine.end(None, grid=False, forgets=False, twice=False)
    world.settle()
    images = [world.outputs / row["images"][0] for row in world.rows().values() if row["images"]]
    write_log(world.outputs / "log.html", images)
    return images


def write_log(page: Path, images: list[Path]) -> None:
    entries = "".join(f"{ENTRY.format(image.name.replace('.', '_'))}of {image.name}</div>\n" for image in images)
    page.write_text(f"<html>{SPLIT}{entries}{SPLIT}</html>", "utf-8")


def journaled(world: World) -> list[str]:
    return world.journal.task_ids()


def task_of(world: World, image: Path) -> str:
    return next(task_id for task_id, row in world.rows().items() if row["images"] == [image.name])


ERRORS: dict[str, Callable[[], OSError]] = {
    "held": lambda: SharingViolation("x.png"),
    "no permission": lambda: PermissionError(13, "Permission denied"),
    "a stale handle": lambda: OSError(116, "Stale file handle"),
    "a broken disk": lambda: OSError(5, "Input/output error"),
    "a folder": lambda: IsADirectoryError(21, "Is a directory"),
}


@pytest.mark.parametrize("error", ERRORS)
def test_one_of_a_selection_keeps_no_other_from_being_deleted(
    world: World, held: Held, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    images = drawn(world, 3)
    task_id = task_of(world, images[1])
    held.errors[images[1]] = ERRORS[error]
    with caplog.at_level(logging.WARNING):
        removed = world.services.retention.remove_matching(ALL)
    assert (removed.tasks, removed.files_left) == (3, 1) and world.rows() == {}
    assert [image.exists() for image in images] == [False, True, False]
    page = (world.outputs / "log.html").read_text("utf-8")
    assert [image.name in page for image in images] == [False, True, False]
    assert journaled(world) == [task_id]
    (line,) = [record for record in caplog.records if "not deleted" in record.message]
    assert line.__dict__["path"] == str(images[1]) and line.__dict__["reason"]
    assert world.services.retention.is_left(images[1]) and not world.services.retention.is_left(images[0])
    held.errors.clear()
    drawn(world)
    assert not images[1].exists() and journaled(world) == []


def test_one_wait_is_for_the_whole_selection(world: World, held: Held, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "TASKS_PER_TRANSACTION", 2)
    for image in drawn(world, 7):
        held.hold(image)
    assert world.services.retention.remove_matching(ALL).files_left == 7
    assert held.pauses == list(leftovers.RETRY_PAUSES_S) and sum(leftovers.RETRY_PAUSES_S) < 1


def test_what_waiting_does_not_cure_is_not_waited_for(world: World, held: Held) -> None:
    (image,) = drawn(world)
    held.errors[image] = ERRORS["no permission"]
    assert world.services.retention.remove_matching(ALL).files_left == 1
    assert held.pauses == []


def test_a_scanner_is_waited_for(world: World, held: Held) -> None:
    images = drawn(world, 2)
    held.hold(images[0])
    held.while_waiting = lambda: held.errors.clear() if len(held.pauses) == 3 else None
    world.run(world.services.tasks.delete(task_of(world, images[0])))
    assert not images[0].exists() and len(held.pauses) == 3 and journaled(world) == []
    assert images[0].name not in (world.outputs / "log.html").read_text("utf-8")


def test_deleting_one_task_succeeds_and_its_image_goes_with_the_next(world: World, held: Held) -> None:
    first, second = drawn(world, 2)
    held.hold(first)
    world.run(world.services.tasks.delete(task_of(world, first)))
    assert first.exists() and len(world.rows()) == 1
    held.errors.clear()
    world.run(world.services.tasks.delete(task_of(world, second)))
    assert not first.exists() and not second.exists() and journaled(world) == []


def test_the_next_process_deletes_what_stayed(world: World, held: Held) -> None:
    (image,) = drawn(world)
    held.hold(image)
    world.run(world.services.tasks.delete(task_of(world, image)))
    world.cut_the_power()
    world.open()
    assert image.exists() and len(journaled(world)) == 1  # still held, and the API has started
    held.errors.clear()
    world.cut_the_power()
    world.open()
    assert not image.exists() and journaled(world) == []
    assert image.name not in (world.outputs / "log.html").read_text("utf-8")


def test_a_start_waits_for_a_scanner(world: World, held: Held) -> None:
    (image,) = drawn(world)
    held.hold(image)
    world.run(world.services.tasks.delete(task_of(world, image)))
    world.cut_the_power()
    held.pauses.clear()
    held.while_waiting = held.errors.clear
    world.open()
    assert not image.exists() and journaled(world) == [] and len(held.pauses) == 1


@pytest.mark.parametrize("error", [ValueError("bad"), RuntimeError("worse"), OSError(5, "Input/output error")])
@pytest.mark.parametrize("part", ["remove_images", "entries"])
def test_no_error_of_one_sweep_keeps_the_api_away(
    world: World, held: Held, monkeypatch: pytest.MonkeyPatch, error: Exception, part: str
) -> None:
    images = drawn(world, 3)
    for image in images:
        held.hold(image)
    world.services.retention.remove_matching(ALL)
    world.cut_the_power()
    held.errors.clear()
    from fooocus_api.images.storage.file_journal import FileJournal
    from fooocus_api.tests.support.fakes.fake_engine import HandFiles

    owner: Any = HandFiles if part == "remove_images" else FileJournal
    real, calls = getattr(owner, part), []

    def fails_once(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 2:
            raise error
        return real(*arguments)

    monkeypatch.setattr(owner, part, fails_once)
    world.open()
    assert len(calls) == 3 and len(journaled(world)) == 1
    assert sum(image.exists() for image in images) == 1
    assert world.complaints.said


def test_retention_goes_on_past_a_held_image(world: World, held: Held) -> None:
    images = drawn(world, 4)
    held.hold(images[0])
    assert world.services.retention.prune(RetentionPolicy(count=1)) == 3
    assert [image.exists() for image in images] == [True, False, False, True]
    held.errors.clear()
    assert world.services.retention.prune(RetentionPolicy(count=1)) == 0
    assert not images[0].exists()


def test_an_image_that_is_handed_over_goes_when_it_can(
    world: World, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [world.outputs / name for name in ("a.png", "b.png")]
    for path in paths:
        path.write_bytes(PNG)
    held.hold(paths[0])
    monkeypatch.setattr(retention, "EXPIRY_S", -1)
    world.services.retention.expire_later([path.name for path in paths])
    world.services.retention.expire_later([])
    assert [path.exists() for path in paths] == [True, False]
    held.errors.clear()
    world.services.retention.expire_later([])
    assert not paths[0].exists()


def test_an_image_that_was_never_done_goes_when_it_can(world: World, held: Held) -> None:
    world.run(world.services.submissions.submit({"prompt": "a"}))
    world.machine.start()
    world.machine.save(reported=False)
    (half,) = world.outputs.glob("*.png")
    held.hold(half)
    task_id = world.machine.end(None, grid=False, forgets=False, twice=False)
    world.settle()
    assert half.exists() and journaled(world) == [task_id] and held.pauses == list(leftovers.RETRY_PAUSES_S)
    held.errors.clear()
    drawn(world)
    assert not half.exists() and journaled(world) == []


def test_another_file_of_the_same_name_stays(world: World, held: Held) -> None:
    """Spare a new image under the name of a held one that was moved away."""
    (image,) = drawn(world)
    held.hold(image)
    world.run(world.services.tasks.delete(task_of(world, image)))
    os.replace(image, image.with_name("away"))
    image.write_bytes(PNG * 2)
    held.errors.clear()
    world.services.retention.expire_later([])
    assert image.read_bytes() == PNG * 2 and not world.services.retention.is_left(image) and journaled(world) == []


def test_an_entry_whose_page_is_held_goes_later(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (image,) = drawn(world)
    page = world.outputs / "log.html"
    monkeypatch.setattr("fooocus_api.tasks.history.leftovers.sleep", lambda _: None)
    violations = Violations(tmp_path / "state", world.outputs, every=0)
    violations.hold("*/log.html")
    with violations.here():
        assert world.services.retention.remove_matching(ALL).files_left == 1
        assert image.name in page.read_text("utf-8") and not image.exists() and journaled(world)
        violations.hold()
        world.services.retention.expire_later([])
    assert image.name not in page.read_text("utf-8") and not journaled(world)
    assert [path.name for path in world.outputs.iterdir()] == ["log.html"]


def test_a_page_that_is_no_utf_8_keeps_nothing_from_being_deleted(world: World) -> None:
    images = drawn(world, 2)
    (world.outputs / "log.html").write_bytes("<html>Größe".encode("latin-1"))
    removed = world.services.retention.remove_matching(ALL)
    assert (removed.tasks, removed.files_left) == (2, 0) and not any(image.exists() for image in images)
    assert journaled(world) == [] and not world.complaints.said
