"""Texts and behaviour of the installer on Windows, and its child processes: pip and the repository's own environment."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.installer import cli, pip
from fooocus_api.installer.checkout import find_checkout
from fooocus_api.installer.development import venv
from fooocus_api.installer.development.run_demo import first_request
from fooocus_api.installer.errors import InstallError
from fooocus_api.tests.support.host import DEMO, ROOT

URL = "http://127.0.0.1:7865"
TRY = {"prompt": "a lighthouse at sunset"}


def test_the_first_request_suits_command_prompt_and_powershell() -> None:
    prompt, powershell = first_request(URL, "win32").splitlines()
    command = prompt.partition("Command Prompt: ")[2]
    assert command.startswith("curl.exe ") and "'" not in command
    assert json.loads(shlex.split(command)[shlex.split(command).index("-d") + 1]) == TRY
    command = powershell.partition("PowerShell: ")[2]
    assert command.startswith("Invoke-RestMethod ") and "curl" not in command and '\\"' not in command
    assert json.loads(command.split("-Body ")[1].split("'")[1]) == TRY


def test_the_first_request_of_other_systems_is_one_line() -> None:
    assert len(first_request(URL, "linux").splitlines()) == 1 and "curl http" in first_request(URL, "darwin")


def test_a_python_without_environments_is_answered_with_what_its_system_has() -> None:
    said = venv.no_environments("win32", "3.10")
    assert "python.org" in said and "`py -3.10 install.py --demo`" in said and "apt" not in said
    assert "apt install python3.10-venv" in venv.no_environments("linux", "3.10")


def test_without_fooocus_around_the_text_names_the_packages_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InstallError) as raised:
        find_checkout(None, tmp_path)
    assert r"python_embeded\python.exe -s" in str(raised.value) and str(tmp_path / "install.py") in str(raised.value)


def test_a_folder_that_a_shell_has_completed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    r"""Accept `"C:\My Fooocus\"`, which arrives with a quote at its end."""
    asked: list[Path | None] = []

    def find(given: Path | None, _: Path) -> None:
        asked.append(given)
        raise InstallError("enough")

    monkeypatch.setattr(cli, "find_checkout", find)
    assert cli.main([str(DEMO) + '"', "--check"]) == 1 and asked == [DEMO]


@pytest.mark.parametrize(
    ("arguments", "folder", "options"),
    [
        (['My Fooocus" --check'], "My Fooocus", {"check": True}),
        (['My Fooocus" --uninstall --purge'], "My Fooocus", {"uninstall": True, "purge": True}),
        (["--uninstall", 'My Fooocus"  --purge'], "My Fooocus", {"uninstall": True, "purge": True}),
        (['a" --check'], 'a" --check', {"check": False}),
        (["--test", 'My Fooocus" --check'], None, {"test": ['My Fooocus" --check'], "check": False}),
    ],
)
def test_options_that_a_completed_folder_has_swallowed_count(
    arguments: list[str],
    folder: str | None,
    options: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    r"""Split `"C:\My Fooocus\" --check`, which is one argument on Windows; elsewhere a folder may have such a name."""
    seen: list[argparse.Namespace] = []

    def keep(parsed: argparse.Namespace) -> int:
        seen.append(parsed)
        return 0

    monkeypatch.setattr(cli, "dispatch", keep)
    monkeypatch.chdir(tmp_path)
    if sys.platform != "win32":
        (tmp_path / 'a" --check').mkdir()
    elif arguments[0].startswith("a"):
        pytest.skip("Windows has no quotes in names")
    assert cli.main(arguments) == 0
    assert seen[0].checkout == (folder and Path(folder))
    assert {name: getattr(seen[0], name) for name in options} == options


def test_what_a_completed_folder_has_swallowed_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(['My Fooocus" --chekc'])
    assert ended.value.code == 2 and "unrecognized arguments: --chekc" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["python_embeded", "python_embedded"])
@pytest.mark.parametrize("folder", ["fooocus-api", "fooocus-api/fooocus-api", "Fooocus/extensions/fooocus-api"])
def test_a_python_that_cannot_run_fooocus_names_the_packages_own(tmp_path: Path, name: str, folder: str) -> None:
    own, script = tmp_path / name / "python.exe", tmp_path / folder / "install.py"
    for file in (own, script):
        file.parent.mkdir(parents=True)
        file.touch()
    text = (ROOT / "install.py").read_text("utf-8")
    question = (
        "import sys; sys.version_info = (3, 13, 0); names = {'__name__': '__main__', '__file__': sys.argv[2]}; "
        "exec(compile(sys.argv[1], sys.argv[2], 'exec'), names)"
    )
    done = subprocess.run([sys.executable, "-c", question, text, str(script)], capture_output=True, text=True)
    assert done.returncode == 1 and "Python 3.13 can't run" in done.stderr
    assert f'`"{own}" -s install.py`' in done.stderr


unix_scripts = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for Python is a shell script")


@unix_scripts
@pytest.mark.parametrize("error", ["[WinError 5] 拒绝访问。", "[WinError 32] Der Prozess kann nicht zugreifen"])
def test_a_file_that_pip_finds_held_asks_for_fooocus(error: str, tmp_path: Path) -> None:
    """Keep pip's line whole: it is in the language of Windows, and the console may have another code page."""
    line = f"ERROR: Could not install packages due to an OSError: {error}: 'starlette'"
    with pytest.raises(InstallError) as raised:
        pip.pip_install(fake_pip(tmp_path, line), [])
    assert error in str(raised.value) and "stop Fooocus and try again" in str(raised.value)


