"""Code blocks of the documentation: each is run as it stands, is run by a named test, or states why it is not run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image as PILImage

from fooocus_api.tests.conftest import DemoFactory
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import ROOT, Host
from fooocus_api.tests.support.sources.page_examples import PageExample, examples_of

READMES = [ROOT / "examples" / "README.md", *(ROOT / "client").glob("*.md")]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *READMES])
EXAMPLES = [example for page in PAGES for example in examples_of(page)]
ADDRESS = "http://127.0.0.1:7865"
STREAM_S = 2
"""Seconds after which curl leaves an endless stream."""
TIMED_OUT = 28
"""Exit status of curl after its timeout."""
MARKER = re.compile(r"run by (?P<test>tests/\S+\.py)|not run: \S.+")


def identity(example: PageExample) -> str:
    """Return the test id of an example."""
    return f"{example.page.relative_to(ROOT).as_posix()}:{example.line}"


def of_language(*languages: str) -> pytest.MarkDecorator:
    """Parametrize a test by the examples that run as they stand. Those of the Chinese pages, which are like the English ones, run
    nightly."""
    chosen = [example for example in EXAMPLES if example.runs_as_it_stands and example.language in languages]
    assert chosen
    return pytest.mark.parametrize(
        "example",
        [pytest.param(one, marks=pytest.mark.nightly) if one.page.stem.endswith("_zh") else one for one in chosen],
        ids=identity,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the empty working directory of an example."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("example", EXAMPLES, ids=identity)
def test_each_example_is_run_or_says_why_not(example: PageExample) -> None:
    if example.marker:
        match = MARKER.fullmatch(example.marker)
        assert match is not None, example.marker
        if match["test"]:
            text = (ROOT / match["test"]).read_text("utf-8")
            assert example.page.name in text or example.page.stem.removesuffix("_zh") in text, match["test"]
    else:
        assert example.runs_as_it_stands


@of_language("python")
def test_python_examples_run(
    example: PageExample, demo: Host, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exec(compile(example.code.replace(ADDRESS, demo.url), identity(example), "exec"), {})
    if example.page.stem.startswith("README"):
        assert capsys.readouterr().out.startswith("finished ['http://127.0.0.1")
        with PILImage.open(folder / "cat.png") as image:
            assert image.format == "PNG"


@pytest.mark.parametrize("page", ["rented-gpu", "rented-gpu_zh"])
def test_a_rented_machine_with_tasks_is_never_idle(
    page: str, demo_factory: DemoFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    host = demo_factory(step_ms=100)
    client = Client(host.url)
    (program,) = [one.code for one in EXAMPLES if one.page.stem == page and one.runs_as_it_stands]

    def said() -> str:
        exec(compile(program.replace(ADDRESS, host.url), page, "exec"), {})
        return capsys.readouterr().out.strip()

    assert said() == "idle 0 tasks wait"
    client.post("/v1/engine/pause")
    task_id = client.submit(overwrite_step=60)["task_id"]
    assert said() == "busy 1 tasks wait"
    client.post("/v1/engine/resume")
    client.until(task_id, "running")
    assert said() == "busy 0 tasks wait"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@of_language("shell", "bash")
def test_curl_commands_run(example: PageExample, demo: Host, folder: Path) -> None:
    for command in example.commands:
        endless = " -N " in command
        limit = f" --max-time {STREAM_S}" if endless else ""
        done = subprocess.run(f"{command.replace(ADDRESS, demo.url)} --fail -s{limit}", shell=True, capture_output=True)
        assert done.returncode in ((0, TIMED_OUT) if endless else (0,)), done.stderr
        for name in re.findall(r"-o (\S+\.png)", command):
            with PILImage.open(folder / name) as image:
                assert image.format == "PNG"


@of_language("json")
def test_json_examples_are_json(example: PageExample) -> None:
    assert json.loads(example.code)
