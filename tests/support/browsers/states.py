"""The states of the dashboard that are looked at: by axe-core, and by people in screenshots."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard
    from fooocus_api.tests.support.hosts.filled_world import World

RESET = """
for (const one of document.querySelectorAll("dialog")) one.close();
for (const one of document.querySelectorAll(".note")) one.remove();
"""


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


State = Callable[["Dashboard", "World"], None]

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
