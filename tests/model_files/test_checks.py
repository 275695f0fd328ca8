"""Names of model files, headers of safetensors files, and URLs without their credentials."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.model_files.kinds import FileKind, is_web_page, kind_of
from fooocus_api.model_files.names import (
    checked_name,
    name_in_disposition,
    name_in_url,
    page_hint,
    without_credentials,
)
from fooocus_api.model_files.safetensors_header import MAX_HEADER_BYTES, InvalidHeader, check_header
from fooocus_api.tasks.model_files.receiving.records import DownloadRequest
from fooocus_api.tests.support.servers.file_server import safetensors

GOOD_NAMES = {
    "a.safetensors": "a.safetensors",
    "sdxl/b/c.CKPT": "sdxl/b/c.CKPT",
    "inpaint_v26.fooocus.patch": "inpaint_v26.fooocus.patch",
    "e\u0301.pt": "é.pt",
    "狗 (v1.0), 50%.safetensors": "狗 (v1.0), 50%.safetensors",
}


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_good_name_stays(name: str) -> None:
    assert checked_name(name) == GOOD_NAMES[name]


@pytest.mark.parametrize(
    "name",
    [
        *("", ".", "..", "/", "a", "a.txt", "a.safetensors.exe", "../a.pt", "a/../b.pt", "/a.pt", "a//b.pt", "a/.pt"),
        *(
            "a\\b.pt",
            "c:a.pt",
            "a.pt:b.pt",
            "a?.pt",
            "a*.pt",
            'a".pt',
            "<a>.pt",
            "a|b.pt",
            "a\n.pt",
            "a\x00.pt",
            "a\u202e.pt",
        ),
        *(
            "con.pt",
            "NUL.safetensors",
            "lpt1.pt",
            "x/aux/b.pt",
            " a.pt",
            "a.pt ",
            "a.pt.",
            "a /b.pt",
            ".hidden.pt",
            ".a/b.pt",
        ),
        *(f"{'a' * 200}.pt", f"{'狗' * 70}.pt", "a/b/c/d/e.pt", "\ud800.pt"),
    ],
)
def test_bad_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        checked_name(name)


def test_kinds_are_known_by_the_ending() -> None:
    kinds = {"a.SafeTensors": FileKind.SAFETENSORS, "a.fooocus.patch": FileKind.PICKLE, "a.onnx": FileKind.ONNX}
    assert {name: kind_of(name) for name in kinds} == kinds and kind_of("a.patch") is kind_of("a.zip") is None


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=a.pt", "a.pt"),
        ('attachment; filename="a b.pt"; size=1', "a b.pt"),
        (r'attachment; filename="a\"b.pt"', 'a"b.pt'),
        ("attachment; filename=x.pt; filename*=UTF-8''%E7%8B%97.pt", "狗.pt"),
        ("attachment; filename*=iso-8859-1'en'%E9.pt", "é.pt"),
        ('attachment; filename="../../etc/passwd.pt"', "passwd.pt"),
        ('inline; filename="C:\\\\x\\\\y.pt"', "y.pt"),
        ("attachment", None),
        ("attachment; filename=", None),
        ("", None),
    ],
)
def test_name_in_content_disposition(header: str, name: str | None) -> None:
    assert name_in_disposition(header) == name


def test_name_in_url_is_a_model_file() -> None:
    assert name_in_url("https://a.example/x/b%20c.safetensors?download=true") == "b c.safetensors"
    assert name_in_url("https://a.example/api/download/models/5") is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/x?download=true&rev=main", "https://a.example/x?download=true&rev=main"),
        ("https://a:b@c.example:8/x#y", "https://***@c.example:8/x"),
        ("https://a.example/x?token=1&b=2", "https://a.example/x?token=***&b=2"),
        (
            "https://a.example/x?X-Amz-Signature=1&X-Amz-Date=2",
            "https://a.example/x?X-Amz-Signature=***&X-Amz-Date=***",
        ),
        (f"https://a.example/x?q={'a' * 65}", "https://a.example/x?q=***"),
        ("HTTPS://a.example/x?rev=main#part", "https://a.example/x?rev=main"),
        ("https://a.example/x?abc", "https://a.example/x?***"),
        ("https://a.example/x?to%6ben=1", "https://a.example/x?to%6ben=***"),
    ],
)
def test_credentials_in_urls_are_masked(url: str, shown: str) -> None:
    assert without_credentials(url) == shown
    assert DownloadRequest(url, "loras").has_credentials is ("***" in shown)


def test_pages_about_models_have_a_hint() -> None:
    assert "/resolve/" in str(page_hint("https://huggingface.co/a/b/blob/main/c.safetensors"))
    assert "/api/download/" in str(page_hint("https://civitai.com/models/5?modelVersionId=6"))
    assert page_hint("https://huggingface.co/a/b/resolve/main/c.safetensors") is None


def test_web_page_is_recognised() -> None:
    assert is_web_page(b"\xef\xbb\xbf \n<!DOCTYPE html>") and is_web_page(b"<html>")
    assert not is_web_page(safetensors()[:100]) and not is_web_page(b"PK\x03\x04") and not is_web_page(b"")


# ------------------------------------------------------------------------- safetensors


def with_header(header: Any, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tensor(begin: int, end: int, **changes: Any) -> dict[str, Any]:
    return {"dtype": "U8", "shape": [end - begin], "data_offsets": [begin, end], **changes}


@pytest.mark.parametrize(
    "content",
    [
        safetensors(),
        safetensors(1),
        with_header(b'{"a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]}}     ', b"1234"),
        with_header({"a": tensor(0, 2, dtype="NEW", shape=[7]), "b": tensor(2, 2)}, b"12"),
        with_header({"b": tensor(2, 4), "a": tensor(0, 2), "c": tensor(4, 4)}, b"1234"),
        with_header({"a": tensor(0, 4, dtype="F32", shape=[])}, b"1234"),
    ],
)
def test_good_file_passes(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    check_header(tmp_path / "a")


BAD_FILES = {
    "empty": b"",
    "short": b"1234567",
    "truncated": safetensors()[:-1],
    "longer": safetensors() + b"1",
    "pickle": b"PK\x03\x04" + bytes(100),
    "header-beyond-the-end": (10**6).to_bytes(8, "little") + b"{}",
    "header-of-exabytes": (2**63).to_bytes(8, "little") + b"{}",
    "not-json": with_header(b"{'a': 1}"),
    "a-list": with_header(b"[]"),
    "nested": with_header(b'{"a":' * 100_000),
    "long-number": with_header(b'{"a":{"dtype":"U8","shape":[' + b"9" * 10**6 + b'],"data_offsets":[0,0]}}'),
    "no-tensors": with_header({}),
    "metadata-alone": with_header({"__metadata__": {"a": "b"}}),
    "gap": with_header({"a": tensor(0, 2), "b": tensor(3, 4)}, b"1234"),
    "overlap": with_header({"a": tensor(0, 3), "b": tensor(2, 4)}, b"1234"),
    "backwards": with_header({"a": tensor(0, 2, data_offsets=[2, 0])}, b"12"),
    "negative": with_header({"a": tensor(0, 2, data_offsets=[-2, 0])}, b"12"),
    "size-not-of-the-shape": with_header({"a": tensor(0, 2, shape=[3])}, b"12"),
    "many-dimensions": with_header({"a": tensor(0, 1, shape=[1] * 100_000)}, b"1"),
    "without-offsets": with_header({"a": {"dtype": "U8", "shape": [1]}}, b"1"),
    "three-offsets": with_header({"a": tensor(0, 1, data_offsets=[0, 1, 2])}, b"1"),
    "a-number": with_header({"a": 5}),
    "fractions": with_header({"a": tensor(0, 2, shape=[2.0])}, b"12"),
    "type-not-a-text": with_header({"a": tensor(0, 2, dtype=[])}, b"12"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(BAD_FILES[name])
    with pytest.raises(InvalidHeader):
        check_header(tmp_path / "a")


def test_large_header_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.write((MAX_HEADER_BYTES + 1).to_bytes(8, "little") + b"{")
        file.truncate(MAX_HEADER_BYTES + 100)
    with pytest.raises(InvalidHeader, match="MiB"):
        check_header(tmp_path / "a")


@pytest.mark.parametrize("value", [b"[],", b"{},", b'"a",', b"0,"])
def test_a_header_of_many_values_fills_no_memory(value: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(with_header(b'{"a":[' + value * (7 * 2**20 // len(value)) + b"0]}"))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidHeader, match="too many values"):
            check_header(tmp_path / "a")
        assert tracemalloc.get_traced_memory()[1] < 2 * MAX_HEADER_BYTES
    finally:
        tracemalloc.stop()


def test_a_header_of_many_tensors_passes(tmp_path: Path) -> None:
    header = {f"model.layers.{number}.attention.weight": tensor(number, number + 1) for number in range(20_000)}
    (tmp_path / "a").write_bytes(with_header({"__metadata__": {"tags": '"a", ' * 50_000}, **header}, bytes(20_000)))
    check_header(tmp_path / "a")
