"""Fixtures of the dashboard's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from fooocus_api.tests.support.host import Host, demo_host

if TYPE_CHECKING:
    from fooocus_api.tests.support.browsers.browser import Browser
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

STEP_MS = 40
"""Duration of a sampling step: long enough to see a task run."""


@pytest.fixture(scope="module")
def studio() -> Iterator[Host]:
    """Start a host of this module, whose tasks take a moment."""
    with demo_host(step_ms=STEP_MS) as host:
        yield host


@pytest.fixture
def page_of(browser: Browser) -> Iterator[Callable[[Host], Dashboard]]:
    """Return a function that gives a host's page. The test fails on a console message or a request to another host."""
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

    pages: list[Dashboard] = []

    def open_page(host: Host) -> Dashboard:
        pages.append(Dashboard(browser, host.url))
        return pages[-1]

    yield open_page
    browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    faults = [fault for page in pages for fault in page.faults()]
    assert not faults, faults


@pytest.fixture
def page(studio: Host, page_of: Callable[[Host], Dashboard]) -> Dashboard:
    """Return the page of the module's host."""
    return page_of(studio)
