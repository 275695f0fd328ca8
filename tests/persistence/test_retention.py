"""Automatic deletion: tasks beyond the limits, unused inputs, and images that Fooocus doesn't keep."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.host import Host

DAY = 24 * 3600


def age(host: Host, task_id: str, days: float) -> None:
    """Make a task older while its host is down."""
    database = sqlite3.connect(host.outputs / ".fooocus_api" / "tasks.sqlite3")
    with database:
        database.execute("UPDATE task SET queued_at = queued_at - ? WHERE task_id = ?", (days * DAY * 1000, task_id))
    database.close()


def upload(client: Client, colour: str, folder: Path) -> str:
    path = folder / f"{colour}.png"
    PILImage.new("RGB", (64, 64), colour).save(path)
    with path.open("rb") as file:
        return str(client.post("/inputs", files={"image": file}).json()["url"])


def test_by_default_all_is_kept(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    client = Client(host.url)
    record = client.draw()
    host.stop()
    age(host, record["task_id"], 5000)
    host.start()
    assert client.task(record["task_id"])["result"]


def test_the_oldest_go_when_there_are_more(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    client = Client(host.url)
    drawn = [client.draw(prompt=f"number {index}") for index in range(4)]
    host.stop()
    host.flags = (*host.flags, "--keep-count", "2")
    host.start()
    wait_for(lambda: len(client.tasks(query="history")["history"]) == 2, "two to be left")
    assert [record["task_id"] for record in client.tasks()["history"]] == [drawn[3]["task_id"], drawn[2]["task_id"]]
    wait_for(lambda: len(host.images()) == 2, "their images to go")


def test_what_is_too_old_goes_with_its_images_and_inputs(demo_factory: DemoFactory, tmp_path: Path) -> None:
    host = demo_factory()
    client = Client(host.url)
    used, unused, fresh = (upload(client, colour, tmp_path) for colour in ("red", "green", "blue"))
    old = client.draw(prompt="old")
    new = client.draw(prompt="new", uov_input_image=used, uov_method="Vary (Subtle)")
    host.stop()
    age(host, old["task_id"], 11)
    for url in (used, unused):
        path = host.outputs / ".fooocus_api" / "inputs" / url.rsplit("/", 1)[1]
        os.utime(path, (time.time() - 2 * DAY,) * 2)
    host.flags = (*host.flags, "--keep-days", "10")
    host.start()
    wait_for(lambda: client.get(f"/tasks/{old['task_id']}").status_code == 404, "the old task to go")
    wait_for(lambda: client.get(unused).status_code == 404, "the unused input to go")
    assert client.get(used).status_code == client.get(fresh).status_code == 200
    assert client.get(new["result"][0]).status_code == 200 and client.get(old["result"][0]).status_code == 404


def test_images_that_fooocus_does_not_keep_are_handed_over(demo_factory: DemoFactory) -> None:
    host = demo_factory("--disable-image-log")
    client = Client(host.url)
    record = client.draw()
    assert record["images"][0]["kept"] is False and client.image(record["result"][0]).size == (256, 256)
    assert not host.images()
    host.stop()
    host.start()
    later = client.task(record["task_id"])
    assert later["task_status"] == "finished" and later["images"][0]["kept"] is False
    assert client.get(record["result"][0]).status_code == 410
