"""The nginx configuration of docs/reverse-proxy.md, changed only in ports and certificate, in front of the demo host."""

from __future__ import annotations

import base64
import http.client
import io
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy
import pytest
import requests
from PIL import Image as PILImage

from fooocus_api.tests.support.client import Client, events, picture, wait_for
from fooocus_api.tests.support.host import ROOT, Host, demo_host, free_port

GUIDES = [ROOT / "docs" / "reverse-proxy.md", ROOT / "docs" / "reverse-proxy_zh.md"]
NAME = "draw.example"
KEY = "a-key"
WRAPPING = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    include {folder}/site.conf;
}}
"""

pytestmark = pytest.mark.skipif(
    not (shutil.which("nginx") and shutil.which("openssl")),
    reason="nginx or openssl is not installed: the documented proxy is not tried",
)


@dataclass(frozen=True)
class Proxy:
    """A running nginx: its folder (with the certificate) and its ports."""

    folder: Path
    http: int
    https: int

    def client(self, key: str | None = KEY) -> Client:
        """Return a client that uses the public name and trusts only the proxy's certificate."""
        client = Client(f"https://127.0.0.1:{self.https}", key)
        client.session.headers["Host"] = NAME
        client.session.verify = str(self.folder / "cert.pem")
        return client

    def here(self, url: str) -> str:
        """Return the path of a public URL, for `client`."""
        assert url.startswith(f"https://{NAME}/"), url
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path


