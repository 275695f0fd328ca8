"""Download of a large model file into a real Fooocus, over a connection that breaks in the midst, and its use and deletion."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fooocus_api.tests.support.client import Client, events, wait_for
from fooocus_api.tests.support.host import Host, real_checkout, real_host, real_python
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout
from fooocus_api.tests.support.servers.file_server import FileServer, safetensors

pytestmark = pytest.mark.real

PATH = "/v1/engine/model-files"
NAME = "of_a_test/large.safetensors"
SIZE = 200 * 2**20
MAX_GROWTH = 64 * 2**20
"""Bytes of memory by which the host may grow during the download, a third of the file."""


@pytest.fixture(scope="module")
def lora_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("loras")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, lora_folder: Path) -> Iterator[Host]:
    """Start a copy of the checkout with a folder of LoRAs of its own, which has those of the checkout."""
    home = real_checkout()
    if home is None:
        pytest.skip("FOOOCUS_HOME is not set")
    checkout = copy_checkout(home, tmp_path_factory.mktemp("real") / "Fooocus")
    config = json.loads((checkout / "config.txt").read_text("utf-8"))
    before = config.get("path_loras") or str(home / "models" / "loras")
    for file in Path(before if isinstance(before, str) else before[0]).glob("*.safetensors"):
        shutil.copy(file, lora_folder)  # Fooocus looks for those of its performances in the first folder only
    config["path_loras"] = [str(lora_folder)]
    (checkout / "config.txt").write_text(json.dumps(config), "utf-8")
    flags = ("--allow-private-urls", "127.0.0.1/32", "--model-disk-reserve", "0.1")
    with real_host(*flags, checkout=checkout, python=real_python(home)) as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    ready = Client(host.url)
    wait_for(lambda: ready.get("/readyz").status_code == 200, "the models to be loaded", 300)
    for _ in range(2):  # the first tasks load more, so that the memory would grow anyway
        ready.draw()
    return ready


def memory(host: Host) -> int:
    """Return the bytes of RAM that the host's process uses."""
    assert host.process is not None
    return int(psutil.Process(host.process.pid).memory_info().rss)


def test_large_file_survives_a_broken_connection(host: Host, client: Client, lora_folder: Path) -> None:
    with FileServer(safetensors(SIZE)) as server:
        before, largest = memory(host), 0
        body = {"url": f"{server.url}/broken_once/x", "folder": "loras", "name": NAME, "sha256": server.sha256}
        state = client.post(PATH, json=body).json()
        with client.get(f"{PATH}/downloads/{state['id']}/events", stream=True) as stream:
            for event in events(stream):
                largest, state = max(largest, memory(host)), event.data
        assert state["state"] == "done" and state["sha256"] == server.sha256, state
        ranges = [seen.headers.get("range") for seen in server.requests_of("broken_once")]
        assert ranges == [None, f"bytes={len(server.content) // 2}-"]
        assert (lora_folder / NAME).read_bytes() == server.content
    print(f"memory before {before >> 20} MiB, at most {largest >> 20} MiB during the download")
    assert largest - before < MAX_GROWTH, (before, largest)


def test_file_is_listed_used_and_deleted(client: Client, lora_folder: Path) -> None:
    assert NAME in client.get("/v1/engines/all-models").json()["lora_filenames"]
    (listed,) = [file for file in client.get(PATH).json()["files"]["loras"] if file["name"] == NAME]
    assert listed["kind"] == "safetensors" and len(listed["sha256"]) == 64
    task_id = client.submit(loras=[{"enabled": True, "model_name": NAME, "weight": 0.5}])["task_id"]
    refused = client.request("DELETE", f"{PATH}/loras/{NAME}")
    assert refused.status_code == 409 and refused.json()["code"] == "model_file_in_use", refused.text
    ended = client.ended(task_id)
    assert ended["task_status"] == "finished", ended["error"]
    loaded = client.request("DELETE", f"{PATH}/loras/{NAME}")
    assert loaded.status_code == 409 and "unload" in loaded.json()["detail"], loaded.text
    assert client.post("/v1/engine/unload").status_code == 200
    assert client.request("DELETE", f"{PATH}/loras/{NAME}").status_code == 204
    assert not (lora_folder / NAME).exists()
    assert NAME not in client.get("/v1/engines/all-models").json()["lora_filenames"]
