"""Compressed responses of servers that clients name: one layer within the bound is read, everything else is refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Thread
from typing import Any

import pytest

from fooocus_api.outbound.address_policy import AddressPolicy
from fooocus_api.outbound.client import OutboundClient
from fooocus_api.outbound.content_coding import PIECE_BYTES, Decoder, UnreadableCoding
from fooocus_api.outbound.pinned_connection import OutboundError, RequestLimits

CONTENT = bytes(range(256)) * 1000
RAW = zlib.compressobj(wbits=-zlib.MAX_WBITS)
READ = {
    "": CONTENT,
    "identity": CONTENT,
    "gzip": gzip.compress(CONTENT),
    "x-gzip": gzip.compress(CONTENT),
    " GZip , identity": gzip.compress(CONTENT),
    "deflate": zlib.compress(CONTENT),
    "Deflate": RAW.compress(CONTENT) + RAW.flush(),
}
BOMB = gzip.compress(gzip.compress(bytes(2**27)))


class Site(BaseHTTPRequestHandler):
    """Answers every request with `answer`."""

    answer: tuple[str, bytes]
    seen: list[str | None]

    def do_GET(self) -> None:
        coding, content = self.answer
        self.seen.append(self.headers["Accept-Encoding"])
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        if coding:
            self.send_header("Content-Encoding", coding)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[type[Site]]:
    handler = type("Handler", (Site,), {"seen": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        handler.url = f"http://127.0.0.1:{server.server_port}/"  # type: ignore[attr-defined]
        yield handler
        server.shutdown()
        thread.join()


def fetched(site: type[Site], size: int = 2**20) -> bytes:
    here = OutboundClient(AddressPolicy([ip_network("127.0.0.0/8")]))
    return here.request(site.url, limits=RequestLimits(size=size)).content  # type: ignore[attr-defined]


@pytest.mark.parametrize("coding", READ)
def test_one_layer_is_read(site: type[Site], coding: str) -> None:
    site.answer = coding, READ[coding]
    assert fetched(site) == CONTENT
    assert site.seen == ["identity"]


@pytest.mark.parametrize(
    ("coding", "content", "said"),
    [
        ("gzip, gzip", BOMB, "unsupported compression"),
        ("gzip,deflate", CONTENT, "unsupported compression"),
        ("br", CONTENT, "unsupported compression"),
        ("zstd", CONTENT, "unsupported compression"),
        ("gzip", CONTENT, "invalid gzip"),
        ("deflate", b"\x78" + CONTENT, "invalid deflate"),
        ("gzip", gzip.compress(CONTENT)[:-9], "truncated gzip"),
        ("gzip", b"", "truncated gzip"),
        ("gzip", gzip.compress(bytes(2**27)), "is larger than 1 MiB"),
        ("deflate", zlib.compress(bytes(2**27)), "is larger than 1 MiB"),
    ],
)
def test_all_else_is_an_error_that_costs_no_memory(site: type[Site], coding: str, content: bytes, said: str) -> None:
    site.answer = coding, content
    tracemalloc.start()
    with pytest.raises(OutboundError, match=said):
        fetched(site)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 8 * 2**20


def test_a_piece_has_a_bound() -> None:
    decoder = Decoder("gzip")
    assert max(map(len, decoder.pieces(gzip.compress(bytes(2**24))))) <= PIECE_BYTES
    decoder.close()
    with pytest.raises(UnreadableCoding):
        Decoder("gzip, identity, br")


def test_the_body_of_a_webhooks_answer_is_not_read(site: type[Site]) -> None:
    site.answer = "gzip, gzip", BOMB
    here = OutboundClient(AddressPolicy([ip_network("127.0.0.0/8")]))
    answer = here.request(site.url, "POST", body=b"{}", limits=RequestLimits(size=0))  # type: ignore[attr-defined]
    assert (answer.status, answer.content) == (200, b"")
