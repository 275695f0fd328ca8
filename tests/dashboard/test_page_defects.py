"""Answers that fail, are late or are lost, and queues and lists of which the page sees a part."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.support.select import Select

from fooocus_api.tests.support.api_calls.batches import quick, send_lines
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

PROMPTS = ("a red fox", "a blue hare")
PRESET = '{"default_sample_sharpness": 7.0}'
PAGE_SIZE = 50
ALL_SCOPES = ["generate", "read", "read-all", "control", "admin"]

HOLD = """
const [part] = arguments, fetchNow = window.fetch;
window.held = [];
window.fetch = async (url, options) => {
  if (String(url).includes(part)) await new Promise(release => window.held.push(release));
  return fetchNow(url, options);
};
"""
"""Script that keeps requests whose address has a text until `held` is called."""
OVERLAP = """
const [one, other] = [...arguments].map(selector => document.querySelector(selector).getBoundingClientRect());
return one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;
"""
LOSE_ONE = """
const [part] = arguments, fetchNow = window.fetch;
window.fetch = async (url, options) => {
  const response = await fetchNow(url, options);
  if (!String(url).includes(part)) return response;
  window.fetch = fetchNow;
  throw new TypeError("the answer is lost");
};
"""
"""Script that loses the next answer from an address that has a text, as a broken connection does."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Start a host with two pictures, and a preset of its own."""
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("defects") / "demo")
    (checkout / "presets" / "doomed.json").write_text(PRESET, "utf-8")
    with demo_host(checkout=checkout) as host:
        for prompt in PROMPTS:
            Client(host.url).draw(prompt=prompt)
        yield host


@pytest.fixture
def page(host: Host, page_of: Callable[[Host], Dashboard]) -> Dashboard:
    return page_of(host)


def titles(page: Dashboard) -> list[str]:
    """Return the prompts of the shown tiles in their order."""
    return [str(one.get_attribute("title")) for one in page.all(".tile-link")]


def order(page: Dashboard) -> list[str]:
    """Return the prompts of the shown queue."""
    return [one.text for one in page.all(".queue-row .prompt")]


@pytest.mark.nightly
def test_the_page_opens_by_itself_once_the_server_answers(page: Dashboard) -> None:
    page.driver.execute_cdp_cmd("Network.enable", {})
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/v1/session"]})
    page.open("#/", language="en")
    page.see(".unreachable", "Fooocus does not answer.")
    page.driver.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    page.see(".queue-panel")
    page.see(".generate-send:enabled")
    assert all("net::ERR" in line for line in page.browser.console())


@pytest.mark.nightly
def test_an_older_search_does_not_replace_a_newer_one(page: Dashboard) -> None:
    page.open("#/gallery", language="en")
    page.browser.until(lambda: len(titles(page)) >= len(PROMPTS), "the pictures")
    page.driver.execute_script(HOLD, "prompt=hare")
    page.go("#/gallery?q=hare")
    page.browser.until(lambda: bool(page.driver.execute_script("return window.held.length")), "the older search")
    page.go("#/gallery?q=fox")
    page.browser.until(lambda: titles(page) == [PROMPTS[0]], "the newer search")
    page.driver.execute_script("for (const release of window.held) release()")
    page.driver.execute_async_script("setTimeout(arguments[0], 300)")
    assert titles(page) == [PROMPTS[0]]


def test_a_deleted_task_stays_hidden_when_another_one_ends(page: Dashboard, host: Host) -> None:
    client = Client(host.url)
    doomed = client.draw(prompt="a doomed one")
    page.open("#/gallery", language="en")
    page.see('.tile-link[title="a doomed one"]')
    page.driver.execute_script("document.querySelector('.tile-box').click()")
    page.click(".selection-bar .danger", "Delete 1")
    page.click("dialog .primary", "Delete 1")
    page.see_none('.tile-link[title="a doomed one"]')
    client.draw(prompt="a later one")
    page.see('.tile-link[title="a later one"]')
    assert "a doomed one" not in titles(page)
    page.driver.get("about:blank")
    wait_for(lambda: client.get(f"/tasks/{doomed['task_id']}").status_code == 404, "the deletion")


