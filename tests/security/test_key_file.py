"""Keys of `--apikey-file` and `API_KEY_FILE`: those of a Docker secret or a systemd credential."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fooocus_api.adapters.startup.flag_types import apikey_file
from fooocus_api.auth.keys import ALL_SCOPES
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, Host

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "# the keys of this host\nshop:s3cret\r\n\n  another-s3cret \n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with two keys, a comment and an empty line."""
    path = tmp_path / "api_keys"
    path.write_text(SECRET, "utf-8", newline="")
    return path


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Yield a host whose environment names the file."""
    path = tmp_path_factory.mktemp("secrets") / "api_keys"
    path.write_text(SECRET, "utf-8")
    flags = ("--disable-in-browser", "--disable-analytics", "--demo-step-ms", "5", "--nowebui")
    with Host(DEMO, flags=flags, env={"API_KEY_FILE": str(path)}) as running:
        yield running


def test_each_line_is_a_key(file: Path) -> None:
    keys = apikey_file(str(file))
    assert [key.name for key in keys] == ["shop", keys[1].name] and keys[1].name.startswith("key-")
    assert {key.scopes for key in keys} == {ALL_SCOPES}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "can't be read"),
        ("", "contains no key"),
        ("# only this\n", "contains no key"),
        ("two words:s3cret", "NAME:KEY"),
    ],
)
def test_a_useless_file_is_refused_without_its_content(tmp_path: Path, content: str | None, problem: str) -> None:
    path = tmp_path / "api_keys"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(argparse.ArgumentTypeError, match=problem) as refusal:
        apikey_file(str(path))
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("key", ["s3cret", "another-s3cret"])
def test_a_key_of_the_file_opens_the_api(host: Host, key: str) -> None:
    assert Client(host.url).get("/v1/info").status_code == 401
    assert Client(host.url, key).get("/metrics").status_code == 200


def test_no_console_line_shows_a_key(host: Host) -> None:
    assert "s3cret" not in host.log()
