"""A demo host with a history that has one of everything, for tests that look at each page of the dashboard."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fooocus_api.tests.images.test_inputs import picture
from fooocus_api.tests.support.api_calls.batches import combine
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host

STEP_MS = 40
PROMPTS = (
    "a lighthouse on a cliff at dusk, long exposure, heavy rain, volumetric light, a small boat far out on the sea",
    "一只戴着草帽的橘猫坐在江南水乡的石桥上，晨雾，胶片质感，浅景深",
    "portrait of an old clockmaker",
    "",
    "isometric city block, pastel colours",
)
DOOMED = "doomed.safetensors"


@dataclass
class World:
    """A host with a history: pictures, a failed and a stopped task, tags and a batch."""

    host: Host
    finished: list[str] = field(default_factory=list)
    failed: str = ""
    stopped: str = ""

    @property
    def client(self) -> Client:
        """A new client: the server closes the idle connection of an older one."""
        return Client(self.host.url)

    @property
    def photo(self) -> Path:
        """A picture on the disk."""
        path = self.host.folder / "photo.png"
        if not path.exists():
            path.write_bytes(picture(size=(832, 624)))
        return path

    def fill(self) -> World:
        """Generate the history."""
        client = self.client
        running = client.submit(prompt=PROMPTS[0], image_number=2, overwrite_step=4)
        source = next((self.host.checkout / "models" / "checkpoints").glob("*.safetensors"))
        doomed = shutil.copyfile(source, source.parent / DOOMED)
        self.failed = client.submit(prompt="a task whose model is gone", base_model_name=DOOMED)["task_id"]
        doomed.unlink()
        self.finished = [running["task_id"], *(client.submit(prompt=prompt)["task_id"] for prompt in PROMPTS[1:])]
        self.stopped = client.submit(prompt="a stopped one", overwrite_step=200)["task_id"]
        client.post(
            "/tasks/bulk", json={"ids": self.finished[:2], "action": "tag", "tags": ["starred", "水乡", "client A"]}
        )
        client.until(self.stopped, "running")
        client.post(f"/tasks/{self.stopped}/stop")
        client.until(self.stopped, "stopped")
        combine(client, {"prompt": ["a red door", "a blue door", "a green door"]})
        wait_for(lambda: not [one for one in self.batches() if one["status"] != "ended"], "the end of the batch")
        return self

    def batches(self) -> list[dict[str, str]]:
        """Return the batches."""
        return list(self.client.get("/v1/batches").json()["batches"])

    @contextmanager
    def work(self, waiting: int = 3, *, paused: bool = False) -> Iterator[None]:
        """Have one task run and others wait within the block."""
        client = self.client
        if paused:
            client.post("/v1/engine/pause")
        fields = {"image_number": 4, "overwrite_step": 200}
        ids = [
            client.submit(prompt=PROMPTS[number % 5], **fields)["task_id"] for number in range(waiting + (not paused))
        ]
        if not paused:
            client.until(ids[0], "running")
        try:
            yield
        finally:
            client = self.client
            client.post("/tasks/bulk", json={"ids": ids, "action": "cancel"})
            for one in ids:
                client.until(one, "stopped", "interrupted")
            if paused:
                client.post("/v1/engine/resume")


@contextmanager
def filled_world(folder: Path) -> Iterator[World]:
    """Start a host on a copy of the demo, with a history."""
    checkout = folder / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("outputs", "__pycache__"))
    with demo_host(step_ms=STEP_MS, checkout=checkout) as host:
        yield World(host).fill()