def documented(guide: Path) -> str:
    """Return the first nginx file of a guide."""
    found = re.search(r"```nginx\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def under_a_path(guide: Path) -> str:
    """Return that file with the guide's change for a path."""
    location = re.findall(r"```nginx\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)[1]
    changed, times = re.subn(r"    location / \{\n.*?;\n", lambda _: location, documented(guide), flags=re.DOTALL)
    assert times == 1
    return changed


def certificate(folder: Path) -> None:
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"]
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(folder / "key.pem")]
    made = ["-out", str(folder / "cert.pem"), "-days", "2"]
    subprocess.run(["openssl", "req", "-x509", *key, *subject, *made], check=True, capture_output=True)


def tried(text: str, proxy: Proxy, upstream: int) -> str:
    """Return the documented file with this machine's ports and files."""
    for written, ours in (
        ("listen 80;", f"listen 127.0.0.1:{proxy.http};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{proxy.https} ssl;"),
        ("127.0.0.1:7865", f"127.0.0.1:{upstream}"),
        (f"/etc/letsencrypt/live/{NAME}/fullchain.pem", f"{proxy.folder}/cert.pem"),
        (f"/etc/letsencrypt/live/{NAME}/privkey.pem", f"{proxy.folder}/key.pem"),
    ):
        assert text.count(written) == 1, written
        text = text.replace(written, ours)
    return text


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host("--base-url", f"https://{NAME}", "--apikey", KEY, step_ms=20) as host:
        yield host


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(proxy: Proxy, site: str) -> Iterator[Proxy]:
    """Run nginx with this site."""
    folder = proxy.folder
    certificate(folder)
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(WRAPPING.format(folder=folder))
    command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    tested = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tested.returncode == 0, tested.stderr
    nginx = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        wait_for(lambda: listens(proxy.https), "nginx to listen", 30)
        yield proxy
    finally:
        nginx.terminate()
        nginx.wait()


@pytest.fixture(scope="module")
def proxy(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    proxy = Proxy(tmp_path_factory.mktemp("nginx"), free_port(), free_port())
    with running(proxy, tried(documented(GUIDES[0]), proxy, host.port)):
        yield proxy


@pytest.fixture
def outside(proxy: Proxy) -> Client:
    """Return a client with a key, outside the proxy."""
    return proxy.client()


def test_both_guides_have_the_same_file() -> None:
    without_comments = [re.sub(r"#.*", "", documented(guide)) for guide in GUIDES]
    assert without_comments[0] == without_comments[1]


def test_plain_http_leads_to_https(proxy: Proxy) -> None:
    response = requests.get(
        f"http://127.0.0.1:{proxy.http}/docs?x=1", headers={"Host": NAME}, allow_redirects=False, timeout=30
    )
    assert response.status_code == 301 and response.headers["location"] == f"https://{NAME}/docs?x=1"


def test_webui_and_api_are_there(outside: Client, proxy: Proxy) -> None:
    assert "gradio" in outside.get("/").text.lower()
    assert outside.get("/v1/info").status_code == 200
    assert proxy.client(key=None).get("/v1/info").status_code == 401
    assert outside.get("/docs").status_code == 200
    assert outside.get("/file=launch.py").status_code == 403


def test_urls_are_public_and_links_work_without_the_key(outside: Client, proxy: Proxy) -> None:
    url = outside.draw()["result"][0]
    assert "signature=" in url
    response = proxy.client(key=None).get(proxy.here(url))
    assert response.status_code == 200 and response.headers["etag"]
    picture(response.content)
    known = {"If-None-Match": response.headers["etag"]}
    assert proxy.client(key=None).get(proxy.here(url), headers=known).status_code == 304
    assert proxy.client(key=None).get(proxy.here(url), headers={"Range": "bytes=0-3"}).content == response.content[:4]
    again = outside.draw(uov_method="Upscale (Fast 2x)", uov_input_image=url)
    assert again["req_params"]["uov_input_image"].startswith(f"https://{NAME}/outputs/")


def test_a_client_can_claim_no_other_name(outside: Client) -> None:
    claimed = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "ftp", "X-Forwarded-Prefix": "/evil"}
    task_id = outside.submit()["task_id"]
    assert outside.get(f"/tasks/{task_id}", headers=claimed).status_code == 200
    result = outside.ended(task_id)["result"][0]
    assert result.startswith(f"https://{NAME}/outputs/")


def test_streams_come_as_they_happen(outside: Client) -> None:
    """Read the first event while the task still runs."""
    with outside.generate(stream=True, stream_output=True, overwrite_step=60) as response:
        told = events(response)
        steps = [next(told) for _ in range(3)]
        task_id = response.headers["X-Task-Id"]
        assert outside.task(task_id)["task_status"] in ("pending", "running"), steps
        assert [event.data["message"] for event in told][-1] == "Finished"


def test_large_bodies_pass_and_too_large_ones_are_refused(outside: Client) -> None:
    noise = numpy.random.default_rng(0).integers(0, 256, (2000, 2000, 3), dtype=numpy.uint8)
    buffer = io.BytesIO()
    PILImage.fromarray(noise).save(buffer, "PNG", compress_level=0)
    assert buffer.tell() > 11_000_000
    assert outside.post("/inputs", files={"image": buffer.getvalue()}).status_code == 201
    encoded = base64.b64encode(buffer.getvalue()).decode()
    assert outside.generate(uov_method="Vary (Subtle)", uov_input_image=encoded).status_code == 200
    connection: Any = http.client.HTTPSConnection("127.0.0.1", urlsplit(outside.url).port, context=trusting(outside))
    with closing(connection):
        connection.putrequest("POST", "/inputs", skip_host=True)
        connection.putheader("Host", NAME)
        connection.putheader("Content-Length", str(101 * 2**20))
        connection.endheaders()
        assert connection.getresponse().status == 413


def test_other_sites_are_refused_and_our_own_pages_pass(outside: Client) -> None:
    def control(origin: str) -> int:
        return outside.post("/v1/engine/control?action=stop", headers={"Origin": origin}).status_code

    assert control(f"https://{NAME}") == 200
    assert control("https://evil.example") == control("http://127.0.0.1") == 403


def test_the_webui_has_its_socket(outside: Client) -> None:
    assert handshake(outside, f"https://{NAME}") == 101
    assert handshake(outside, "https://evil.example") == 403


def handshake(client: Client, origin: str) -> int:
    port = urlsplit(client.url).port
    assert port is not None
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as plain,
        trusting(client).wrap_socket(plain, server_hostname=NAME) as secure,
    ):
        lines = [
            "GET /queue/join HTTP/1.1",
            f"Host: {NAME}",
            f"Origin: {origin}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(bytes(16)).decode()}",
        ]
        secure.sendall("\r\n".join([*lines, "", ""]).encode())
        return int(secure.recv(4096).split()[1])


def trusting(client: Client) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(client.session.verify))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_the_api_works_under_a_path(host: Host, tmp_path: Path, guide: Path) -> None:
    proxy = Proxy(tmp_path, free_port(), free_port())
    with running(proxy, tried(under_a_path(guide), proxy, host.port)):
        assert proxy.client().get("/fooocus/v1/info").json()["name"] == "Fooocus API"
        assert proxy.client().get("/fooocus/docs/assets/swagger-ui.css").status_code == 200
        assert proxy.client().get("/v1/info").status_code in (403, 404)  # from nginx: it publishes nothing else
