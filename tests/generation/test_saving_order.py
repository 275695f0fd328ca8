"""Saves off the worker's thread, on a real thread that loops as Fooocus's does: order, failures, and what is saved in place."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from PIL import Image

from fooocus_api.adapters.worker.queue_items import QueuedTask
from fooocus_api.adapters.worker.worker import TaskHandling
from fooocus_api.tasks.model import events
from fooocus_api.tests.support.client import wait_for
from fooocus_api.tests.support.hosts import host_logger
from fooocus_api.tests.support.hosts.host_logger import Disk, logger_of, picture
from fooocus_api.tests.support.hosts.host_worker import AsyncTask, Seam

SHAPES = [(64, 96, 3), (64, 96, 4), (64, 96)]
"""Colour, colour with transparency, and grey."""
FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk()
    monkeypatch.setattr(Image.Image, "save", lambda self, fp, *args, **options: disk.save(self, fp, *args, **options))
    return disk


@pytest.fixture
def logger(tmp_path: Path) -> ModuleType:
    return logger_of(host_logger.LIKE_THE_HOST, tmp_path)


@pytest.fixture
def host(seam: Seam, logger: ModuleType, disk: Disk) -> Iterator[Seam]:
    """Yield a host whose images are saved off the worker's thread, once the WebUI is built."""
    seam.worker.saves.patch(logger, seam.hooks)
    seam.worker.patch_log(logger, seam.hooks)
    seam.worker.attach(TaskHandling(saves_later=True))
    yield seam
    for event in disk.held.values():
        event.set()


class Images:
    """Work of a task that logs images: `number` of them, and reports results after each as the host does."""

    def __init__(self, logger: ModuleType, folder: Path, number: int = 1, end: Exception | None = None, **log: Any):
        self.logger = logger
        self.folder = folder
        self.number = number
        self.end = end
        self.log = log

    def __call__(self, task: AsyncTask) -> None:
        for index in range(self.number):
            task.yields.append(["preview", (index, "Sampling step 1/1", picture(index))])
            path = self.logger.log(picture(index), [("Seed", "seed", str(index))], str(self.folder), **self.log)
            task.results = [*task.results, path]
            task.yields.append(["results", task.results])
        if self.end is not None:
            raise self.end


def append(seam: Seam, task_id: str, task: AsyncTask) -> str:
    seam.worker.queue.append_task(QueuedTask(task_id * 32, lambda: task))  # type: ignore[union-attr]
    return task_id * 32


def until_ends(seam: Seam, number: int) -> list[events.Event]:
    return [event for _ in range(number) for event in seam.until_end()]


def names(seen: list[events.Event]) -> list[tuple[str, str]]:
    return [(event.task_id[0], type(event).__name__) for event in seen if not isinstance(event, events.Queued)]


def test_reports_come_in_the_order_of_the_worker(host: Seam, logger: ModuleType, disk: Disk, tmp_path: Path) -> None:
    slow, quick = disk.hold("1.png"), disk.hold("2.png")
    append(host, "a", AsyncTask(Images(logger, tmp_path)))
    append(host, "b", AsyncTask(Images(logger, tmp_path)))
    wait_for(lambda: len(disk.threads) == 2, "the worker to continue", 10)
    quick.set()
    wait_for(lambda: (tmp_path / "2.png").exists(), "the second image", 10)
    assert not (tmp_path / "1.png").exists()
    seen = [host.seen.get(timeout=10) for _ in range(4)]
    assert names(seen) == [("a", "Started"), ("a", "Preview")] and host.seen.empty()
    slow.set()
    assert names(until_ends(host, 2)) == [
        *[("a", "ImageSaved"), ("a", "Finished")],
        *[("b", "Started"), ("b", "Preview"), ("b", "ImageSaved"), ("b", "Finished")],
    ]
    assert {thread.name for thread in disk.threads.values()} == {"fooocus-api-saving"}


def test_events_carry_the_time_when_they_happened(host: Seam, logger: ModuleType, disk: Disk, tmp_path: Path) -> None:
    slow = disk.hold("1.png")
    append(host, "a", AsyncTask(Images(logger, tmp_path)))
    append(host, "b", AsyncTask(Images(logger, tmp_path)))
    wait_for(lambda: len(disk.threads) == 2 and host.worker.current is None, "the worker to be done", 10)
    slow.set()
    clocks = [event.clock_s for event in until_ends(host, 2) if not isinstance(event, events.Queued)]
    assert clocks == sorted(clocks)


