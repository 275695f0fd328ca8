"""Tests the lowest versions that requirements-ext.txt admits: arguments, startup, the HTTP API and Gradio's own client.

    python .ci/lowest.py [--prepare]

With `--prepare` it fills the environment and runs nothing. The environment is `.venv-lowest`, kept for the next run.
"""

from __future__ import annotations

import re
import shutil
import subprocess  # nosec B404  # lists of arguments, no shell
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv-lowest"
TESTS = (
    "contract",
    "images/test_serving.py",
    "api/test_wire.py",
    "api/test_gradio_client.py",
    "installation/test_half_imported.py",
    "api/test_misspelt_paths.py",
)


def main(options: list[str]) -> int:
    """Create the environment and, without `--prepare`, run the tests in it.

    Returns:
        pytest's exit status, or 0.
    """
    python = environment()
    if options == ["--prepare"]:
        return 0
    tests = [str(Path("tests", test)) for test in TESTS]
    command = (str(python), "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider", *tests)
    return subprocess.run(command, cwd=ROOT).returncode  # nosec B603  # see its import


def environment() -> Path:
    """Return the interpreter of an environment with the lowest versions of the current requirements."""
    python = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    wanted = "\n".join([*lowest(), *(ROOT / "demo" / "requirements.txt").read_text("utf-8").splitlines()])
    stamp = FOLDER / "lowest.txt"
    if not (stamp.is_file() and stamp.read_text("utf-8") == wanted):
        shutil.rmtree(FOLDER, ignore_errors=True)
        oldest = "python3.10" if works("python3.10") else sys.executable
        subprocess.run((oldest, "-m", "venv", str(FOLDER)), check=True)  # nosec B603  # see its import
        pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        files = ("-r", str(ROOT / "demo" / "requirements.txt"))
        subprocess.run((*pip, *lowest(), *of_tests(), *files), check=True)  # nosec B603  # see its import
        stamp.write_text(wanted, "utf-8")
    return python


def works(python: str) -> bool:
    """Return whether an interpreter starts: a version manager's shim may exist without the version."""
    try:
        return subprocess.run((python, "-c", "pass"), capture_output=True).returncode == 0  # nosec B603  # see its import
    except OSError:
        return False


def lowest() -> list[str]:
    """Return each requirement of the extension with its lowest version."""
    text = (ROOT / "requirements-ext.txt").read_text("utf-8")
    return [f"{name}=={version}" for name, version in re.findall(r"^([\w-]+)>=([\w.]+)", text, re.MULTILINE)]


def of_tests() -> list[str]:
    """Return the packages that the tests themselves import, in the versions of the development environment."""
    names = r"^((?:pytest|pytest-xdist|requests|selenium|hypothesis|psycopg\S*|standardwebhooks)==\S+)"
    return re.findall(names, (ROOT / "requirements-dev.txt").read_text("utf-8"), re.MULTILINE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
