"""Parameters in image files: conversions keep them readable for Fooocus's own reader."""

from __future__ import annotations

import io
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as PILImage

from fooocus_api.images.codecs.embedded_parameters import read_parameters
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, real_checkout, real_python

FORMATS = ("png", "jpeg", "webp")
SCHEMES = ("fooocus", "a1111")
READER = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
files, sys.argv = sys.argv[2:], sys.argv[:1]
os.chdir(sys.path[0])
import args_manager, modules.meta_parser as parser
from PIL import Image
for file in files:
    parameters, scheme = parser.read_info_from_image(Image.open(file))
    print("===" + json.dumps([parameters, scheme.value if scheme else None]))
"""
"""Script for the host's Python that prints the parameters its metadata tab reads."""


def read_by(checkout: Path, python: Path | str, files: list[Path], folder: Path) -> list[tuple[Any, str | None]]:
    """Return the parameters and scheme that the checkout's own reader finds in each file."""
    settings = folder / "config.txt"
    settings.write_text("{}", "utf-8")
    done = subprocess.run(
        [str(python), "-c", READER, str(checkout), *map(str, files)],
        env={
            "config_path": str(settings),
            "config_example_path": str(folder / "tutorial.txt"),
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    lines = [json.loads(line[3:]) for line in done.stdout.splitlines() if line.startswith("===")]
    assert len(lines) == len(files), done.stdout + done.stderr
    return [(parameters, scheme) for parameters, scheme in lines]


def converted_files(client: Client, scheme: str, folder: Path) -> tuple[list[Path], list[Path]]:
    """Generate an image in each format and fetch it in each; return the original and the converted file of each pair."""
    originals: list[Path] = []
    results: list[Path] = []
    for image_format, wanted in itertools.product(FORMATS, FORMATS):
        record = client.draw(prompt="a cat, 1girl", output_format=image_format, metadata_scheme=scheme, image_seed=7)
        for name, accept, files in (("from", None, originals), ("to", f"image/{wanted}", results)):
            answer = client.get(record["result"][0], headers={"Accept": accept} if accept else {})
            assert answer.status_code == 200
            file = folder / f"{name}-{image_format}-{wanted}.{wanted if accept else image_format}"
            file.write_bytes(answer.content)
            files.append(file)
    return originals, results


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_conversion_keeps_what_the_hosts_own_reader_reads(client: Client, scheme: str, tmp_path: Path) -> None:
    originals, results = converted_files(client, scheme, tmp_path)
    before, after = (read_by(DEMO, sys.executable, files, tmp_path) for files in (originals, results))
    assert after == before
    for parameters, found in after:
        assert found == scheme and "1girl" in json.dumps(parameters)
    for original, result in zip(originals, results, strict=True):
        kept = read_parameters(result.read_bytes())
        assert kept is not None and kept.text == read_parameters(original.read_bytes()).text  # type: ignore[union-attr]


@pytest.mark.real
@pytest.mark.parametrize("scheme", SCHEMES)
def test_fooocuss_own_reader_reads_a_conversion(client: Client, scheme: str, tmp_path: Path) -> None:
    checkout = real_checkout()
    assert checkout is not None
    originals, results = converted_files(client, scheme, tmp_path)
    found = [read_by(checkout, real_python(checkout), files, tmp_path) for files in (originals, results)]
    assert found[0] == found[1] and all(seen == scheme for _, seen in found[1])


def test_the_image_itself_has_them_in_the_format_that_was_asked_for(client: Client) -> None:
    answer = client.generate(accept="image/png", prompt="a cat", output_format="webp")
    assert answer.headers["content-type"] == "image/png"
    parameters = read_parameters(answer.content)
    assert (
        parameters is not None and parameters.scheme == "fooocus" and json.loads(parameters.text)["prompt"] == "a cat"
    )


@pytest.mark.parametrize("text", ["a cat", "一只猫在湖边 🐈", "ünïcode", "x" * 60_000])
def test_any_text_comes_back(text: str) -> None:
    for image_format in ("PNG", "JPEG", "WEBP"):
        buffer = io.BytesIO()
        options = read_parameters(png_with(text)).save_options(image_format)  # type: ignore[union-attr]
        PILImage.new("RGB", (8, 8)).save(buffer, image_format, **options)
        found = read_parameters(buffer.getvalue())
        assert found is not None and (found.text, found.scheme) == (text, "a1111")


def test_text_that_no_segment_holds_costs_no_conversion() -> None:
    parameters = read_parameters(png_with("x" * 70_000))
    assert parameters is not None and parameters.save_options("JPEG") == {}
    assert "pnginfo" in parameters.save_options("PNG")


@pytest.mark.parametrize(
    "comment",
    [b"UNICODE\0" + "猫 cat".encode("utf-16-be"), b"UNICODE\0" + "cat 猫".encode("utf-16-le"), b"ASCII\0\0\0cat"],
    ids=["big-endian", "little-endian", "ascii"],
)
def test_other_programs_ways_to_write_them_are_read(comment: bytes) -> None:
    exif = PILImage.Exif()
    exif[0x8769] = {0x9286: comment}
    buffer = io.BytesIO()
    PILImage.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    found = read_parameters(buffer.getvalue())
    assert found is not None and "cat" in found.text and "�" not in found.text


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_what_is_no_image_has_none(content: bytes) -> None:
    assert read_parameters(content) is None


def png_with(text: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("parameters", text)
    info.add_text("fooocus_scheme", "a1111")
    buffer = io.BytesIO()
    PILImage.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=info)
    return buffer.getvalue()
