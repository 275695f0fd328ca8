"""Broken and malicious requests: URLs and texts for images, JSON, forms, headers, paths and raw bytes."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from .pictures import png

if TYPE_CHECKING:
    from fooocus_api.tests.support.client import Client

GENERATE, DESCRIBE = "/v1/engine/generate", "/v1/tools/describe-image"

Send = Callable[["Client"], int]
"""Sends the request and returns the status; 0 if the connection was closed without a response."""


def image(text: str, status: int = 422) -> tuple[Send, int]:
    """Send a text in place of an image."""
    return lambda client: client.post(DESCRIBE, json={"image": text}).status_code, status


def body(
    make: Callable[[], bytes] | bytes, status: int = 422, path: str = GENERATE, kind: str = "application/json"
) -> tuple[Send, int]:
    """Send a body in place of a JSON request."""

    def send(client: Client) -> int:
        data = make() if callable(make) else make
        return client.post(path, data=data, headers={"Content-Type": kind}).status_code

    return send, status


def without_a_body(path: str, data: bytes, status: int, method: str = "GET") -> tuple[Send, int]:
    """Send a body in pieces to a path that takes none; JSON if it begins like it, else a form."""
    kind = "application/json" if data[:1] in b"[{" else "application/x-www-form-urlencoded"

    def send(client: Client) -> int:
        pieces = (data[at : at + 2**16] for at in range(0, len(data), 2**16))
        return client.request(method, path, data=pieces, headers={"Content-Type": kind}).status_code

    return send, status


def fields(status: int = 422, **values: Any) -> tuple[Send, int]:
    """Send a generate request with these fields."""
    return lambda client: client.generate(**values).status_code, status


def form(data: bytes, status: int = 422, kind: str = "multipart/form-data; boundary=x") -> tuple[Send, int]:
    """Send a body in place of a form with an image."""
    return lambda client: client.post("/inputs", data=data, headers={"Content-Type": kind}).status_code, status


def get(path: str, status: int | tuple[int, ...], **headers: str) -> tuple[Send, tuple[int, ...]]:
    """Request a path exactly as written, without normalisation by a library."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return raw(
        f"GET {path} HTTP/1.1\r\nHost: HOST\r\n{lines}Connection: close\r\n\r\n".encode("latin-1"),
        *((status,) if isinstance(status, int) else status),
    )


def raw(data: bytes, *statuses: int, hang_up: bool = False) -> tuple[Send, tuple[int, ...]]:
    """Send bytes on a connection, and with `hang_up` end the sending side afterwards. HOST is replaced by the host's address,
    with a header of the client's key if it has one.
    """

    def send(client: Client) -> int:
        place = urlsplit(client.url)
        key = client.session.headers.get("X-API-KEY")
        host = f"{place.netloc}\r\nX-API-KEY: {key!s}" if key else place.netloc
        with socket.create_connection((place.hostname or "", place.port or 0), 10) as connection:
            try:
                connection.sendall(data.replace(b"HOST", host.encode()))
                if hang_up:
                    connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(100)
            except ConnectionError:
                return 0
        return int(answer.split()[1]) if answer else 0

    return send, statuses


def part(name: str, content: bytes, headers: str = "") -> bytes:
    """Return a part of a form with boundary x."""
    return f'--x\r\nContent-Disposition: form-data; name="{name}"{headers}\r\n\r\n'.encode() + content + b"\r\n"


FILE = '; filename="x.png"'

