"""`pip install ./client` in fresh environments, and then the README's lines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT, Host
from fooocus_api.tests.support.sources.page_examples import examples_of

CLIENT = ROOT / "client"
VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")


def interpreter(version: str) -> str | None:
    """Return a Python of that version that starts, None if there is none: a version manager's shim may lead nowhere."""
    managed = sorted(
        Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python")
    )
    for candidate in (shutil.which(f"python{version}"), *map(str, managed)):
        if candidate is not None and subprocess.run([candidate, "-c", "pass"], capture_output=True).returncode == 0:
            return candidate
    return None


@pytest.mark.nightly
@pytest.mark.parametrize("version", VERSIONS)
def test_it_installs_and_the_readme_works(version: str, demo: Host, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"Python {version} is not installed: the client is not tried with it")
    subprocess.run([python, "-m", "venv", str(tmp_path / "env")], check=True)
    scripts = tmp_path / "env" / ("Scripts" if sys.platform == "win32" else "bin")
    source = tmp_path / "client"
    shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(source)]
    installed = subprocess.run(pip, capture_output=True, text=True)
    if installed.returncode and re.search("No matching distribution|Connection|Temporary failure", installed.stderr):
        pytest.skip(f"pip reaches no package index: {installed.stderr[-200:]}")
    assert installed.returncode == 0, installed.stderr
    environment = {**os.environ, "FOOOCUS_URL": demo.url, "FOOOCUS_CONFIG": str(tmp_path / "client.json")}
    (example,) = [one for one in examples_of(CLIENT / "README.md") if one.language == "python"]
    code = example.code.replace("http://127.0.0.1:7865", demo.url)
    done = subprocess.run(
        [str(scripts / "python"), "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "cat.png").read_bytes().startswith(b"\x89PNG")
    command = [
        str(scripts / "fooocus"),
        "generate",
        "a cat",
        "--set",
        "performance_selection=Lightning",
        "-o",
        "line.png",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.strip() == "line.png", done.stderr


def test_the_built_package_is_complete(tmp_path: Path) -> None:
    """Require what a wheel would have: each folder of Python files is a package, and the marker of types is there."""
    package = CLIENT / "src" / "fooocus_api_client"
    folders = {path.parent for path in package.rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []
    assert (package / "py.typed").is_file()


def test_commands_have_annotations_that_typer_reads_with_python_3_9() -> None:
    package = CLIENT / "src" / "fooocus_api_client" / "cli"
    texts = {path.name: path.read_text("utf-8") for path in [package / "app.py", *(package / "commands").glob("*.py")]}
    commands = {name: text for name, text in texts.items() if "import typer" in text and "Annotated" in text}
    assert len(commands) >= 7
    assert [name for name, text in commands.items() if "from __future__ import annotations\n" in text] == []


@pytest.mark.parametrize("path", sorted((CLIENT / "src").rglob("*.py")), ids=lambda path: path.stem)
def test_a_module_imports_nothing_of_the_extension(path: Path) -> None:
    text = path.read_text("utf-8")
    assert not re.search(r"^\s*(from|import) (fooocus_api\b|gradio|torch)", text, re.MULTILINE)