@pytest.mark.nightly
def test_a_press_after_a_lost_answer_generates_once(page: Dashboard, host: Host) -> None:
    page.open("#/generate", language="en")
    page.see(".generate-send:enabled")
    page.write("#prompt", "once only")
    page.driver.execute_script(LOSE_ONE, "/v1/engine/generate/")
    page.click(".generate-send")
    page.see(".generate-status", "Fooocus does not answer.")
    page.see(".generate-send:enabled").click()
    page.see(".note", "The task is in the queue.")
    assert not page.driver.execute_script(OVERLAP, ".note", ".generate-send"), "a note covers the button"
    client = Client(host.url)

    def ended() -> list[str]:
        found = client.tasks(query="history", page_size=20)["history"]
        return [one["task_id"] for one in found if one["req_params"]["prompt"] == "once only"]

    wait_for(ended, "the picture")
    client.has_tasks(running=0)
    assert len(ended()) == 1


@pytest.mark.nightly
def test_batches_are_read_a_page_at_a_time(page: Dashboard, host: Host) -> None:
    client = Client(host.url)

    def send() -> str:
        answer = send_lines(client, quick(1))
        assert answer.status_code < 300, answer.text
        return str(answer.json()["batch_id"])

    first = send()
    wait_for(lambda: client.get(f"/v1/batches/{first}").json()["status"] == "ended", "the first batch")
    assert client.post("/v1/engine/pause").status_code == 200
    try:
        for _ in range(PAGE_SIZE):
            send()
        page.open("#/batches", language="en")
        page.browser.until(lambda: len(page.all(".batch")) == PAGE_SIZE, "the first page")
        page.click("button", "Show more")
        page.browser.until(lambda: len(page.all(".batch")) == PAGE_SIZE + 1, "all batches")
        urls = page.driver.execute_script("return performance.getEntriesByType('resource').map(entry => entry.name)")
        assert any(url.endswith(f"/v1/batches?page=1&page_size={PAGE_SIZE}") for url in urls)
        page.open(f"#/batches/{first}")
        page.browser.until(lambda: len(page.all(".batch")) == PAGE_SIZE + 1, "the first page and the linked batch")
        assert first[:8] in page.see(".batch.open header").text
        assert "open" in str(page.all(".batch")[0].get_attribute("class"))
    finally:
        client.post("/v1/engine/resume")


def test_the_newest_choice_of_a_preset_counts(page: Dashboard) -> None:
    preset, field = '[aria-label="Preset"]', "[data-field=base_model_name] select"
    page.open("#/generate", language="en")
    page.see(".generate-send:enabled")
    model = page.value(field)
    page.driver.execute_script(HOLD, "/v1/engines/presets/nightfall")
    Select(page.see(preset)).select_by_value("nightfall")
    Select(page.see(preset)).select_by_value("initial")
    page.driver.execute_script("for (const release of window.held) release()")
    page.driver.execute_async_script("setTimeout(arguments[0], 300)")
    assert (page.value(preset), page.value(field)) == ("initial", model)
    # One whose values are not known is not chosen.
    page.driver.refresh()
    page.see(".generate-send:enabled")
    page.driver.execute_script(LOSE_ONE, "/v1/engines/presets/nightfall")
    Select(page.see(preset)).select_by_value("nightfall")
    page.see(".note.bad", "Fooocus does not answer.")
    assert (page.value(preset), page.value(field)) == ("initial", model)


def test_a_deleted_preset_is_named_and_the_press_of_a_button_waits_for_one(page: Dashboard, host: Host) -> None:
    preset, client = '[aria-label="Preset"]', Client(host.url)
    doomed = host.checkout / "presets" / "doomed.json"
    page.open("#/generate", language="en")
    page.see(".generate-send:enabled")
    page.write("#prompt", "of a preset")
    doomed.unlink()
    page.driver.execute_script(HOLD, "/v1/engines/presets/")
    sent = len(client.tasks(query="all")["history"])
    Select(page.see(preset)).select_by_value("doomed")
    page.click(".generate-send")
    page.driver.execute_script("for (const release of window.held) release()")
    page.see(".note.bad", "The preset doomed does not exist any more")
    page.see(".generate-send:enabled")
    assert page.value(preset) == "initial" and not page.all(f'{preset} option[value="doomed"]')
    Select(page.see(preset)).select_by_value("nightfall")
    page.click(".generate-send")
    page.driver.execute_script("for (const release of window.held) release()")
    page.see(".note", "The task is in the queue.")
    client.has_tasks(running=0)
    first, *others = client.tasks(query="history")["history"]
    assert first["req_params"]["base_model_name"] == "demo_nightfall.safetensors"
    assert len(others) == sent, "the first press sent nothing"
    # One that is deleted after it was chosen is refused, and named as well.
    doomed.write_text(PRESET, "utf-8")
    page.driver.refresh()
    page.see(".generate-send:enabled")
    page.driver.execute_script(HOLD, "/v1/engines/presets/")
    Select(page.see(preset)).select_by_value("doomed")
    page.browser.until(lambda: bool(page.driver.execute_script("return window.held.length")), "the preset asked for")
    page.driver.execute_script("window.held.pop()()")
    page.driver.execute_async_script("setTimeout(arguments[0], 300)")
    doomed.unlink()
    page.click(".generate-send")
    page.see(".generate-status", "A field was refused.")
    page.browser.until(lambda: bool(page.driver.execute_script("return window.held.length")), "the preset asked for")
    page.driver.execute_script("window.held.pop()()")
    page.see(".note.bad", "The preset doomed does not exist any more")
    assert all("status of 4" in line for line in page.browser.console())


