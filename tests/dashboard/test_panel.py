"""The panel that generates: images by file, drop and paste, a mask by brush, styles, LoRAs, a preset, any parameter by search."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from fooocus_api.tests.support.client import Client, Record, wait_for
from fooocus_api.tests.support.host import DEMO, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout

if TYPE_CHECKING:
    from collections.abc import Callable

    from fooocus_api.tests.support.browsers.dashboard import Dashboard

SIZE = (320, 256)
STYLE = "Demo Golden Hour"
GIVE_FILE = """
const [selector, kind, colour, done] = arguments;
const canvas = Object.assign(document.createElement("canvas"), {width: 64, height: 48});
const context = canvas.getContext("2d");
context.fillStyle = colour;
context.fillRect(0, 0, 64, 48);
canvas.toBlob(blob => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([blob], `${kind}.png`, {type: "image/png"}));
  const Kind = kind === "paste" ? ClipboardEvent : DragEvent;
  const data = kind === "paste" ? {clipboardData: transfer} : {dataTransfer: transfer};
  document.querySelector(selector).dispatchEvent(new Kind(kind, {...data, bubbles: true, cancelable: true}));
  done();
}, "image/png");
"""
"""Script that gives the page a picture of one colour by an event, as a paste or a drop does."""


CLICK_NEXT_TO_IT = """
const dialog = arguments[0].closest("dialog");
for (const kind of ["pointerdown", "click"]) dialog.dispatchEvent(new PointerEvent(kind, {bubbles: true}));
"""
"""Script that clicks on the backdrop of the dialog around an element."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Start a host with files of its own, of which one is the sample picture of a style."""
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("panel") / "demo")
    samples = checkout / "sdxl_styles" / "samples"
    samples.mkdir()
    Image.new("RGB", (64, 64), "orange").save(samples / f"{STYLE.lower().replace(' ', '_')}.jpg")
    with demo_host(checkout=checkout) as host:
        yield host


@pytest.fixture
def panel(own: Host, page_of: Callable[[Host], Dashboard]) -> Dashboard:
    page = page_of(own)
    page.open("#/generate", language="en")
    page.see(".generate-send:enabled")
    return page


def generated(page: Dashboard) -> Record:
    """Click Generate, and return the record of the finished task."""
    client = Client(page.url)
    before = client.tasks(query="all")
    known = {task["task_id"] for tasks in before.values() for task in tasks}
    page.see(".generate-send:enabled").click()

    def look() -> Record | None:
        new = [one for one in client.tasks(query="history")["history"] if one["task_id"] not in known]
        return new[0] if new else None

    record = client.task(wait_for(look, "the task")["task_id"])
    assert record["task_status"] == "finished", record
    return record


def quickly(page: Dashboard) -> None:
    """Choose the settings of a cheap image."""
    Select(page.see("[data-field=performance_selection] select")).select_by_value("Lightning")
    page.write("#image-number", "1")


def test_a_mask_is_painted_by_brush(panel: Dashboard, own: Host, tmp_path: Path) -> None:
    from fooocus_api.tests.support.browsers.windows import drag

    picture = tmp_path / "chosen.png"
    Image.new("RGB", SIZE, "teal").save(picture)
    quickly(panel)
    panel.driver.find_element("css selector", ".images input[type=file]").send_keys(str(picture))
    role = panel.see('.image-entry [aria-label="Use of the image"]')
    Select(role).select_by_value("inpaint")
    panel.see(".mask-state", "No mask")
    panel.click(".image-entry button", "Paint the mask")
    canvas = panel.see(".mask-paint")
    panel.browser.until(lambda: canvas.rect["width"] > 0, "the canvas")
    panel.press(Keys.ESCAPE)
    panel.see_none(".mask-paint")  # nothing was painted
    panel.click(".image-entry button", "Paint the mask")
    canvas = panel.see(".mask-paint")
    panel.browser.until(lambda: canvas.rect["width"] > 0, "the canvas")
    drag(panel, canvas, canvas.rect["width"] / 4, 0)
    panel.driver.execute_script(CLICK_NEXT_TO_IT, canvas)
    for stays in (Keys.ESCAPE, Keys.ENTER):
        panel.press(Keys.ESCAPE)
        panel.see("dialog h2", "Discard what was painted?")
        panel.press(stays)
        panel.see_none("dialog h2", "Discard what was painted?")
    panel.press("e")
    panel.press("b")
    drag(panel, canvas, canvas.rect["width"] / 2 + 20, 0)  # past the edge
    panel.click("dialog .primary", "Use the mask")
    panel.see(".mask-state", "A mask is set")
    record = generated(panel)
    client = Client(own.url)
    mask = client.image(record["req_params"]["inpaint_mask_image_upload"])
    assert mask.size == SIZE
    values = mask.convert("L").getcolors() or []
    assert {value for _, value in values} == {0, 255}
    middle, right, corner = (mask.convert("L").getpixel(at) for at in ((160, 128), (319, 128), (0, 0)))
    assert (middle, right, corner) == (255, 255, 0)
    assert client.image(record["req_params"]["inpaint_input_image"]).size == SIZE


def test_images_come_by_drop_and_paste(panel: Dashboard, own: Host) -> None:
    quickly(panel)
    panel.driver.execute_async_script(GIVE_FILE, ".images", "drop", "red")
    panel.browser.until(lambda: len(panel.all(".image-entry")) == 1, "the dropped image")
    panel.driver.execute_async_script(GIVE_FILE, "body", "paste", "blue")
    panel.browser.until(lambda: len(panel.all(".image-entry")) == 2, "the pasted image")
    record = generated(panel)
    client = Client(own.url)
    images = [client.image(one["cn_img"]) for one in record["req_params"]["controlnet_image"] if one["cn_img"]]
    assert [image.convert("RGB").getpixel((5, 5)) for image in images] == [(255, 0, 0), (0, 0, 255)]


