"""A server of model files that behaves badly on request: the first part of a path is the behaviour."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

PAGE = b"<!DOCTYPE html>\n<html>Please log in</html>"


def safetensors(data_bytes: int = 300_000, **changes: Any) -> bytes:
    """Return a safetensors file with two tensors. `changes` replace members of the header's first one."""
    half = data_bytes // 2
    header = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "U8", "shape": [half], "data_offsets": [0, half], **changes},
        "b": {"dtype": "U8", "shape": [data_bytes - half], "data_offsets": [half, data_bytes]},
    }
    text = json.dumps(header).encode()
    content = bytes(range(256)) * (data_bytes // 256 + 1)
    return len(text).to_bytes(8, "little") + text + content[:data_bytes]


CONTENT = safetensors()


@dataclass
class Seen:
    """A request that the server got; names of headers are in lower case."""

    path: str
    headers: dict[str, str] = field(default_factory=dict)


class FileServer(ThreadingHTTPServer):
    """Serves `content` in several ways. Use as a context manager; `url` has no trailing slash."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, content: bytes, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), _Handler)
        self.content = content
        self.seen: list[Seen] = []
        self.go_on = threading.Event()
        """Lets the behaviour `held` send its second half, and `held_before` its answer."""
        self.is_half_sent = threading.Event()
        self.url = f"http://{address}:{self.server_port}"

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    def requests_of(self, behaviour: str) -> list[Seen]:
        """Return the requests for a behaviour."""
        return [one for one in self.seen if one.path.startswith(f"/{behaviour}/")]

    def __enter__(self) -> FileServer:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FileServer

    def do_GET(self) -> None:
        seen = Seen(self.path, {name.lower(): value for name, value in self.headers.items()})
        self.server.seen.append(seen)
        self.close_connection = True
        behaviour = urlsplit(self.path).path.split("/")[1]
        self.turn = len(self.server.requests_of(behaviour))
        with contextlib.suppress(OSError):  # the client has disconnected
            getattr(self, behaviour)()

    def head(self, status: int = 200, **headers: Any) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def ranged(self, etag: str = '"one"', until: int | None = None, **headers: Any) -> None:
        """Send the file, or the rest that `Range` asks for, up to `until`."""
        content, start = self.server.content, 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if asked and self.headers.get("If-Range", etag) == etag:
            start = int(asked[1])
            if start >= len(content):
                self.head(416, Content_Range=f"bytes */{len(content)}", Content_Length=0)
                return
            headers = {**headers, "Content_Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        self.head(206 if start else 200, Content_Length=len(content) - start, ETag=etag, **headers)
        self.wfile.write(content[start:until])

    # ------------------------------------------------------------------ behaviours

    def whole(self) -> None:
        self.ranged()

    def broken_once(self) -> None:
        self.ranged(until=len(self.server.content) // 2 if self.turn == 1 else None)

    def always_broken(self) -> None:
        self.ranged(until=1000)

    def held(self) -> None:
        half = len(self.server.content) // 2
        self.head(Content_Length=len(self.server.content), ETag='"one"')
        self.wfile.write(self.server.content[:half])
        self.wfile.flush()
        self.server.is_half_sent.set()
        self.server.go_on.wait(60)
        self.wfile.write(self.server.content[half:])

    def held_before(self) -> None:
        """Send nothing until `go_on` is set."""
        self.server.go_on.wait(60)
        self.ranged()

    def held_once(self) -> None:
        if self.turn == 1:
            self.held()
        else:
            self.ranged()

    def changed(self) -> None:
        self.ranged(etag=f'"{self.turn}"', until=1000 if self.turn == 1 else None)

    def ignores_if_range(self) -> None:
        """Send half of an earlier file of the same size, then the rest of the file."""
        content = self.server.content
        half = len(content) // 2
        if self.turn == 1:
            self.head(Content_Length=len(content), ETag='"earlier"')
            self.wfile.write(content[:1000] + bytes(half - 1000))
        elif self.turn == 2:
            place = f"bytes {half}-{len(content) - 1}/{len(content)}"
            self.head(206, Content_Range=place, Content_Length=len(content) - half, ETag='"one"')
            self.wfile.write(content[half:])
        else:
            self.ranged()

    def brief_rest(self) -> None:
        """Send 1000 bytes at a time twice, and with the second only the headers that an answer to `If-Range` must have."""
        content = self.server.content
        if self.turn == 2:
            self.head(
                206, Content_Range=f"bytes 1000-{len(content) - 1}/{len(content)}", Content_Length=len(content) - 1000
            )
            self.wfile.write(content[1000:2000])
        else:
            self.ranged(until=1000 if self.turn == 1 else None)

    def forgets_checksum(self) -> None:
        """Announce the SHA-256 of another file, with the first half only."""
        if self.turn == 1:
            self.ranged(until=1000, X_Linked_Etag="0" * 64)
        else:
            self.ranged()

    def wrong_range(self) -> None:
        if self.turn == 1:
            self.ranged(until=1000)
        elif self.turn == 2:
            self.head(206, Content_Range=f"bytes 5-10/{len(self.server.content)}", Content_Length=6)
            self.wfile.write(b"wrong!")
        else:
            self.ranged()

    def wrong_range_always(self) -> None:
        """Break each connection, and send other bytes than those of a range."""
        if "Range" in self.headers:
            self.head(206, Content_Range=f"bytes 5-10/{len(self.server.content)}", Content_Length=6)
            self.wfile.write(b"wrong!")
        else:
            self.ranged(until=1000)

    def other_total(self) -> None:
        if self.turn == 2:
            size = len(self.server.content)
            self.head(206, Content_Range=f"bytes 1000-{size}/{size + 1}", Content_Length=size - 999)
        else:
            self.ranged(until=1000 if self.turn == 1 else None)

    def ignores_range(self) -> None:
        self.head(Content_Length=len(self.server.content), ETag='"one"')
        self.wfile.write(self.server.content[: 1000 if self.turn == 1 else None])

    def without_validator(self) -> None:
        self.head(Content_Length=len(self.server.content))
        self.wfile.write(self.server.content[: 1000 if self.turn == 1 else None])

    def too_long(self) -> None:
        self.head(Content_Length=len(self.server.content) + 100)
        self.wfile.write(self.server.content)

    def too_short(self) -> None:
        self.head(Content_Length=len(self.server.content) - 100)
        self.wfile.write(self.server.content)

    def huge(self) -> None:
        self.head(Content_Length=10**15)

    def without_length(self) -> None:
        self.head()
        self.wfile.write(self.server.content)

    def truncated_without_length(self) -> None:
        self.head()
        self.wfile.write(self.server.content[:-1000])

    def chunked(self) -> None:
        self.head(Transfer_Encoding="chunked")
        content = self.server.content
        for piece in (content[:1000], content[1000:]):
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def compressed(self) -> None:
        content = gzip.compress(self.server.content)
        self.head(Content_Encoding="gzip", Content_Length=len(content))
        self.wfile.write(content)

    def page(self) -> None:
        self.head(Content_Type="text/html; charset=utf-8", Content_Length=len(PAGE))
        self.wfile.write(PAGE)

    def page_as_file(self) -> None:
        self.head(Content_Type="application/octet-stream", Content_Length=len(PAGE))
        self.wfile.write(PAGE)

    def unauthorized(self) -> None:
        if self.headers.get("Authorization") == "Bearer good":
            self.ranged()
        else:
            self.head(401, Content_Length=0)

    def missing(self) -> None:
        self.head(404, Content_Length=0)

    def busy_once(self) -> None:
        if self.turn == 1:
            self.head(503, Content_Length=0)
        else:
            self.ranged()

    def teapot(self) -> None:
        self.head(418, Content_Length=0)

    def to(self) -> None:
        """Redirect to the URL after `/to/`."""
        self.head(302, Location=unquote(self.path.removeprefix("/to/")), Content_Length=0)

    def round(self) -> None:
        self.head(302, Location=self.path, Content_Length=0)

    def named(self) -> None:
        """Name the file as the query says, in `filename*`."""
        name = urlsplit(self.path).query
        self.ranged(Content_Disposition=f"attachment; filename=\"other.txt\"; filename*=UTF-8''{name}")

    def linked(self) -> None:
        """Announce a SHA-256 as Hugging Face does, in a redirect."""
        digest = urlsplit(self.path).query or self.server.sha256
        size = len(self.server.content)
        self.head(
            302, Location="/whole/x.safetensors", X_Linked_Etag=f'"{digest}"', X_Linked_Size=size, Content_Length=0
        )

    def log_message(self, *_: Any) -> None:
        """Keep the requests out of the tests' output."""
