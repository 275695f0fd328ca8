"""File names of images: `save_name` never reuses another record's, only regular files are served, and bad forms are explained."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import requests

from fooocus_api.adapters.worker.task_overrides import next_index
from fooocus_api.files.served_files import regular_file
from fooocus_api.tests.images.test_inputs import picture
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import Host, demo_host
from fooocus_api.tests.support.keys import add_key


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=0) as host:
        yield host


def path_of(host: Host, url: str) -> Path:
    return host.outputs / urlsplit(url).path.removeprefix("/outputs/")


# --------------------------------------------------------------------- save_name


def test_a_name_that_a_record_has_is_not_given_again(host: Host) -> None:
    """Keep Alice's record from leading to Bob's image of the same name after her file was removed by hand."""
    alice, bob = add_key(host, "alice"), add_key(host, "bob")
    first = alice.draw(save_name="poster")["result"][0]
    path_of(host, first).unlink()
    second = bob.draw(save_name="poster")["result"][0]
    assert urlsplit(first).path != urlsplit(second).path
    assert requests.get(first, timeout=60).status_code == 410
    assert bob.get(urlsplit(first).path).status_code == 404
    assert alice.get(urlsplit(second).path).status_code == 404


def test_names_go_on_in_both_folders_and_over_a_restart() -> None:
    host = demo_host(step_ms=0)
    host.start()
    try:
        client = Client(host.url)
        kept = client.draw(save_name="a_b", output_format="png", image_number=2)["result"]
        for url in kept:
            path_of(host, url).unlink()
        host.stop()
        host.flags = (*host.flags, "--disable-image-log")
        host.start()
        handed = client.draw(save_name="a_b")["result"]
        assert [url.rpartition("/")[2] for url in (*kept, *handed)] == ["a_b-0.png", "a_b-1.png", "a_b-2.png"]
    finally:
        host.close()


@pytest.mark.parametrize(
    ("names", "index"),
    [
        ([], 0),
        (["x-0.png"], 1),
        (["x-0.png", "x-7.webp"], 8),
        (["x-one.png", "x-2-of-3.png"], 0),
        (["x-" + "9" * 40], 0),
    ],
)
def test_the_next_number(names: list[str], index: int) -> None:
    assert next_index(names, "x-") == index


@pytest.mark.parametrize(
    "name", ["猫" * 75, "a" * 100, "ü" * 100, "猫" * 74 + "aa"], ids=lambda name: f"{len(name.encode())}"
)
def test_a_name_that_a_file_can_have_is_had(client: Client, name: str) -> None:
    answer = client.generate(save_name=name)
    assert answer.status_code == (200 if len(name.encode()) <= 224 else 422), answer.text
    if answer.status_code == 422:
        (error,) = answer.json()["errors"]
        assert error["field"] == "save_name" and "bytes" in error["message"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("cafe\u0301", "caf\u00e9"),  # as macOS writes it
        ("\u30ab\u3099", "\u30ac"),
        ("e\u0301" * 60, "\u00e9" * 60),
        ("\u0e20\u0e32\u0e1e\u0e17\u0e35\u0e48 1", None),
        ("\u0939\u093f\u0928\u094d\u0926\u0940", None),
        ("\u05e9\u05b8\u05dc\u05d5\u05b9\u05dd", None),
    ],
    ids=["accent", "katakana", "long", "Thai", "Hindi", "Hebrew"],
)
def test_a_name_may_have_vowel_signs_and_accents(client: Client, name: str, kept: str | None) -> None:
    (url,) = client.draw(save_name=name)["result"]
    assert unquote(urlsplit(url).path.rpartition("/")[2]) == f"{kept or name}-0.png"
    assert client.get(url).status_code == 200 and client.get(url, params={"width": 64}).status_code == 200
    if kept is not None:
        assert client.draw(save_name=kept)["result"][0].endswith("-1.png")


@pytest.mark.parametrize("name", ["\u0301e", "\u0301", "e\u200b", "e\u202e", "\u0e48\u0e20", "a/\u0301"])
def test_a_name_of_a_sign_alone_or_with_what_is_not_seen_is_refused(client: Client, name: str) -> None:
    answer = client.generate(save_name=name)
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "save_name", answer.text


# ------------------------------------------------------------------ what is served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "day").mkdir()
    (tmp_path / "day" / "a.png").write_bytes(picture())
    (tmp_path / "outside.png").write_bytes(picture())
    try:
        (tmp_path / "day" / "link.png").symlink_to("a.png")
    except OSError:
        pytest.skip("links can't be made here")
    (tmp_path / "day" / "away.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "day" / "circle.png").symlink_to("circle.png")
    (tmp_path / "day" / "one.png").symlink_to("other.png")
    (tmp_path / "day" / "other.png").symlink_to("one.png")
    (tmp_path / "day" / "broken.png").symlink_to("none.png")
    (tmp_path / "day" / "folder.png").mkdir()
    if sys.platform != "win32":
        os.mkfifo(tmp_path / "day" / "fifo.png")
        (tmp_path / "day" / "device.png").symlink_to("/dev/zero")
    return tmp_path / "day"


NONE = ("away", "circle", "one", "other", "broken", "folder", "fifo", "device", "none", "nul\0", "x" * 300)


def test_a_regular_file_is_served_and_nothing_else(folder: Path) -> None:
    assert regular_file(folder / "a.png", [folder]) == (folder / "a.png").resolve()
    assert regular_file(folder / "link.png", [folder]) == (folder / "a.png").resolve()
    for name in NONE:
        assert regular_file(folder / f"{name}.png", [folder]) is None, name


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs in folders")
def test_no_route_stumbles_over_what_lies_in_the_outputs(folder: Path) -> None:
    with demo_host(step_ms=0) as host:
        day = host.outputs / "2026-01-31"
        subprocess.run(["cp", "-a", str(folder), str(day)], check=True)
        for name in ("circle", "one", "broken", "folder", "fifo", "device", "none"):
            assert requests.get(f"{host.url}/outputs/2026-01-31/{name}.png", timeout=20).status_code == 404, name
            answer = requests.get(f"{host.url}/file={day}/{name}.png", timeout=20)
            assert answer.status_code in (403, 404), (name, answer.status_code)
            sent = Client(host.url).generate(
                uov_input_image=f"/outputs/2026-01-31/{name}.png", uov_method="Vary (Subtle)"
            )
            assert sent.status_code == 422, name
        assert requests.get(f"{host.url}/file={day}/a.png", timeout=20).status_code == 200


# ---------------------------------------------------------------- forms without an image


@pytest.mark.parametrize(
    ("files", "data", "said"),
    [
        ({"file": ("a.png", b"x")}, {}, "sent as 'file'"),
        ({"image[]": ("a.png", b"x")}, {}, "sent as 'image[]'"),
        ({"other": (None, "text")}, {}, "no file, only 'other'"),
        ({"image": (None, "text")}, {}, "is text; send it as a file"),
    ],
)
@pytest.mark.parametrize("path", ["/inputs", "/v1/tools/describe-image"])
def test_a_form_without_the_image_says_what_was_sent(
    client: Client, path: str, files: dict[str, Any], data: dict[str, str], said: str
) -> None:
    if path != "/inputs" and "image" in files:
        pytest.skip("describe-image takes the image as text, too")
    answer = client.post(path, files=files, data=data)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "image" and said in error["message"], error


@pytest.mark.parametrize("text", [None, "", "None", "none", " NONE ", "null", "Null", "string", "undefined"])
def test_texts_that_mean_no_image(client: Client, text: str | None) -> None:
    fields = ("uov_input_image", "inpaint_input_image", "inpaint_mask_image_upload", "enhance_input_image")
    record = client.draw(**dict.fromkeys(fields, text), controlnet_image=[{"cn_img": text}])
    assert record["task_status"] == "finished"


@pytest.mark.parametrize("wrapped", ["b'{}'", 'b"{}"', '"{}"', "'{}'"])
def test_an_image_in_something_else_is_named(client: Client, wrapped: str) -> None:
    data = base64.b64encode(picture()).decode()
    answer = client.generate(uov_input_image=wrapped.format(data), uov_method="Vary (Subtle)")
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    prefix = wrapped.partition("{")[0]
    assert error["field"] == "uov_input_image" and f"begins with {prefix}" in error["message"]


def test_two_files_in_one_form_are_one_too_many(client: Client) -> None:
    answer = client.post("/inputs", files=[("image", ("a.png", picture())), ("file", ("b.png", picture()))])
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "image" and "more than one file" in error["message"]
