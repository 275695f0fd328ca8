"""Texts that try to be markup, scripts or commands, or to break the page's layout: all of them are shown as they are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.api_calls.batches import accepted, combine, ended, send_lines
from fooocus_api.tests.support.client import QUICK, Client, Record
from fooocus_api.tests.support.host import DEMO, Host, demo_host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

WIDE, PHONE = (1400, 900), (390, 844)
MARKUP = '<img src=x onerror="window.hacked=1"></script><script>window.hacked=2</script>'
COMMANDS = '\'; touch hacked #\' "$(touch hacked)" `touch hacked` \\\' \\n %s ${HOME} !! """ \u2028 {{7*7}}'
RIGHT_TO_LEFT = "\u202egnp.exe\u2066 \u05e9\u05dc\u05d5\u05dd"
EMOJI = "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1e9\U0001f1ea \u0041\u030a\u0301\u0327\u0330" * 3
ENDLESS = "x" * 5000
PROMPTS = (MARKUP, COMMANDS, RIGHT_TO_LEFT, EMOJI, ENDLESS, MARKUP + "\n\n" + COMMANDS)
TAGS = ['<b onclick="hacked=3">\'"&amp;', "\u202egat", "w" * 64]
MODEL = '<svg onload="window.hacked=4"> \'&quot; \u202e' + "m" * 80 + ".safetensors"
ROUTES = ("#/", "#/queue", "#/generate", "#/gallery", "#/batches", "#/models", "#/stats")
PLANTED = """
return window.hacked || document.querySelectorAll(
  "img[src='x'], [onerror], [onclick], [onload], body script").length;
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file names with such characters")


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Start a host whose models, history, batches and tags have hostile names."""
    checkout = tmp_path_factory.mktemp("hostile") / "demo"
    shutil.copytree(DEMO, checkout, ignore=shutil.ignore_patterns("outputs", "__pycache__"))
    for kind in ("checkpoints", "loras"):
        source = next((checkout / "models" / kind).glob("*.safetensors"))
        shutil.copyfile(source, source.parent / MODEL)
    with demo_host(step_ms=20, checkout=checkout) as host:
        client = Client(host.url)
        for prompt in PROMPTS:
            client.draw(prompt=prompt, negative_prompt=prompt, tags=TAGS, base_model_name=MODEL)
        rows = [{"custom_id": "row.1", **QUICK, "prompt": RIGHT_TO_LEFT}]
        ended(client, accepted(send_lines(client, rows)))
        ended(client, accepted(combine(client, {"prompt": [MARKUP]})))
        yield host


@pytest.fixture
def page(hostile: Host, page_of: Callable[[Host], Dashboard]) -> Dashboard:
    return page_of(hostile)


def records(host: Host) -> dict[str, Record]:
    """Return the records of the prompts."""
    history = Client(host.url).tasks(query="history", page_size=50)["history"]
    return {record["req_params"]["prompt"]: record for record in history}


def unharmed(page: Dashboard, where: str) -> None:
    assert not page.driver.execute_script(PLANTED), where
    width = page.driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1], where


