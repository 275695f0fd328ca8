"""Saving on a slow disk: the worker continues, and no image is named before its file is whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.tests.support.client import Client, Record, picture, wait_for
from fooocus_api.tests.support.event_streams import reading
from fooocus_api.tests.support.host import Host
from fooocus_api.tests.support.servers.webhook_receiver import Receiver

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser


class SlowDisk:
    """The disk of a demo host; while it is `held`, the files that the host writes stay truncated."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.flags = ("--demo-slow-disk", str(file))

    @contextmanager
    def held(self) -> Iterator[None]:
        self.file.touch()
        try:
            yield
        finally:
            self.release()

    def release(self) -> None:
        self.file.unlink(missing_ok=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SlowDisk]:
    disk = SlowDisk(tmp_path / "slow")
    yield disk
    disk.release()


@pytest.fixture
def host(disk: SlowDisk, demo_factory: DemoFactory) -> Host:
    return demo_factory(*disk.flags, "--allow-private-urls", "127.0.0.0/8")


def begun(host: Host, number: int) -> set[Path]:
    """Wait until the host has begun to write this number of images, and return their files."""
    wait_for(lambda: len(host.images()) == number, f"{number} images to be begun")
    return host.images()


def url_of(image: Path) -> str:
    return f"/outputs/{image.parent.name}/{image.name}"


def is_whole(image: Path) -> bool:
    try:
        picture(image.read_bytes())
    except OSError:
        return False
    return True


def assert_whole(host: Host, *records: Record) -> None:
    """Require that all images are whole, and that they are those of the records."""
    client = Client(host.url)
    for url in [url for record in records for url in record["result"]]:
        assert client.image(url).size == (256, 256)
    listed = {url.rsplit("/", 1)[1] for record in records for url in record["result"]}
    assert {path.name for path in host.images()} == listed and all(map(is_whole, host.images()))


def statuses(client: Client, *ids: str) -> list[str]:
    return [client.task(task_id)["task_status"] for task_id in ids]


def test_nothing_names_an_image_before_its_file_is_whole(host: Host, disk: SlowDisk) -> None:
    client = Client(host.url)
    with Receiver() as receiver, reading(client, "/v1/events") as reader:
        with disk.held():
            first = client.submit(image_number=2, webhook_url=receiver.url)["task_id"]
            files = begun(host, 2)
            second = client.submit(webhook_url=receiver.url)["task_id"]
            client.has_tasks(running=1, pending=1)
            assert statuses(client, first, second) == ["running", "pending"]
            assert client.task(first)["result"] == [] and client.tasks()["history"] == []
            assert all(client.get(url_of(file)).status_code == 404 for file in files)
            assert not any(map(is_whole, files))
            assert not {"image", "finished"} & set(reader.names())
            assert receiver.none_left()
        records = [client.ended(first), client.ended(second)]
        reader.until("finished", 2)
        named = [(event["event"], event["data"]["task_id"]) for event in reader.events]
        order = [each for each in named if each[0] in ("started", "image", "finished")]
        ones = [("started", first), ("image", first), ("image", first), ("finished", first)]
        assert order == [*ones, ("started", second), ("image", second), ("finished", second)]
        assert {receiver.next().record["task_id"] for _ in range(2)} == {first, second}
    assert [record["task_status"] for record in records] == ["finished", "finished"]
    assert_whole(host, *records)


def test_the_worker_continues_while_a_disk_is_slow(host: Host, disk: SlowDisk) -> None:
    client = Client(host.url)
    with disk.held():
        ids = [client.submit()["task_id"] for _ in range(5)]
        journal = host.outputs / ".fooocus_api" / "unfinished"
        wait_for(lambda: {path.name for path in journal.iterdir()} == {*ids}, "an image of each task")
        assert len(host.images()) == 2
        assert statuses(client, *ids) == ["running", *["pending"] * 4]
    records = [client.ended(task_id) for task_id in ids]
    began = [record["start_mills"] for record in records]
    assert began == sorted(began)
    assert_whole(host, *records)


def test_a_task_whose_images_are_being_saved_may_be_stopped(host: Host, disk: SlowDisk) -> None:
    client = Client(host.url)
    with disk.held():
        ending = client.submit()["task_id"]
        begun(host, 1)
        running = client.submit(overwrite_step=200, image_number=32)["task_id"]
        for task_id in (running, ending):  # no response waits for the disk
            response = client.post(f"/tasks/{task_id}/stop")
            assert response.status_code == 200 and response.json()["stopping"] is True
        assert statuses(client, ending, running) == ["running", "pending"]
    finished, stopped = client.ended(ending), client.ended(running)
    assert (finished["task_status"], stopped["task_status"]) == ("finished", "stopped")
    assert_whole(host, finished, stopped)


def test_a_task_that_waits_for_the_images_before_it_may_be_deleted(host: Host, disk: SlowDisk) -> None:
    client = Client(host.url)
    with disk.held():
        first, second = (client.submit()["task_id"] for _ in range(2))
        journal = host.outputs / ".fooocus_api" / "unfinished"
        wait_for(lambda: {path.name for path in journal.iterdir()} == {first, second}, "an image of each task")
        assert statuses(client, first, second) == ["running", "pending"]
        with ThreadPoolExecutor(1) as pool:
            deleting = pool.submit(client.request, "DELETE", f"/tasks/{second}")
            disk.release()
            deleted = deleting.result()
    left = client.get(f"/tasks/{second}")
    assert (deleted.status_code, left.status_code) in ((204, 404), (200, 200))
    if left.status_code == 200:
        assert deleted.json()["task_status"] == left.json()["task_status"] == "stopped"
    assert_whole(host, client.ended(first), *([left.json()] if left.status_code == 200 else []))


