"""Containers of parameters in image files, and files that were crafted to keep their reader busy."""

from __future__ import annotations

import json
import struct
import zlib

import pytest

from fooocus_api.images.codecs.input_formats import Unreadable
from fooocus_api.images.metadata.containers.carried import MAX_TEXT_BYTES, MAX_TRIES, Carried
from fooocus_api.images.metadata.containers.file_texts import texts_of
from fooocus_api.images.metadata.containers.png import read_png
from fooocus_api.images.metadata.reader import MAX_RAW_LENGTH, read_file, read_text
from fooocus_api.images.metadata.schemes.a1111 import MAX_PAIRS, pairs_of
from fooocus_api.tests.support.fakes import metadata_files as files

TEXT = files.A1111


def international(key: bytes, text: bytes, *, compressed: bool) -> bytes:
    data = zlib.compress(text) if compressed else text
    return files.chunk(b"iTXt", key + b"\0" + bytes([compressed]) + b"\0en\0\0" + data)


CHUNKS = {
    "tEXt": files.chunk(b"tEXt", b"parameters\0" + TEXT.encode()),
    "tEXt in UTF-8": files.chunk(b"tEXt", b"parameters\0" + TEXT.replace("tin", "锡").encode()),
    "tEXt in Latin-1": files.chunk(b"tEXt", b"parameters\0" + TEXT.replace("tin", "zinné").encode("latin-1")),
    "zTXt": files.chunk(b"zTXt", b"parameters\0\0" + zlib.compress(TEXT.encode())),
    "iTXt": international(b"parameters", TEXT.encode(), compressed=False),
    "compressed iTXt": international(b"parameters", TEXT.encode(), compressed=True),
}


@pytest.mark.parametrize("kind", CHUNKS)
def test_each_kind_of_text_chunk_is_read(kind: str) -> None:
    found = read_file(files.with_chunks(CHUNKS[kind]))
    assert found.parameters.seed == str(files.SEED) and "�" not in (found.raw or "")


def test_a_text_after_the_pixels_is_read() -> None:
    plain = files.png({})
    found = read_file(plain[:-12] + CHUNKS["tEXt"] + plain[-12:])
    assert found.scheme == "a1111" and found.size == files.SIZE


def test_exif_in_a_png_is_read() -> None:
    jpeg = files.with_exif("JPEG", {}, {0x9286: b"UNICODE\0" + TEXT.encode("utf-16-le")})
    start = jpeg.index(b"Exif\0\0") + 6
    block = jpeg[start : start + int.from_bytes(jpeg[start - 8 : start - 6], "big") - 8]
    assert read_file(files.with_chunks(files.chunk(b"eXIf", block))).source == "exif:exif"


def test_comments_of_other_formats_are_read() -> None:
    assert read_file(files.with_comment("GIF", TEXT[:250])).size == files.SIZE
    short = "a robot\nSteps: 3, Seed: 5, Sampler: Euler"
    assert read_file(files.with_comment("GIF", short)).source == "gif:comment"
    assert read_file(files.with_comment("JPEG", short)).source == "jpeg:comment"


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_the_size_is_known_without_decoding(image_format: str) -> None:
    content = (
        files.with_exif(image_format, {}, size=(300, 200)) if image_format != "GIF" else files.with_comment("GIF", "")
    )
    assert texts_of(content).size == ((300, 200) if image_format != "GIF" else files.SIZE)


def test_an_image_of_any_number_of_pixels_is_read() -> None:
    content = bytearray(files.png({"parameters": TEXT}))
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    assert read_file(bytes(content)).size == (60_000, 60_000)


def test_the_mark_of_fooocus_is_trusted_first() -> None:
    own = files.fooocus_text("2.5.5")
    content = files.png({"Comment": json.dumps(files.MRE), "parameters": own, "fooocus_scheme": "fooocus"})
    assert read_file(content).scheme == "fooocus"


def test_a_file_that_is_no_image_is_refused() -> None:
    for content in (b"", b"<html>", b"RIFF\0\0\0\0WAVE"):
        with pytest.raises(Unreadable):
            read_file(content)


def test_a_file_without_parameters_has_none() -> None:
    for image_format in ("PNG", "JPEG", "WEBP"):
        found = read_file(files.with_exif(image_format, {0x0131: "Photo Editor", 0x010F: "Camera"}))
        assert (found.scheme, found.raw, found.rest) == (None, None, [])


def test_other_exif_is_never_shown() -> None:
    content = files.with_exif("JPEG", {0x9286: files.fooocus_text("2.5.5"), 0x927C: "fooocus", 0x8825: {1: "N"}})
    found = read_file(content)
    assert found.scheme == "fooocus" and "GPS" not in repr(found)


