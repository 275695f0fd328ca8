"""A webhook receiver: a real HTTP server that answers as a test specifies and keeps the deliveries."""

from __future__ import annotations

import json
import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fooocus_api.tests.support.host import free_port


@dataclass(frozen=True)
class Delivery:
    """One request with the status of its answer. Header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def record(self) -> dict[str, Any]:
        return json.loads(self.body)


class Receiver:
    """Answers with the next item of `answers` (a status, or a status with a header's name and value), then always with 200.
    Its URL refuses connections before `start` or `with`.

    While held it accepts requests but answers them only when `release` is called.
    """

    def __init__(self, *answers: int | tuple[int, str, str], port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}/hook"
        self.answers = list(answers)
        self._came: queue.Queue[Delivery] = queue.Queue()
        self._open = threading.Event()
        self._open.set()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> Receiver:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = receiver.answers.pop(0) if receiver.answers else 200
                status, *header = answer if isinstance(answer, tuple) else (answer,)
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver._came.put(Delivery(self.path, headers, body, status))
                receiver._open.wait()
                self.send_response(status)
                if header:
                    self.send_header(*header)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                pass  # a killed client does not take its answer

        self._server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def hold(self) -> None:
        """Withhold answers from now on."""
        self._open.clear()

    def release(self) -> None:
        """Answer, including the requests received while held."""
        self._open.set()

    def next(self) -> Delivery:
        """Return the next delivery. Fail if none arrives."""
        return self._came.get(timeout=60)

    def none_left(self) -> bool:
        """Return whether all received deliveries were read."""
        return self._came.empty()

    def close(self) -> None:
        self.release()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def __enter__(self) -> Receiver:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
