"""The Gallery over a history of 100,000 tasks: few elements, the last row within reach. The times are printed, not judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from selenium.webdriver.common.keys import Keys

from fooocus_api.benchmarks.support.sample_history import SAMPLE, fill
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

if TYPE_CHECKING:
    from fooocus_api.tests.conftest import DemoFactory
    from fooocus_api.tests.support.browsers.dashboard import Dashboard

TASKS = 100_000
MOST_ELEMENTS = 1500
"""Elements of the whole page: those of the tiles that are seen, of four further rows, and of its frame."""
FRAMES = """
const [step, frames, done] = [arguments[0], [], arguments[1]];
let last = performance.now();
requestAnimationFrame(function frame(now) {
  frames.push(now - last);
  last = now;
  scrollBy(0, step);
  if (frames.length < 180) requestAnimationFrame(frame);
  else done(frames.slice(1).sort((one, other) => one - other));
});
"""


@pytest.mark.nightly
def test_a_long_history_is_scrolled(demo_factory: DemoFactory, page_of: Callable[[Host], Dashboard]) -> None:
    host = demo_factory()
    Client(host.url).draw(**SAMPLE)
    host.stop()
    fill(host.outputs / ".fooocus_api" / "tasks.sqlite3", TASKS, seed=18)
    host.start()
    page = page_of(host)
    page.open("#/gallery", language="en")
    page.see(".tile img.ready")
    count = "return document.querySelectorAll('*').length"
    for step in (8, 60, 5000):
        frames = page.driver.execute_async_script(FRAMES, step)
        elements = page.driver.execute_script(count)
        median, late, worst = frames[90], frames[171], frames[-1]
        print(
            f"{step} px a frame: median {median:.1f} ms, p95 {late:.1f} ms, worst {worst:.1f} ms; {elements} elements"
        )
        assert elements <= MOST_ELEMENTS
    page.driver.execute_script("document.querySelector('.tile-link[tabindex=\"0\"], .tile-link').focus()")
    page.press(Keys.END)
    page.see(f'.tile[data-index="{TASKS}"] img.ready')
    heap = "return performance.memory ? performance.memory.usedJSHeapSize / 1e6 : 0"
    print(f"heap {page.driver.execute_script(heap):.1f} MB")
