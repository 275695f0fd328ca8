"""The command line in a terminal: the bar, the preview, Ctrl-C, and completion."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fooocus_api_client import Client

from fooocus_api.tests.client.constants import KEY
from fooocus_api.tests.client.terminal import Terminal, command_line
from fooocus_api.tests.support.host import ROOT, Host

in_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals in Python")
GENERATE = ("generate", "a cat by the lake", "--size", "512x512", "-o", "cat.png")
LONG = (*GENERATE, "-n", "32", "--preview", "none")


@pytest.fixture
def environment(guarded: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the variables of a user of the slow host, whose folder is the current one."""
    monkeypatch.chdir(tmp_path)
    return {
        "FOOOCUS_URL": guarded.url,
        "FOOOCUS_API_KEY": KEY,
        "FOOOCUS_CONFIG": str(tmp_path / "client.json"),
        "PYTHONPATH": str(ROOT / "client" / "src"),
    }


@pytest.fixture
def api(guarded: Host) -> Iterator[Client]:
    """Return a client of the slow host."""
    with Client(guarded.url, KEY) as client:
        yield client


@in_a_terminal
def test_the_bar_and_the_preview_are_shown(environment: dict[str, str], tmp_path: Path) -> None:
    with Terminal(command_line(*GENERATE), environment) as terminal:
        shown = terminal.until(r"step \d+/\d+.*▀") + terminal.until("cat.png")
        assert terminal.end() == 0
    assert re.search(r"Generating, step \d+/30", shown) and re.search(r"\d+%", shown) and "━" in shown
    assert (tmp_path / "cat.png").read_bytes().startswith(b"\x89PNG")


@in_a_terminal
def test_kitty_gets_the_previews(environment: dict[str, str]) -> None:
    with Terminal(command_line(*GENERATE, "--preview", "kitty"), environment) as terminal:
        terminal.until(r"\x1b_Ga=T,f=100")
        terminal.until(r"\x1b_Ga=d")
        assert terminal.end() == 0


@in_a_terminal
@pytest.mark.parametrize(("key", "status"), [("s", "stopped"), ("\x03", "running")])
def test_ctrl_c_offers_to_stop(key: str, status: str, environment: dict[str, str], api: Client) -> None:
    with Terminal(command_line(*LONG), environment) as terminal:
        terminal.until("Generating")
        terminal.keys("\x03")
        terminal.until("Stop the task")
        if key == "\x03":
            terminal.interrupt_until("is left running")
        else:
            terminal.keys(f"{key}\n")
            terminal.until("is stopped")
        assert terminal.end() == 130
    task_id = newest(api)
    if status == "running":
        assert api.tasks.get(task_id).task_status == "running"
        api.tasks.stop(task_id)
    assert api.tasks.wait(task_id).task_status == "stopped"


@in_a_terminal
def test_the_bar_continues_after_ctrl_c(environment: dict[str, str], api: Client) -> None:
    with Terminal(command_line(*LONG), environment) as terminal:
        terminal.until("Generating")
        terminal.keys("\x03")
        terminal.until("Stop the task")
        terminal.keys("c\n")
        terminal.until("Generating")
        api.tasks.stop(newest(api))
        terminal.until("was stopped")
        assert terminal.end() == 7


def newest(api: Client) -> str:
    lists = api.tasks.cards("all")
    return next(card.task_id for card in (*lists.current, *lists.pending, *lists.history))


def test_a_pipe_has_no_bar(environment: dict[str, str]) -> None:
    done = subprocess.run(command_line("styles"), env={**os.environ, **environment}, capture_output=True, text=True)
    assert done.returncode == 0 and "Fooocus V2" in done.stdout.splitlines() and done.stderr == ""


@pytest.mark.parametrize(
    ("line", "expected"), [("fooocus ups", "upscale"), ("fooocus generate --style 'Demo G", "Demo Golden Hour")]
)
def test_a_shell_completes(line: str, expected: str, environment: dict[str, str]) -> None:
    words = {"_FOOOCUS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(3 if "--style" in line else 1)}
    done = subprocess.run(
        [sys.executable, "-c", "from fooocus_api_client.cli.app import main; main()"],
        env={**os.environ, **environment, **words},
        capture_output=True,
        text=True,
    )
    assert expected in done.stdout, done.stderr
