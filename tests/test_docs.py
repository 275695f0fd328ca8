"""What the READMEs say is so: flags, endpoints, commands and files, in both languages; and nothing is left unsaid."""

from __future__ import annotations

import argparse
import io
import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from PIL import Image as PILImage

from fooocus_api.adapters.arguments import add_flags
from fooocus_api.tests.client import Client
from fooocus_api.tests.host import ROOT, Host

READMES = ["README.md", "README_zh.md"]
OF_THE_HOST = {
    "--demo-step-ms",
    "--demo-load-ms",
    "--demo-null",
    "--demo-trace",
    "--disable-image-log",
    "--listen",
    "--share",
}


@pytest.fixture(params=READMES)
def readme(request: pytest.FixtureRequest) -> str:
    """The text of each README in turn."""
    return (ROOT / request.param).read_text(encoding="utf-8")


def our_flags() -> set[str]:
    parser = argparse.ArgumentParser(add_help=False)
    add_flags(SimpleNamespace(parser=parser))  # type: ignore[arg-type]
    return {option for action in parser._actions for option in action.option_strings}


def test_every_flag_is_explained_once(readme: str) -> None:
    told = re.findall(r"^\| `(--[a-z-]+)", readme, re.MULTILINE)
    assert sorted(told) == sorted(our_flags())


def test_every_flag_named_exists(readme: str, demo: Host) -> None:
    helps = ("install.py", "--help"), ("extension.py", "keys", "add", "--help")
    told = "".join(
        subprocess.run([demo.python, ROOT / script, *flags], capture_output=True, text=True, check=True).stdout
        for script, *flags in helps
    )
    known = our_flags() | set(re.findall(r"--[a-z][a-z-]+", told)) | OF_THE_HOST
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", readme)) <= known


def test_every_endpoint_is_explained_and_exists(readme: str, client: Client) -> None:
    schema = client.get("/v1/openapi.json").json()["paths"]
    told = set(re.findall(r"\| `((?:GET|POST|DELETE) /[^` ]*)`", readme))
    exist = {f"{method.upper()} {path}" for path, operations in schema.items() for method in operations}
    assert told == exist | {"GET /docs", "GET /v1/openapi.json"}


def test_the_commands_come_first(readme: str) -> None:
    first = readme.split("```")[1]
    assert "python install.py --demo" in first and "python install.py --test" in first


def test_linked_files_are_there(readme: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", readme):
        if "://" not in target:
            assert (ROOT / target).is_file(), target


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_first_curl_draws_an_image(readme: str, demo: Host) -> None:
    command = next(line for line in readme.splitlines() if line.startswith("curl "))
    command = command.replace("http://127.0.0.1:7865", demo.url).removesuffix("-o cat.png") + "-s"
    image = subprocess.run(command, shell=True, capture_output=True, check=True).stdout
    assert PILImage.open(io.BytesIO(image)).format == "PNG"


def test_the_python_example_draws(readme: str, demo: Host, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = [block.split("```")[0] for block in readme.split("```python")[1:]]
    code = "".join(blocks).replace("http://127.0.0.1:7865", demo.url)
    exec(compile(code, "README", "exec"), {})
    assert capsys.readouterr().out.startswith("finished ['http://127.0.0.1")


def test_both_languages_say_the_same_things() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in READMES)
    for pattern in (r"^## ", r"^\| `[^`]+`", r"^```\w+", r"^!\["):
        assert len(re.findall(pattern, english, re.M)) == len(re.findall(pattern, chinese, re.M)), pattern