# ------------------------------------------------------------------------------ hostile files


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_a_file_may_be_cut_anywhere(image_format: str) -> None:
    content = files.by_fooocus(files.fooocus_text("2.5.5"), "fooocus", image_format)
    for end in range(16, len(content), 7):
        read_file(content[:end])


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "WEBP"])
def test_any_byte_may_be_wrong(image_format: str) -> None:
    content = files.by_fooocus(files.a1111_line("2.5.5"), "a1111", image_format)
    for at in range(12, min(len(content), 900)):
        for value in (0x00, 0xFF):
            read_file(content[:at] + bytes([value]) + content[at + 1 :])


def test_bombs_are_not_inflated() -> None:
    bomb = files.chunk(b"zTXt", b"parameters\0\0" + zlib.compress(b"a" * 200_000_000))
    found = read_file(files.with_chunks(bomb, CHUNKS["tEXt"]))
    assert found.scheme == "a1111" and "too long" in found.warnings[0]
    many = files.chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * (MAX_TEXT_BYTES + 2)))
    carried = Carried()
    read_png(files.with_chunks(*[many] * (MAX_TRIES * 3)), carried)
    assert not carried.texts and len(carried.skipped) <= MAX_TRIES


def test_texts_are_bounded_in_all() -> None:
    half = files.chunk(b"tEXt", b"Comment\0" + b"a" * (MAX_TEXT_BYTES // 2 - 1))
    carried = texts_of(files.with_chunks(*[half] * 5))
    assert len(carried.texts) == 2 and len(carried.skipped) == 3


def test_exif_that_points_everywhere_copies_nothing() -> None:
    entries = b"".join(struct.pack("<HHII", 0x9286, 2, 2**31, 0) for _ in range(5000))
    block = b"II*\0\x08\0\0\0" + struct.pack("<H", 5000) + entries
    assert not texts_of(files.with_chunks(files.chunk(b"eXIf", block))).texts
    loop = b"II*\0\x08\0\0\0" + struct.pack("<H", 1) + struct.pack("<HHII", 0x8769, 4, 1, 8) + b"\0" * 4
    assert not texts_of(files.with_chunks(files.chunk(b"eXIf", loop))).texts


HOSTILE = {
    "nested": '{"base_model": ' * 50_000,
    "nested lists": '{"prompt": "a", "base_model": "b", "performance": ' + "[" * 100_000,
    "closed nesting": '{"base_model":"b","performance":"Speed","x":' + "[" * 900 + "]" * 900 + "}",
    "digits": '{"base_model":"b","performance":"Speed","seed":' + "9" * 900_000 + "}",
    "infinite": '{"base_model":"b","performance":"Speed","guidance_scale":1e999,"sharpness":NaN}',
    "surrogates": '{"base_model":"b","performance":"Speed","prompt":"\\ud800\\u0000"}',
    "quotes": '{"base_model":"b","performance":"Speed","styles":"[' + "\\\\'\\\"" * 100_000 + ']"}',
    "commas": "a\nSteps: 3" + ", a: b" * 200_000,
    "colons": "a\n" + ":" * 900_000,
    "words": "a\nSteps: 3, Seed: 5, " + "word " * 180_000,
    "open quotes": "a\nSteps: 3, Seed: 5, Size: 8x8" + ', a: "b' * 100_000,
    "open brackets": "a\nSteps: 3, Seed: 5, Size: 8x8, a: " + "[{" * 400_000,
    "lines": "a\n" * 450_000 + "Steps: 3, Seed: 5, Size: 8x8",
    "buttons": "to_clipboard('" * 60_000,
    "encoded": "%7B" + "%" * 900_000,
    "spaces": json.dumps({"base_model": "b", "performance": "Speed", "adm_guidance": " " * 40 + "1" + " " * 58 + "!"}),
    "escaped quotes": json.dumps({"base_model": "b", "performance": "Speed", "styles": "[" + "\\'" * 4094 + "]"}),
    "unclosed values": "a\nSteps: 3, Seed: 5, Size: 8x8, a: " + '[{"b": 0, "b": ' * 250 + "[" + "0," * 400_000,
    "long names": json.dumps({"base_model": "b " * 300_000, "performance": "a " * 100_000, "sampler": "a " * 100_000}),
    "tags": "<lora:" * 150_000 + "\nSteps: 3, Seed: 5, Size: 8x8",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_text_is_read_or_not_at_once(kind: str) -> None:
    found = read_text(HOSTILE[kind])
    assert len(found.raw or "") <= MAX_RAW_LENGTH
    json.dumps([list(found.parameters.given()), found.rest, found.raw], allow_nan=False, default=vars).encode()


def test_a_text_with_pairs_alone_has_no_parameters() -> None:
    for written in ("Lat: 52.52, Lon: 13.40, Alt: 34", "a dog\nBreed: poodle, Age: 3, Colour: white"):
        found = read_text(written)
        assert found.scheme is None and not list(found.parameters.given())


def test_pairs_are_bounded() -> None:
    assert len(list(pairs_of("a: b, " * 5000))) == MAX_PAIRS
