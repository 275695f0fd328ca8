"""Download of a file that a preset needs, on a real Fooocus: its progress messages, and the error if it fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import REAL_ENVIRONMENT, REAL_FLAGS, Host, real_checkout, real_python

pytestmark = pytest.mark.real

FETCHED, MISSING = "fetched_by_a_test.safetensors", "not_to_be_had.safetensors"


@pytest.fixture(scope="module")
def checkout() -> Path:
    home = real_checkout()
    if home is None:
        pytest.skip("FOOOCUS_HOME is not set")
    return home


@pytest.fixture(scope="module")
def lora_folder(checkout: Path) -> Path:
    config = json.loads((checkout / "config.txt").read_text("utf-8"))
    folders = config.get("path_loras") or str(checkout / "models" / "loras")
    return Path(folders if isinstance(folders, str) else folders[0])


@pytest.fixture(scope="module")
def heard() -> Event:
    """Return an event that is set once the download's message was seen; until then the server holds half of the file back."""
    return Event()


@pytest.fixture(scope="module")
def files(lora_folder: Path, heard: Event) -> Iterator[str]:
    """Yield the address of a server that has one LoRA and no other file."""
    content = (lora_folder / "tiny_lora.safetensors").read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = self.path == f"/{FETCHED}"
            self.send_response(200 if found else 404)
            self.send_header("Content-Length", str(len(content) if found else 0))
            self.end_headers()
            if found:
                self.wfile.write(content[: len(content) // 2])
                heard.wait(timeout=120)
                self.wfile.write(content[len(content) // 2 :])

        def log_message(self, *_: Any) -> None:
            """Keep the requests out of the tests' output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def presets(checkout: Path, lora_folder: Path, files: str) -> Iterator[dict[str, str]]:
    """Yield the names of two presets, by the LoRA that each needs."""
    made = {}
    for name in (FETCHED, MISSING):
        made[name] = path = checkout / "presets" / f"of_the_tests_{Path(name).stem}.json"
        content = {
            "default_loras": [[True, name, 0.6]],
            "default_performance": "Lightning",
            "default_styles": [],
            "lora_downloads": {name: f"{files}/{name}"},
        }
        path.write_text(json.dumps(content), "utf-8")
    yield {name: path.stem for name, path in made.items()}
    for path in [*made.values(), lora_folder / FETCHED, lora_folder / MISSING]:
        path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def downloading(checkout: Path, presets: dict[str, str]) -> Iterator[Client]:
    """Yield a client of a host that may download."""
    flags = [flag for flag in REAL_FLAGS if flag != "--disable-preset-download"]
    with Host(checkout, flags=flags, env=REAL_ENVIRONMENT, python=real_python(checkout), patience=300) as host:
        yield Client(host.url)


def test_what_a_preset_needs_is_fetched_before_the_task_is_drawn(
    downloading: Client, presets: dict[str, str], lora_folder: Path, heard: Event
) -> None:
    assert not (lora_folder / FETCHED).exists()
    seen = []
    for event in downloading.stream(preset=presets[FETCHED]):
        seen.append(event)
        if event.data["message"].startswith(f"Downloading {FETCHED}"):
            heard.set()
    assert heard.is_set(), [event.data["message"] for event in seen]
    assert seen[-1].data["message"] == "Finished" and seen[-1].data["images"]
    assert (lora_folder / FETCHED).read_bytes() == (lora_folder / "tiny_lora.safetensors").read_bytes()
    (image,) = downloading.draw(preset=presets[FETCHED])["images"]
    assert image["metadata"]["lora_combined_1"] == f"{FETCHED} : 0.6"
    assert FETCHED in downloading.get("/v1/engines/all-models").json()["lora_filenames"]


def test_what_can_not_be_fetched_fails_the_task_and_no_other(
    downloading: Client, presets: dict[str, str], lora_folder: Path
) -> None:
    response = downloading.generate(preset=presets[MISSING])
    assert response.status_code == 500, response.text
    problem = response.json()
    assert problem["task_status"] == "failed" and "404" in problem["detail"], problem
    assert not (lora_folder / MISSING).exists()
    assert downloading.draw(prompt="the next one is fine")["task_status"] == "finished"
