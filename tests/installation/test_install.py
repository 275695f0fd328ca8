"""install.py on copies of the demo checkout: its files, the packages it moves, and uninstallation."""

from __future__ import annotations

import os
import shutil
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from fooocus_api import __version__
from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.hosts.installation_copies import (
    Sandbox,
    assert_refused,
    commit,
    git,
    make_sandbox,
    snapshot,
)

WRITTEN_BY_PIP = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
HOOK = {"_fooocus_api_hook.py", "fooocus_api_hook.pth", "fooocus_api_checkouts.txt"}


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return make_sandbox(tmp_path)


def installed(sandbox: Sandbox, checkout: Path) -> Path:
    """Install, assert success and return the extension's folder."""
    done = sandbox.install(checkout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return checkout / "extensions" / "fooocus_api"


def test_it_installs_and_git_sees_nothing(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    done = sandbox.install(checkout)
    assert done.returncode == 0, done.stderr
    assert "Fooocus 2.5.5-demo" in done.stdout
    assert "launch.py" in done.stdout  # the next step
    extension = checkout / "extensions" / "fooocus_api"
    assert (extension / "extension.py").read_bytes() == (ROOT / "extension.py").read_bytes()
    page = "guide/pages/zh/index.html"
    assert (extension / page).read_bytes() == (ROOT / page).read_bytes()
    developers_only = {"tests", "demo", "benchmarks", "docs", "examples", "client", ".git", ".venv"}
    assert not {path.name for path in extension.iterdir()} & developers_only
    assert sandbox.hook_files() >= HOOK
    assert git(checkout, "status", "--porcelain") == ""


def test_twice_is_once(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    installed(sandbox, checkout)
    before = snapshot(checkout, sandbox.site_packages)
    installed(sandbox, checkout)
    assert snapshot(checkout, sandbox.site_packages) == before


def test_uninstalling_leaves_what_was_there_before(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    before = snapshot(checkout, sandbox.site_packages)
    installed(sandbox, checkout)
    done = sandbox.install("--uninstall", checkout)
    assert done.returncode == 0, done.stderr
    assert "starlette" in done.stdout  # the packages it moved stay, and the output names them
    assert snapshot(checkout, sandbox.site_packages) == before
    assert not (checkout / "extensions").exists()
    assert git(checkout, "status", "--porcelain") == ""
    again = sandbox.install("--uninstall", checkout)
    assert again.returncode == 0
    assert "nothing to uninstall" in again.stdout


def test_other_extensions_stay(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    other = checkout / "extensions" / "other" / "code.py"
    other.parent.mkdir(parents=True)
    other.write_text("pass")
    installed(sandbox, checkout)
    assert sandbox.install("--uninstall", checkout).returncode == 0
    assert other.read_text() == "pass"


def test_an_older_version_is_replaced_whole(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    extension = installed(sandbox, checkout)
    fresh = {path: content for path, (content, _) in snapshot(checkout).items()}
    init = extension / "__init__.py"
    init.write_text(init.read_text("utf-8").replace(__version__, "0.0.1"), "utf-8")
    (extension / "api" / "gone_since.py").write_text("pass")
    (extension / "extension.py").write_text("older = True")

    done = sandbox.install(checkout)
    assert f"0.0.1 -> {__version__}" in done.stdout
    assert {path: content for path, (content, _) in snapshot(checkout).items()} == fresh


def test_checkouts_on_one_interpreter_leave_each_other_alone(sandbox: Sandbox) -> None:
    first, second = sandbox.checkout("first"), sandbox.checkout("second")
    installed(sandbox, first)
    installed(sandbox, second)
    before = snapshot(second)

    done = sandbox.install("--uninstall", first)
    assert str(second) in done.stdout
    assert snapshot(second) == before
    assert sandbox.hook_files() >= HOOK
    assert sandbox.install("--check", second).returncode == 0
    assert sandbox.install("--uninstall", second).returncode == 0
    assert not sandbox.hook_files() & HOOK


def test_a_checkout_that_was_deleted_does_not_hold_the_hook(sandbox: Sandbox) -> None:
    first, second = sandbox.checkout("first"), sandbox.checkout("second")
    installed(sandbox, first)
    installed(sandbox, second)
    shutil.rmtree(first)
    done = sandbox.install("--uninstall", second)
    assert done.returncode == 0
    assert f"note: {first} used the hook and is not there any more" in done.stdout  # it may have been moved
    assert not sandbox.hook_files() & HOOK


def test_it_installs_and_uninstalls_itself_where_it_lies(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    extension = installed(sandbox, checkout)
    script = extension / "install.py"
    done = sandbox.install(script=script)
    assert done.returncode == 0, done.stderr
    assert "is in place already" in done.stdout
    done = sandbox.install("--uninstall", script=script, folder=extension)
    assert done.returncode == 0, done.stderr
    assert not (checkout / "extensions").exists()


def test_a_clone_with_work_in_it_is_not_deleted(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    extension = installed(sandbox, checkout)
    origin = sandbox.folder / "origin"
    shutil.copytree(extension, origin)
    git(origin, "init", "--quiet")
    commit(origin)
    shutil.rmtree(extension)
    git(checkout, "clone", "--quiet", str(origin), str(extension))

    (extension / "mine.py").write_text("pass")
    assert_refused(sandbox.install("--uninstall", checkout), "not committed")
    commit(extension)
    assert_refused(sandbox.install("--uninstall", checkout), "commits that are in no other repository")
    assert_refused(sandbox.install(checkout), "git clone")  # and not overwritten
    assert (extension / "mine.py").exists()
    assert sandbox.hook_files() >= HOOK  # all or nothing

    git(extension, "push", "--quiet", "origin", "HEAD:refs/heads/mine")
    assert sandbox.install("--uninstall", checkout).returncode == 0
    assert not extension.exists()


def test_it_says_what_it_moves_and_why(sandbox: Sandbox) -> None:
    """Name the reason: a fresh Fooocus has a starlette with which its own WebUI answers 500."""
    checkout = sandbox.checkout()
    wheels = sandbox.folder / "wheels"
    for version in ("1.7.0", "0.52.1"):
        repack("starlette", version, wheels)
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": os.devnull}
    pip = sandbox.run("-m", "pip", "install", "--no-deps", "starlette==1.7.0", env=offline)
    assert pip.returncode == 0, pip.stderr
    assert "starlette" in sandbox.install("--check", checkout).stdout.split("FAIL", 1)[1]

    done = sandbox.install(checkout, env=offline)
    assert done.returncode == 0, done.stderr
    assert "moved starlette 1.7.0 -> 0.52.1: newer ones make the WebUI itself answer 500" in done.stdout
    seen = sandbox.run("-c", "from importlib.metadata import version; print(version('starlette'))")
    assert seen.stdout.strip() == "0.52.1"
    assert "moved" not in sandbox.install(checkout, env=offline).stdout


def repack(name: str, version: str, folder: Path) -> None:
    """Make a wheel of an installed package under another version; tests use no package index."""
    folder.mkdir(exist_ok=True)
    real = metadata.distribution(name)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for file in real.files or ():
            if "__pycache__" in file.parts or file.name in WRITTEN_BY_PIP:
                continue
            content = Path(str(file.locate())).read_bytes()
            if file.name == "METADATA":
                content = content.replace(f"Version: {real.version}\n".encode(), f"Version: {version}\n".encode())
            path = file.as_posix().replace(f"-{real.version}.dist-info", f"-{version}.dist-info")
            wheel.writestr(path, content)
        wheel.writestr(f"{name}-{version}.dist-info/RECORD", "")
