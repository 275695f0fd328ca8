"""A task's page: all that is known of it, copies that run, the same picture again, upscale and vary, comparison."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.keys import Keys

from fooocus_api.tests.support.client import Client, Record, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout
from fooocus_api.tests.support.servers.webhook_receiver import Receiver
from fooocus_api.tests.support.servers.webhooks import QUICKLY, once

if TYPE_CHECKING:
    from collections.abc import Callable

    from fooocus_api.tests.support.browsers.dashboard import Dashboard

SEED = "7430105375365316628"
"""A seed of 19 digits, of which a number of JavaScript holds 15."""
PROMPT = 'it\'s a "quoted" $HOME `id` \\ cat, 猫\nin a second line'
FIRST = {
    "prompt": PROMPT,
    "negative_prompt": "rain",
    "image_seed": SEED,
    "image_number": 2,
    "sharpness": 3.5,
    "style_selections": ["Fooocus Sharp"],
    "loras": [{"enabled": True, "model_name": "demo_warm_light.safetensors", "weight": 0.35}],
}
BEGINNINGS = {"curl": "curl ", "Python": "import ", "JSON": "{"}
OF_A_SUBMISSION = ("async_process", "repeat_of", "webhook_url", "tags", "client_data")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Start a host with files of its own, which sends webhooks."""
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("task") / "demo")
    with demo_host(*QUICKLY, step_ms=40, checkout=checkout) as host:
        yield host


@pytest.fixture
def client(own: Host) -> Client:
    return Client(own.url)


@pytest.fixture
def task_page(own: Host, page_of: Callable[[Host], Dashboard]) -> Dashboard:
    page = page_of(own)
    permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"], "origin": own.url}
    page.driver.execute_cdp_cmd("Browser.grantPermissions", permissions)
    return page


@pytest.fixture(scope="module")
def first(own: Host) -> Record:
    """Generate the task that the tests look at."""
    return Client(own.url).draw(**FIRST)


def request_of(record: Record) -> dict[str, Any]:
    """Return a record's request without what belongs to its submission."""
    return {name: value for name, value in record["req_params"].items() if name not in OF_A_SUBMISSION}


def newest(page: Dashboard, known: Record) -> Record:
    """Wait until the newest task is another one than the known one, and has ended. Return it."""
    client = Client(page.url)

    def look() -> Record | None:
        found = client.tasks(query="history", page_size=1)["history"]
        return found[0] if found and found[0]["task_id"] != known["task_id"] else None

    return client.task(wait_for(look, "another task")["task_id"])


def copied(page: Dashboard) -> str:
    """Return the clipboard's text."""
    return str(page.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0], arguments[0])"))


def clipboard(page: Dashboard, kind: str) -> str:
    """Copy the shown task in a form, and return the clipboard's text."""
    from fooocus_api.tests.support.browsers.windows import choose

    choose(page, "Copy as", kind)
    page.browser.until(lambda: copied(page).startswith(BEGINNINGS[kind]), f"{kind} on the clipboard")
    return copied(page)


def test_all_that_is_known_is_shown(task_page: Dashboard, client: Client) -> None:
    with Receiver(500) as receiver:
        record = client.draw(**FIRST, webhook_url=receiver.url)
        once(client, record["task_id"], "delivered")
    task_page.open(f"#/task/{record['task_id']}", language="en")
    for label, value in (
        ("Prompt", "in a second line"),
        ("Negative prompt", "rain"),
        ("Seed", SEED),
        ("Styles", "Fooocus Sharp"),
        ("Performance", "Lightning"),
        ("Base model", record["req_params"]["base_model_name"]),
        ("LoRA", "demo_warm_light.safetensors (0.35)"),
        ("Queued", "20"),
        ("Took", "s"),
        ("From", "api"),
        ("ID", record["task_id"]),
    ):
        assert value in task_page.see("dl.facts-list div", label).text
    task_page.see(".webhook-head", receiver.url)
    answers = task_page.all(".task-side tbody td:nth-child(2)")
    assert [one.text for one in answers] == ["200", "500"]
    task_page.click(".task-side details summary", "other parameters")
    task_page.see(".task-side details[open]", "3.5")
    task_page.press(Keys.ARROW_RIGHT)
    task_page.see("dl.facts-list div", str(int(SEED) + 1))
    task_page.see(".task-head", "Image 2 of 2")
    task_page.press("z")
    task_page.see(".viewer-tools", "100 %")


