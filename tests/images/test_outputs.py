"""`GET /outputs/{date}/{file_name}`: original files, conversions on request, and no file outside the folder."""

from __future__ import annotations

import http.client
import io
from contextlib import closing
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pytest
from PIL import Image as PILImage

from fooocus_api.images.storage.library import output_file
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

BROWSER_IMAGE_ACCEPT = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"


@pytest.fixture(scope="module")
def url(client: Client) -> str:
    """Return the URL of a PNG."""
    return str(client.draw(output_format="png")["result"][0])


def kind(content: bytes) -> str | None:
    return PILImage.open(io.BytesIO(content)).format


@pytest.mark.parametrize("accept", [None, "*/*", BROWSER_IMAGE_ACCEPT, "image/png", "text/html", "image/gif"])
def test_the_file_as_it_is(client: Client, url: str, accept: str | None) -> None:
    response = client.get(url, headers={"Accept": accept} if accept else {})
    assert response.status_code == 200
    assert response.headers["content-type"] == "image/png" and kind(response.content) == "PNG"
    assert response.headers["vary"] == "Accept" and response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("image/jpeg", "JPEG"),
        ("image/jpg", "JPEG"),
        ("image/webp", "WEBP"),
        ("IMAGE/WEBP;q=1", "WEBP"),
        ("image/png;q=0, image/jpeg", "JPEG"),
    ],
)
def test_converted_when_exactly_one_type_is_accepted(client: Client, url: str, accept: str, expected: str) -> None:
    response = client.get(url, headers={"Accept": accept})
    assert response.headers["content-type"] == f"image/{expected.lower()}" and kind(response.content) == expected
    assert response.headers["vary"] == "Accept"


@pytest.mark.parametrize(
    "path",
    [
        "/outputs/../launch.py",
        "/outputs/..%2Flaunch.py/x",
        "/outputs/%2e%2e/launch.py",
        "/outputs/..%5C..%5Cwindows/win.ini",
        "/outputs/.fooocus_api/tasks.sqlite3",
        "/outputs/%2Efooocus_api/tasks.sqlite3",
        "/outputs/2026-01-01/%00.png",
        "/outputs/%2Fetc/passwd",
        "/outputs/C:%5C/x.png",
    ],
)
def test_nothing_from_outside(client: Client, demo: Host, path: str) -> None:
    """Send the path unchanged: a client library would normalise it."""
    with closing(http.client.HTTPConnection("127.0.0.1", demo.port)) as connection:
        connection.putrequest("GET", path)
        connection.endheaders()
        response = connection.getresponse()
        body = response.read()
    assert response.status in (400, 404), body
    assert b"SQLite" not in body and b"import" not in body


@pytest.mark.parametrize(
    "names", [("\\\\evil\\share", "a.png"), ("C:", "a.png"), ("2026-01-01", "\\\\evil\\a.png"), ("d", "a.png:b.png")]
)
def test_no_name_of_another_machine_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, str]
) -> None:
    """Reject the name before any look-up, which on Windows would contact that machine."""

    def resolve(path: Path, strict: bool = False) -> Path:
        raise AssertionError(f"{path} was looked up")

    monkeypatch.setattr(Path, "resolve", resolve)
    assert output_file([tmp_path], PurePosixPath(*names)) is None
    with pytest.raises(AssertionError, match="looked up"):
        output_file([tmp_path], PurePosixPath("2026-01-01", "a.png"))


def test_the_log_is_not_an_image(client: Client, url: str) -> None:
    folder = urlsplit(url).path.rsplit("/", 1)[0]
    assert client.get(f"{folder}/log.html").status_code == 404


def test_gradio_does_not_give_the_database_away(client: Client, demo: Host) -> None:
    database = demo.outputs / ".fooocus_api" / "tasks.sqlite3"
    assert database.is_file()
    response = client.get(f"/file={database}")
    assert response.status_code in (403, 404) and b"SQLite" not in response.content
