"""Images in requests that are fetched from other servers."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fooocus_api.api.context import Context
from fooocus_api.api.requests.image_sources import ImageResolver, open_reference
from fooocus_api.outbound.pinned_connection import RequestLimits
from fooocus_api.tests.support.api_calls.image_sources import HERE, OUTPUT, PNG, refusal
from fooocus_api.tests.support.host import free_port


class Site(ThreadingHTTPServer):
    """A web site whose pages are functions. `closing` ends those that wait."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Pages)
        self.closing = threading.Event()
        self.credentials: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Pages(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.credentials.append(self.headers["Authorization"])
        pages: dict[str, Callable[[], None]] = {
            "/good.png": lambda: self.answer(200, PNG),
            "/page": lambda: self.answer(200, b"<html>"),
            "/moved": lambda: self.answer(302, location="/good.png"),
            "/loop": lambda: self.answer(302, location="/loop"),
            "/away": lambda: self.answer(302, location="file:///etc/passwd"),
            "/large": lambda: self.answer(200, length=2**21),
            "/endless": lambda: self.pour(bytes(2**16), 0),
            "/dripping": lambda: self.pour(b"x", 0.05),
            "/short": lambda: self.answer(200, PNG, length=len(PNG) + 100),
            "/silent": lambda: self.pour(b"", 60),
        }
        pages.get(self.path, lambda: self.answer(404))()

    def answer(self, status: int, body: bytes = b"", *, length: int | None = None, location: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(body)

    def pour(self, piece: bytes, pause_s: float) -> None:
        """Send pieces without end; for an empty piece not even a status."""
        if piece:
            self.send_response(200)
            self.end_headers()
        try:
            while not self.server.closing.wait(pause_s):
                self.wfile.write(piece)
        except OSError:  # the client has closed the connection
            pass

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("page", ["/good.png", "/moved"])
def test_a_url_is_fetched_and_kept(context: Context, site: Site, page: str) -> None:
    resolver = ImageResolver(context)
    reference = resolver.resolve("uov_input_image", site.url + page)
    resolver.hold()
    assert reference == f"inputs/{context.inputs.named(PNG)[0]}"
    assert open_reference(context, reference).read_bytes() == PNG


BRISK = RequestLimits(connect_s=5, silence_s=5, total_s=60, size=2**20)


@pytest.mark.parametrize(
    ("page", "message", "limits"),
    [
        ("/none.png", "returned 404 Not Found", BRISK),
        ("/page", "is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image", BRISK),
        ("/loop", "redirects more than 5 times", BRISK),
        ("/away", "is not an http or https URL", BRISK),
        ("/large", "is larger than 1 MiB", BRISK),
        ("/endless", "is larger than 1 MiB", BRISK),
        ("/short", "closes the connection before the end of its answer", BRISK),
        ("/silent", "does not answer within 0.2 s", RequestLimits(silence_s=0.2)),
        ("/dripping", "takes longer than 0.2 s", RequestLimits(total_s=0.2)),
    ],
)
def test_a_url_that_gives_no_image(
    context: Context, site: Site, page: str, message: str, limits: RequestLimits
) -> None:
    assert f"{site.url}{page} {message}" in refusal(context, site.url + page, limits)


def test_nobody_listens_there(context: Context) -> None:
    url = f"http://127.0.0.1:{free_port()}/x.png"
    message = refusal(context, url)
    assert message.startswith(f"{url} can't be reached: ")
    assert "HTTPConnectionPool" not in message


def test_an_output_of_another_server_is_fetched(context: Context, site: Site) -> None:
    assert refusal(context, f"{site.url}/{OUTPUT}") == f"{site.url}/{OUTPUT} returned 404 Not Found"


def test_only_the_credentials_of_the_url_are_sent(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login owner password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert HERE.request(f"{site.url}/moved").content == PNG
    assert site.credentials == [None, None]
    assert HERE.request(f"{site.url}/none".replace("//", "//me:mine@")).status == 404
    assert site.credentials[-1] == "Basic " + base64.b64encode(b"me:mine").decode()
