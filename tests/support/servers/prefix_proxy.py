"""A proxy that serves a host below a path and passes streams on as they arrive."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/outputs/my-dashboard"
"""A path whose parts are also names of the host's own paths."""
LEFT_OUT = {"connection", "transfer-encoding", "keep-alive", "content-length"}


class PrefixProxy(BaseHTTPRequestHandler):
    """A handler that passes on what is below the prefix, without it. Everything else is 404."""

    upstream: int

    def do_GET(self) -> None:
        if not self.path.startswith(f"{PREFIX}/"):
            self.send_error(404)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in LEFT_OUT}
        connection = http.client.HTTPConnection("127.0.0.1", self.upstream)
        connection.request(
            self.command, self.path.removeprefix(PREFIX), body or None, {**headers, "X-Forwarded-Prefix": PREFIX}
        )
        answer = connection.getresponse()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in LEFT_OUT:
                self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            while block := answer.read1(65_536):
                self.wfile.write(block)
        connection.close()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Leave the tests' output alone."""


class Server(ThreadingHTTPServer):
    """A server whose open streams don't outlive the test."""

    daemon_threads = True
    block_on_close = False


@contextmanager
def below_a_prefix(port: int) -> Iterator[str]:
    """Yield the address, without a final slash, at which the proxy serves the host of a port."""
    with Server(("127.0.0.1", 0), type("Handler", (PrefixProxy,), {"upstream": port})) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
        server.shutdown()
