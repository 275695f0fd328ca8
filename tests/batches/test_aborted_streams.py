"""Results whose batch is deleted, or whose key is revoked, while a slow client reads: the body breaks off, not ends."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from fooocus_api.api.security.authorization import RECHECK_INTERVAL_S
from fooocus_api.tests.support.api_calls.batches import accepted, quick, send_lines
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key, key_of, keys_command

ROWS = 1_500
INVALID = {"sharpness": 99, "guidance_scale": 999, "overwrite_step": 9999, "image_number": 99, "prompt": 1}
"""Its result has half a kilobyte of errors."""
END = b"\r\n0\r\n\r\n"


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--demo-null", "64x64", step_ms=5) as host:
        add_key(host, "other")  # so that a client without a key sees nothing
        yield host


class SlowResults:
    """The results of a batch, of which no more is read than the first bytes until `rest`."""

    def __init__(self, client: Client, batch_id: str) -> None:
        parts = urlsplit(client.url)
        self._socket = socket.socket()
        self._socket.settimeout(60)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        if hasattr(socket, "TCP_MAXSEG"):  # without it, the server's system takes a megabyte at once
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self._socket.connect((parts.hostname, parts.port))
        head = f"GET /v1/batches/{batch_id}/results HTTP/1.1\r\nHost: {parts.netloc}\r\nX-API-KEY: {key_of(client)}\r\n\r\n"
        self._socket.sendall(head.encode())
        self.begin = self._socket.recv(1024)

    def rest(self) -> bytes:
        """Read until the last chunk, or until the connection is closed."""
        found = self.begin
        with self._socket:
            while not found.endswith(END):
                try:
                    part = self._socket.recv(65536)
                except ConnectionError:
                    break
                if not part:
                    break
                found += part
        return found


@pytest.mark.parametrize("how", ["unchanged", "deleted", "revoked"])
def test_results_break_off_if_they_can_not_continue(host: Host, how: str) -> None:
    client = add_key(host, how)
    data = [*quick(1), *[INVALID] * ROWS]
    batch_id = accepted(send_lines(client, data, skip_invalid="true"))
    stream = SlowResults(client, batch_id)
    assert stream.begin.startswith(b"HTTP/1.1 200")
    if how == "deleted":
        assert client.request("DELETE", f"/v1/batches/{batch_id}").status_code == 204
    if how == "revoked":
        assert keys_command(host.outputs, "revoke", how).returncode == 0
        wait_for(lambda: client.get("/v1/batches").status_code == 401, "the revocation")
        time.sleep(2 * RECHECK_INTERVAL_S)
    body = stream.rest()
    assert body.endswith(END) == (how == "unchanged")
    assert (body.count(b'\n{"row"') >= ROWS) == (how == "unchanged")
