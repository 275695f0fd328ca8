"""Images in requests: references to this server's images, URLs, base64 and data URIs, and the reasons for refusals."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi import Request

from fooocus_api.adapters.host import FooocusHost
from fooocus_api.adapters.models.tools import FooocusTools
from fooocus_api.adapters.patching.hooks import Patches
from fooocus_api.adapters.webui.login import WebUILogin
from fooocus_api.adapters.worker.worker import Worker
from fooocus_api.api.context import Context, Security
from fooocus_api.api.requests.image_sources import ImageResolver, open_reference
from fooocus_api.api.responses.problems import InvalidFields, Problem
from fooocus_api.api.responses.public_urls import PublicUrls
from fooocus_api.auth.keys import Keyring
from fooocus_api.images.input_store import MAX_BYTES, InputStore
from fooocus_api.outbound.address_policy import AddressPolicy
from fooocus_api.outbound.client import OutboundClient
from fooocus_api.outbound.connection import RequestLimits
from fooocus_api.tasks.streaming.event_bus import EventBus
from fooocus_api.tests.images.test_inputs import picture
from fooocus_api.tests.support.host import free_port

PNG = picture()
HERE = OutboundClient(AddressPolicy([ip_network("127.0.0.0/8")]))
"""Client that may reach this machine, where the sites of these tests are."""
OUTPUT = "outputs/2026-01-02/2026-01-02_03-04-05_6789.png"


class HostWithOutputs(FooocusHost):
    """A host with only a folder of images."""

    def __init__(self, outputs: Path) -> None:
        worker = Worker(EventBus())
        super().__init__(worker, FooocusTools(worker), Patches(), None)
        self._outputs = outputs

    def output_folders(self) -> list[Path]:
        return [self._outputs]


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Return a server's context with one output and two files that are not images."""
    outputs = tmp_path / "outputs"
    (tmp_path / OUTPUT).parent.mkdir(parents=True)
    (tmp_path / OUTPUT).write_bytes(PNG)
    (tmp_path / OUTPUT).with_name("broken.png").write_bytes(PNG[:50])
    (tmp_path / OUTPUT).with_name("log.html").write_text("<html>")
    return Context(
        host=HostWithOutputs(outputs),
        task_services=None,
        inputs=InputStore(tmp_path / "inputs"),
        security=Security(Keyring((), tmp_path / "keys.json"), WebUILogin()),
        base_url="https://pictures.example/draw",
        outbound=HERE,
    )


def urls(host: str) -> PublicUrls:
    """Return the URLs for a request to this host, without `--base-url`."""
    scope = {"type": "http", "scheme": "http", "path": "/", "query_string": b"", "client": ("192.168.0.9", 1234)}
    return PublicUrls(Request({**scope, "headers": [(b"host", host.encode())]}), None)


def refusal(context: Context, text: str, limits: RequestLimits | None = None) -> str:
    """Resolve a text that is refused, check that nothing was stored, and return the message."""
    resolver = ImageResolver(context, limits=limits or RequestLimits())
    with pytest.raises(InvalidFields) as refused:
        resolver.resolve("controlnet_image[1].cn_img", text)
    resolver.hold()
    assert not (context.host.output_folders()[0].parent / "inputs").exists()
    [error] = refused.value.extra["errors"]
    assert error["field"] == "controlnet_image[1].cn_img"
    assert refused.value.status == 422
    return str(error["message"])


@pytest.mark.parametrize("beginning", ["http://127.0.0.1:9/", "outputs/2026-01-02/", "/inputs/"])
def test_no_url_is_as_long_as_a_body(context: Context, beginning: str) -> None:
    assert "longer than 8000 characters" in refusal(context, beginning + "%41" * 3000)


# ------------------------------------------------------------------- without an image


@pytest.mark.parametrize("text", [None, "", "  ", "None", "none", "NONE", " None\n"])
def test_no_image(context: Context, text: str | None) -> None:
    assert ImageResolver(context).resolve("uov_input_image", text) is None


# ---------------------------------------------------------------- base64 in all its forms

ENCODED = base64.b64encode(PNG).decode()
LINES = "\r\n".join(ENCODED[at : at + 76] for at in range(0, len(ENCODED), 76))
PLUS = base64.b64encode(picture("WEBP", lossless=True, exif=b"\xfb\xef\xbe\xff\xff\xfe")).decode()


@pytest.mark.parametrize(
    "text",
    [
        ENCODED,
        ENCODED.rstrip("="),
        ENCODED.rstrip("=") + "====",
        LINES + "\n",
        "data:image/png;base64," + ENCODED,
        "DATA:image/jpeg;name=x.png;BASE64, " + LINES,
        "data:image/png;base64," + quote(ENCODED, safe=""),
        "data:image/png," + quote(PNG),
    ],
)
def test_base64_and_data_uris(context: Context, text: str) -> None:
    resolver = ImageResolver(context)
    reference = resolver.resolve("uov_input_image", text)
    assert reference == f"inputs/{context.inputs.named(PNG)[0]}"
    with pytest.raises(Problem):
        open_reference(context, reference)  # only after the request is accepted
    resolver.hold()
    assert open_reference(context, reference).read_bytes() == PNG


