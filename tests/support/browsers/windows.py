"""Several windows of one browser that look at the same host, and gestures that take more than one step."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.interaction import POINTER_TOUCH
from selenium.webdriver.common.actions.pointer_input import PointerInput

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

    from fooocus_api.tests.support.browsers.dashboard import Dashboard

DRAG_STEPS = 6
HELD_S = 1.0
"""Seconds that a finger rests on something: more than those after which the page takes it for a long press."""


class Windows:
    """The windows of a page, by name; the one that is open already is the "first"."""

    def __init__(self, page: Dashboard) -> None:
        self.page = page
        self._handles = {"first": page.driver.current_window_handle}

    def open(self, name: str, route: str = "#/") -> None:
        """Open a further window at a route, and continue in it."""
        self.blank(name)
        self.page.open(route)

    def blank(self, name: str) -> None:
        """Open a further window without a page, and continue in it."""
        self.leave()
        self.page.driver.switch_to.new_window("window")
        self._handles[name] = self.page.driver.current_window_handle

    def switch(self, name: str) -> Dashboard:
        """Continue in another window."""
        self.leave()
        self.page.driver.switch_to.window(self._handles[name])
        return self.page

    def close(self, name: str) -> None:
        """Close a window, and continue in the first one."""
        self.switch(name)
        self.page.driver.close()
        del self._handles[name]
        self.page.driver.switch_to.window(self._handles["first"])

    def leave(self) -> None:
        """Look for faults of the window that is left: requests are noted for each window."""
        if self.page.driver.current_url.startswith(f"{self.page.url}/dashboard"):
            faults = self.page.faults()
            assert not faults, faults


def drag(page: Dashboard, element: WebElement, x: float, y: float) -> None:
    """Press the mouse in the middle of an element, move it by x and y pixels in steps, and release it."""
    chain = ActionChains(page.driver, duration=20).move_to_element(element).click_and_hold()
    for step in _steps(x, y):
        chain.move_by_offset(*step)
    chain.release().perform()


def choose(page: Dashboard, button: str, item: str, within: str = "main") -> None:
    """Open the menu of a button, which is found by its text or its label, and click an item of it."""
    found: list[WebElement] = []

    def is_shown() -> bool:
        anchors = page.all(f"{within} [aria-haspopup=menu]")
        found[:] = [one for one in anchors if button in (one.text or str(one.get_attribute("aria-label")))]
        return bool(found)

    page.browser.until(is_shown, f"a button {button!r}")
    page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", found[0])
    found[0].click()
    page.click("[role^=menuitem]", item)


def tap(page: Dashboard, selector: str, text: str = "") -> None:
    """Tap on the first displayed element of a selector with a text."""
    element = page.see(selector, text)
    page.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    _touch(page, element, 0, 0, 0)


def hold(page: Dashboard, element: WebElement) -> None:
    """Rest a finger on an element."""
    _touch(page, element, HELD_S, 0, 0)


def slide(page: Dashboard, element: WebElement, x: float, y: float) -> None:
    """Press a finger onto an element, move it by x and y pixels in steps, and lift it."""
    _touch(page, element, 0, x, y)


def _touch(page: Dashboard, element: WebElement, held_s: float, x: float, y: float) -> None:
    actions = ActionBuilder(page.driver, mouse=PointerInput(POINTER_TOUCH, "finger"), duration=20)
    finger = actions.pointer_action
    finger.move_to(element).pointer_down()
    if held_s:
        finger.pause(held_s)
    if x or y:
        for step in _steps(x, y):
            finger.move_by(*step)
    finger.pointer_up()
    actions.perform()


def _steps(x: float, y: float) -> list[tuple[int, int]]:
    """Divide a way into steps. What is dragged moves along, so that each step begins where the last one ended."""
    places = [(round(x * step / DRAG_STEPS), round(y * step / DRAG_STEPS)) for step in range(DRAG_STEPS + 1)]
    return [(to[0] - at[0], to[1] - at[1]) for at, to in pairwise(places)]
