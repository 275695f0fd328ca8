"""Commands of a clone that has no Fooocus around it, which apply to the demo."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fooocus_api.installer.development.run_demo import CURL
from fooocus_api.tests.support.host import ROOT, Host


def test_keys_are_made_for_the_demo(tmp_path: Path) -> None:
    def command(*arguments: str) -> str:
        line = [sys.executable, str(ROOT / "extension.py"), "keys", *arguments, "--output-path", str(tmp_path)]
        done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert command("add", "shop").startswith("fooocus_")
    assert "shop" in command("list")
    assert (tmp_path / ".fooocus_api" / "keys.json").is_file()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_line_that_the_demo_prints_draws(demo: Host, tmp_path: Path) -> None:
    line = CURL.format(curl="curl", url=demo.url, key="")
    assert "'" not in line and "\n" not in line, "Command Prompt knows double quotes and single lines only"
    done = subprocess.run([*shlex.split(line), "-s"], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "image.png").read_bytes().startswith(b"\x89PNG")