def test_tags_are_added_and_removed_one_by_one(task_page: Dashboard, first: Record, client: Client) -> None:
    def chips() -> list[str]:
        return [one.text.split()[0] for one in task_page.all(".task-side button.chip")]

    def tag(name: str) -> None:
        task_page.click(".task-side .chips button", "Tag")
        task_page.write("#ask-input", name)
        task_page.press(Keys.ENTER)
        task_page.see(".task-side button.chip", name)

    task_page.open(f"#/task/{first['task_id']}", language="en")
    task_page.see(".task-head", "Image 1 of 2")
    tag("one")
    task_page.named(".task-strip button", "Image 2").click()
    task_page.see(".task-head", "Image 2 of 2")
    assert chips() == ["one"]
    tag("two")
    tag("three")
    assert sorted(client.task(first["task_id"])["tags"]) == ["one", "three", "two"]
    # Two at once: the second one is removed before the answer to the first one.
    task_page.driver.execute_script(
        "for (const chip of document.querySelectorAll('.task-side button.chip')) "
        "if (!chip.textContent.startsWith('two')) chip.click()"
    )
    task_page.browser.until(lambda: chips() == ["two"], "one tag")
    assert client.task(first["task_id"])["tags"] == ["two"]
    assert client.request("PUT", f"/tasks/{first['task_id']}/tags", json={"tags": []}).status_code == 200


@pytest.mark.nightly
def test_a_failed_task_shows_its_error(task_page: Dashboard, own: Host, client: Client) -> None:
    folder = own.checkout / "models" / "checkpoints"
    shutil.copyfile(folder / "demo_daylight.safetensors", folder / "doomed.safetensors")
    ahead = client.submit(overwrite_step=200, image_number=20)
    doomed = client.submit(prompt="a doomed one", base_model_name="doomed.safetensors")
    (folder / "doomed.safetensors").unlink()
    task_page.open(f"#/task/{doomed['task_id']}", language="en")
    task_page.see(".task-head", "Waiting")
    client.post(f"/tasks/{ahead['task_id']}/stop")
    task_page.see(".task-side .notice.bad", "doomed.safetensors")
    task_page.see(".task-head", "Failed")
    task_page.see(".task-none", "This task has no images")
    shutil.copyfile(folder / "demo_daylight.safetensors", folder / "doomed.safetensors")
    task_page.go("#/gallery?status=failed")
    task_page.click(".gallery-head button", "Generate all failed again")
    task_page.click("dialog .primary", "Generate 1 again")
    task_page.see(".note", "1 task is in the queue again.")
    task_page.go("#/gallery?status=finished")
    task_page.see(".tile-link[title='a doomed one'] img.ready")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_copies_generate_the_same_picture(task_page: Dashboard, first: Record, client: Client) -> None:
    task_page.open(f"#/task/{first['task_id']}", language="en")
    done = subprocess.run(["bash", "-c", f"{clipboard(task_page, 'curl').strip()} -s --fail"], capture_output=True)
    assert done.returncode == 0, done.stderr
    records = [json.loads(done.stdout)]
    program = subprocess.run([sys.executable, "-c", clipboard(task_page, "Python")], capture_output=True, text=True)
    assert program.returncode == 0, program.stderr
    records.append(client.tasks(query="history", page_size=1)["history"][0])
    records.append(client.draw(**json.loads(clipboard(task_page, "JSON"))))
    assert len({record["task_id"] for record in records}) == 3
    for record in records:
        again = client.task(record["task_id"])
        assert again["images"][0]["seed_text"] == SEED
        expected = {**request_of(first), "image_number": 1}
        different = {name for name, value in request_of(again).items() if value != expected[name]}
        assert different <= {"image_seed"} and str(again["req_params"]["image_seed"]) == SEED
        assert client.get(again["images"][0]["url"]).content[-200:] != b""


