"""Web pages of another origin whose scripts call the API in a browser, as other programs' pages do."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any

from fooocus_api.tests.support.client import wait_for

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

TICK_S = 0.01
"""Seconds between two ticks: a tenth of the spacing of messages."""
COLLECTING = """<!doctype html>
<meta charset="utf-8">
<title>Draw</title>
<p id="message"></p><progress id="progress" max="100" value="0"></progress><img id="preview"><div id="images"></div>
<script>
// What reads give is collected until it is JSON from its first brace to its last: two messages at once never are.
async function draw(url, body) {
  const response = await fetch(url, {
    method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify({...body, stream_output: true})
  });
  const reader = response.body.getReader(), decoder = new TextDecoder();
  let collected = "", last = null;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return last;
    collected += decoder.decode(value, {stream: true});
    try {
      last = JSON.parse(collected.slice(collected.indexOf("{"), collected.lastIndexOf("}") + 1));
    } catch { continue; }
    collected = "";
    document.getElementById("message").textContent = last.message;
    document.getElementById("progress").value = last.progress;
    if (last.preview) document.getElementById("preview").src = last.preview;
  }
}
// Ticks come through the browser's network process like the messages: a gap between two reads shows each stall on the way.
async function watch(signal, gap) {
  const reader = (await fetch("/ticks", {signal})).body.getReader();
  for (let at = performance.now();;) {
    await reader.read();
    const now = performance.now();
    gap(now - at);
    at = now;
  }
}
async function run(times, url, body) {
  window.drawn = [];
  const watching = new AbortController();
  let stall_ms = 0, begin, begun = new Promise(resolve => { begin = resolve; });
  watch(watching.signal, gap => { stall_ms = Math.max(stall_ms, gap); begin(); }).catch(() => {});
  await begun;
  for (let time = 0; time < times; time++) {
    stall_ms = 0;
    const last = await draw(url, body).catch(error => ({message: String(error), images: []}));
    await new Promise(resolve => setTimeout(resolve, 50));  // a stall at the end is seen by the next tick
    drawn.push({message: last && last.message, images: last ? last.images.length : 0, stall_ms});
    for (const src of (last && last.images) || []) {
      document.getElementById("images").append(Object.assign(new Image(), {src}));
    }
  }
  watching.abort();
}
</script>
"""
"""Reimplementation of FooocusAPI's example page."""


class Site:
    """A web server of another origin with one page, running within the `with` block. `/ticks` sends a byte every TICK_S."""

    def __init__(self, page: str) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/ticks":
                    self.tick()
                    return
                content = page.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def tick(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/octet-stream")
                self.end_headers()
                with suppress(ConnectionError):
                    while True:
                        self.wfile.write(b".")
                        time.sleep(TICK_S)

            def log_message(self, *_: Any) -> None:
                """Suppress the request log in the tests' output."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Site:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def throttle(driver: Chrome, rate: float) -> None:
    """Slow the page's CPU down by this factor; 1 is normal."""
    driver.execute_cdp_cmd("Emulation.setCPUThrottlingRate", {"rate": rate})


def drawn(driver: Chrome, times: int, url: str, body: dict[str, Any]) -> list[dict[str, Any]]:
    """Generate `times` images in a row in the page and return its last message for each.

    `stall_ms` is the longest time in milliseconds between two ticks of the page's site as the page read them, so that it includes
    each stall of the page, of the browser's network process and of this machine.
    """
    driver.execute_script("run(...arguments)", times, url, body)
    wait_for(lambda: len(driver.execute_script("return window.drawn || []")) == times, f"{times} drawings")
    found: list[dict[str, Any]] = driver.execute_script("return window.drawn")
    return found