def test_previews_that_wait_lose_their_pictures_but_for_the_last(
    host: Seam, logger: ModuleType, disk: Disk, tmp_path: Path
) -> None:
    slow = disk.hold("1.png")

    def steps(task: AsyncTask) -> None:
        Images(logger, tmp_path)(task)
        for step in range(20):
            task.yields.append(["preview", (step, f"Sampling step {step}/20", picture(step))])
        host.worker.run_between_tasks(slow.set)

    append(host, "a", AsyncTask(steps))
    seen = [event for event in until_ends(host, 1) if isinstance(event, events.Progress)]
    assert len(seen) == 21 and all(event.is_step for event in seen)
    assert [event.percent for event in seen if isinstance(event, events.Preview)] == [0, 19]


@pytest.mark.parametrize("ending", [None, RuntimeError("later"), "stop"], ids=["finished", "failed", "stopped"])
def test_an_image_that_is_not_saved_fails_its_task(
    host: Seam, logger: ModuleType, disk: Disk, tmp_path: Path, ending: Any
) -> None:
    disk.broken["2.png"] = FULL
    last = disk.hold("2.png")
    images = Images(logger, tmp_path, 2, ending if isinstance(ending, Exception) else None)

    def work(task: AsyncTask) -> None:
        images(task)
        if ending == "stop":
            task.last_stop = "stop"

    append(host, "a", AsyncTask(work))
    wait_for(lambda: host.worker.current is None and "2.png" in disk.threads, "the worker to be done", 10)
    last.set()
    *before, ended = until_ends(host, 1)
    assert [event.path for event in before if isinstance(event, events.ImageSaved)] == [str(tmp_path / "1.png")]
    assert isinstance(ended, events.Failed) and ended.results == [str(tmp_path / "1.png")]
    assert (ended.error.type, ended.error.message) == ("OSError", "[Errno 28] No space left on device")


def test_no_further_image_is_generated_after_one_that_was_not_saved(
    host: Seam, logger: ModuleType, disk: Disk, tmp_path: Path
) -> None:
    disk.broken["1.png"] = FULL

    def work(task: AsyncTask) -> None:
        Images(logger, tmp_path)(task)
        wait_for(lambda: "1.png" in disk.threads and not host.worker.saves.unfinished(), "the failure", 10)
        Images(logger, tmp_path, 5)(task)

    append(host, "a", AsyncTask(work))
    ended = until_ends(host, 1)[-1]
    assert isinstance(ended, events.Failed) and ended.results == [] and ended.error.type == "OSError"
    assert logger.count == 1
    append(host, "b", AsyncTask(Images(logger, tmp_path)))
    assert type(until_ends(host, 1)[-1]) is events.Finished


def test_a_browsers_list_names_whole_files_only(host: Seam, logger: ModuleType, disk: Disk, tmp_path: Path) -> None:
    slow = disk.hold("2.png")
    disk.broken["3.png"] = FULL
    task = AsyncTask(Images(logger, tmp_path, 3))
    host.module.async_tasks.append(task)
    wait_for(lambda: "3.png" in disk.threads and host.worker.current is None, "the worker to be done", 10)
    shown = [product for flag, product in task.yields if flag != "preview"]
    assert shown in ([], [[str(tmp_path / "1.png")]])
    slow.set()
    until_ends(host, 1)
    one, two = (str(tmp_path / f"{number}.png") for number in (1, 2))
    assert [list(item) for item in task.yields if item[0] != "preview"] == [
        ["results", [one]],
        ["results", [one, two]],
        ["results", [one, two]],
        ["finish", [one, two]],
    ]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_ends_its_task_after_its_images(
    host: Seam, logger: ModuleType, disk: Disk, tmp_path: Path
) -> None:
    slow = disk.hold("1.png")

    class Deadly(AsyncTask):
        @property
        def results(self) -> Any:
            raise SystemExit

        @results.setter
        def results(self, value: Any) -> None:
            pass

    def work(task: AsyncTask) -> None:
        logger.log(picture(), [], str(tmp_path))

    task = Deadly(work)
    host.module.async_tasks.append(task)
    first = host.worker.thread
    wait_for(lambda: host.worker.thread is not first and "1.png" in disk.threads, "the worker to be restarted", 10)
    assert list(task.yields) == []
    slow.set()
    *_, saved, ended = until_ends(host, 1)
    assert isinstance(saved, events.ImageSaved) and isinstance(ended, events.Failed)
    wait_for(lambda: list(task.yields) == [["finish", []]], "the browser's end", 10)


