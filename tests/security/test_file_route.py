"""Gradio's `/file=`: it serves the WebUI's own files, but nothing else of the checkout or this machine."""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from fooocus_api.adapters.webui.file_access import FileAccess
from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, ROOT, Host


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with the files of Fooocus that matter here; its output and temp folders are its siblings."""
    for name in [*GIVEN, *KEPT]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return tmp_path / "Fooocus"


GIVEN = [
    "Fooocus/javascript/script.js",
    "Fooocus/css/style.css",
    "Fooocus/sdxl_styles/samples/fooocus_v2.jpg",
    "Fooocus/presets/preview/anime.png",
    "Fooocus/notification.mp3",
    "Fooocus/notification.ogg",
    "outputs/2026-01-31/2026-01-31_12-00-00_1234.png",
    "outputs/2026-01-31/a name.webp",
    "outputs/2026-01-31/log.html",
    "temp/0123abcd/image.png",
    "temp/0123abcd/notification.mp3",
]
KEPT = [
    "Fooocus/launch.py",
    "Fooocus/config.txt",
    "Fooocus/auth.json",
    "Fooocus/auth-example.json",
    "Fooocus/hash_cache.txt",
    "Fooocus/models/checkpoints/model.safetensors",
    "Fooocus/presets/default.json",
    "Fooocus/sdxl_styles/sdxl_styles_fooocus.json",
    "Fooocus/extensions/fooocus_api/extension.py",
    "Fooocus/javascript/.hidden.js",
    "Fooocus/picture.png",
    "Fooocus/log.html",
    "outputs/.fooocus_api/tasks.sqlite3",
    "outputs/.fooocus_api/link_secret",
    "outputs/.fooocus_api/inputs/0123.png",
    "outputs/2026-01-31/notes.txt",
    "outputs/2026-01-31/page.html",
    "temp/0123abcd/page.html",
    "temp/0123abcd/picture.svg",
    "temp/0123abcd/settings.json",
    "elsewhere/picture.png",
]


def files(checkout: Path) -> FileAccess:
    beside = checkout.parent
    return FileAccess(checkout, lambda: (beside / "outputs", beside / "temp"))


@pytest.mark.parametrize("name", GIVEN)
def test_what_the_page_shows_is_servable(checkout: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    path = checkout.parent / name
    assert files(checkout).allows(str(path))
    if name.startswith("Fooocus/"):
        assert files(checkout).allows(name.removeprefix("Fooocus/"))


@pytest.mark.parametrize("name", KEPT)
def test_nothing_else_is(checkout: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    path = checkout.parent / name
    for text in (
        path,
        os.path.relpath(path),
        f"{path}/",
        f"{path}\n",
        f"{path} ",
        checkout / "css" / ".." / ".." / name,
    ):
        assert not files(checkout).allows(str(text)), text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "/",
        "..",
        "\0",
        "css",
        "css/",
        "http://127.0.0.1/x.png",
        "file:///etc/passwd",
        "/etc/passwd",
        "x" * 5000,
        "css/../x.css",
    ],
)
def test_what_is_no_file_is_refused(checkout: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(checkout)
    assert not files(checkout).allows(text)


def test_links_are_followed_before_it_is_decided(checkout: Path) -> None:
    inside = checkout.parent / "outputs" / "link.png"
    try:
        inside.symlink_to(checkout / "config.txt")
        (checkout / "javascript" / "link.js").symlink_to(checkout / "launch.py")
        (checkout.parent / "moved").symlink_to(checkout.parent / "outputs", target_is_directory=True)
    except OSError:
        pytest.skip("links can't be made here")
    assert not files(checkout).allows(str(inside))
    assert not files(checkout).allows(str(checkout / "javascript" / "link.js"))
    moved = FileAccess(checkout, lambda: (checkout.parent / "moved", checkout.parent / "temp"))
    assert moved.allows(str(checkout.parent / "moved" / "2026-01-31" / "log.html"))


def test_a_temp_folder_around_the_outputs(checkout: Path) -> None:
    around = FileAccess(checkout, lambda: (checkout.parent / "outputs", checkout.parent))
    assert around.allows(str(checkout.parent / "outputs" / "2026-01-31" / "log.html"))
    assert not around.allows(str(checkout / "config.txt"))
    assert not around.allows(str(checkout.parent / "outputs" / ".fooocus_api" / "inputs" / "0123.png"))


# ------------------------------------------------------------------ over the wire


def get(host: Host, path: str, method: str = "GET") -> tuple[int, bytes]:
    """Send the path unchanged."""
    with closing(http.client.HTTPConnection("127.0.0.1", host.port, timeout=60)) as connection:
        connection.putrequest(method, path)
        connection.endheaders()
        response = connection.getresponse()
        return response.status, response.read()


SECRETS = ["launch.py", "webui.py", "presets/default.json", "requirements.txt", "sdxl_styles/sdxl_styles_demo.json"]


def spellings(name: str) -> Iterator[str]:
    whole = "".join(f"%{ord(letter):02x}" for letter in name)
    yield from (f"/file={name}", f"/file/{name}", f"/file%3D{name}", f"/%66ile={name}", f"/file={whole}")
    yield from (f"/file=./{name}", f"/file=css/../{name}", f"/file=css%2F..%2F{name}", f"/file=css/%2e%2e/{name}")
    yield from (
        f"/file={quote(str(DEMO / name), safe='')}",
        f"/file={DEMO}/{name}",
        f"/file={name}%0A",
        f"/file={name}/",
    )
    yield from (f"/file={name}?x.png", f"/file={name}%3Fx.png", f"/file={name}%00.png", f"/file={name}%20")
    yield from (f"/file={name}::$DATA", f"/file=%2e/{name}", f"/file={name}%23.png", f"/file=http://127.0.0.1/{name}")


@pytest.mark.parametrize("name", SECRETS)
def test_the_checkout_is_not_given_away_in_any_spelling(demo: Host, name: str) -> None:
    assert (DEMO / name).is_file()
    secret = (DEMO / name).read_bytes()[:200]
    for path in spellings(name):
        for method in ("GET", "HEAD", "POST"):
            status, body = get(demo, path, method)
            assert status in (400, 403, 404, 405), (method, path, status)
            assert secret not in body, path


@pytest.mark.parametrize("name", [".fooocus_api/tasks.sqlite3", ".fooocus_api/link_secret", "../host.log"])
def test_nor_what_lies_by_the_outputs(demo: Host, name: str) -> None:
    assert (demo.outputs / name).is_file()
    assert get(demo, f"/file={quote(str(demo.outputs))}/{name}")[0] == 403


def test_the_refusal_says_so(client: Client) -> None:
    response = client.get("/file=launch.py")
    assert response.status_code == 403 and response.headers["content-type"] == "application/problem+json"


def test_a_url_is_not_asked_for(client: Client) -> None:
    """Refuse a URL: Gradio would request it and redirect there, from anyone's link."""
    assert client.get(f"/file={client.url}/docs", allow_redirects=False).status_code == 403