@pytest.mark.parametrize("size", [pytest.param(WIDE, marks=pytest.mark.nightly), PHONE], ids=["wide", "phone"])
def test_every_page_shows_texts_as_texts(page: Dashboard, hostile: Host, size: tuple[int, int]) -> None:
    page.size(*size)
    client = Client(hostile.url)
    client.post("/v1/engine/pause")
    waiting = [client.submit(prompt=prompt)["task_id"] for prompt in PROMPTS]
    try:
        page.open("#/", language="en")
        for route in ROUTES:
            page.go(route)
            page.see("main h1, main h2, main .panel, main .queue-row")
            page.see_none(".skeleton")
            unharmed(page, route)
        page.go("#/queue")
        page.see(".queue-row .prompt", MARKUP[:40])
    finally:
        client = Client(hostile.url)
        client.post("/tasks/bulk", json={"ids": waiting, "action": "cancel"})
        client.post("/v1/engine/resume")
    page.go("#/models")
    assert page.see(".model-table td", "onload").text.startswith(MODEL[:30])
    page.go("#/generate")
    page.see(".generate-send:enabled")
    assert MODEL in page.driver.execute_script(
        "return [...document.querySelectorAll('[data-field=base_model_name] option')].map(one => one.textContent)"
    )
    of_prompts = records(hostile)
    for prompt in (MARKUP, RIGHT_TO_LEFT, ENDLESS):
        page.go(f"#/task/{of_prompts[prompt]['task_id']}")
        page.see(".long dd", prompt)
        assert [one.text.removesuffix("×").strip() for one in page.all("button.chip")][:1] == TAGS[:1]
        unharmed(page, prompt)
    page.go(f"#/compare/{of_prompts[MARKUP]['task_id']}:0/{of_prompts[COMMANDS]['task_id']}:0")
    page.see(".compare-table td", "onerror")
    unharmed(page, "compare")


@pytest.mark.nightly
def test_copied_commands_send_the_very_same_request(page: Dashboard, hostile: Host, tmp_path: Path) -> None:
    shell = shutil.which("bash")
    if not (shell and shutil.which("curl")):
        pytest.skip("bash or curl is not installed")
    page.open("#/", language="en")
    page.driver.execute_script("navigator.clipboard.writeText = async text => { window.copied = text; }")
    prompt = MARKUP + "\n\n" + COMMANDS
    wanted = records(hostile)[prompt]
    page.go(f"#/task/{wanted['task_id']}")
    page.see("dl.facts-list")

    def copied(way: str) -> str:
        page.driver.execute_script("window.copied = ''")
        page.click(".task-actions button", "Copy as")
        page.click("[role=menuitem]", way)
        page.browser.until(lambda: bool(page.driver.execute_script("return window.copied")), f"the copied {way}")
        return str(page.driver.execute_script("return window.copied"))

    environment = {**os.environ, "no_proxy": "*"}
    run = {"cwd": tmp_path, "env": environment, "capture_output": True, "text": True, "timeout": 120, "check": True}
    answer = subprocess.run([shell, "-c", copied("curl")], **run)  # type: ignore[call-overload]
    by_curl = json.loads(answer.stdout)
    subprocess.run([sys.executable, "-c", copied("Python")], **run)  # type: ignore[call-overload]
    by_python = Client(hostile.url).tasks(query="history", page_size=1)["history"][0]
    assert by_python["task_id"] != by_curl["task_id"]
    request = json.loads(copied("JSON"))
    for made in (by_curl["req_params"], by_python["req_params"], request):
        assert {name: made[name] for name in ("prompt", "negative_prompt", "base_model_name")} == {
            "prompt": prompt,
            "negative_prompt": prompt,
            "base_model_name": MODEL,
        }
    assert list(tmp_path.iterdir()) == []


@pytest.mark.nightly
def test_what_is_written_is_sent_and_shown(page: Dashboard, hostile: Host) -> None:
    page.open("#/", language="en")
    page.see(".generate-send:enabled")
    page.driver.execute_script(
        "const field = document.querySelector('#prompt'); field.value = arguments[0];"
        "field.dispatchEvent(new Event('input', {bubbles: true}))",
        PROMPTS[-1],
    )
    page.click(".generate-send")
    page.see(".note", "queue")
    unharmed(page, "overview")
    page.go("#/gallery?q=" + "%3Cimg%20src%3Dx%20onerror%3D1%3E")
    page.see(".empty, .wall")
    assert page.value("#gallery-search") == "<img src=x onerror=1>"
    page.go("#/task/%3Cimg%20src%3Dx%3E")
    page.see(".empty, .notice")
    page.go("#/compare/%3Cimg%3E:0/%3Cb%3E:1")
    page.see(".notice")
    unharmed(page, "addresses")
    assert all("404" in line or "422" in line for line in page.browser.console())
