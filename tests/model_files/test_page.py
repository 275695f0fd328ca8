"""The examples and the table of errors on the pages docs/model-files.md and docs/model-files_zh.md."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.tasks.model_files.receiving.records import DownloadErrorCode
from fooocus_api.tests.support.client import Client, wait_for
from fooocus_api.tests.support.host import DEMO, ROOT, Host, demo_host
from fooocus_api.tests.support.hosts.installation_copies import copy_checkout
from fooocus_api.tests.support.servers.file_server import FileServer
from fooocus_api.tests.support.sources.page_examples import PageExample, examples_of

PAGES = [ROOT / "docs" / "model-files.md", ROOT / "docs" / "model-files_zh.md"]
ADDRESS, FILE = "http://127.0.0.1:7865", "https://huggingface.co/you/style/resolve/main/style.safetensors"

on_each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    checkout = copy_checkout(DEMO, tmp_path_factory.mktemp("page") / "demo")
    flags = ("--allow-private-urls", "127.0.0.1/32", "--model-disk-reserve", "0.01")
    with demo_host(*flags, checkout=checkout) as running:
        yield running


def example_of(page: Path, language: str) -> PageExample:
    (found,) = [example for example in examples_of(page) if example.language == language]
    return found


def prepared(text: str, host: Host, server: FileServer) -> str:
    return text.replace(ADDRESS, host.url).replace(FILE, f"{server.url}/whole/style.safetensors")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@on_each_page
def test_commands_run(page: Path, host: Host, server: FileServer) -> None:
    model = host.checkout / "models" / "loras" / "style.safetensors"
    for command in example_of(page, "shell").commands:
        done = subprocess.run(f"{prepared(command, host, server)} --fail -s", shell=True, capture_output=True)
        assert done.returncode == 0, done.stderr
        if "POST" in command:
            wait_for(model.is_file, "the file")
    assert not model.exists()


@on_each_page
def test_program_runs(page: Path, host: Host, server: FileServer, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(prepared(example_of(page, "python").code, host, server), str(page), "exec"), {})
    assert capsys.readouterr().out.splitlines()[-1] == server.sha256
    assert Client(host.url).request("DELETE", "/v1/engine/model-files/loras/style.safetensors").status_code == 204


@on_each_page
def test_errors_are_explained(page: Path) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (.+) \|$", page.read_text("utf-8").partition("## Errors")[2], re.MULTILINE)
    if page.stem.endswith("_zh"):
        text = page.read_text("utf-8").rpartition("\n## ")[2]
        assert re.findall(r"^\| `([a-z_]+)` \|", text, re.MULTILINE) == [code.value for code in DownloadErrorCode]
    else:
        assert rows == [(code.value, code.meaning) for code in DownloadErrorCode]
