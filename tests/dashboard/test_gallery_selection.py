"""The Gallery's selection over more tasks than are read for its first view."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fooocus_api.benchmarks.support.sample_history import SAMPLE, fill
from fooocus_api.tests.support.client import Client

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.browser import Browser

TASKS = 800
SELECT_ALL = """
document.activeElement.blur();
document.dispatchEvent(new KeyboardEvent("keydown", { key: "a", ctrlKey: true, bubbles: true, cancelable: true }));
"""


@pytest.mark.nightly
def test_all_found_tasks_are_selected(demo_factory: DemoFactory, browser: Browser) -> None:
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

    host = demo_factory()
    Client(host.url).draw(**SAMPLE)
    host.stop()
    fill(host.outputs / ".fooocus_api" / "tasks.sqlite3", TASKS - 1, seed=18)
    host.start()
    page = Dashboard(browser, host.url)
    page.open("#/gallery", language="en")
    page.see(".gallery-head .num", f"{TASKS} tasks")
    page.driver.execute_script("scrollTo(0, document.body.scrollHeight / 2)")
    page.driver.execute_script(SELECT_ALL)
    page.see(".selection-bar", f"{TASKS} selected")
    assert not page.all(".note.bad")
    # The copies of a task have no files.
    assert all("410" in fault for fault in page.faults())
