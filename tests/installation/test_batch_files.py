"""install.bat and uninstall.bat in a Command Prompt, which is Wine's here, and checks of their text."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT

GOOD, BAD = (rf"C:\windows\system32\{name}.exe" for name in ("whoami", "reg"))
"""Programs that succeed with `-c ""`, as Python does, or fail, as Windows's Store alias for Python does."""
FRONTS = ("install.bat", "uninstall.bat")
PROMPT = pytest.mark.skipif(sys.platform == "win32" or not shutil.which("wine"), reason="Wine is not installed")


def put(file: Path, *lines: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes("".join(f"{line}\r\n" for line in lines).encode())


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with the batch files as in a ZIP; its name has to be quoted."""
    folder = tmp_path / "a & b (c)"
    for name in (*FRONTS, "installer/find_python.bat"):
        put(folder / name, *(ROOT / name).read_text("ascii").splitlines())
    return folder


def prompted(clone: Path, command: str, *found: str) -> str:
    """Return the output of a Command Prompt in which `where` finds these programs."""
    put(clone / "where.bat", *(f"@echo {path}" for path in found), "@exit /b 0")
    (clone.parent / "stands here").mkdir(exist_ok=True)
    put(clone.parent / "asked.bat", "@echo off", "cd stands here", command, "echo rc %errorlevel% in %CD%")
    env = {**os.environ, "WINEDEBUG": "-all", "FOOOCUS_API_NO_PAUSE": "1"}
    done = subprocess.run(
        ["wine", "cmd", "/c", "asked.bat"], cwd=clone.parent, env=env, stdin=subprocess.DEVNULL, capture_output=True
    )
    return done.stdout.decode(errors="replace")


@PROMPT
@pytest.mark.parametrize("front", FRONTS)
def test_an_advertisement_for_python_is_passed_over(front: str, clone: Path) -> None:
    said = prompted(clone, rf'call "..\{clone.name}\{front}"', BAD)
    assert "There is no Python of Fooocus around this folder" in said and "It did not work" in said
    assert "rc 1 in" in said and "stands here" in said.splitlines()[-1]


@PROMPT
@pytest.mark.parametrize("found", [(GOOD,), (BAD, GOOD), (GOOD, BAD)], ids=["alone", "second", "first"])
def test_a_python_on_the_path_is_used(found: tuple[str, ...], clone: Path) -> None:
    ask = rf'pushd "..\{clone.name}" & call installer\find_python.bat & popd'
    said = prompted(clone, f"{ask}\r\necho [%PYTHON%]", *found)
    assert f"[{GOOD}]" in said and "There is no Python" not in said


@PROMPT
@pytest.mark.parametrize("front", FRONTS)
def test_it_works_and_the_prompt_stands_where_it_stood(front: str, clone: Path) -> None:
    said = prompted(clone, rf'call "..\{clone.name}\{front}"', GOOD)
    assert "It worked." in said and "rc 0 in" in said and said.splitlines()[-1].endswith("stands here")


@pytest.mark.parametrize("front", FRONTS)
def test_python_runs_while_the_drive_of_a_share_is_there(front: str) -> None:
    """Check both ends of the file: `pushd` maps the share to a drive, `popd` removes it."""
    text = (ROOT / front).read_text("ascii")
    before, python, after = text.partition('\n"%PYTHON%" ')
    worked, _, failed = after.partition("\n:failed\n")
    assert 'pushd "%~dp0"' in before and python and not re.search(r"^\s*popd", before, re.MULTILINE)
    assert worked.count("popd") == failed.count("popd") == 1


@pytest.mark.parametrize("front", FRONTS)
def test_its_settings_are_its_own(front: str) -> None:
    """Switch delayed expansion off: a prompt with it removes the exclamation marks from a path."""
    lines = [line for line in (ROOT / front).read_text("ascii").splitlines() if not line.startswith("rem")]
    assert lines[:2] == ["@echo off", "setlocal EnableExtensions DisableDelayedExpansion"]
