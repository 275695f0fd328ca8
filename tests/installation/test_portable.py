"""The portable package for Windows: installation, check, launch, upgrade and uninstallation from each likely folder."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fooocus_api.installer.checkout import find_checkout
from fooocus_api.installer.pip import pip_install
from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.databases.old_histories import FOOOCUSAPI_TABLE, database, record
from fooocus_api.tests.support.host import ROOT, Host
from fooocus_api.tests.support.hosts.installation_copies import assert_refused
from fooocus_api.tests.support.hosts.portable import Portable, make_portable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stand-in for its Python is made for Linux")

FLAGS = ("--disable-in-browser", "--disable-analytics", "--demo-step-ms", "0", "--demo-load-ms", "0")
FOLDERS: dict[str, Callable[[Portable], Path]] = {
    "the package": lambda portable: portable.root,
    "Fooocus": lambda portable: portable.fooocus,
    "the clone": lambda portable: portable.clone,
    "Fooocus/modules": lambda portable: portable.fooocus / "modules",
    "Fooocus/extensions": lambda portable: portable.fooocus / "extensions",
    "the extension": lambda portable: portable.fooocus / "extensions" / "fooocus_api",
    "python_embeded": lambda portable: portable.python.parent,
    "elsewhere": lambda portable: portable.root.parent,
}
LIKELY = ("the package",)
UNPACKED: dict[str, Callable[[Portable], Path]] = {
    "next to Fooocus, doubled": lambda portable: portable.root / "fooocus-api-main" / "fooocus-api-main",
    "into Fooocus": lambda portable: portable.fooocus / "fooocus-api-main",
    "into Fooocus, doubled": lambda portable: portable.fooocus / "fooocus-api-main" / "fooocus-api-main",
    "into extensions": lambda portable: portable.fooocus / "extensions" / "fooocus-api-main",
    "into extensions, doubled": lambda portable: (
        portable.fooocus / "extensions" / "fooocus-api-main" / "fooocus-api-main"
    ),
    "into python_embeded": lambda portable: portable.python.parent / "fooocus-api-main",
    "onto the desktop": lambda portable: portable.root.parent / "Desktop" / "fooocus-api-main",
}


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Portable:
    return make_portable(tmp_path_factory.mktemp("portable"))


@pytest.fixture
def clean(portable: Portable) -> Iterator[Portable]:
    """Yield the package without the extension, and uninstall it afterwards."""
    yield portable
    portable.run(portable.clone / "install.py", "--uninstall", portable.fooocus)
    assert not (portable.fooocus / "extensions").exists()


def done(process: subprocess.CompletedProcess[str]) -> str:
    """Assert that a command has succeeded and return its output."""
    assert process.returncode == 0, process.stdout + process.stderr
    return process.stdout


@contextmanager
def newer(clone: Path) -> Iterator[None]:
    """Give the clone a newer version in the meantime."""
    file = clone / "__init__.py"
    before = file.read_text("utf-8")
    file.write_text(before.replace('__version__ = "', '__version__ = "9.'), "utf-8")
    try:
        yield
    finally:
        file.write_text(before, "utf-8")


def test_its_python_is_like_the_embedded_one(portable: Portable, tmp_path: Path) -> None:
    for module in ("venv", "ensurepip"):
        assert "ModuleNotFoundError" in portable.run("-c", f"import {module}").stderr
    asked = tmp_path / "asked.py"
    asked.write_text("import sys; print(sys.executable, sys.flags.isolated, sys.path, sep='|')")
    executable, isolated, path = done(portable.run(asked, folder=tmp_path)).strip().split("|")
    assert (executable, isolated) == (str(portable.python), "1")
    assert str(tmp_path) not in path


def test_its_python_reads_the_users_packages_without_the_flag(portable: Portable, tmp_path: Path) -> None:
    """Show the embedded Python's fault that the installer has to keep from pip."""
    user, question = user_package(tmp_path, "users", "1.0"), "import importlib.metadata as m; print(m.version('users'))"
    command, env = [str(portable.python), "-c", question], {**os.environ, "PYTHONUSERBASE": str(user)}
    assert subprocess.run(command, env=env, capture_output=True, text=True).stdout == "1.0\n"
    assert "PackageNotFoundError" in portable.run("-c", question, env=env).stderr


