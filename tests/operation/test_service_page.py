"""The page about services, docs/service.md, in both languages: its backup of a running history, and its limits in nginx."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
import requests

from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import ROOT, Host, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRAPPING = """
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 1;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    {zones}
    server {{
        listen 127.0.0.1:{port};
        {closed}
        location / {{
            {limits}
            proxy_pass {url};
        }}
    }}
}}
"""
BURST = 150
"""Requests at once: more than the limits allow."""


@pytest.fixture(params=["service.md", "service_zh.md"])
def page(request: pytest.FixtureRequest) -> str:
    """Return the text of each page in turn."""
    return (ROOT / "docs" / request.param).read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    """Return the code blocks of a page in that language."""
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_backup_of_a_running_history_is_whole(
    page: str, demo: Host, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task_id = client.draw()["task_id"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "outputs").symlink_to(demo.outputs)
    (code,) = blocks(page, "python")
    exec(compile(code, "service.md", "exec"), {})
    with closing(sqlite3.connect(tmp_path / "tasks-backup.sqlite3")) as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        (count,) = copy.execute("SELECT count(*) FROM task WHERE task_id = ?", (task_id,)).fetchone()
    assert count == 1


@pytest.fixture
def proxy(page: str, demo: Host, tmp_path: Path) -> Iterator[str]:
    """Yield the address of nginx with the page's limits, in front of the demo."""
    zones, closed, limits = blocks(page, "nginx")
    port = free_port()
    file = tmp_path / "nginx.conf"
    file.write_text(
        WRAPPING.format(folder=tmp_path, zones=zones, closed=closed, limits=limits, port=port, url=demo.url), "utf-8"
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return requests.get(f"{url}/metrics", timeout=5).status_code == 403
        except requests.ConnectionError:
            return False

    with subprocess.Popen(["nginx", "-c", str(file), "-g", "daemon off;"], stderr=subprocess.DEVNULL) as nginx:
        try:
            wait_for(answers, "nginx to answer")
            yield url
        finally:
            nginx.terminate()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed: the documented limits are not tried")
@pytest.mark.parametrize("path", ["/metrics", "/metrics/", "//metrics//", "/metrics%2F"])
def test_nginx_keeps_the_metrics_inside(proxy: str, path: str) -> None:
    address = urlsplit(proxy)
    with closing(HTTPConnection(address.netloc, timeout=30)) as connection:  # it sends the path as it is
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 403 and b"nginx" in answer.read()


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed: the documented limits are not tried")
def test_nginx_limits_a_client_that_floods(proxy: str) -> None:
    with requests.Session() as session:
        statuses = [session.get(f"{proxy}/healthz", timeout=30).status_code for _ in range(BURST)]
    assert statuses[:100] == [200] * 100
    assert 429 in statuses and set(statuses) <= {200, 429}