def test_use_again_generates_the_same_request(task_page: Dashboard, first: Record, client: Client) -> None:
    before = client.tasks(query="history", page_size=1)["history"][0]
    task_page.open(f"#/task/{first['task_id']}", language="en")
    task_page.see(".task-head", "Image 1 of 2")
    task_page.press("a")
    task_page.see(".note", "All parameters are in the panel.")
    task_page.see(".generate-send:enabled").click()
    again = newest(task_page, before)
    assert request_of(again) == request_of(first)
    assert [one["seed_text"] for one in again["images"]] == [SEED, str(int(SEED) + 1)]


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("button", "method"),
    [("Upscale", "Upscale (Fast 2x)"), ("Vary", "Vary (Subtle)")],
    ids=["upscale", "vary"],
)
def test_a_picture_is_upscaled_and_varied(
    task_page: Dashboard, first: Record, client: Client, button: str, method: str
) -> None:
    from fooocus_api.tests.support.browsers.windows import choose

    before = client.tasks(query="history", page_size=1)["history"][0]
    task_page.open(f"#/task/{first['task_id']}", language="en")
    task_page.see(".task-actions")
    choose(task_page, button, method)
    task_page.browser.until(
        lambda: bool(
            task_page.driver.execute_script("return document.querySelector('.image-entry img')?.naturalWidth > 0")
        ),
        "the picture in the panel",
    )
    task_page.see(".generate-send:enabled").click()
    record = newest(task_page, before)
    assert record["task_status"] == "finished" and record["req_params"]["uov_method"] == method
    assert record["req_params"]["uov_input_image"].endswith(first["images"][0]["url"].rsplit("/", 1)[-1])
    assert record["req_params"]["prompt"] == PROMPT and record["images"][0]["seed_text"] != SEED


@pytest.mark.nightly
def test_two_pictures_are_compared_in_three_ways(task_page: Dashboard, first: Record, client: Client) -> None:
    other = client.draw(**{**FIRST, "prompt": "a dog", "sharpness": 7.5, "image_seed": "7430105375365316629"})
    task_page.open(f"#/task/{first['task_id']}", language="en")
    task_page.see("#compare-picture[aria-pressed=false]").click()
    task_page.see(".note", "first picture")
    task_page.go(f"#/task/{other['task_id']}")
    task_page.see("h1", "a dog")
    task_page.see("#compare-picture[aria-pressed=false]")
    task_page.press("c")
    task_page.see(".compare-table", "7.5")
    # The slider lies invisibly over the pictures.
    task_page.driver.execute_script("document.querySelector('.compare input[type=range]').focus()")
    task_page.press(Keys.END)
    cut = "return document.querySelector('.compare').style.getPropertyValue('--cut')"
    task_page.browser.until(lambda: task_page.driver.execute_script(cut) == "100%", "the slider at its end")
    table = task_page.see(".compare-table", "7.5").text
    for words in ("3.5", "7.5", SEED, "7430105375365316629"):
        assert words in table
    assert "rain" not in table  # both have it
    task_page.click(".segments button, .segments label", "Side by side")
    task_page.browser.until(lambda: len(task_page.all("figure.compare img")) == 2, "both side by side")
    task_page.press("c")
    ids = [other["task_id"], first["task_id"]]
    task_page.browser.until(
        lambda: [part.split("%3A")[0] for part in task_page.driver.current_url.split("/")[-2:]] == ids, "both swapped"
    )


@pytest.mark.nightly
def test_the_webui_is_opened_with_the_parameters(task_page: Dashboard, first: Record) -> None:
    from fooocus_api.tests.support.browsers.windows import choose

    driver = task_page.driver
    task_page.open(f"#/task/{first['task_id']}", language="en")
    task_page.see(".task-actions")
    own = driver.current_window_handle
    choose(task_page, "More", "Open in WebUI", within=".task-actions")
    task_page.browser.until(lambda: len(driver.window_handles) == 2, "a second window")
    task_page.see(".note", "Paste them into the WebUI's prompt")
    driver.switch_to.window(next(handle for handle in driver.window_handles if handle != own))
    task_page.browser.until(lambda: bool(driver.find_elements("id", "generate_button")), "the WebUI")
    driver.close()
    driver.switch_to.window(own)
    task_page.browser.console()  # messages of Gradio's page
    parameters = json.loads(copied(task_page))
    assert parameters["prompt"] == PROMPT and str(parameters["seed"]) == SEED