def test_both_alphabets_of_base64(context: Context) -> None:
    assert "+" in PLUS and "/" in PLUS
    safe = PLUS.replace("+", "-").replace("/", "_")
    found = {ImageResolver(context).resolve("uov_input_image", text) for text in (PLUS, safe, safe.rstrip("="))}
    assert len(found) == 1 and None not in found


def test_several_images_are_kept_at_once(context: Context) -> None:
    resolver = ImageResolver(context)
    texts = [base64.b64encode(picture(colour=(shade, 0, 0))).decode() for shade in (1, 2, 1)]
    references = [resolver.resolve("x", text) for text in texts]
    resolver.hold()
    assert references[0] == references[2] != references[1]
    assert {str(open_reference(context, reference or "").name) for reference in references} == {
        path.name for path in (context.host.output_folders()[0].parent / "inputs").iterdir()
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("not an image!", "'not an image!' is not an image; send an http(s) URL, base64, a data URI"),
        ("x.png", "'x.png' is not an image"),
        ("ünïcode", "is not an image"),
        ("A" * 4001, "is not an image"),  # no base64 has such a length
        ("ftp://example.com/x.png", "'ftp://example.com/x.png' is not an image"),
        ("file:///etc/passwd", "is not an image"),
        ("http://[::1/x.png", "is not a URL"),
        ("http://", "is not an http or https URL"),
        ("cats", "the base64 data is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
        (
            base64.b64encode(picture("ICO")).decode(),
            "the base64 data is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image",
        ),
        (base64.b64encode(PNG[:60]).decode(), "the base64 data is a broken png image"),
        ("data:image/png;base64", "the data URI has no comma"),
        ("data:image/png;base64,", "the data URI is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
        ("data:text/html,<html>", "the data URI is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
        ("A" * (MAX_BYTES // 3 * 4 + 8), "the base64 data is larger than 50 MiB"),
        ("data:image/png," + "A" * (MAX_BYTES + 1), "the data URI is larger than 50 MiB"),
    ],
    ids=lambda text: text[:30],
)
def test_refused(context: Context, text: str, message: str) -> None:
    assert message in refusal(context, text)
    assert len(refusal(context, text)) < 400


# ------------------------------------------------------------ of this server


@pytest.mark.parametrize(
    "text",
    [
        OUTPUT,
        f"/{OUTPUT}",
        f"/{OUTPUT}?v=1",
        f"http://fooocus.lan:7865/{OUTPUT}",
        f"http://FOOOCUS.lan:7865/{OUTPUT}#top",
        f"https://fooocus.lan:7865/behind/a/proxy/{OUTPUT}",
        f"https://pictures.example/draw/{OUTPUT}",
        f"https://pictures.example:443/draw/{OUTPUT}",
        f"http://other.name:1234/{OUTPUT}",
    ],
)
def test_an_output_is_read_from_disk(context: Context, text: str) -> None:
    """Resolve without HTTP: none of these hosts exists."""
    resolver = ImageResolver(context, host="other.name:1234")
    assert resolver.resolve("uov_input_image", text, urls("fooocus.lan:7865")) == OUTPUT
    assert open_reference(context, OUTPUT).read_bytes() == PNG


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
@pytest.mark.parametrize("asked", ["127.0.0.1", "localhost"])
def test_all_names_of_this_machine_are_one(context: Context, host: str, asked: str) -> None:
    port = free_port()
    found = ImageResolver(context).resolve("x", f"http://{host}:{port}/{OUTPUT}", urls(f"{asked}:{port}"))
    assert found == OUTPUT


def test_an_input_is_read_from_disk_whoever_serves_it(context: Context) -> None:
    name = context.inputs.add(PNG)
    for text in (name, f"inputs/{name}", f"/inputs/{name}", f"http://127.0.0.1:{free_port()}/inputs/{name}"):
        assert ImageResolver(context).resolve("uov_input_image", text) == f"inputs/{name}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("outputs/2026-01-02/none.png", "image outputs/2026-01-02/none.png does not exist"),
        (
            "https://pictures.example/draw/outputs/2026-01-02/none.png",
            "image outputs/2026-01-02/none.png does not exist",
        ),
        (f"https://pictures.example/inputs/{'0' * 64}.png", f"image inputs/{'0' * 64}.png does not exist"),
        (f"{'0' * 64}.png", f"image inputs/{'0' * 64}.png does not exist"),
        ("outputs/2026-01-02/log.html", "does not exist"),
        ("outputs/2026-01-02/broken.png", "outputs/2026-01-02/broken.png is a broken png image"),
        ("outputs/2026-01-02", "does not exist"),
        ("outputs/../secret.png", "does not exist"),
        ("outputs/2026-01-02/../../secret.png", "does not exist"),
        ("/outputs/..%2F..%2Fsecret.png", "does not exist"),
        ("inputs/../secret.png", "does not exist"),
        ("outputs/2026-01-02/%00.png", "does not exist"),
    ],
)
def test_no_image_of_this_server(context: Context, text: str, message: str) -> None:
    (context.host.output_folders()[0].parent / "secret.png").write_bytes(PNG)
    assert message in refusal(context, text)


# ------------------------------------------------------------------- fetched


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
        ("/short", "can't be reached", BRISK),
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
