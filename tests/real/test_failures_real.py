"""Errors inside a real Fooocus, which only prints them, as each kind of client receives them."""

from __future__ import annotations

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fooocus_api.tests.support.client import LONG, Client, ServerSentEvent, events

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.real


@pytest.fixture
def doomed(real: Host) -> Iterator[Path]:
    """Yield a checkpoint that the test deletes while tasks wait for it."""
    config = json.loads((real.checkout / "config.txt").read_text("utf-8"))
    folders = config.get("path_checkpoints") or [str(real.checkout / "models" / "checkpoints")]
    folder = Path(folders if isinstance(folders, str) else folders[0])
    source, path = folder / "tiny_sdxl_b.safetensors", folder / "tiny_doomed.safetensors"
    if not source.is_file():
        pytest.fail(f"{source} is missing: furnish the checkout with tests/real/tiny_models.py")
    path.unlink(missing_ok=True)
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
    yield path
    path.unlink(missing_ok=True)


def test_a_task_that_fails_says_why_in_every_way_and_harms_no_other(real_client: Client, doomed: Path) -> None:
    """Remove a checkpoint after the task was accepted: the worker only prints the error and reports a normal finish."""
    request: dict[str, Any] = {"prompt": "never to be", "base_model_name": doomed.name}
    url = real_client.url

    def in_a_thread(**fields: Any) -> tuple[requests.Response, list[ServerSentEvent]]:
        """Return the response and, of a stream, its events. It has a client of its own, as sessions are not thread-safe."""
        client = Client(url)
        if "stream_output" not in fields:
            return client.generate(**request, **fields), []
        with client.generate(stream=True, **request, **fields) as response:
            return response, list(events(response))

    with ThreadPoolExecutor(3) as pool:
        first = real_client.submit(**LONG)
        real_client.until(first["task_id"], "running")
        accepted = real_client.submit(**request)
        synchronous = pool.submit(in_a_thread)
        image = pool.submit(in_a_thread, accept="image/png")
        streamed = pool.submit(in_a_thread, stream_output=True)
        real_client.has_tasks(running=1, pending=4)
        doomed.unlink()
        real_client.control("stop")  # no need to wait for the end of the long one

        failed = real_client.ended(accepted["task_id"])
        assert failed["task_status"] == "failed", failed
        assert doomed.name in failed["error"]["message"], failed["error"]
        assert failed["error"]["type"]
        assert failed["error"]["type"] != "NoResult"
        assert failed["result"] == []

        for answer, _ in (synchronous.result(), image.result()):
            assert answer.status_code == 500, answer.text
            assert answer.headers["content-type"].startswith("application/problem+json")
            problem = answer.json()
            assert problem["status"] == 500
            assert doomed.name in problem["detail"]

        _, seen = streamed.result()
        assert [event.name for event in seen].count("error") == 1
        assert seen[-1].name == "error"
        assert doomed.name in json.dumps(seen[-1].data)

    assert real_client.draw(prompt="the next one is fine")["task_status"] == "finished"


def test_unknown_names_are_refused_before_the_worker_sees_them(real_client: Client) -> None:
    response = real_client.generate(prompt="no", base_model_name="no_such_model.safetensors")

    assert response.status_code == 422
    assert response.headers["content-type"].startswith("application/problem+json")
    assert "base_model_name" in response.text
    assert "tiny_sdxl.safetensors" in response.text


def test_an_unknown_task_is_not_found(real_client: Client) -> None:
    response = real_client.get("/tasks/" + "0" * 32)

    assert response.status_code == 404
    assert response.headers["content-type"].startswith("application/problem+json")