def test_the_webui_finds_its_images_and_its_log(client: Client, demo: Host) -> None:
    image = demo.outputs / urlsplit(client.draw()["result"][0]).path.removeprefix("/outputs/")
    for path in (image, image.with_name("log.html")):
        response = client.get(f"/file={path}")
        assert response.status_code == 200 and response.content == path.read_bytes()


def test_no_module_of_ours_is_servable(demo: Host) -> None:
    assert get(demo, f"/file={ROOT}/extension.py")[0] == 403


# ------------------------------------------------------------------ the day's log, which contains prompts unescaped

PROMPT = """<script>
fetch("/tasks").then(answer => answer.text()).then(text => { document.title = "read " + text; })
.catch(() => { document.title = "kept from reading"; });
</script><img id="delete" src="/tasks?action=delete&end_at=2999-01-01">"""
LOG = """<!DOCTYPE html><title>log</title>{prompt}<img id="drawn" src="{image}">
<button onclick="alert('copied')">Copy to Clipboard</button>"""


def test_a_prompt_in_the_log_can_do_nothing(demo_factory: DemoFactory, browser: object) -> None:
    from fooocus_api.tests.support.browsers.browser import Browser

    assert isinstance(browser, Browser)
    host = demo_factory()
    client = Client(host.url)
    kept = client.draw()
    image = next(iter(host.images()))
    page = image.with_name("log.html")
    wait_for(page.exists, "the page of an idle worker")
    page.write_text(LOG.format(prompt=PROMPT, image=image.name))
    driver = browser.driver
    driver.get(f"{host.url}/file={image.with_name('log.html')}")
    wait_for(lambda: driver.title != "log", "the prompt's script to end")
    assert driver.title == "kept from reading"
    assert driver.execute_script("return self.origin") == "null"
    assert driver.execute_script("return document.getElementById('drawn').naturalWidth") > 0
    driver.execute_script("document.querySelector('button').click()")
    assert driver.switch_to.alert.text == "copied"
    driver.switch_to.alert.accept()
    assert client.task(kept["task_id"])["task_status"] == "finished"