@unix_scripts
def test_another_failure_of_pip_does_not(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match=r"^pip failed: of its own$"):
        pip.pip_install(fake_pip(tmp_path, "ERROR: of its own"), [])


def fake_pip(folder: Path, line: str) -> Path:
    """Return a Python whose pip fails with that line, encoded as in a Chinese console unless Python is in UTF-8 mode."""
    package = folder / "pip"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import sys\n"
        "if not sys.flags.utf8_mode:\n    sys.stdout.reconfigure(encoding='gbk', errors='replace')\n"
        f"print({line!r})\nsys.exit(1)\n",
        encoding="utf-8",
    )
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(folder))} exec {shlex.quote(sys.executable)} "$@"\n')
    python.chmod(0o755)
    return python


class Child:
    """A child process as on Windows: Ctrl-C interrupts no wait without a timeout."""

    def __init__(self, *answers: int | type[BaseException]) -> None:
        self.answers = list(answers)
        self.terminated = 0
        self.limits: list[float] = []

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def wait(self, timeout: float | None = None) -> int:
        assert timeout is not None, "Ctrl-C would do nothing"
        self.limits.append(timeout)
        answer = self.answers.pop(0)
        if answer is subprocess.TimeoutExpired:
            raise subprocess.TimeoutExpired("child", timeout)
        if isinstance(answer, int):
            return answer
        raise answer

    def terminate(self) -> None:
        self.terminated += 1


@pytest.mark.parametrize(
    ("answers", "status", "terminated"),
    [
        ((subprocess.TimeoutExpired, subprocess.TimeoutExpired, 3), 3, 0),
        ((KeyboardInterrupt, 0xC000013A), 0, 0),
        ((KeyboardInterrupt, -signal.SIGINT), 0, 0),
        ((KeyboardInterrupt, 7), 7, 0),
        ((subprocess.TimeoutExpired, KeyboardInterrupt, subprocess.TimeoutExpired, KeyboardInterrupt, 1), 1, 1),
        ((0xC000013A,), 0xC000013A, 0),
    ],
    ids=["it ends", "ctrl-c", "ctrl-c elsewhere", "ctrl-c and a status", "ctrl-c twice", "its own ctrl-c"],
)
def test_ctrl_c_reaches_a_wait_on_windows(
    answers: Any, status: int, terminated: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    child = Child(*answers)
    monkeypatch.setattr(subprocess, "Popen", lambda *arguments, **named: child)
    assert venv.run_to_its_end(("program",), tmp_path) == status
    assert child.terminated == terminated and not child.answers
    assert all(limit <= venv.POLL_INTERVAL_S for limit in child.limits)


def test_a_program_that_ignores_ctrl_c_is_terminated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(venv, "INTERRUPT_TIMEOUT_S", 0.0)
    child = Child(KeyboardInterrupt, subprocess.TimeoutExpired, 1)
    monkeypatch.setattr(subprocess, "Popen", lambda *arguments, **named: child)
    assert venv.run_to_its_end(("program",), tmp_path) == 1
    assert child.terminated == 1
