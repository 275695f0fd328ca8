"""Repetition of a browser's tasks, and the command of the documentation's page."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.generation.test_repeat import codes, pixels, repeated
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import ROOT, Host, demo_host
from fooocus_api.tests.support.sources.page_examples import examples_of

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--demo-vae-noise") as running:
        yield running


@pytest.fixture(scope="module")
def client(host: Host) -> Client:
    return Client(host.url)


def vary(browser: Browser, picture: Path, mask: Path) -> None:
    browser.check("Input Image")
    browser.tab("Upscale or Variation")
    browser.upload(picture)
    browser.choose("Vary (Strong)")


def inpaint(browser: Browser, picture: Path, mask: Path) -> None:
    browser.check("Input Image")
    browser.tab("Inpaint or Outpaint")
    browser.upload(picture, "inpaint_canvas")
    browser.check("Enable Advanced Masking Features", "Use a mask image")
    browser.upload(mask, "inpaint_mask_canvas")


def new_task(client: Client, before: set[str]) -> str | None:
    """Return the id of an ended task that was not there before, None without one."""
    history = client.tasks(query="history")["history"]
    return next((record["task_id"] for record in history if record["task_id"] not in before), None)


@pytest.mark.parametrize("clicks", [None, vary, inpaint], ids=["text", "vary", "inpaint"])
def test_a_task_of_the_webui_is_repeated(
    host: Host,
    client: Client,
    browser: Browser,
    tmp_path: Path,
    clicks: Callable[[Browser, Path, Path], None] | None,
) -> None:
    given, mask = tmp_path / "picture.png", tmp_path / "mask.png"
    PILImage.linear_gradient("L").resize((320, 256)).convert("RGB").save(given)
    white = PILImage.new("RGB", (160, 128))
    white.paste("white", (40, 30, 110, 100))
    white.save(mask)
    before = {record["task_id"] for record in client.tasks(query="history")["history"]}
    browser.open(host.url).quick(images=2)
    if clicks is not None:
        clicks(browser, given, mask)
    browser.generate("a [[boat,house]]")
    record = client.task(wait_for(lambda: new_task(client, before), "the click's record"))
    assert [(image["exact"], codes(image)) for image in record["images"]] == [(True, [])] * 2
    assert pixels(client, repeated(client, record)) == pixels(client, record)
    assert pixels(client, repeated(client, record, image=1)) == pixels(client, record)[1:]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("page", ["repeat.md", "repeat_zh.md"])
def test_the_command_of_the_page_runs(host: Host, client: Client, page: str) -> None:
    (command,) = [one.code.strip() for one in examples_of(ROOT / "docs" / page) if one.language == "shell"]
    task_id = client.draw(prompt="a boat")["task_id"]
    command = command.replace("http://127.0.0.1:7865", host.url).replace("TASK_ID", task_id)
    done = subprocess.run(f"{command} --fail -s", shell=True, capture_output=True, check=True)
    assert json.loads(done.stdout)["repeats"] == {"task_id": task_id, "image": 0, "exact": True, "differences": []}
