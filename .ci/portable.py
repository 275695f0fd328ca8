"""Builds a portable package of Fooocus that contains the demo host, and generates an image with it.

    python .ci/portable.py make EMBEDDED_PYTHON.zip PACKAGE
    python .ci/portable.py generate PACKAGE

The Python that runs `make` installs pip into the embedded one, which has none.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess  # nosec B404  # lists of arguments, no shell
import sys
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "__pycache__", "outputs", "temp", ".*_cache", "extensions")
PATIENCE_SECONDS = 180.0
BODY = {"prompt": "a lighthouse", "overwrite_step": 1, "image_number": 1}


def main(arguments: list[str]) -> int:
    """Run the command line, and return the exit status."""
    if len(arguments) == 3 and arguments[0] == "make":
        make(Path(arguments[1]).resolve(), Path(arguments[2]).resolve())
    elif len(arguments) == 2 and arguments[0] == "generate":
        image = generate(Path(arguments[1]).resolve())
        print(f"generated an image of {len(image)} bytes")
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


def make(embedded: Path, package: Path) -> None:
    """Unpack the embedded Python, enable `.pth` files in it, and add the demo host and a clone to the package."""
    folder = package / "python_embeded"
    with zipfile.ZipFile(embedded) as file:
        file.extractall(folder)
    for described in folder.glob("python*._pth"):
        text = described.read_text(encoding="utf-8")
        described.write_text(text.replace("#import site", "import site"), encoding="utf-8")
    python = str(folder / "python.exe")
    _run(sys.executable, "-m", "pip", "--python", python, "install", "pip")
    checkout, clone = package / "Fooocus", package / "fooocus-api"
    shutil.copytree(ROOT / "demo", checkout, ignore=NOT_COPIED)
    shutil.copytree(ROOT, clone, ignore=NOT_COPIED)
    files = (checkout / "requirements_versions.txt", checkout / "requirements.txt")
    _run(python, "-s", "-m", "pip", "install", *(word for file in files for word in ("-r", str(file))))
    (package / "run.bat").write_bytes(b".\\python_embeded\\python.exe -s Fooocus\\launch.py\r\npause\r\n")


def generate(package: Path) -> bytes:
    """Start Fooocus as run.bat does and return an image that its API generates.

    Raises:
        RuntimeError: it returned none.
    """
    port = _free_port()
    flags = ("--port", str(port), "--disable-in-browser", "--disable-analytics", "--demo-step-ms", "0")
    command = [str(package / "python_embeded" / "python.exe"), "-s", str(package / "Fooocus" / "launch.py"), *flags]
    with subprocess.Popen(command, cwd=package) as fooocus:  # nosec B603  # see its import
        try:
            _wait_for(lambda: _get(f"http://127.0.0.1:{port}/healthz"), lambda: fooocus.poll() is None)
            image = _get(f"http://127.0.0.1:{port}/v1/engine/generate", json.dumps(BODY).encode())
        finally:
            fooocus.kill()
    if image is None or not image.startswith(b"\x89PNG"):
        raise RuntimeError("the API gave no image")
    return image


def _wait_for(happened: Callable[[], object], may_happen: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while happened() is None:
        if not may_happen() or time.monotonic() > end:
            raise RuntimeError("Fooocus did not come up")
        time.sleep(0.2)


def _get(url: str, body: bytes | None = None) -> bytes | None:
    headers = {"Content-Type": "application/json", "Accept": "image/png"}
    request = urllib.request.Request(url, body, headers if body else {})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # nosec B310  # http, above
            content: bytes = answer.read()
            return content
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _run(*command: str) -> None:
    subprocess.run(command, check=True, env={**os.environ, "PYTHONUTF8": "1"})  # nosec B603  # see its import


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