@pytest.mark.parametrize("parameters", ["", "a cat"])
@pytest.mark.parametrize(
    ("output_format", "shape"),
    [(name, shape) for name in ("png", "jpeg", "webp") for shape in SHAPES if name == "png" or shape != SHAPES[1]],
    ids=str,
)
def test_files_have_the_bytes_of_the_hosts(
    host: Seam,
    logger: ModuleType,
    disk: Disk,
    tmp_path: Path,
    output_format: str,
    parameters: str,
    shape: tuple[int, ...],
) -> None:
    array = picture(1, shape)

    def work(task: AsyncTask) -> None:
        task.results = [logger.log(array, [], str(tmp_path / "later"), output_format, parameters)]
        array.fill(0)  # the host may use its array again

    append(host, "a", AsyncTask(work))
    (path,) = until_ends(host, 1)[-1].results  # type: ignore[attr-defined]
    assert disk.threads[Path(path).name].name == "fooocus-api-saving"
    host.hooks.uninstall()
    in_place = logger.log(picture(1, shape), [], str(tmp_path / "at_once"), output_format, parameters)
    assert disk.threads[Path(in_place).name] is threading.current_thread()
    assert Path(path).read_bytes() == Path(in_place).read_bytes()


@pytest.mark.parametrize("source", ["READS_ITS_FILE", "CHANGES_THE_IMAGE"])
def test_a_fork_that_does_more_saves_in_place(seam: Seam, disk: Disk, tmp_path: Path, source: str) -> None:
    logger = logger_of(getattr(host_logger, source), tmp_path)
    seam.worker.saves.patch(logger, seam.hooks)
    seam.worker.patch_log(logger, seam.hooks)
    seam.worker.attach(TaskHandling(saves_later=True))
    append(seam, "a", AsyncTask(Images(logger, tmp_path, 2)))
    ended = until_ends(seam, 1)[-1]
    assert isinstance(ended, events.Finished) and len(ended.results) == 2
    assert {*disk.threads.values()} == {seam.worker.thread}


def test_a_task_with_a_grid_saves_in_place(host: Seam, logger: ModuleType, disk: Disk, tmp_path: Path) -> None:
    task = AsyncTask(Images(logger, tmp_path, 2))
    task.generate_image_grid = True  # type: ignore[attr-defined]
    append(host, "a", task)
    assert type(until_ends(host, 1)[-1]) is events.Finished
    assert {*disk.threads.values()} == {host.worker.thread}


def test_an_image_that_pillow_refuses_fails_where_it_did(host: Seam, logger: ModuleType, tmp_path: Path) -> None:
    def work(task: AsyncTask) -> None:
        with pytest.raises(TypeError, match="Cannot handle"):
            logger.log(picture().astype(float), [], str(tmp_path))

    append(host, "a", AsyncTask(work))
    ended = until_ends(host, 1)[-1]
    assert isinstance(ended, events.Failed) and ended.error.type == "NoResult"


def test_before_the_webui_is_built_and_after_the_end_images_are_saved_in_place(
    host: Seam, logger: ModuleType, disk: Disk, tmp_path: Path
) -> None:
    host.worker.attach(TaskHandling())
    append(host, "a", AsyncTask(Images(logger, tmp_path)))
    until_ends(host, 1)
    host.worker.attach(TaskHandling(saves_later=True))
    slow = disk.hold("2.png")
    append(host, "b", AsyncTask(Images(logger, tmp_path)))
    wait_for(lambda: "2.png" in disk.threads and host.worker.current is None, "the worker to be done", 10)
    host.worker.saves.finish(0.01)
    append(host, "c", AsyncTask(Images(logger, tmp_path)))
    wait_for(lambda: "3.png" in disk.threads, "the last image", 10)
    slow.set()
    until_ends(host, 2)
    assert disk.threads["1.png"] is disk.threads["3.png"] is host.worker.thread
