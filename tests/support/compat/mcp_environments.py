"""Environments of clients that can't share that of the tests: made from the package registries, skipped aloud without them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INSTALL_S = 900
"""Seconds until an installation counts as hanging."""


def python_environment(folder: Path, *packages: str) -> Path:
    """Return the interpreter of a new environment with these packages."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, timeout=INSTALL_S)
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    _install([str(python), "-m", "pip", "install", "-q", *packages], folder)
    return python


def node_environment(folder: Path, *packages: str) -> Path:
    """Return a folder with these packages, in which `node` runs scripts that import them."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("Node.js is not installed: its clients are skipped")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true, "type": "module"}', "utf-8")
    _install([npm, "install", "--silent", "--no-audit", "--no-fund", *packages], folder)
    return folder


def _install(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S)
    if done.returncode:
        pytest.skip(f"{' '.join(command[-2:])} can't be installed: {done.stderr.strip()[-300:]}")
