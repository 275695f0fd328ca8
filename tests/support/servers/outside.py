"""A host, the one site that it may request, and the sites that it may not, behind names that lie."""

from __future__ import annotations

import shutil
import socket
import subprocess
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from fooocus_api.tests.images.test_inputs import picture
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.servers.dns_server import Names

PNG = picture()
OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"
FLIPS = 40
NAMES = {
    "outside.test": [[OUTSIDE]],
    "other.test": [[OUTSIDE]],
    "inside.test": [[INSIDE]],
    "six.test": [["::1"]],
    "mapped.test": [["::ffff:127.0.0.1"]],
    "nat64.test": [["64:ff9b::7f00:1"]],
    "all.test": [["::1", INSIDE]],
    "metadata.test": [["169.254.169.254"]],
    "rebinding.test": [[OUTSIDE], [INSIDE]],
    "redirected.test": [[OUTSIDE], [INSIDE]],
    "flipping.test": [[OUTSIDE], [INSIDE]] * FLIPS,
    "mixed.test": [[INSIDE, OUTSIDE]],
    "silent.test": [],
}


class Site(ThreadingHTTPServer):
    """A server that records the paths requested of it. `/to/URL` redirects there, `/307/URL` with that status."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: str, port: int = 0, family: int = socket.AF_INET) -> None:
        self.address_family = family
        self.seen: list[str] = []
        super().__init__((address, port), Page)


class Page(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        _, how, *rest = self.path.split("/", 2)
        status = 302 if how == "to" else int(how) if how.isdigit() else 200
        self.send_response(status)
        if status != 200:
            self.send_header("Location", unquote(rest[0]))
        self.send_header("Content-Length", str(len(PNG)))
        self.end_headers()
        self.wfile.write(PNG)

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class World:
    """A demo host, the site it may request, and those it may not. All sites have the same port; `tls` is outside's second one."""

    client: Client
    names: Names
    outside: Site
    inside: list[Site]
    tls: int

    def url(self, text: str) -> str:
        """Fill in the sites' own ports."""
        return text.replace("PORT", str(self.outside.server_port)).replace("TLS", str(self.tls))

    def message(self, text: str) -> str:
        """Return the error for the image of this URL, or "" if it was described."""
        response = self.client.post("/v1/tools/describe-image", json={"image": self.url(text)})
        if response.status_code == 200:
            return ""
        assert response.status_code == 422, response.text
        [error] = response.json()["errors"]
        assert error["field"] == "image"
        return str(error["message"])


def certificate_of(folder: Path, name: str) -> Path:
    """Create a certificate for this name, with its key in a file of the same stem."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: no certificate to try TLS with")
    path = folder / "certificate.pem"
    subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    files = ("-keyout", str(path.with_suffix(".key")), "-out", str(path))
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files)
    subprocess.run(made, check=True, capture_output=True)
    return path