def user_package(folder: Path, name: str, version: str) -> Path:
    """Return a user base whose site-packages have that distribution."""
    packages = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    described = packages / f"{name}-{version}.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (described / "INSTALLER").write_text("pip\n")
    (described / "RECORD").write_text(f"{name}.py,,\n")
    (packages / f"{name}.py").touch()
    return folder


def wheel(folder: Path, name: str, version: str) -> None:
    described = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", "")
        file.writestr(f"{described}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{described}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(
            f"{described}/RECORD", f"{name}.py,,\n{described}/METADATA,,\n{described}/WHEEL,,\n{described}/RECORD,,\n"
        )


@pytest.mark.parametrize("version", ["1.0", "2.0"], ids=["the user has the right one", "the user has a wrong one"])
def test_pip_neither_counts_nor_removes_the_users_packages(
    tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    portable, wanted = make_portable(tmp_path), tmp_path / "requirements.txt"
    user = user_package(tmp_path / "user", "wanted", version)
    wheel(tmp_path, "wanted", "1.0")
    wanted.write_text("wanted==1.0\n")
    for name, value in (("PYTHONUSERBASE", user), ("PIP_NO_INDEX", "1"), ("PIP_FIND_LINKS", tmp_path)):
        monkeypatch.setenv(name, str(value))
    pip_install(portable.python, [wanted])
    assert (portable.site_packages / "wanted.py").is_file()
    assert list(user.rglob("wanted.py"))


@pytest.mark.parametrize(
    "folder", [*LIKELY, *(pytest.param(name, marks=pytest.mark.nightly) for name in FOLDERS if name not in LIKELY)]
)
def test_everything_works_from_every_folder(clean: Portable, folder: str, tmp_path: Path) -> None:
    install, extension = clean.clone / "install.py", clean.fooocus / "extensions" / "fooocus_api" / "extension.py"

    def run(*arguments: str | Path) -> str:
        wanted = FOLDERS[folder](clean)
        return done(clean.run(*arguments, folder=wanted if wanted.is_dir() else clean.fooocus))

    said = run(install)
    assert str(extension.parent) in said and f"for example: {clean.root / 'run.bat'}" in said
    assert "No problems found." in run(install, "--check")
    host = Host(
        clean.fooocus, way="launch", flags=FLAGS, python=clean.python, folder=FOLDERS[folder](clean), patience=90
    )
    place = ("--output-path", host.outputs)
    old = database(tmp_path / "旧的 history" / "db.sqlite3", FOOOCUSAPI_TABLE, [record(1)])
    assert "1" in run(extension, "import", old, *place)
    key = run(extension, "keys", "add", "shop", "--scopes", "generate,read-all", *place).strip()
    assert "shop" in run(extension, "keys", "list", *place)
    with host:
        client = Client(host.url, key)
        assert Client(host.url).get("/tasks").status_code == 401
        assert client.get("/v1/info").json()["supported"] is True
        assert len(client.draw(prompt="a lighthouse")["result"]) == 1
        prompts = [task["req_params"]["prompt"] for task in client.tasks()["history"]]
        assert sorted(prompts) == ["a lighthouse", "cat 1"]
        assert "revoked" in run(extension, "keys", "revoke", "shop", *place)
    with newer(clean.clone):
        assert "-> 9." in run(install)
    assert "extension              9." in run(install, "--check")
    assert "removed from" in run(install, "--uninstall")
    assert not extension.parent.parent.exists()


def test_the_script_of_the_workflow_generates_an_image(clean: Portable) -> None:
    done(clean.run(clean.clone / "install.py"))
    script = runpy.run_path(str(ROOT / ".ci" / "portable.py"))
    assert script["generate"](clean.root).startswith(b"\x89PNG")


IN_EACH_RUN = {"next to Fooocus, doubled", "into extensions, doubled"}
"""Places that cover the others, which run nightly: each run copies the whole package."""


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=() if way in IN_EACH_RUN else pytest.mark.nightly) for way in UNPACKED]
)
def test_a_zip_unpacked_anywhere_in_the_package_finds_fooocus(clean: Portable, way: str) -> None:
    """Run install.py with the package's Python, as install.bat does, or a person who types its path."""
    unpacked = UNPACKED[way](clean)
    shutil.copytree(clean.clone, unpacked, ignore=shutil.ignore_patterns("tests", "docs"))
    try:
        assert str(clean.fooocus) in done(clean.run(unpacked / "install.py", folder=unpacked))
        assert (clean.fooocus / "extensions" / "fooocus_api" / "extension.py").is_file()
        done(clean.run(unpacked / "install.py", "--uninstall", folder=unpacked))
    finally:
        top = unpacked.parent if unpacked.parent.name == unpacked.name else unpacked
        shutil.rmtree(top)
        if top.parent.name == "extensions":
            top.parent.rmdir()


