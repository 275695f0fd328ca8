"""Event streams: complete, in order, and resumable."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client, without_repeats
from fooocus_api.tests.support.event_streams import Reader, reading
from fooocus_api.tests.support.host import Host, demo_host

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser

ENDS = ("finished", "failed", "stopped", "interrupted")


@pytest.fixture
def fresh(demo_factory: DemoFactory) -> tuple[Host, Client]:
    """Return a host with slow steps, for a test that ends it or needs one without earlier tasks."""
    host = demo_factory(step_ms=50)
    return host, Client(host.url)


@pytest.fixture(scope="module")
def shared() -> Iterator[Client]:
    with demo_host(step_ms=50) as host:
        yield Client(host.url)


@pytest.fixture
def slow(shared: Client) -> Client:
    """Return a client of a host with slow steps, which has nothing to do."""
    shared.has_tasks(running=0)
    return shared


def picture(data_uri: str) -> PILImage.Image:
    return PILImage.open(io.BytesIO(base64.b64decode(data_uri.partition(",")[2])))


def test_a_task_from_its_place_in_the_queue_to_its_end(slow: Client) -> None:
    ahead = slow.submit(overwrite_step=20)["task_id"]
    task_id = slow.submit(overwrite_step=5, image_number=2)["task_id"]
    slow.until(ahead, "running")
    with reading(slow, f"/tasks/{task_id}/events") as reader:
        assert reader.until("queued")["queue_position"] == 0
        assert reader.ended.wait(30)
    names = reader.names()
    assert names[0] == "queued" and names[-1] == "finished" and names.index("started") < names.index("progress")
    assert names.count("image") == 2 and len(reader.of("progress")) >= 10
    assert {event["data"]["task_id"] for event in reader.events} == {task_id}
    end, record = reader.of("finished")[0], slow.task(task_id)
    assert (
        end["result"] == record["result"]
        and end["images"] == without_repeats(record)["images"]
        and end["progress"] == 100
    )
    assert [event["image"]["url"] for event in reader.of("image")] == record["result"]
    assert picture(reader.of("progress")[-2]["preview"]).format == "WEBP"
    numbers = [int(event["id"].rpartition("-")[2]) for event in reader.events]
    assert numbers == sorted(set(numbers))


def test_of_an_ended_task_its_record_is_told_and_that_is_all(fresh: tuple[Host, Client]) -> None:
    host, client = fresh
    record = client.draw(image_number=2)
    host.stop()
    host.start()
    with reading(client, f"/tasks/{record['task_id']}/events") as reader:
        assert reader.ended.wait(10)
    assert reader.names() == ["queued", "started", "image", "image", "finished"]
    assert len(reader.of("finished")[0]["result"]) == 2
    again = client.get(f"/tasks/{record['task_id']}/events", headers={"Last-Event-ID": reader.events[-1]["id"]})
    assert again.status_code == 204
    assert client.get(f"/tasks/{'0' * 32}/events").status_code == 404


@pytest.mark.parametrize("number", ["\u00b2", "9" * 5000, "-1"])
def test_an_id_without_a_number_is_that_of_another_stream(client: Client, number: str) -> None:
    with reading(client, "/v1/events") as reader:
        client.draw()
        reader.until("finished")
    own = reader.events[0]["id"].rpartition("-")[0]
    with reading(client, "/v1/events", last=f"{own}-{number}") as reader:
        reader.until("dropped")
        client.draw()
        reader.until("finished")


def test_who_comes_back_gets_what_was_missed(slow: Client) -> None:
    with reading(slow, "/v1/events") as whole, reading(slow, "/v1/events") as first:
        one = slow.submit(overwrite_step=3)["task_id"]
        first.until("started")
        first.close()
        last = first.events[-1]["id"]
        two = slow.submit(overwrite_step=3)["task_id"]
        slow.ended(two)
        with reading(slow, "/v1/events", last=last) as second:
            second.until("finished", 2)
            whole.until("finished", 2)
        ids = [event["id"] for event in whole.events]
        missed = [event for event in whole.events[ids.index(last) + 1 :] if event["event"] != "progress"]
        assert [event for event in second.events if event["event"] != "progress"] == missed
        assert [event["event"] for event in missed][-3:] == ["started", "image", "finished"]
        told = [(event["event"], event["data"]["task_id"]) for event in second.events if event["event"] in ENDS]
        assert told == [("finished", one), ("finished", two)]


def test_who_comes_back_to_another_process_is_told_so(fresh: tuple[Host, Client]) -> None:
    host, client = fresh
    with reading(client, "/v1/events") as reader:
        client.draw()
        reader.until("finished")
    host.stop()
    host.start()
    with reading(client, "/v1/events", last=reader.events[-1]["id"]) as later:
        assert later.until("dropped") == {"dropped": None}
        client.draw()
        later.until("finished")


def test_an_open_stream_does_not_keep_fooocus_from_ending(fresh: tuple[Host, Client]) -> None:
    host, client = fresh
    with reading(client, "/v1/events") as reader:
        client.draw()
        answers: list[int] = []
        waiter = threading.Thread(target=lambda: answers.append(client.generate(overwrite_step=200).status_code))
        waiter.start()
        client.has_tasks(running=1)
        assert host.stop() == 0, "it had to be killed"
        assert reader.ended.wait(5)
        waiter.join(5)
    assert answers == [503]
    assert "Traceback" not in host.log()


def test_all_are_told_where_a_task_begins_to_wait(slow: Client) -> None:
    running = slow.submit(overwrite_step=100)["task_id"]
    slow.until(running, "running")
    with reading(slow, "/v1/events", previews="false") as reader:
        waiting = [slow.submit()["task_id"] for _ in range(3)]
        reader.until("queued", 3)
        for task_id in [*waiting, running]:
            slow.post(f"/tasks/{task_id}/stop")
    told = {event["task_id"]: event["queue_position"] for event in reader.of("queued")[:3]}
    assert told == dict(zip(waiting, range(3), strict=True))


def test_previews_as_they_are_wanted(slow: Client) -> None:
    wanted: dict[str, dict[str, Any]] = {
        "none": {"previews": "false"},
        "png": {"preview_format": "png"},
        "small": {"preview_format": "jpeg", "preview_size": 63},
    }
    readers = {name: Reader(slow, "/v1/events", **query) for name, query in wanted.items()}
    slow.draw(overwrite_step=5)
    for reader in readers.values():
        reader.until("finished")
        reader.close()
    previews = {name: [data.get("preview") for data in reader.of("progress")] for name, reader in readers.items()}
    assert not any(previews["none"])
    png = picture(next(filter(None, previews["png"])))
    small = picture(next(filter(None, previews["small"])))
    assert png.format == "PNG" and small.format == "JPEG" and max(small.size) == 32 < max(png.size)


def test_streams_of_many_sizes_have_previews_of_a_few(slow: Client) -> None:
    wanted = [*range(16, 64, 4)]
    readers = [Reader(slow, "/v1/events", preview_size=size, preview_format="jpeg") for size in wanted]
    slow.draw(overwrite_step=5)
    for reader in readers:
        reader.until("finished")
        reader.close()
    sizes = [max(picture(next(filter(None, _previews(reader)))).size) for reader in readers]
    assert set(sizes) == {16, 32} and all(size <= most for size, most in zip(sizes, wanted, strict=True))


def _previews(reader: Reader) -> list[str | None]:
    return [data.get("preview") for data in reader.of("progress")]


def test_clicks_in_the_webui_are_seen(demo: Host, client: Client, browser: Browser) -> None:
    with reading(client, "/v1/events") as reader:
        browser.open(demo.url).quick(steps=3).generate("clicked")
        assert reader.until("finished")["source"] == "webui"
        assert len(reader.of("progress")) >= 3 and reader.of("queued")[0]["source"] == "webui"


def test_how_a_task_ends_is_told(slow: Client) -> None:
    task_id = slow.submit(overwrite_step=100)["task_id"]
    with reading(slow, f"/tasks/{task_id}/events") as reader:
        reader.until("progress", 2)
        slow.post(f"/tasks/{task_id}/stop")
        assert reader.ended.wait(10)
    assert reader.names()[-1] == "stopped" and reader.of("stopped")[0]["task_status"] == "stopped"


def test_time_left_is_learnt_from_what_was_drawn(fresh: tuple[Host, Client]) -> None:
    _, client = fresh
    unknown = client.submit(overwrite_step=20)
    assert unknown["eta_seconds"] is None
    client.ended(unknown["task_id"])
    ids = [client.submit(overwrite_step=40, image_number=2)["task_id"] for _ in range(3)]
    client.until(ids[0], "running")
    etas = [record["eta_seconds"] for record in client.tasks(query="pending")["pending"]]
    assert len(etas) == 2 and 4 < etas[0] < 20 and etas[0] + 2 < etas[1] < 30
    assert 1 < client.task(ids[0])["eta_seconds"] < 10
    for task_id in ids:
        client.post(f"/tasks/{task_id}/stop")


def test_a_waiting_task_is_told_of_each_new_place(slow: Client) -> None:
    running = slow.submit(overwrite_step=200)["task_id"]
    slow.until(running, "running")
    ahead = [slow.submit()["task_id"] for _ in range(3)]
    task_id = slow.submit()["task_id"]
    with reading(slow, f"/tasks/{task_id}/events") as reader:
        for number, change in enumerate(
            (
                lambda: slow.post(f"/tasks/{ahead[0]}/stop"),
                lambda: slow.request("DELETE", f"/tasks/{ahead[1]}"),
                lambda: slow.post(f"/tasks/{task_id}/move-to-front"),
                lambda: slow.post(f"/tasks/{ahead[2]}/move-to-front"),
            ),
            1,
        ):
            reader.until("queued", number)
            assert change().status_code == 200
        reader.until("queued", 5)
        for each in (running, ahead[2]):
            slow.post(f"/tasks/{each}/stop")
        assert reader.ended.wait(30)
    assert [event["queue_position"] for event in reader.of("queued")][:5] == [3, 2, 1, 0, 1]


def test_steps_without_pictures_are_steps(fresh: tuple[Host, Client]) -> None:
    _, client = fresh
    client.draw(disable_preview=True, overwrite_step=8, image_number=2)
    metrics = client.get("/metrics").text.splitlines()
    counted = next(line for line in metrics if line.startswith("fooocus_api_step_seconds_count"))
    assert float(counted.split()[1]) == 2 * 7  # the intervals between the steps of each image
    client.submit(overwrite_step=100)
    assert client.submit()["eta_seconds"] is not None
    for record in client.tasks(query="current")["current"] + client.tasks(query="pending")["pending"]:
        client.post(f"/tasks/{record['task_id']}/stop")


def test_who_comes_back_in_the_midst_of_an_ended_task_gets_the_rest(fresh: tuple[Host, Client]) -> None:
    host, client = fresh
    task_id = client.draw(image_number=2)["task_id"]
    host.stop()
    host.start()
    with reading(client, f"/tasks/{task_id}/events", last=f"{task_id}-3") as reader:
        assert reader.ended.wait(10)
    assert reader.names() == ["image", "finished"]


def test_who_was_told_that_something_is_gone_goes_on_from_there(slow: Client) -> None:
    with reading(slow, "/v1/events", last="of-another-process-7") as reader:
        assert reader.until("dropped") == {"dropped": None}
    slow.draw()
    with reading(slow, "/v1/events", last=reader.events[0]["id"], preview_format="jpg") as later:
        later.until("finished")
    assert later.names()[0] == "queued" and "dropped" not in later.names()
