"""Output to a stream whose encoding lacks most characters, as a log file on Windows, or to none at all."""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from fooocus_api.adapters.startup.console_logging import NAME, Logs
from fooocus_api.adapters.startup.console_text import take_any_text
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import DEMO, ROOT, Host, demo_host

if TYPE_CHECKING:
    from collections.abc import Iterator

PROMPT = "猫🐱"
ENCODINGS = ("ascii", "cp1252", "gbk")


def encodings(usual: str) -> pytest.MarkDecorator:
    """Parametrize a test by the encodings. Each starts processes without help, so all but the usual one run nightly."""
    cases = [pytest.param(one, marks=() if one == usual else pytest.mark.nightly) for one in ENCODINGS]
    return pytest.mark.parametrize("encoding", cases)


@pytest.fixture
def host_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Host]]:
    """Yield a function that makes demo hosts with an output encoding and a folder in Chinese characters."""
    hosts: list[Host] = []

    def make(encoding: str, *flags: str) -> Host:
        host = demo_host(*flags)
        hosts.append(host)
        host._env["PYTHONIOENCODING"] = encoding
        host.outputs = host.folder / "图片🐱"
        return host

    yield make
    for host in hosts:
        host.close()


def printed(host: Host, encoding: str) -> str:
    return host._log_file.read_bytes().decode(encoding)


def plain_picture() -> str:
    """Return an image of one colour. The host detects nothing in it and prints the words it was looking for."""
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (9, 99, 199)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@encodings("gbk")
@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(("--log-json", "--log-level", "debug"), id="JSON", marks=pytest.mark.nightly),
        pytest.param(("--log-level", "debug"), id="text"),
    ],
)
def test_a_task_with_any_words_is_drawn(host_of: Callable[..., Host], encoding: str, flags: tuple[str, ...]) -> None:
    host = host_of(encoding, *flags).start()
    client = Client(host.url)
    record = client.draw(
        prompt=PROMPT,
        enhance_checkbox=True,
        enhance_input_image=plain_picture(),
        enhance_uov_method="Vary (Subtle)",
        enhance_uov_processing_order="After Last Enhancement",
        enhance_ctrls=[{"enhance_enabled": True, "enhance_mask_model": "sam", "enhance_mask_dino_prompt": PROMPT}],
    )
    assert record["task_status"] == "finished", record["error"]
    assert record["result"]
    host.stop()
    text = printed(host, encoding)
    assert "Traceback" not in text and "Logging error" not in text
    shown = PROMPT.encode(encoding, "backslashreplace").decode(encoding)
    assert f'No "{shown}" detected' in text  # the host's own print
    if "--log-json" in flags:
        lines = [json.loads(line[line.index('{"time"') :]) for line in text.splitlines() if '{"time"' in line]
        assert PROMPT in [line.get("prompt") for line in lines]
    else:
        assert "prompt=" in text


@encodings("cp1252")
def test_a_problem_that_names_a_path_is_an_answer(host_of: Callable[..., Host], encoding: str) -> None:
    """Build the API with its explanation, although it prints a path that the stream can't encode."""
    host = host_of(encoding)
    state = host.outputs / ".fooocus_api"
    state.mkdir(parents=True)
    (state / "tasks.sqlite3").write_bytes(b"no database at all " * 100)
    host.start()
    info = Client(host.url).get("/v1/info")
    assert info.status_code == 200 and "图片" in info.json()["problem"] and "could not be built" not in info.text
    assert "Traceback" not in printed(host, encoding)


def command(encoding: str, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "FOOOCUS_API_CHECKOUT": str(DEMO), "PYTHONIOENCODING": encoding}
    done = [sys.executable, str(ROOT / "extension.py"), *map(str, arguments)]
    return subprocess.run(done, capture_output=True, env=environment, timeout=120)


@encodings("ascii")
def test_the_commands_print_any_path(tmp_path: Path, encoding: str) -> None:
    outputs = tmp_path / "图片🐱"
    outputs.mkdir()
    listed = command(encoding, "keys", "list", "--output-path", outputs)
    assert (listed.returncode, listed.stderr) == (0, b"")
    assert str(outputs).encode(encoding, "backslashreplace") in listed.stdout
    missing = outputs / "无.sqlite3"
    refused = command(encoding, "import", missing, "--output-path", outputs)
    assert refused.returncode == 1 and refused.stderr.startswith(b"error: ")
    assert str(missing).encode(encoding, "backslashreplace") in refused.stderr


NO_CONSOLE = """
import runpy, sys
sys.stdout = sys.stderr = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class WithoutConsole(Host):
    """A host that is started as by pythonw.exe."""

    def _command(self) -> list[str]:
        python, *rest = super()._command()
        return [python, "-c", NO_CONSOLE, *rest]


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(("--log-json",), id="with the WebUI"),
        pytest.param(("--nowebui",), id="API alone", marks=pytest.mark.nightly),
    ],
)
def test_without_a_console_all_works(flags: tuple[str, ...]) -> None:
    with WithoutConsole(DEMO, flags=("--disable-in-browser", "--disable-analytics", *flags), patience=60) as host:
        assert Client(host.url).draw(prompt=PROMPT)["task_status"] == "finished"


def test_a_command_without_a_console_does_its_work(tmp_path: Path) -> None:
    environment = {**os.environ, "FOOOCUS_API_CHECKOUT": str(DEMO)}
    done = [sys.executable, "-c", NO_CONSOLE, ROOT / "extension.py", "keys", "list", "--output-path", tmp_path]
    assert subprocess.run(list(map(str, done)), env=environment, timeout=120).returncode == 0


# ------------------------------------------------------------------ the streams themselves


def strict(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict", write_through=True)


def test_it_is_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    out, err = strict("gbk"), io.TextIOWrapper(io.BytesIO(), encoding="gbk", errors="replace")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    restore = take_any_text()
    assert (out.errors, err.errors) == ("backslashreplace", "replace")  # a stream that takes any text stays as it is
    restore()
    assert (out.errors, err.errors) == ("strict", "replace")
    monkeypatch.setattr(sys, "stdout", None)
    restore = take_any_text()
    print(PROMPT)
    restore()
    assert sys.stdout is None


def test_streams_of_other_kinds_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    other = io.StringIO()
    monkeypatch.setattr(sys, "stdout", other)
    take_any_text()()
    assert sys.stdout is other


class Tee:
    """A stream with which a launcher replaces the console: it writes to a file in the system's encoding."""

    encoding = "gbk"

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, text: str) -> None:
        self.written.append(text.encode(self.encoding))

    def flush(self) -> None: ...


@pytest.mark.parametrize("stream", [Tee(), None], ids=["another's stream", "none"])
def test_a_line_is_written_whatever_the_stream(monkeypatch: pytest.MonkeyPatch, stream: Any) -> None:
    errors: list[logging.LogRecord] = []
    monkeypatch.setattr(logging.Handler, "handleError", lambda _, record: errors.append(record))
    monkeypatch.setattr(sys, "stdout", stream)
    logs = Logs()
    logs.start()
    logs.configure("info", as_json=True)
    logging.getLogger(f"{NAME}.tests").info("a line", extra={"prompt": PROMPT})
    logs.stop()
    assert errors == []
    if stream is not None:
        assert json.loads(b"".join(stream.written).decode("gbk"))["prompt"] == PROMPT
