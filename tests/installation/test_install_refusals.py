"""Refusals of install.py: one clear line, a non-zero exit status and no changes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.hosts.installation_copies import INSTALL, Sandbox, assert_refused, make_sandbox, snapshot


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return make_sandbox(tmp_path)


def assert_nothing_done(sandbox: Sandbox, checkout: Path) -> None:
    assert not (checkout / "extensions" / "fooocus_api").exists()
    assert not sandbox.hook_files()


@pytest.mark.parametrize("option", [(), ("--uninstall",), ("--check",)], ids=" ".join)
def test_a_wrong_folder(sandbox: Sandbox, option: tuple[str, ...]) -> None:
    empty = sandbox.folder / "empty"
    empty.mkdir()
    assert_refused(sandbox.install(*option, empty), str(empty), "launch.py")
    assert_refused(sandbox.install(*option, sandbox.folder / "nowhere"), "nowhere", "is not a folder")
    assert_refused(sandbox.install(*option), "no Fooocus checkout", "FOOOCUS_DIR")
    assert list(empty.iterdir()) == []


def test_a_folder_that_is_nearly_fooocus(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    (checkout / "modules" / "async_worker.py").unlink()
    assert_refused(sandbox.install(checkout), "modules/async_worker.py")


def test_a_fork_that_the_api_cannot_work_with(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    worker = checkout / "modules" / "async_worker.py"
    (checkout / "fooocus_version.py").unlink()
    assert_refused(sandbox.install("--check", checkout), "is a fork of Fooocus", "it has no fooocus_version.py")
    taken = "        self.sampler_name = args.pop()\n"
    source = worker.read_text("utf-8")
    worker.write_text(source.replace(taken, f"{taken}        self.sampler_name = common.sampler_name\n"), "utf-8")
    assert_refused(sandbox.install(checkout), "is a fork of Fooocus", "keeps sampler_name outside of its tasks")
    assert_nothing_done(sandbox, checkout)


def test_something_else_under_our_name(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    stranger = checkout / "extensions" / "fooocus_api" / "notes.txt"
    stranger.parent.mkdir(parents=True)
    stranger.write_text("mine")
    assert_refused(sandbox.install(checkout), "is not this extension")
    assert_refused(sandbox.install("--uninstall", checkout), "is not this extension")
    assert stranger.read_text() == "mine"
    assert not sandbox.hook_files()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other ideas of read-only folders")
@pytest.mark.parametrize("which", ["the checkout", "site-packages"])
def test_a_read_only_folder(open_folder: Path, which: str) -> None:
    identity = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}  # root may write everywhere
    base = find_base(identity)
    if base is None:
        pytest.skip("root can write everywhere, and no other user can run a Python and read this repository")
    sandbox = make_sandbox(open_folder, base)
    checkout = sandbox.checkout()
    if which == "site-packages":
        checkout.chmod(0o777)
    closed = checkout if which == "the checkout" else sandbox.site_packages
    closed.chmod(0o555)
    try:
        done = run_as([str(sandbox.python), str(INSTALL), str(checkout)], identity)
        assert_refused(done, str(closed), "can't be written")
        assert_nothing_done(sandbox, checkout)
    finally:
        closed.chmod(0o755)


def find_base(identity: dict[str, int]) -> str | None:
    """Return a Python with which this user can run install.py, or None."""
    for python in (sys.executable, "/usr/bin/python3.11", "/usr/bin/python3.10"):
        try:
            if run_as([python, str(INSTALL), "--help"], identity).returncode == 0:
                return python
        except OSError:
            continue
    return None


def run_as(command: list[str], identity: dict[str, int]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd="/",
        user=identity.get("user"),
        group=identity.get("group"),
    )


def test_no_network(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    (sandbox.site_packages / "borrowed.pth").unlink()  # no package is installed now
    bundled = sandbox.run("-m", "ensurepip")
    assert bundled.returncode == 0, bundled.stderr
    before = snapshot(checkout, sandbox.site_packages)
    nowhere = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_NO_INDEX": "0",
        "PIP_RETRIES": "0",
    }
    done = sandbox.install(checkout, env=nowhere)
    assert_refused(done, "the package index can't be reached")
    assert snapshot(checkout, sandbox.site_packages) == before


def test_no_pip(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    (sandbox.site_packages / "borrowed.pth").unlink()
    assert_refused(sandbox.install(checkout), "no pip", "ensurepip")
    assert_nothing_done(sandbox, checkout)


def test_another_python_than_fooocus_own(sandbox: Sandbox) -> None:
    """Refuse a Python that never runs this Fooocus."""
    checkout = sandbox.checkout()
    (sandbox.site_packages / "borrowed.pth").unlink()  # no gradio here
    own = checkout / "venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert_refused(sandbox.install(checkout), str(own), "does not run this Fooocus")
    assert_nothing_done(sandbox, checkout)


@pytest.mark.parametrize("version", ["2.7", "3.9", "3.12", "3.13"])
def test_a_python_that_cannot_run_gradio(version: str) -> None:
    python = find_python(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    done = subprocess.run([python, str(INSTALL), "--check"], capture_output=True, text=True)
    assert_refused(done, f"Python {version} ", "3.10 or 3.11")


def find_python(version: str) -> str | None:
    """Return a Python of that version that runs: version managers leave names of missing ones."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for candidate in filter(None, (shutil.which(f"python{version}"), *map(str, pyenv))):
        seen = subprocess.run([candidate, "-c", "pass"], capture_output=True)
        if seen.returncode == 0:
            return candidate
    return None


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--unknown",), ("--purge", "here"), ("--check", "--uninstall"), ("one", "two"), ("here", "--demo")),
        *(("here", "--demo-db"), ("--check", "--cluster"), ("--cluster", "--demo-db")),
    ],
    ids=" ".join,
)
def test_wrong_usage(sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    done = sandbox.install(*arguments)
    assert done.returncode == 2
    assert "usage: install.py [FOOOCUS_DIR]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--demo", "--test"])
def test_the_installed_copy_has_no_demo_and_no_tests(sandbox: Sandbox, option: str) -> None:
    checkout = sandbox.checkout()
    assert sandbox.install(checkout).returncode == 0
    script = checkout / "extensions" / "fooocus_api" / "install.py"
    assert_refused(sandbox.install(option, script=script), option, "clone of the repository")
    assert not (script.parent / ".venv").exists()


def test_somebody_elses_environment_is_left_alone(tmp_path: Path, sandbox: Sandbox) -> None:
    clone = tmp_path / "clone"
    leave_out = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache")
    shutil.copytree(ROOT, clone, ignore=leave_out)
    theirs = clone / ".venv" / "pyvenv.cfg"
    theirs.parent.mkdir()
    theirs.write_text("theirs")
    done = sandbox.install("--demo", script=clone / "install.py")
    assert_refused(done, ".venv", "was not created by install.py")
    assert theirs.read_text() == "theirs"
