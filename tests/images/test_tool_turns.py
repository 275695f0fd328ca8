"""Unload, and the turns of tools in the worker's queue."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image as PILImage

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.api_calls.tool_requests import DESCRIBE, picture
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.keys import add_key, key_of

UNLOAD = "/v1/engine/unload"


# ---------------------------------------------------------------------------- unload


def test_after_an_unload_the_next_task_loads_its_models_again(demo_factory: DemoFactory) -> None:
    host = demo_factory()
    client = Client(host.url)
    lake = {"prompt": "a lake", "image_seed": 5, "style_selections": ["Fooocus V2"]}  # expanded by a model
    before = client.draw(**lake)
    loaded = host.log().count("Loaded ")
    answer = client.post(UNLOAD)
    assert answer.status_code == 200 and answer.json()["message"].startswith("The models are unloaded"), answer.text
    after = client.draw(**lake)
    assert host.log().count("Loaded ") == loaded + 1
    assert pixels(client, before) == pixels(client, after)
    client.draw()
    assert host.log().count("Loaded ") == loaded + 1


def pixels(client: Client, record: dict[str, Any]) -> bytes:
    content = client.get(record["result"][0]).content
    return PILImage.open(io.BytesIO(content)).convert("RGB").tobytes()


# ------------------------------------------------------------------------------ turns


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Host, Path]]:
    """Yield a demo host and the folder of the files `go` and `calls`.

    Its caption of a photo adds a line to `calls` and waits for `go`; its tags fail.
    """
    checkout = tmp_path / "checkout"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("__pycache__", "outputs", "temp", "config.txt"))
    extras = checkout / "extras"
    (extras / "interrogate.py").write_text(
        "import pathlib, time\n"
        f"FOLDER = pathlib.Path({str(tmp_path)!r})\n"
        "def default_interrogator(image):\n"
        "    with (FOLDER / 'calls').open('a') as calls:\n"
        "        print(image.shape[1], file=calls)\n"
        "    while not (FOLDER / 'go').exists():\n"
        "        time.sleep(0.01)\n"
        "    return 'at last'\n",
        encoding="utf-8",
    )
    (extras / "wd14tagger.py").write_text(
        "def default_interrogator(image):\n    raise SystemExit('the tagger is gone')\n", encoding="utf-8"
    )
    with demo_host(checkout=checkout, step_ms=60) as host:
        yield host, tmp_path


def calls(folder: Path) -> list[str]:
    file = folder / "calls"
    return file.read_text().split() if file.exists() else []


def test_a_tool_waits_for_the_running_task(slow: tuple[Host, Path]) -> None:
    host, folder = slow
    (folder / "go").touch()
    client = Client(host.url)
    task_id = client.submit(overwrite_step=40)["task_id"]
    client.until(task_id, "running")
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(Client(host.url).post, DESCRIBE, files={"image": picture()})
        assert client.get("/v1/info").json()["worker_alive"]
        assert client.task(task_id)["task_status"] == "running" and calls(folder) == []
        assert answer.result().json() == {"describe": "at last"}
    assert client.ended(task_id)["task_status"] == "finished"


def test_a_tool_at_work_blocks_nobody_but_the_queue(slow: tuple[Host, Path]) -> None:
    host, folder = slow
    client = Client(host.url)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(Client(host.url).post, DESCRIBE, files={"image": picture()})
        wait_for(lambda: calls(folder), "the tool to begin")
        task_id = client.submit()["task_id"]
        assert client.get("/v1/info").json()["tasks"] == {"pending": 1, "running": 0}
        assert client.control("stop").json()["message"] == "No task is running."
        assert client.task(task_id)["task_status"] == "pending"
        (folder / "go").touch()
        assert answer.result().json() == {"describe": "at last"}
    assert client.ended(task_id)["task_status"] == "finished"


def test_a_client_that_goes_away_gives_up_its_turn(slow: tuple[Host, Path]) -> None:
    host, folder = slow
    client = Client(host.url)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(Client(host.url).post, DESCRIBE, files={"image": picture(size=(100, 100))})
        wait_for(lambda: calls(folder), "the tool to begin")
        with pytest.raises(requests.Timeout):
            client.post(DESCRIBE, files={"image": picture(size=(200, 200))}, timeout=2)
        client.session.close()
        last = pool.submit(Client(host.url).post, DESCRIBE, files={"image": picture(size=(300, 300))})
        for _ in range(5):
            assert client.get("/v1/info").status_code == 200  # so that the server notices the closed connection
        (folder / "go").touch()
        assert first.result().status_code == last.result().status_code == 200
    assert calls(folder) == ["100", "300"]


def test_requests_of_a_key_that_wait_for_tools_are_limited_as_its_tasks(slow: tuple[Host, Path]) -> None:
    host, folder = slow
    bot, shop = add_key(host, "bot", "--pending-tasks", "2"), add_key(host, "shop")

    def ask(client: Client) -> requests.Response:
        return Client(host.url, key_of(client)).post(DESCRIBE, files={"image": picture()})

    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ask, bot) for _ in range(3)]
        try:
            done, waiting = wait(asked, 60, return_when=FIRST_COMPLETED)
            others = pool.submit(ask, shop)
        finally:
            (folder / "go").touch()
        (refused,) = [one.result() for one in done]
        assert refused.status_code == 429 and int(refused.headers["retry-after"]) > 0, refused.text
        assert (refused.json()["code"], refused.json()["limit"]) == ("quota_exceeded", "pending_tasks")
        assert [one.result().status_code for one in (*waiting, others)] == [200] * 3
    assert ask(bot).status_code == 200, "a refused request holds no place"


def test_a_tool_that_fails_says_so_and_leaves_the_worker_fine(slow: tuple[Host, Path]) -> None:
    host, _ = slow
    client = Client(host.url)
    answer = client.post(DESCRIBE, files={"image": picture()}, data={"image_type": "Anime"})
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error"] == {"type": "SystemExit", "message": "the tagger is gone"}
    assert (
        answer.json()["code"] == "tool_failed"
        and "the tagger is gone; Fooocus's console has the details" in answer.json()["detail"]
    )
    assert client.draw()["task_status"] == "finished"
    assert "has died" not in host.log()