def test_a_kill_while_images_are_being_saved_leaves_no_half_of_one(host: Host, disk: SlowDisk) -> None:
    client = Client(host.url)
    with disk.held():
        task_id = client.submit(image_number=2)["task_id"]
        begun(host, 2)
        wait_for(lambda: host.status_on_disk(task_id) == "running", "the start to be on the disk")
        host.kill()
    host.start()
    record = client.ended(task_id)
    assert record["task_status"] == "finished" and len(record["result"]) == 2
    wait_for(lambda: len(host.images()) == 2, "the truncated images to be deleted")
    assert_whole(host, record)
    page = next(iter(host.images())).with_name("log.html")
    wait_for(lambda: page.read_text("utf-8").count('class="image-container"') == 2, "the page of an idle worker")


def test_a_shutdown_waits_for_the_images_in_hand(host: Host, disk: SlowDisk) -> None:
    client = Client(host.url)
    with disk.held():
        task_id = client.submit(image_number=2)["task_id"]
        begun(host, 2)
        stopping = threading.Thread(target=host.stop)
        stopping.start()
        wait_for(lambda: host.status_on_disk(task_id) == "pending", "the task to be put back first")
    stopping.join()
    assert host.status_on_disk(task_id) == "finished"
    host.start()
    assert_whole(host, client.task(task_id))


def test_a_shutdown_does_not_wait_for_a_disk_that_stands_still(host: Host, disk: SlowDisk) -> None:
    client = Client(host.url)
    with disk.held():
        task_id = client.submit()["task_id"]
        begun(host, 1)
        assert host.stop() == 0
        assert host.status_on_disk(task_id) == "pending"
    host.start()
    record = client.ended(task_id)
    wait_for(lambda: len(host.images()) == 1, "the truncated image to be deleted")
    assert_whole(host, record)


@pytest.mark.parametrize("fields", [{"save_name": "cat", "image_number": 3}, {"image_number": 3}], ids=["named", "not"])
def test_images_of_one_moment_have_names_of_their_own(host: Host, disk: SlowDisk, fields: dict[str, Any]) -> None:
    client = Client(host.url)
    with disk.held():
        ids = [client.submit(**fields)["task_id"] for _ in range(2)]
        begun(host, 2)
    records = [client.ended(task_id) for task_id in ids]
    assert len({url for record in records for url in record["result"]}) == 6
    assert_whole(host, *records)


def test_images_that_are_not_kept_are_whole_too(disk: SlowDisk, demo_factory: DemoFactory) -> None:
    host = demo_factory(*disk.flags, "--disable-image-log")
    client = Client(host.url)
    with disk.held():
        task_id = client.submit(image_number=2)["task_id"]
        wait_for(lambda: len(list(host.temp.rglob("*.png"))) == 2, "two images to be begun")
        assert statuses(client, task_id) == ["running"] and client.task(task_id)["result"] == []
    record = client.ended(task_id)
    assert record["task_status"] == "finished" and not host.images()
    assert [client.image(url).size for url in record["result"]] == [(256, 256)] * 2


def test_an_enhanced_image_comes_after_the_one_it_is_made_of(host: Host, disk: SlowDisk) -> None:
    client = Client(host.url)
    tab = {"enhance_enabled": True, "enhance_mask_model": "u2net", "enhance_mask_dino_prompt": "face"}
    fields = {"enhance_checkbox": True, "enhance_ctrls": [tab], "enhance_uov_method": "Upscale (1.5x)"}
    with disk.held():
        task_id = client.submit(**fields)["task_id"]
        begun(host, 2)
        assert statuses(client, task_id) == ["running"] and client.task(task_id)["result"] == []
    record = client.ended(task_id)
    assert record["task_status"] == "finished" and len(record["result"]) == len(host.images()) >= 2
    assert client.image(record["result"][0]).size == (256, 256)
    assert all(map(is_whole, host.images()))


def test_a_grid_is_made_of_whole_files(host: Host) -> None:
    record = Client(host.url).draw(image_number=3, generate_image_grid=True)
    assert record["task_status"] == "finished" and len(record["result"]) == 4
    sizes = [picture(Client(host.url).get(url).content).size for url in record["result"]]
    assert sizes == [*[(256, 256)] * 3, (512, 512)]


def test_a_browser_sees_no_path_before_its_file_is_whole(host: Host, disk: SlowDisk, browser: Browser) -> None:
    client = Client(host.url)
    browser.open(host.url).quick(images=2)
    with disk.held():
        browser.generate("a cat")
        files = begun(host, 2)
        wait_for(lambda: client.get("/v1/info").json()["tasks"]["running"], "the click to be seen")
        assert browser.busy() and not any(map(is_whole, files))
    assert len(browser.images(2)) == 2
    (record,) = client.tasks()["history"]
    assert record["source"] == "webui" and record["task_status"] == "finished"
    assert_whole(host, record)
