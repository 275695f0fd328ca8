"""`/file=` of a real Fooocus: it serves the files that its page names, and results, but neither settings nor code."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

pytestmark = pytest.mark.real


def test_what_the_page_names_is_given(real_client: Client) -> None:
    named = re.findall(r"[\"'](file=[^\"']+)[\"']", real_client.get("/").text)
    assert len([path for path in named if ".js" in path]) >= 6 and any(".css" in path for path in named)
    for path in named:
        assert real_client.get(f"/{path}").status_code == 200, path


def test_results_and_their_log_are_given(real_client: Client, real: Host) -> None:
    image = real.outputs / urlsplit(real_client.draw()["result"][0]).path.removeprefix("/outputs/")
    for path in (image, image.with_name("log.html")):
        assert real_client.get(f"/file={path}").status_code == 200


@pytest.mark.parametrize(
    "name", ["launch.py", "auth-example.json", "presets/default.json", "modules/config.py", "config.txt"]
)
def test_the_checkout_is_not(real_client: Client, real: Host, name: str) -> None:
    for path in (f"/file={name}", f"/file={real.checkout}/{name}", f"/file/{name}", f"/file=css/../{name}"):
        assert real_client.get(path).status_code in (403, 404), path
