"""Recovery of tasks after a crash or shutdown: none is lost or generated twice without need, and no file is orphaned."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import sqlite3
from typing import TYPE_CHECKING

from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client, wait_for

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser
    from fooocus_api.tests.support.host import Host


def base64_picture() -> str:
    buffer = io.BytesIO()
    PILImage.linear_gradient("L").save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def shown(host: Host) -> set[str]:
    """Return the paths of all images that records list."""
    history = Client(host.url).tasks(query="history", page_size=100)["history"]
    paths = [url.split("/outputs/")[1] for record in history for url in record["result"]]
    assert len(paths) == len(set(paths)), "an image is listed twice"
    return set(paths)


def on_disk(host: Host) -> set[str]:
    return {path.relative_to(host.outputs).as_posix() for path in host.images()}


def test_after_a_kill_pending_tasks_run_again_in_their_order(demo_factory: DemoFactory) -> None:
    host = demo_factory(step_ms=100)
    client = Client(host.url)
    running = client.submit(prompt="caught", overwrite_step=12, image_number=3)
    waiting = [client.submit(prompt=f"number {index}")["task_id"] for index in range(4)]
    first = client.post(f"/tasks/{waiting[3]}/move-to-front").json()
    assert first["queue_position"] == 0
    wait_for(lambda: len(host.images()) >= 1, "the first of three images")
    host.kill()
    host.start()
    ended = [client.ended(task_id) for task_id in [running["task_id"], *waiting]]
    assert [record["task_status"] for record in ended] == ["finished"] * 5
    assert ended[0]["attempts"] == 2 and len(ended[0]["result"]) == 3
    assert {record["attempts"] for record in ended[1:]} == {1}
    starts = {record["req_params"]["prompt"]: record["start_mills"] for record in ended}
    order = sorted(starts, key=lambda prompt: starts[prompt])
    assert order == ["caught", "number 3", "number 0", "number 1", "number 2"]
    assert shown(host) == on_disk(host)
    page = next(host.outputs.glob("*/log.html"))
    count = len(on_disk(host))
    wait_for(lambda: page.read_text("utf-8").count('class="image-container"') == count, "the log of the idle worker")


def test_a_task_on_which_fooocus_dies_twice_fails(demo_factory: DemoFactory) -> None:
    host = demo_factory(step_ms=200)
    client = Client(host.url)
    task_id = client.submit(overwrite_step=30, image_number=2)["task_id"]
    for _ in range(2):
        wait_for(lambda: host.status_on_disk(task_id) == "running", "the task to be drawn")
        host.kill()
        host.start()
    record = client.ended(task_id)
    assert record["task_status"] == "failed" and record["attempts"] == 2
    assert "2 times" in record["error"]["message"]
    assert record["finish_mills"] >= record["start_mills"] > 0
    assert shown(host) == on_disk(host)


def test_a_clean_end_is_no_crash(demo_factory: DemoFactory) -> None:
    """Stop without waiting: a running task starts over at each restart and counts one attempt."""
    host = demo_factory(step_ms=200)
    client = Client(host.url)
    task_id = client.submit(overwrite_step=60)["task_id"]
    last = client.submit(prompt="after it")["task_id"]
    for _ in range(3):
        client.until(task_id, "running")
        host.stop()
        host.start()
    assert client.post(f"/tasks/{task_id}/stop").status_code == 200
    assert client.ended(task_id)["attempts"] == 1
    assert client.ended(last)["task_status"] == "finished"


def test_input_images_are_still_there_after_a_kill(demo_factory: DemoFactory) -> None:
    host = demo_factory(step_ms=200)
    client = Client(host.url)
    client.submit(overwrite_step=60)
    waiting = client.submit(uov_input_image=base64_picture(), uov_method="Vary (Subtle)")
    host.kill()
    host.start()
    running = client.tasks(query="current")["current"][0]["task_id"]
    client.post(f"/tasks/{running}/stop")
    record = client.ended(waiting["task_id"])
    assert record["task_status"] == "finished" and "/inputs/" in record["req_params"]["uov_input_image"]


def test_an_image_cut_off_by_the_kill_is_swept_and_the_users_own_files_stay(demo_factory: DemoFactory) -> None:
    host = demo_factory(step_ms=100)
    client = Client(host.url)
    client.draw()
    day = next(iter(host.images())).parent
    own = day / "holiday.png"
    PILImage.new("RGB", (8, 8)).save(own)
    task_id = client.submit(overwrite_step=15, image_number=2)["task_id"]
    client.until(task_id, "running")
    host.kill()
    half = day / "2026-01-01_00-00-00_1234.png"
    half.write_bytes(b"\x89PNG half of it")
    outside = host.folder / "outside.png"
    outside.write_bytes(b"\x89PNG")
    claims = host.outputs / ".fooocus_api" / "unfinished" / task_id
    with claims.open("a", encoding="utf-8") as file:
        file.write(f"{half}\n{outside}\n")
    host.start()
    assert client.ended(task_id)["task_status"] == "finished"
    assert not half.exists() and outside.exists() and own.exists()
    assert not list(claims.parent.iterdir())


def test_a_deletion_cut_off_before_or_after_the_record_went(demo_factory: DemoFactory) -> None:
    """Find each image that an interrupted deletion had journaled either whole in a record or deleted."""
    host = demo_factory()
    client = Client(host.url)
    kept, gone = client.draw(), client.draw()
    host.stop()
    state = host.outputs / ".fooocus_api"
    for record in (kept, gone):
        path = record["result"][0].split("/outputs/")[1]
        (state / "unfinished" / record["task_id"]).write_text(f"{path}\n../outside.png\n", "utf-8")
    outside = host.folder / "outside.png"
    outside.write_bytes(b"\x89PNG")
    with contextlib.closing(sqlite3.connect(state / "tasks.sqlite3")) as database, database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM task WHERE task_id = ?", (gone["task_id"],))
    host.start()
    assert len(on_disk(host)) == 1 and shown(host) == on_disk(host) and outside.exists()
    assert not list((state / "unfinished").iterdir())
    page = next(host.outputs.glob("*/log.html")).read_text("utf-8")
    assert page.count('class="image-container"') == 1


def test_a_browsers_task_is_interrupted_and_keeps_what_was_drawn(demo_factory: DemoFactory, browser: Browser) -> None:
    host = demo_factory(step_ms=100)
    client = Client(host.url)
    browser.open(host.url).quick(steps=10, images=3).generate("from the browser")
    wait_for(lambda: len(host.images()) >= 2, "its second image, when the first is whole")
    host.kill()
    host.start()
    (record,) = client.tasks(query="history")["history"]
    assert record["source"] == "webui" and record["task_status"] == "interrupted"
    assert json.dumps(record["req_params"]).count("from the browser") == 1
    assert len(record["result"]) >= 1 and shown(host) <= on_disk(host)