@pytest.mark.nightly
def test_a_task_moves_among_the_own_ones(demo_factory: DemoFactory, page_of: Callable[[Host], Dashboard]) -> None:
    host = demo_factory()
    first = Client(host.url)
    admin = Client(host.url, first.post("/v1/keys", json={"name": "admin", "scopes": ALL_SCOPES}).json()["key"])
    scopes = ["generate", "read", "control"]
    key = admin.post("/v1/keys", json={"name": "painter", "scopes": scopes}).json()["key"]
    painter = Client(host.url, key)
    assert admin.post("/v1/engine/pause").status_code == 200
    admin.submit(prompt="before", priority=10)
    for prompt in ("one", "two"):
        painter.submit(prompt=prompt)
    admin.submit(prompt="behind", priority=-10)

    def queued() -> list[str]:
        return [card["prompt"] for card in admin.get("/v1/queue").json()["waiting"]]

    assert queued() == ["before", "one", "two", "behind"]
    page = page_of(host)
    page.open("#/queue", language="en")
    page.write("form.sign-in [type=password]", key)
    page.click("form.sign-in button")
    page.browser.until(lambda: order(page) == ["one", "two"], "the own tasks")
    page.see('.queue-row:nth-child(2) [aria-label="Earlier"]').click()
    wait_for(lambda: queued() == ["before", "two", "one", "behind"], "the second one before the first")
    page.browser.until(lambda: order(page) == ["two", "one"], "the second one first")
    page.browser.until(lambda: [one.text for one in page.all(".queue-row .place")] == ["2", "3"], "their places")
    page.see('.queue-row:nth-child(1) [aria-label="Later"]').click()
    wait_for(lambda: queued() == ["before", "one", "two", "behind"], "the former order")
    page.see('.queue-row:nth-child(2) [aria-label="Generate next"]').click()
    wait_for(lambda: queued()[0] == "two", "the second one before all others")
    assert [line for line in page.browser.console() if "401" not in line] == []


def test_actions_start_once_and_end_with_their_page(page: Dashboard, host: Host) -> None:
    from fooocus_api.tests.support.browsers.windows import choose

    task = Client(host.url).tasks(query="history")["history"][0]["task_id"]
    page.open("#/models", language="en")
    page.click(".page-head button", "Download a model")
    page.write("dialog input[type=url]", "https://example.com/a.safetensors")
    page.driver.execute_script(HOLD, "/v1/engine/model-files")
    send = page.see("dialog button[type=submit]")
    for _ in range(4):
        send.click()
    assert page.driver.execute_script("return window.held.length") == 1
    page.see("dialog button[type=submit][aria-busy=true]")
    page.go(f"#/task/{task}")
    page.see_none("dialog")
    page.see(".viewer img")
    page.driver.execute_script(HOLD, "/outputs/")
    choose(page, "Edit", "Inpaint")
    choose(page, "Edit", "Inpaint")
    assert page.driver.execute_script("return window.held.length") == 1
    page.go("#/generate")
    page.see(".generate-send:enabled")
    page.driver.execute_script("window.held[0]()")
    drop = "new DragEvent('drop', {dataTransfer: transfer, bubbles: true, cancelable: true})"
    page.driver.execute_script(
        "const transfer = new DataTransfer(); transfer.items.add(new File(['words'], 'a.txt', {type: 'text/plain'}));"
        f"for (const one of ['.images', 'body']) document.querySelector(one).dispatchEvent({drop})"
    )
    page.see(".note.bad")
    assert not page.all("dialog") and not page.all(".image-entry")
    assert all("status of 4" in line for line in page.browser.console())