def test_a_package_that_was_moved_is_all_right(tmp_path: Path) -> None:
    portable = make_portable(tmp_path)
    before = sorted(portable.site_packages.iterdir())
    assert portable.run(portable.clone / "install.py").returncode == 0
    assert (portable.site_packages / "fooocus_api_hook.pth").is_file()
    moved = Portable(portable.root.rename(tmp_path / "moved"))
    checked = moved.run(moved.clone / "install.py", "--check")
    assert checked.returncode == 0, checked.stdout
    with Host(moved.fooocus, way="launch", flags=FLAGS, python=moved.python, patience=90) as host:
        assert Client(host.url).get("/v1/info").json()["supported"] is True
    assert "removed from" in done(moved.run(moved.clone / "install.py", "--uninstall"))
    left = [path.name for path in sorted(moved.site_packages.iterdir()) if path.name != "__pycache__"]
    assert left == [path.name for path in before if path.name != "__pycache__"]
    assert "nothing to uninstall" in done(moved.run(moved.clone / "install.py", "--uninstall"))


@pytest.mark.parametrize("option", ["--demo", "--test"])
def test_what_needs_an_environment_says_what_to_use(portable: Portable, option: str) -> None:
    assert_refused(portable.run(portable.clone / "install.py", option), "can't create virtual environments")
    assert not (portable.clone / ".venv").exists()


def test_two_checkouts_side_by_side_are_not_guessed_between(clean: Portable, tmp_path: Path) -> None:
    folder = tmp_path / "both"
    for name in ("one", "two"):
        shutil.copytree(clean.fooocus, folder / name)
    clone = folder / "fooocus-api"
    shutil.copytree(clean.clone, clone)
    done = clean.run(
        "-c",
        f"import runpy, sys; sys.executable = ''; sys.argv = ['install.py', '--check']; "
        f"runpy.run_path({str(clone / 'install.py')!r}, run_name='__main__')",
        folder=folder,
    )
    assert done.returncode == 1 and "no Fooocus checkout" in done.stderr


def test_another_packages_python_is_refused(clean: Portable, tmp_path: Path) -> None:
    """Refuse that Python: Fooocus would start without the hook it installs."""
    other = make_portable(tmp_path, "another package")
    for given in ((), (other.fooocus,)):
        refused = clean.run(other.clone / "install.py", *given, folder=other.root)
        assert_refused(refused, "another package's Python", f"run install.py with {other.python}")
    assert not (other.fooocus / "extensions").exists()
    assert not (clean.site_packages / "fooocus_api_hook.pth").exists()


def test_a_package_whose_folders_have_other_names(tmp_path: Path) -> None:
    """Find `python_embedded`, as repacked packages spell it, and a checkout that is named after a fork."""
    made = make_portable(tmp_path)
    made.python.parent.rename(made.root / "python_embedded")
    made.fooocus.rename(made.root / "Fooocus_extend")
    clone = made.root / "a" / "b" / "fooocus-api"
    shutil.copytree(made.clone, clone)
    command = [str(made.root / "python_embedded" / "python.exe"), "-s", str(clone / "install.py")]
    installed = done(subprocess.run(command, cwd=tmp_path, capture_output=True, text=True))
    assert str(made.root / "Fooocus_extend") in installed


def test_of_two_checkouts_in_a_package_it_is_the_one_that_run_bat_starts(tmp_path: Path) -> None:
    portable = make_portable(tmp_path)
    shutil.copytree(portable.fooocus, portable.root / "Fooocus - copy")
    for folder in (portable.root, portable.clone, tmp_path):
        assert str(portable.fooocus) + "\n" in done(portable.run(portable.clone / "install.py", folder=folder))


def test_another_python_finds_the_package_too(
    portable: Portable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Find the package, so that the refusal of a Python without gradio can name the right one."""
    monkeypatch.chdir(tmp_path)
    for folder in ("fooocus-api", "fooocus-api-main/fooocus-api-main", "a/b/c/d"):
        assert find_checkout(None, portable.root / folder).path == portable.fooocus
    monkeypatch.chdir(portable.python.parent)
    assert find_checkout(None, tmp_path).path == portable.fooocus