REQUESTS: dict[str, tuple[Send, int | tuple[int, ...]]] = {
    # in place of an image
    "url-of-a-file": image("file:///etc/passwd"),
    "url-of-loopback": image("http://127.0.0.1:22/a.png"),
    "url-of-loopback-in-decimal": image("http://2130706433/a.png"),
    "url-of-loopback-in-octal": image("http://0177.0.0.1/a.png"),
    "url-of-loopback-in-ipv6": image("http://[::ffff:127.0.0.1]/a.png"),
    "url-of-metadata": image("http://169.254.169.254/latest/meta-data/iam"),
    "url-with-no-host": image("http:///a.png"),
    "url-with-half-an-address": image("http://[::1/a.png"),
    "url-with-a-line-break": image("http://example.com/a\r\nHost: other"),
    "url-with-a-zero-byte": image("http://127.0.0.1\x00.example.com/"),
    "url-of-a-megabyte": image("http://127.0.0.1/" + "a" * 2**20),
    "url-of-javascript": image("javascript:alert(1)"),
    "url-of-gopher": image("gopher://127.0.0.1:6379/_FLUSHALL"),
    "path-out-of-outputs": image("outputs/../../../../etc/passwd"),
    "path-out-of-inputs": image("/inputs/../tasks.sqlite3"),
    "path-out-of-outputs-encoded": image("/outputs/%2e%2e/%2e%2e/config.txt"),
    "path-on-another-machine": image("/outputs/%5C%5Cevil%5Cshare/a.png"),
    "path-on-another-drive": image("/outputs/C%3A/a.png"),
    "path-that-is-absolute": image("/etc/passwd"),
    "path-on-windows": image("C:\\Windows\\win.ini"),
    "data-uri-without-comma": image("data:image/png;base64"),
    "data-uri-of-svg": image("data:image/svg+xml,<svg/>"),
    "data-uri-of-percent-signs": image("data:image/png," + "%" * 10**6),
    "base64-of-nothing": image("===="),
    "base64-of-51-mib": image(base64.b64encode(png(end=bytes(51 * 2**20))).decode()),
    "image-that-is-a-list": body(b'{"image": ["a"]}', path=DESCRIBE),
    # JSON
    "json-empty": body(b""),
    "json-cut-off": body(b'{"prompt": "a'),
    "json-and-something-behind": body(b'{"prompt": "a"} {}'),
    "json-list": body(b"[]"),
    "json-number": body(b"1"),
    "json-null": body(b"null"),
    "json-with-comments": body(b'{"prompt": "a" /* b */}'),
    "json-100000-deep-lists": body(lambda: b"[" * 100_000 + b"]" * 100_000),
    "json-40000-deep-objects": body(lambda: b'{"a":' * 40_000 + b"1" + b"}" * 40_000),
    "json-a-million-numbers": body(lambda: b'{"loras": [' + b"1," * 10**6 + b"1]}", 413),
    "json-100000-names": body(lambda: json.dumps({str(n): n for n in range(100_000)}).encode(), 413),
    "json-90-mib-of-backslashes": body(lambda: b'{"prompt": "' + b"\\" * (90 * 2**20) + b'"}', 413),
    "json-a-million-backslashes-before-a-quote": body(lambda: b'{"prompt": "' + b"\\" * 10**6 + b'"}'),
    "json-of-97-mib": body(lambda: b'{"prompt": "' + b"a" * (97 * 2**20) + b'"}', 413),
    "json-name-given-twice": body(b'{"prompt": "a", "prompt": "b"}'),
    "json-name-given-twice-inside": body(b'{"prompt": "a", "loras": [{"weight": 1, "weight": 2}]}'),
    "json-nan": body(b'{"sharpness": NaN}'),
    "json-infinite": body(b'{"prompt": "a cat", "client_data": {"a": [-1e400]}}'),
    "json-infinity": body(b'{"sharpness": Infinity}'),
    "json-infinity-unknown": body(b'{"prompt": "a", "anything": -Infinity}'),
    "json-1e999": body(b'{"sharpness": 1e999}'),
    "json-number-of-5000-digits": body(b'{"image_seed": ' + b"1" * 5000 + b"}"),
    "json-lone-surrogate": body(b'{"prompt": "\\ud800"}'),
    "json-lone-surrogate-in-a-name": body(b'{"\\udfff": 1}'),
    "json-not-utf-8": body(b'{"prompt": "\xff\xfe"}'),
    "json-surrogate-in-utf-8": body(b'{"prompt": "\xed\xa0\x80"}'),
    "json-utf-16": body('{"prompt": "a"}'.encode("utf-16")),
    "json-bare-zero-byte": body(b'{"prompt": "\x00"}'),
    # fields
    "prompt-of-a-megabyte": fields(prompt="a " * 2**19),
    "prompt-that-is-an-object": fields(prompt={"$gt": ""}),
    "styles-by-the-thousand": fields(style_selections=["x"] * 1001),
    "unknown-styles": fields(style_selections=["no such style"] * 900),
    "style-of-a-megabyte": fields(style_selections=["x" * 2**20]),
    "model-outside-its-folder": fields(base_model_name="../../../../etc/passwd"),
    "model-with-a-zero-byte": fields(base_model_name="a\x00.safetensors"),
    "preset-outside-its-folder": fields(preset="../config"),
    "lora-outside-its-folder": fields(loras=[{"model_name": "..\\..\\x"}]),
    "lora-in-the-prompt": fields(prompt="<lora:../../../etc/passwd:1>"),
    "image-prompts-by-the-hundred": fields(controlnet_image=[{"cn_img": "iVBORw0KGgo="}] * 900),
    "save-name-upward": fields(save_name="../../x"),
    "save-name-absolute": fields(save_name="/tmp/x"),
    "save-name-of-a-device": fields(save_name="con"),
    "save-name-with-a-zero-byte": fields(save_name="a\x00b"),
    "save-name-of-a-kilobyte": fields(save_name="a" * 1000),
    "seed-beyond-64-bits": fields(image_seed=2**70),
    "a-thousand-images": fields(image_number=1000),
    "aspect-ratio-of-100-kilobytes-of-spaces": fields(aspect_ratios_selection="1" + " " * 100_000 + "z"),
    "aspect-ratio-of-a-kilobyte-of-spaces": fields(aspect_ratios_selection="1" + " " * 900 + "z"),
    "an-image-of-a-million-pixels-in-a-row": fields(overwrite_width=10**6),
    # forms
    "form-without-boundary": form(b"--x\r\n", kind="multipart/form-data"),
    "form-with-a-boundary-of-a-kilobyte": form(b"--x\r\n", kind="multipart/form-data; boundary=" + "x" * 1000),
    "form-that-never-ends": form(part("image", png(), FILE)),
    "form-with-5000-fields": form(part("a", b"b") * 5000 + b"--x--\r\n"),
    "form-with-5000-files": form(part("image", b"b", FILE) * 5000 + b"--x--\r\n"),
    "form-with-a-field-of-2-mib": form(part("image", bytes(2**21)) + b"--x--\r\n"),
    "form-with-a-header-of-a-megabyte": form(part("image", b"", f'; filename="{"x" * 2**20}"') + b"--x--\r\n"),
    "form-with-10000-headers": form(part("image", b"", "\r\nX: y" * 10_000) + b"--x--\r\n"),
    "form-with-a-file-outside": form(part("image", b"no image", '; filename="../../../x.png"') + b"--x--\r\n"),
    "form-in-unknown-transfer": form(part("image", b"", FILE + "\r\nContent-Transfer-Encoding: x") + b"--x--\r\n"),
    "form-that-is-url-encoded": form(b"image=" + b"a" * 2**21, kind="application/x-www-form-urlencoded"),
    "form-that-is-url-encoded-to-describe": body(b"image=a", 415, DESCRIBE, "application/x-www-form-urlencoded"),
    "form-in-punycode": form(  # which takes minutes to decode
        part("x-", b"a" * 500_000 + b"-" + b"a" * 500_000) + b"--x--\r\n",
        kind="multipart/form-data; boundary=x; charset=punycode",
    ),
    "form-in-idna": form(part("xn--a", b"a") + b"--x--\r\n", kind="multipart/form-data; boundary=x; charset=idna"),
    "form-of-a-gigabyte-for-json": raw(
        b"POST /v1/engine/generate HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1000000000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n",
        413,
    ),
    "form-in-punycode-to-the-webui": body(  # before any login
        lambda: part("x-", b"a" * 500_000 + b"-" + b"a" * 500_000) + b"--x--\r\n",
        *(415, "/login", "multipart/form-data; boundary=x; charset=punycode"),
    ),
    "form-that-is-url-encoded-to-the-webui": body(
        lambda: b"a=&" * 10_000, 413, "/login", "application/x-www-form-urlencoded; charset=utf-8"
    ),
    "form-of-two-kinds-to-the-webui": raw(
        b"POST /login HTTP/1.1\r\nHost: HOST\r\nContent-Length: 500000\r\n"
        b"Content-Type: multipart/form-data; boundary=x; charset=punycode\r\nContent-Type: text/plain\r\n\r\n",
        415,
    ),
    # headers
    "header-of-a-megabyte": get("/v1/info", (0, 400, 431), X_Long="a" * 1_000_000),
    "host-with-a-path": raw(b"GET /v1/info HTTP/1.1\r\nHost: 127.0.0.1/tasks?\r\n\r\n", 400),
    "host-of-a-user": raw(b"GET / HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 400),
    "range-backwards": get("/v1/info", 200, Range="bytes=9-1"),
    "accept-of-20-kib": get("/outputs/2020-01-01/a.png", 404, Accept="image/png," * 2000),
    "last-event-id-of-nonsense": get("/tasks/ffff/events", 404, Last_Event_ID="'; drop table task --"),
    "two-lengths": raw(
        b"POST /inputs HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400, 0
    ),
    "length-and-chunks": raw(
        b"POST /inputs HTTP/1.1\r\nHost: HOST\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        *(400, 422, 0),
    ),
    "chunk-of-no-size": raw(
        b"POST /v1/engine/generate HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400, 0
    ),
    "length-below-zero": raw(b"POST /inputs HTTP/1.1\r\nHost: HOST\r\nContent-Length: -1\r\n\r\n", 400, 0),
    "no-http": raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, 0),
    "header-with-a-bare-line-feed": raw(b"GET /v1/info HTTP/1.1\r\nHost: HOST\r\nX: a\nY\r\n\r\n", 400, 0),
    "body-that-stays-away": raw(
        b"POST /v1/engine/generate HTTP/1.1\r\nHost: HOST\r\nContent-Length: 9\r\n\r\n", 400, 0, hang_up=True
    ),
    "health-with-a-body-of-8-mebibytes": without_a_body("/healthz?action=1", b"a&" * 2**22, 413),
    "health-with-nested-json": without_a_body("/ping?action=1", b"[" * 60_000, 422),
    "refresh-with-a-body-of-8-mebibytes": without_a_body("/v1/engines/refresh-models", b"a&" * 2**22, 413, "POST"),
    "refresh-with-broken-json": without_a_body("/v1/engines/refresh-models", b"{", 200, "POST"),
    "length-of-100-gigabytes": raw(
        b"POST /v1/engine/generate HTTP/1.1\r\nHost: HOST\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100000000000\r\n\r\n{",
        413,
    ),
    # paths and queries
    "output-outside": get("/outputs/../../config.txt", 404),
    "output-outside-encoded": get("/outputs/%2e%2e/%2e%2e%2fconfig.txt", 404),
    "output-outside-encoded-twice": get("/outputs/%252e%252e/config.txt", 404),
    "output-with-a-backslash": get("/outputs/..%5c..%5c/config.txt", 404),
    "output-with-a-zero-byte": get("/outputs/2020-01-01/a%00.png", 404),
    "output-not-utf-8": get("/outputs/%ff/%fe.png", 404),
    "output-hidden": get("/outputs/.fooocus_api/tasks.sqlite3", 404),
    "output-with-an-endless-name": get(f"/outputs/2020-01-01/{'a' * 5000}.png", 404),
    "docs-outside": get("/docs/assets/../../../../../../etc/passwd", 404),
    "docs-outside-encoded": get("/docs/assets/%2e%2e/%2e%2e/__init__.py", 404),
    "docs-on-another-machine": get("/docs/assets/%5c%5cevil.example%5ca", 404),
    "path-without-a-slash": get("@evil.example", 400),
    "task-of-sql": get("/tasks/'%20or%201=1%20--", 404),
    "task-with-a-zero-byte": get("/tasks/%00", 404),
    "tasks-page-of-huge-number": get("/tasks?page=99999999999999999999", 422),
    "tasks-page-below-zero": get("/tasks?page=-1", 422),
    "tasks-from-the-year-99999": get("/tasks?start_at=99999-01-01", 422),
    "tasks-with-percent-signs": get("/tasks?prompt=%25%25%25_%5c", 200),
    "tasks-with-5000-words": get("/tasks?prompt=" + "a+" * 5000, 422),
    "tasks-not-utf-8": get("/tasks?prompt=%ff%fe", 200),
    "delete-by-another-name": get("/tasks?action=drop", 422),
    "delete-of-everything": get("/tasks?action=delete", 422),
}
"""Name → function that sends it, and the expected status, or a tuple of allowed ones."""
