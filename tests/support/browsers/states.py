"""The states of the dashboard that are looked at: by axe-core, and by people in screenshots."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from fooocus_api.tests.images.test_inputs import picture
from fooocus_api.tests.support.api_calls.batches import combine
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

STEP_MS = 40
PROMPTS = (
    "a lighthouse on a cliff at dusk, long exposure, heavy rain, volumetric light, a small boat far out on the sea",
    "一只戴着草帽的橘猫坐在江南水乡的石桥上，晨雾，胶片质感，浅景深",
    "portrait of an old clockmaker",
    "",
    "isometric city block, pastel colours",
)
DOOMED = "doomed.safetensors"
RESET = """
for (const one of document.querySelectorAll("dialog")) one.close();
for (const one of document.querySelectorAll(".note")) one.remove();
"""


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


def overview(page: Dashboard, world: World) -> None:
    page.go("#/")
    page.see(".strip a img")
    page.see(".running-idle, .running-grid")


def queue(page: Dashboard, world: World) -> None:
    page.go("#/queue")
    page.see(".queue-row")


def generate(page: Dashboard, world: World) -> None:
    page.go("#/generate")
    page.see(".generate-send:enabled")


def all_parameters(page: Dashboard, world: World) -> None:
    generate(page, world)
    if not page.all(".more-body"):
        page.click(".more summary")
    page.see(".more-body")
    page.driver.execute_script(
        "const box = document.querySelector('.more .check input'); if (!box.checked) box.click()"
    )
    page.see('[data-field="sharpness"] input')


def refused_fields(page: Dashboard, world: World) -> None:
    generate(page, world)
    if not page.all(".more-body"):
        page.click(".more summary")
    page.write('.more input[type="search"]', "sharpness")
    page.write('[data-field="sharpness"] input', "99")
    page.write('.more input[type="search"]', "guidance")
    page.write('[data-field="guidance_scale"] input', "-5")
    page.click(".generate-send")
    page.see('[data-field="sharpness"] .error')
    page.browser.console()  # the refusal, which browsers report


def styles_dialog(page: Dashboard, world: World) -> None:
    generate(page, world)
    page.click('[data-field="style_selections"] .label button')
    page.see(".style-card")


def with_image(page: Dashboard, world: World) -> None:
    generate(page, world)
    if not page.all(".image-entry"):
        page.driver.find_element(By.CSS_SELECTOR, ".images input[type=file]").send_keys(str(world.photo))
        page.see(".image-entry")


def inpaint_image(page: Dashboard, world: World) -> None:
    with_image(page, world)
    if not page.all(".mask-state"):
        page.driver.execute_script(
            "const role = document.querySelector('.image-head select'); role.value = 'inpaint';"
            "role.dispatchEvent(new Event('change', {bubbles: true}))"
        )
    page.see(".mask-state")


def mask(page: Dashboard, world: World) -> None:
    inpaint_image(page, world)
    page.click(".image-details button.small")
    page.see("dialog.mask-dialog .mask-paint")


def gallery(page: Dashboard, world: World) -> None:
    page.go("#/gallery")
    page.browser.until(lambda: len(page.all(".tile img.ready")) >= len(world.finished), "the pictures")


def selection(page: Dashboard, world: World) -> None:
    gallery(page, world)
    page.driver.execute_script("for (const box of [...document.querySelectorAll('.tile-box')].slice(0, 2)) box.click()")
    page.see(".selection-bar")


def no_hits(page: Dashboard, world: World) -> None:
    page.go("#/gallery?q=nothing+like+this")
    page.see(".empty")


def delete_question(page: Dashboard, world: World) -> None:
    gallery(page, world)
    page.driver.execute_script("document.querySelector('.tile-box').click()")
    page.click(".selection-bar .danger")
    page.see("dialog .primary")


def tag_question(page: Dashboard, world: World) -> None:
    gallery(page, world)
    page.driver.execute_script(
        "document.querySelector('.tile-box').click();"
        "document.querySelector('.selection-bar [href$=\"#tag\"]').closest('button').click()"
    )
    page.see("#ask-input")


def finished_task(page: Dashboard, world: World) -> None:
    page.go(f"#/task/{world.finished[0]}")
    page.see(".task-strip a, .task-strip button")
    page.see("dl.facts-list")


def zoomed(page: Dashboard, world: World) -> None:
    finished_task(page, world)
    page.press("z")
    page.see(".viewer-frame.zoomed, .viewer-tools")


def failed_task(page: Dashboard, world: World) -> None:
    page.go(f"#/task/{world.failed}")
    page.see(".task-head .state.failed")
    page.see("dl.facts-list")


def stopped_task(page: Dashboard, world: World) -> None:
    page.go(f"#/task/{world.stopped}")
    page.see(".task-head .state.stopped")


def missing_task(page: Dashboard, world: World) -> None:
    page.go("#/task/00000000-0000-0000-0000-000000000000")
    page.see(".empty")
    page.browser.console()  # the 404, which browsers report


def comparison(page: Dashboard, world: World) -> None:
    page.go(f"#/compare/{world.finished[0]}:0/{world.finished[2]}:0")
    page.see(".compare-table tbody th")
    page.see(".compare img")


def side_by_side(page: Dashboard, world: World) -> None:
    comparison(page, world)
    page.driver.execute_script("document.querySelector('.segments input[value=side]').click()")
    page.see("figure.compare img")


def batches(page: Dashboard, world: World) -> None:
    page.go("#/batches")
    page.see(".batch")


def models(page: Dashboard, world: World) -> None:
    page.go("#/models")
    page.see(".model-table td")


def model_form(page: Dashboard, world: World) -> None:
    models(page, world)
    page.click(".page-head .primary")
    page.see("#download-form")


def keys(page: Dashboard, world: World) -> None:
    page.go("#/keys")
    page.see(".empty, table")


def key_form(page: Dashboard, world: World) -> None:
    keys(page, world)
    page.click(".page-head .primary")
    page.see("#key-form")


def statistics(page: Dashboard, world: World) -> None:
    page.go("#/stats")
    page.see("main .panel")
    page.see_none(".skeleton")


def shortcuts(page: Dashboard, world: World) -> None:
    page.go("#/stats")
    page.see("main .panel")
    page.press("?")
    page.see("dialog .shortcuts")


def account_menu(page: Dashboard, world: World) -> None:
    page.go("#/models")
    page.see(".model-table td")
    page.driver.execute_script("[...document.querySelectorAll('.tools button')].at(-1).click()")
    page.see(".menu")


State = Callable[["Dashboard", World], None]

IDLE: dict[str, State] = {
    one.__name__: one
    for one in (
        overview,
        generate,
        all_parameters,
        refused_fields,
        styles_dialog,
        with_image,
        mask,
        gallery,
        selection,
        no_hits,
        delete_question,
        tag_question,
        finished_task,
        zoomed,
        failed_task,
        stopped_task,
        missing_task,
        comparison,
        side_by_side,
        batches,
        models,
        model_form,
        keys,
        key_form,
        statistics,
        shortcuts,
        account_menu,
    )
}
"""States of a host that generates nothing."""
BUSY: dict[str, State] = {one.__name__: one for one in (overview, queue)}
"""States while a task runs and others wait."""


def leave(page: Dashboard) -> None:
    """Close what a state has opened."""
    page.driver.execute_script(RESET)
    if page.all(".menu"):
        page.press(Keys.ESCAPE)
    page.driver.execute_script("localStorage.removeItem('fooocus.draft')")
