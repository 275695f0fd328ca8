"""The dashboard's page in a browser: what its tests click, read and wait for, and the faults that fail each of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

if TYPE_CHECKING:
    from selenium.webdriver.remote.webelement import WebElement

    from fooocus_api.tests.support.browsers.browser import Browser

PREFERENCES = "fooocus.prefs"
"""Name of the page's entry in the browser's storage."""
REQUESTED = "return performance.getEntriesByType('resource').map(entry => entry.name).concat(location.href)"


class Dashboard:
    """The page of one host in one browser.

    Args:
        url: the host's address without a final slash, as in http://127.0.0.1:7865.
    """

    def __init__(self, browser: Browser, url: str) -> None:
        self.browser = browser
        self.driver = browser.driver
        self.url = url
        self._foreign: set[str] = set()

    def open(self, route: str = "#/", **preferences: str | bool | int) -> Dashboard:
        """Load the page at a route, with these preferences, such as `language="zh"`."""
        self._note_requests()
        if preferences:
            self.driver.get(f"{self.url}/dashboard")
            self.driver.execute_script(f"localStorage.setItem('{PREFERENCES}', arguments[0])", json.dumps(preferences))
            self.driver.get("about:blank")
        self.driver.get(f"{self.url}/dashboard{route}")
        self.see("header")
        return self

    def go(self, route: str) -> None:
        """Go to another route of the loaded page."""
        self.driver.execute_script("location.hash = arguments[0]", route)

    def all(self, selector: str) -> list[WebElement]:
        """Return the displayed elements of a CSS selector."""
        return [one for one in self.driver.find_elements(By.CSS_SELECTOR, selector) if one.is_displayed()]

    def see(self, selector: str, text: str = "") -> WebElement:
        """Wait for a displayed element, with a text in it if one is given, and return it."""
        found: list[WebElement] = []

        def shown() -> bool:
            found[:] = [one for one in self.all(selector) if text in one.text]
            return bool(found)

        self.browser.until(shown, f"{selector} {text!r}")
        return found[0]

    def see_none(self, selector: str, text: str = "") -> None:
        """Wait until no displayed element of a selector has the text."""
        self.browser.until(
            lambda: not [one for one in self.all(selector) if text in one.text], f"no {selector} {text!r} any more"
        )

    def click(self, selector: str, text: str = "") -> None:
        """Click the first displayed element of a selector with a text, also if the page replaces it at this moment."""

        def clicked() -> bool:
            element = self.see(selector, text)
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
            return True

        self.browser.until(clicked, f"{selector} {text!r} clicked")

    def named(self, selector: str, label: str) -> WebElement:
        """Wait for an element whose accessible name has this beginning, and return it."""
        return self.see(f'{selector}[aria-label^="{label}"]')

    def write(self, selector: str, text: str) -> None:
        """Replace the text of a field."""
        field = self.see(selector)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text or Keys.DELETE)

    def press(self, *keys: str) -> None:
        """Press keys one after the other, wherever the focus is."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def value(self, selector: str) -> str:
        """Return a field's value."""
        return str(self.see(selector).get_property("value"))

    def painted(self, selector: str) -> bool:
        """Return whether a canvas has a pixel that is not transparent."""
        script = """
        const canvas = document.querySelector(arguments[0]);
        if (!canvas || canvas.width < 2) return false;
        return canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(value => value > 0);
        """
        return bool(self.driver.execute_script(script, selector))

    def size(self, width: int, height: int) -> None:
        """Give the page this size in CSS pixels, as a phone's."""
        metrics: dict[str, Any] = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def screenshot(self, folder: Path, name: str) -> Path:
        """Save the visible page as a PNG in a folder."""
        return self.browser.screenshot(folder / f"{name}.png")

    def faults(self) -> list[str]:
        """Return what no walk may cause: console messages, as of violations of the policy, and requests to other hosts."""
        self._note_requests()
        return [*self.browser.console(), *(f"request to another host: {url}" for url in sorted(self._foreign))]

    def _note_requests(self) -> None:
        own = urlsplit(self.url).netloc
        if not self.driver.current_url.startswith("http"):
            return
        for url in self.driver.execute_script(REQUESTED):
            if urlsplit(url).netloc not in ("", own):
                self._foreign.add(url)
