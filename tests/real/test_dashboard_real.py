"""One walk over the dashboard of a real Fooocus: page, API and WebUI generate, and all three are seen. Keeps screenshots."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from fooocus_api.tests.support.client import LONG, Client, wait_for
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser

pytestmark = pytest.mark.real

LIGHT = {"language": "en", "theme": "light"}
DARK = {"language": "zh", "theme": "dark"}


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Return the folder of the screenshots: that of the environment's FOOOCUS_API_SHOTS, or one of this test."""
    return Path(os.environ.get("FOOOCUS_API_SHOTS") or tmp_path)


def test_the_page_the_api_and_the_webui_share_one_queue(
    real: Host, real_client: Client, browser: Browser, shots: Path
) -> None:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

    browser.open(real.url).quick(steps=5)
    webui = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    page = Dashboard(browser, real.url)
    page.size(1400, 900)

    # The first task is the API's, 256x256; the page takes its parameters over for one of its own.
    running = real_client.submit(**{**LONG, "overwrite_step": 15}, image_seed="7430105375365316628")
    page.open("#/", **LIGHT)
    browser.until(lambda: page.painted(".running canvas"), "a preview")
    page.see(".running .facts", "15")
    page.screenshot(shots, "overview_running")
    first = real_client.ended(running["task_id"])
    page.open(f"#/task/{first['task_id']}", **LIGHT)
    page.see("dl.facts-list", "7430105375365316628")
    page.screenshot(shots, "task")
    page.press("a")
    browser.until(lambda: page.value("#prompt") == LONG["prompt"], "the prompt in the panel")
    assert page.value(".seed-field input") == "7430105375365316628"
    page.write("#prompt", "made by the page")
    page.click(".generate-send:enabled")
    wait_for(lambda: "made by the page" in str(real_client.tasks(query="current")), "the page's task")

    # A click in the WebUI and a further request wait behind it; the queue shows both.
    browser.driver.switch_to.window(webui)
    browser.generate("made by hand")
    queued = real_client.submit(prompt="made by request")
    real_client.has_tasks(running=1, pending=2)
    browser.driver.switch_to.window(browser.driver.window_handles[-1])
    page.open("#/", **LIGHT)
    page.see(".queue-row .prompt", "made by hand")
    page.see(".queue-row .prompt", "made by request")
    page.screenshot(shots, "overview_queue")
    page.see('.queue-row:last-child [aria-label="Generate next"]:enabled').click()
    page.see(".queue-row:first-child .prompt", "made by request")
    real_client.ended(queued["task_id"])
    browser.driver.switch_to.window(webui)
    assert len(browser.images()) == 1
    browser.driver.switch_to.window(browser.driver.window_handles[-1])

    page.open("#/gallery", **DARK)
    for prompt in ("made by hand", "made by request"):
        page.see(f'.tile-link[title="{prompt}"] ')
    browser.until(lambda: bool(page.all(".tile img.ready")), "thumbnails")
    page.screenshot(shots, "gallery_zh_dark")
    one, other = real_client.tasks(query="history", page_size=2)["history"]
    page.open(f"#/compare/{one['task_id']}:0/{other['task_id']}:0", **LIGHT)
    page.see(".compare-table tbody th", "Prompt")
    page.screenshot(shots, "compare")
    # The WebUI, in the other tab, asks other hosts for fonts and scripts, and its messages are in the same console.
    assert [fault for fault in page.faults() if f"{real.url}/dashboard" in fault] == []


def test_a_mask_by_brush_reaches_fooocus(real: Host, real_client: Client, browser: Browser, shots: Path) -> None:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

    source = real_client.draw(prompt="a field")
    page = Dashboard(browser, real.url)
    page.size(1400, 900)
    page.open(f"#/task/{source['task_id']}", **LIGHT)
    page.click(".task-actions button", "Edit")
    page.click(".menu [role=menuitem]", "Inpaint")
    canvas = page.see(".mask-paint")
    ActionChains(browser.driver).move_to_element(canvas).click_and_hold().move_by_offset(60, 20).release().perform()
    page.screenshot(shots, "mask")
    page.click("dialog .primary")
    page.see(".mask-state", "")
    page.write("#prompt", "a pond in the field")
    page.click(".generate-send:enabled")

    def inpainted() -> dict[str, Any] | None:
        newest = real_client.tasks(query="history", page_size=1)["history"][0]
        return newest if newest["req_params"]["prompt"] == "a pond in the field" else None

    done = wait_for(inpainted, "the inpainted image", real_client.patience)
    assert done["task_status"] == "finished" and done["req_params"]["inpaint_mask_image_upload"]
    page.open(f"#/task/{done['task_id']}", **LIGHT)
    page.see(".viewer img")
    page.screenshot(shots, "after_inpaint")


def test_delete_on_a_phone(real: Host, real_client: Client, browser: Browser, shots: Path) -> None:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

    doomed = real_client.draw(prompt="a doomed one")
    page = Dashboard(browser, real.url)
    page.size(390, 844)
    page.open("#/", **DARK)
    page.see("#connection[data-state=live]")
    page.screenshot(shots, "phone_now_zh_dark")
    page.open("#/gallery", **DARK)
    page.see('.tile-link[title="a doomed one"]')
    page.screenshot(shots, "phone_gallery_zh_dark")
    page.go(f"#/task/{doomed['task_id']}")
    page.see(".task-head h1", "a doomed one")
    page.screenshot(shots, "phone_task_zh_dark")
    page.press(Keys.DELETE)
    page.click("dialog .primary")
    page.go("#/")
    browser.driver.get("about:blank")  # a page that is left undoes nothing
    wait_for(lambda: real_client.get(f"/tasks/{doomed['task_id']}").status_code == 404, "the deletion")
