"""Headless Chromium on Fooocus's page, for tests that need real clicks in the WebUI."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from selenium.common.exceptions import (
    StaleElementReferenceException,
    TimeoutException,
)
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from selenium.webdriver.remote.webelement import WebElement

SIZE = (1600, 1400)
"""Width and height of the window in pixels."""
SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    f"--window-size={SIZE[0]},{SIZE[1]}",
)

DEBUG_MODE = "//label[normalize-space()='Developer Debug Mode']//input[not(@checked)]"
OVERWRITES = "//span[normalize-space()='Overwrites (-1: off)']"
"""Control that reveals the overrides of steps and size: the first in Fooocus, the second in the demo."""

WATCH_FOR_STOP = """
window.begun = false;
const observer = new MutationObserver(() => {
  if ([...document.querySelectorAll("#stop_button")].some(button => button.offsetParent)) {
    window.begun = true;
    observer.disconnect();
  }
});
observer.observe(document.body, {attributes: true, childList: true, subtree: true});
"""
"""Script that notes the Stop button in the change that shows it: on a busy machine a quick task's button is gone between two
looks at the page."""


class Browser:
    """One Chromium, whose profile is empty for each test.

    Args:
        patience: seconds to wait for anything on the page before the test fails.

    A test that asks for one is skipped, with the reason, if Chromium or its driver is not installed.
    """

    def __init__(self, patience: float = 120) -> None:
        chromium = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
        driver = shutil.which("chromedriver")
        if not (chromium and driver):
            missing = "chromedriver" if chromium else "chromium"
            pytest.skip(f"{missing} is not installed: tests that click in the WebUI are skipped")
        self._profile = tempfile.TemporaryDirectory(prefix="fooocus-api-browser-", ignore_cleanup_errors=True)
        options = ChromeOptions()
        options.binary_location = chromium
        for switch in SWITCHES:
            options.add_argument(switch)
        options.add_argument(f"--user-data-dir={self._profile.name}")
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # Naming the driver stops selenium from looking for one on the internet.
        self.driver = Chrome(options=options, service=ChromeService(executable_path=driver))
        self._wait: WebDriverWait[Chrome] = WebDriverWait(
            self.driver, patience, poll_frequency=0.1, ignored_exceptions=[StaleElementReferenceException]
        )

    def renew(self) -> Browser:
        """Begin in a tab of its own, without cookies, storage, cached files and earlier messages. A start takes seconds."""
        earlier = self.driver.window_handles
        self.driver.switch_to.new_window("tab")
        newest = self.driver.current_window_handle
        for handle in earlier:
            self.driver.switch_to.window(handle)
            self.driver.close()
        self.driver.switch_to.window(newest)
        for command in ("Network.clearBrowserCookies", "Network.clearBrowserCache"):
            self.driver.execute_cdp_cmd(command, {})
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": "all"})
        self.driver.set_window_size(*SIZE)
        self.console()
        return self

    def open(self, url: str) -> Browser:
        """Load the page and wait until the WebUI is rendered and clickable."""
        self.driver.get(url)
        self._visible("generate_button")
        return self

    def quick(self, *, steps: int = 1, size: int = 256, images: int = 1) -> Browser:
        """Choose the settings of a cheap image: Lightning, few steps, a square of `size` pixels."""
        self.check("Advanced")
        self.tab("Settings")
        self.choose("Lightning")
        self.number(images, "Image Number", "Number of images")
        self.tab("Advanced")
        self._force(self._first(f"{DEBUG_MODE} | {OVERWRITES}"))
        self.number(steps, "Forced Overwrite of Sampling Step", "Steps")
        self.number(size, "Forced Overwrite of Generating Width", "Width")
        self.number(size, "Forced Overwrite of Generating Height", "Height")
        return self

    def generate(self, prompt: str) -> None:
        """Type the prompt, click Generate and return when the page shows that the task has begun."""
        box = self._visible("positive_prompt").find_element(By.CSS_SELECTOR, "textarea")
        box.clear()
        box.send_keys(prompt)
        self.driver.execute_script(WATCH_FOR_STOP)
        self.click("generate_button")
        self.until(lambda: bool(self.driver.execute_script("return window.begun")), "a Stop button")

    def click(self, elem_id: str) -> None:
        """Click the element with this id: generate_button, stop_button, skip_button ...

        It waits until the element rests: an image that is still loading moves the page below it.
        """
        element = self._visible(elem_id)
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        places: list[object] = []

        def rests() -> bool:
            places.append(element.rect)
            return places[-2:-1] == places[-1:]

        self.until(rests, f"#{elem_id} at rest")
        element.click()

    def finished(self) -> list[str]:
        """Wait until the page has finished its task. Return the gallery's image URLs."""
        self._visible("generate_button")
        return self.gallery()

    def images(self, at_least: int = 1) -> list[str]:
        """Wait until the page has finished its task and the gallery shows images. Return their URLs."""
        self._visible("generate_button")
        self.until(lambda: len(self.gallery()) >= at_least, f"{at_least} image(s) in #final_gallery")
        return self.gallery()

    def gallery(self) -> list[str]:
        """Return the URLs of the images that the final gallery shows, each once, in order."""
        shown = self.driver.find_elements(By.CSS_SELECTOR, "#final_gallery img")
        urls = [image.get_attribute("src") for image in shown if image.is_displayed()]
        return list(dict.fromkeys(url for url in urls if url))

    def busy(self) -> bool:
        """Return whether the page shows its Stop button, that is, waits or generates."""
        return any(e.is_displayed() for e in self.driver.find_elements(By.ID, "stop_button"))

    def check(self, *labels: str, on: bool = True) -> None:
        """Set the first visible checkbox with one of these labels."""
        box = self._labelled("checkbox", *labels)
        if box.is_selected() != on:
            self._force(box)

    def choose(self, option: str) -> None:
        """Select the first visible radio button with this label."""
        self._force(self._labelled("radio", option))

    def tab(self, name: str) -> None:
        """Open the first visible tab with this name."""
        self._force(self._first(f"//*[contains(@class, 'tab-nav')]/button[normalize-space()='{name}']"))

    def number(self, value: float, *labels: str) -> None:
        """Type a value into the number box of the slider with one of these labels."""
        label = " or ".join(f"normalize-space()='{label}'" for label in labels)
        box = self._first(f"//label[span[{label}]]/following-sibling::input[@type='number']")
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", box)
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(str(value), Keys.TAB)

    def write(self, text: str, label: str) -> None:
        """Type into the first visible text box with this label."""
        box = self._first(f"//label[span[normalize-space()='{label}']]/*[self::textarea or self::input]")
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(text, Keys.TAB)

    def seed(self, seed: int) -> None:
        """Generate with this seed instead of a random one."""
        self.check("Advanced")
        self.tab("Settings")
        self.check("Random", "Random seed", on=False)
        self.write(str(seed), "Seed")

    def upload(self, picture: str | Path, elem_id: str | None = None) -> None:
        """Upload a file to the first visible image field, or to the one with this id; return when the page shows it."""
        field = f"//*[@id='{elem_id}']" if elem_id else "//*[@data-testid='image']"
        self._first(field)
        box = self._first(f"{field}//*[input[@type='file']]").find_element(By.CSS_SELECTOR, "input[type=file]")
        box.send_keys(str(Path(picture).resolve()))
        self._first(f"{field}//img[starts-with(@src, 'data:')] | {field}//canvas")

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until the condition holds."""
        try:
            self._wait.until(lambda _: condition())
        except TimeoutException:
            text = self.driver.find_element(By.TAG_NAME, "body").text[:600]
            raise AssertionError(f"the page never showed {what}; it shows:\n{text}\n{self.console()}") from None

    def until_text(self, text: str) -> None:
        """Wait until this text appears anywhere on the page."""
        self.until(lambda: text in self.driver.find_element(By.TAG_NAME, "body").text, repr(text))

    def screenshot(self, path: str | Path) -> Path:
        """Save the visible page as a PNG."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(path))
        return Path(path)

    def console(self) -> list[str]:
        """Return the messages on the browser's console since the last call."""
        return [str(entry["message"]) for entry in self.driver.get_log("browser")]

    def close(self) -> None:
        self.driver.quit()
        self._profile.cleanup()

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _visible(self, elem_id: str) -> WebElement:
        return self._first(f"//*[@id='{elem_id}']")

    def _labelled(self, kind: str, *labels: str) -> WebElement:
        either = " or ".join(f"normalize-space()='{label}'" for label in labels)
        return self._first(f"//label[{either}]//input[@type='{kind}']")

    def _first(self, xpath: str) -> WebElement:
        """Return the first displayed element; Gradio keeps hidden duplicates of many."""
        found: list[WebElement] = []

        def is_displayed() -> bool:
            found[:] = (one for one in self.driver.find_elements(By.XPATH, xpath) if one.is_displayed())
            return bool(found)

        self.until(is_displayed, xpath)
        return found[0]  # not looked up again: a quick task's button may have disappeared since

    def _force(self, element: WebElement) -> None:
        """Click even if Gradio lays a label over the input."""
        self.driver.execute_script("arguments[0].click()", element)
