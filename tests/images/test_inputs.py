"""`/inputs`: upload of images, storage once per content, and download."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image as PILImage

from fooocus_api.images.codecs.decoding import NotAnImage
from fooocus_api.images.storage.input_store import MAX_BYTES, InputStore, StorageUnavailable, UnknownInput
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host

ORIENTATION = 0x0112


def picture(kind: str = "PNG", size: tuple[int, int] = (30, 20), colour: Any = (9, 99, 199), **options: Any) -> bytes:
    buffer = io.BytesIO()
    mode = "RGBA" if len(colour) == 4 else "RGB"
    PILImage.new(mode, size, colour).save(buffer, kind, **options)
    return buffer.getvalue()


def upload(client: Client, content: bytes, name: str = "any.png") -> requests.Response:
    return client.post("/inputs", files={"image": (name, content)})


def kept(host: Host) -> set[str]:
    """Return the names of all files in the input folder, unfinished ones included."""
    folder = host.outputs / ".fooocus_api" / "inputs"
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


# -------------------------------------------------------------------- over HTTP


@pytest.mark.parametrize(("kind", "extension"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
def test_an_image_is_uploaded_and_served_as_it_came(client: Client, demo: Host, kind: str, extension: str) -> None:
    content = picture(kind)
    response = upload(client, content, "its name.does not matter")
    assert response.status_code == 201
    answer = response.json()
    file_name = f"{hashlib.sha256(content).hexdigest()}.{extension}"
    assert answer == {"url": f"{demo.url}/inputs/{file_name}", "file_name": file_name, "width": 30, "height": 20}
    assert response.headers["location"] == answer["url"]
    assert file_name in kept(demo)

    served = client.get(answer["url"])
    assert served.status_code == 200 and served.content == content
    assert served.headers["content-type"] == f"image/{kind.lower()}"
    assert served.headers["vary"] == "Accept" and served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["cache-control"] == "private, max-age=31536000, immutable"


def test_the_same_image_twice_is_one_file(client: Client, demo: Host) -> None:
    content = picture(colour=(1, 2, 3))
    first = upload(client, content).json()
    before = kept(demo)
    assert upload(client, content, "other.jpg").json() == first
    assert kept(demo) == before


def test_it_is_converted_when_exactly_one_type_is_accepted(client: Client) -> None:
    """Convert transparency to white in JPEG, and apply the EXIF orientation."""
    exif = PILImage.Exif()
    exif[ORIENTATION] = 6
    answer = upload(client, picture(colour=(255, 0, 0, 0), exif=exif)).json()
    assert (answer["width"], answer["height"]) == (20, 30)
    for accept, kind in [("image/jpeg", "JPEG"), ("image/webp", "WEBP")]:
        served = client.get(answer["url"], headers={"Accept": accept})
        image = PILImage.open(io.BytesIO(served.content))
        assert served.headers["content-type"] == accept and image.format == kind
        assert "immutable" in served.headers["cache-control"] and served.headers["vary"] == "Accept"
        assert image.size == (20, 30)
        pixel = image.getpixel((5, 5))
        assert isinstance(pixel, tuple)
        assert min(pixel) > 250 if kind == "JPEG" else pixel[3] == 0


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"files": {"image": ("x.png", b"<html>")}}, "image: is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
        (
            {"files": {"image": ("x.ico", picture("ICO"))}},
            "image: is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image",
        ),
        ({"files": {"image": ("x.png", picture()[:60])}}, "image: is a broken png image"),
        ({"files": {"image": ("x.png", b"")}}, "image: is not a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF image"),
        ({"files": {"picture": ("x.png", picture())}}, "image: is required; the file was sent as 'picture'"),
        ({"data": {"image": "https://example.com/x.png"}}, "image: is required; send a file as multipart/form-data"),
        ({"json": {"image": "x"}}, "image: is required; send a file as multipart/form-data"),
    ],
)
def test_what_is_no_image_is_refused_and_not_kept(
    client: Client, demo: Host, form: dict[str, Any], message: str
) -> None:
    before = kept(demo)
    response = client.post("/inputs", **form)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert message in response.json()["detail"]
    assert response.json()["errors"][0]["field"] == "image"
    assert kept(demo) == before


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("multipart/form-data; boundary=x", b"nonsense", 422),
        ("multipart/form-data; boundary=x", b"--x\r\nbad\r\n\r\n", 422),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\ncut', 422),
        ("multipart/form-data", b"nonsense", 422),
        ("text/plain", b"nonsense", 422),
    ],
)
def test_a_body_that_is_no_form(client: Client, kind: str, body: bytes, status: int) -> None:
    response = client.post("/inputs", data=body, headers={"Content-Type": kind})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_too_large_is_413(client: Client, demo: Host) -> None:
    before = kept(demo)
    for size in (MAX_BYTES + 1, MAX_BYTES + 2**22):
        response = upload(client, picture() + bytes(size))
        assert response.status_code == 413 and "at most 50 MiB" in response.json()["detail"]
    assert kept(demo) == before


def test_too_large_in_pieces_of_no_announced_size_is_413(client: Client) -> None:
    def form() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="x.png"\r\n\r\n'
        for _ in range(60):
            yield bytes(2**20)
        yield b"\r\n--x--\r\n"

    response = client.post("/inputs", data=form(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert response.status_code == 413


@pytest.mark.parametrize(
    "name",
    [
        "0" * 64 + ".png",
        "x.png",
        "..%2Ftasks.sqlite3",
        "..%5Ctasks.sqlite3",
        "%00.png",
        "0" * 64 + ".sqlite3",
        "0" * 64 + ".png%0A",
    ],
)
def test_nothing_else_is_served(client: Client, name: str) -> None:
    response = client.get(f"/inputs/{name}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_the_webui_does_not_give_inputs_away(client: Client, demo: Host) -> None:
    file_name = upload(client, picture(colour=(3, 2, 1))).json()["file_name"]
    assert client.get(f"/file={demo.outputs / '.fooocus_api' / 'inputs' / file_name}").status_code in (403, 404)


def test_the_schema_has_a_file_to_choose(client: Client) -> None:
    operation = client.get("/v1/openapi.json").json()["paths"]["/inputs"]["post"]
    schema = operation["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert schema["properties"]["image"]["format"] == "binary"
    assert {"201", "413", "422"} <= set(operation["responses"])


# ------------------------------------------------------------------ the store


def test_the_store_makes_its_folder_when_it_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "inputs"
    store = InputStore(folder)
    name = store.named(picture())[0]
    with pytest.raises(UnknownInput):
        store.path(name)
    assert not folder.exists()
    assert store.add(picture()) == name
    assert store.path(name).read_bytes() == picture()
    assert [path.name for path in folder.iterdir()] == [name]


def test_the_store_refuses_what_is_no_image(tmp_path: Path) -> None:
    with pytest.raises(NotAnImage):
        InputStore(tmp_path / "inputs").add(b"no image")
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_is_read_only_is_kept_already(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = InputStore(tmp_path / "inputs")
    file_name = store.add(picture())
    touched: list[Path] = []

    def utime(path: Path) -> None:
        touched.append(path)
        raise PermissionError(13, "Access is denied")

    monkeypatch.setattr("fooocus_api.images.storage.input_store.os.utime", utime)
    assert store.add(picture()) == file_name and touched == [store.path(file_name)]


def test_many_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    store, content = InputStore(tmp_path), picture(size=(300, 300))
    ready = threading.Barrier(8)

    def add(_: int) -> str:
        ready.wait()
        return store.add(content)

    with ThreadPoolExecutor(8) as threads:
        names = set(threads.map(add, range(8)))
    assert len(names) == 1
    assert [path.name for path in tmp_path.iterdir()] == list(names)
    assert store.path(names.pop()).read_bytes() == content


@pytest.mark.parametrize("name", ["", "..", "../x.png", ".x.tmp", "x.png", "A" * 64 + ".png", "0" * 64 + ".png\n"])
def test_the_store_knows_only_its_own_names(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.png").write_bytes(picture())
    with pytest.raises(UnknownInput):
        InputStore(tmp_path).path(name)


def test_a_disk_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "inputs").write_text("a file where the folder should be")
    with pytest.raises(StorageUnavailable):
        InputStore(tmp_path / "inputs").add(picture())
