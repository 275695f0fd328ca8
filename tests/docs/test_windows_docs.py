"""The pages about Windows, in both languages: the claims that can be tested on other systems."""

from __future__ import annotations

import io
import re
import shutil
import subprocess

import pytest
from PIL import Image as PILImage

from fooocus_api.commands import COMMANDS
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import ROOT, Host

PAGES = ["windows.md", "windows_zh.md"]


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    """Return the text of each page in turn."""
    return (ROOT / "docs" / request.param).read_text(encoding="utf-8")


def lines(page: str, language: str) -> list[str]:
    """Return the lines of all code blocks in that language."""
    return [line for block in re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_command_prompts_curl_generates(page: str, demo: Host) -> None:
    (command,) = (line for line in lines(page, "bat") if line.startswith("curl.exe "))
    command = (
        command.replace("curl.exe", "curl -s").replace("http://127.0.0.1:7865", demo.url).removesuffix("-o cat.png")
    )
    assert "'" not in command  # Command Prompt treats it as an ordinary character
    image = subprocess.run(command, shell=True, capture_output=True, check=True).stdout
    assert PILImage.open(io.BytesIO(image)).format == "PNG"


def test_powershells_request_generates(page: str, client: Client) -> None:
    (command,) = lines(page, "powershell")
    written = re.fullmatch(
        r"Invoke-RestMethod http://127\.0\.0\.1:7865(\S+) -Method Post -ContentType \"([^\"]+)\" "
        r"-Headers @\{Accept=\"([^\"]+)\"\} -Body '([^']+)' -OutFile cat\.png",
        command,
    )
    assert written is not None
    path, content_type, accept, body = written.groups()
    headers = {"Content-Type": content_type, "Accept": accept}
    image = client.post(path, data=body.encode(content_type.partition("charset=")[2]), headers=headers).content
    assert PILImage.open(io.BytesIO(image)).format == "PNG"


def test_scripts_and_commands_exist(page: str) -> None:
    called = [line.split("python.exe -s ")[1].split() for line in lines(page, "bat") if "python.exe -s " in line]
    ours = [words for words in called if "entry_with_update.py" not in words[0]]
    assert len(ours) >= 4
    for script, *arguments in ours:
        folders = script.replace("\\", "/").removeprefix("Fooocus/extensions/fooocus_api/").removeprefix("fooocus-api/")
        assert (ROOT / folders).is_file(), script
        if folders == "extension.py":
            assert arguments[0] in COMMANDS
    for name in re.findall(r"`(\w+\.bat)`", page):
        assert name == "run.bat" or (ROOT / name).is_file()


def test_linked_files_are_there(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page):
        assert "://" in target or (ROOT / "docs" / target).is_file(), target


def test_both_languages_say_the_same_things() -> None:
    english, chinese = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in PAGES)
    assert lines(english, r"\w+")[:1] and lines(english, r"(?:bat|powershell)") == lines(chinese, r"(?:bat|powershell)")
    for pattern in (r"^## ", r"^- ", r"^```\w+"):
        assert len(re.findall(pattern, english, re.M)) == len(re.findall(pattern, chinese, re.M)), pattern