@pytest.mark.nightly
def test_a_mask_is_given_as_a_file(panel: Dashboard, own: Host) -> None:
    quickly(panel)
    role = '[aria-label="Use of the image"]'
    panel.driver.execute_async_script(GIVE_FILE, ".images", "drop", "red")
    panel.browser.until(lambda: len(panel.all(".image-entry")) == 1, "the image")
    panel.driver.execute_async_script(GIVE_FILE, ".images", "drop", "red")
    panel.browser.until(lambda: len(panel.all(".image-entry")) == 2, "the same image, once more")
    Select(panel.see(role)).select_by_value("inpaint")
    roles = "return [...document.querySelectorAll(arguments[0])].map(one => one.value)"
    assert panel.driver.execute_script(roles, role) == ["inpaint", "prompt"]
    panel.driver.execute_async_script(GIVE_FILE, ".mask-row", "drop", "white")
    panel.see(".mask-state", "A mask is set")
    assert len(panel.all(".image-entry")) == 2
    panel.click(".mask-row button", "Paint the mask")
    panel.see(".mask-paint")
    panel.driver.execute_async_script(GIVE_FILE, "dialog", "drop", "black")
    panel.driver.execute_async_script(GIVE_FILE, "dialog", "paste", "white")
    panel.browser.until(lambda: panel.painted(".mask-paint"), "the file's mask")
    panel.go("#/queue")
    panel.see_none("dialog")
    panel.go("#/generate")
    panel.see(".mask-state", "A mask is set")
    panel.click(".mask-row [aria-label='Remove the mask']")
    panel.see(".mask-state", "No mask")


@pytest.mark.nightly
def test_styles_loras_a_preset_and_any_parameter_are_chosen(panel: Dashboard) -> None:
    quickly(panel)
    panel.click("[data-field=style_selections] .label button", "Choose")
    panel.write("dialog input[type=search]", "golden")
    card = panel.see(".style-card", STYLE)
    panel.browser.until(
        lambda: bool(panel.driver.execute_script("return arguments[0].querySelector('img')?.naturalWidth > 0", card)),
        "the sample picture",
    )
    card.click()
    panel.click("dialog .primary", "Done")
    panel.see("[data-field=style_selections] .chip", STYLE)
    panel.click("[data-field=loras] button", "Add")
    Select(panel.see('[aria-label="LoRA 1"]')).select_by_value("demo_warm_light.safetensors")
    panel.see('[aria-label="Weight of LoRA 1"]').send_keys(Keys.END)
    panel.click(".more summary")
    panel.write(".more input[type=search]", "sharpness")
    panel.write("[data-field=sharpness] input", "7.5")
    panel.write("#prompt", "all chosen")
    params: dict[str, Any] = generated(panel)["req_params"]
    assert STYLE in params["style_selections"] and params["sharpness"] == 7.5
    assert params["loras"][0] == {"enabled": True, "model_name": "demo_warm_light.safetensors", "weight": 2.0}
    Select(panel.see('[aria-label="Preset"]')).select_by_value("nightfall")
    model = "demo_nightfall.safetensors"
    panel.browser.until(lambda: panel.value("[data-field=base_model_name] select") == model, "the preset's model")
    params = generated(panel)["req_params"]
    assert params["base_model_name"] == model and params["prompt"] == "all chosen" and params["sharpness"] == 7.5


@pytest.mark.nightly
def test_an_earlier_prompt_is_chosen(panel: Dashboard, own: Host) -> None:
    long = "a very long prompt, " * 20
    client = Client(own.url)
    for prompt in ("a short prompt", long, "a short prompt"):
        client.draw(prompt=prompt)
    panel.see("#earlier-prompts").click()
    panel.see(".prompt-entry", "a very long prompt")
    assert len([one for one in panel.all(".prompt-entry") if "a short prompt" in one.text]) == 1
    panel.write("dialog input[type=search]", "very long")
    panel.see_none(".prompt-entry", "a short prompt")
    panel.click(".prompt-entry", "a very long prompt")
    panel.browser.until(lambda: panel.value("#prompt") == long, "the whole prompt")


def test_a_search_leads_to_fields_with_a_place_of_their_own(panel: Dashboard) -> None:
    panel.click(".more summary")
    panel.write(".more input[type=search]", "\u9510\u5ea6")
    panel.see(".more [data-field=sharpness]")
    panel.write(".more input[type=search]", "uov_method")
    panel.click(".more-above button", "Upscale or vary")
    inside = "return Boolean(document.activeElement.closest('[data-field=images]'))"
    panel.browser.until(lambda: panel.driver.execute_script(inside), "the focus where images are")
    panel.write(".more input[type=search]", "negative_prompt")
    panel.click(".more-above button", "Negative prompt")
    assert panel.driver.switch_to.active_element.tag_name == "textarea"


@pytest.mark.nightly
def test_a_chinese_page_describes_fields_in_chinese(panel: Dashboard) -> None:
    panel.open("#/generate", language="zh")
    panel.see(".generate-send:enabled")
    panel.click(".more summary")
    panel.write(".more input[type=search]", "sharpness")
    assert re.search(r"[\u3400-\u9fff]", panel.see("[data-field=sharpness] .hint").text)
