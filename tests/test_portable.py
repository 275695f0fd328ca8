"""The portable package for Windows: installed, checked, launched, upgraded and uninstalled from every folder people stand in."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fooocus_api.tests.client import Client
from fooocus_api.tests.host import Host
from fooocus_api.tests.portable import Portable, make_portable
from fooocus_api.tests.sandbox import assert_refused

pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="its Python is a link, which Windows gives administrators only"
)

FLAGS = ("--disable-in-browser", "--disable-analytics", "--demo-step-ms", "0", "--demo-load-ms", "0")
FOLDERS: dict[str, Callable[[Portable], Path]] = {
    "the package": lambda portable: portable.root,
    "Fooocus": lambda portable: portable.fooocus,
    "the clone": lambda portable: portable.clone,
    "Fooocus/modules": lambda portable: portable.fooocus / "modules",
    "python_embeded": lambda portable: portable.python.parent,
    "elsewhere": lambda portable: portable.root.parent,
}


@pytest.fixture(scope="module")
def portable(tmp_path_factory: pytest.TempPathFactory) -> Portable:
    return make_portable(tmp_path_factory.mktemp("portable"))


@pytest.fixture
def clean(portable: Portable) -> Iterator[Portable]:
    """The package without the extension, before and after."""
    yield portable
    portable.run(portable.clone / "install.py", "--uninstall", portable.fooocus)
    assert not (portable.fooocus / "extensions").exists()


def test_its_python_is_like_the_embedded_one(portable: Portable) -> None:
    for module in ("venv", "ensurepip"):
        assert "ModuleNotFoundError" in portable.run("-c", f"import {module}").stderr
    seen = portable.run("-c", "import sys, site; print(sys.executable, site.ENABLE_USER_SITE, sep='|')").stdout
    assert seen.strip() == f"{portable.python}|False"


@pytest.mark.parametrize("folder", FOLDERS)
def test_everything_works_from_every_folder(clean: Portable, folder: str) -> None:
    where, install = FOLDERS[folder](clean), clean.clone / "install.py"
    done = clean.run(install, folder=where)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (clean.fooocus / "extensions" / "fooocus_api" / "extension.py").is_file()
    checked = clean.run(install, "--check", folder=where)
    assert checked.returncode == 0, checked.stdout
    extension = clean.fooocus / "extensions" / "fooocus_api" / "extension.py"
    made = clean.run(extension, "keys", "add", "shop", folder=where)
    assert made.returncode == 0 and made.stdout.startswith("fooocus_"), made.stderr
    (clean.fooocus / "outputs" / ".fooocus_api" / "keys.json").unlink()
    gone = clean.run(install, "--uninstall", folder=where)
    assert gone.returncode == 0 and not extension.exists(), gone.stderr


def test_a_clone_inside_fooocus_finds_it(clean: Portable) -> None:
    inside = clean.fooocus / "extensions" / "downloaded"
    shutil.copytree(clean.clone, inside)
    try:
        done = clean.run(inside / "install.py", folder=inside)
        assert done.returncode == 0, done.stderr
        assert clean.run(inside / "install.py", "--uninstall", folder=inside).returncode == 0
    finally:
        shutil.rmtree(clean.fooocus / "extensions")


def test_it_launches_as_run_bat_does_and_is_upgraded(clean: Portable) -> None:
    install = clean.clone / "install.py"
    assert clean.run(install).returncode == 0
    version = clean.clone / "__init__.py"
    before = version.read_text("utf-8")
    with Host(clean.fooocus, way="launch", flags=FLAGS, python=clean.python, patience=90) as host:
        client = Client(host.url)
        assert client.get("/v1/info").json()["supported"] is True
        assert len(client.draw(prompt="a lighthouse")["result"]) == 1
    try:
        version.write_text(before.replace('__version__ = "', '__version__ = "9.'), "utf-8")
        upgraded = clean.run(install)
        assert upgraded.returncode == 0 and "was replaced" in upgraded.stdout
    finally:
        version.write_text(before, "utf-8")
    with Host(clean.fooocus, way="launch", flags=FLAGS, python=clean.python, patience=90) as host:
        assert Client(host.url).get("/v1/info").json()["version"].startswith("9.")


def test_a_package_that_was_moved_is_all_right(tmp_path: Path) -> None:
    portable = make_portable(tmp_path)
    assert portable.run(portable.clone / "install.py").returncode == 0
    moved = Portable(portable.root.rename(tmp_path / "moved"))
    checked = moved.run(moved.clone / "install.py", "--check")
    assert checked.returncode == 0, checked.stdout
    with Host(moved.fooocus, way="launch", flags=FLAGS, python=moved.python, patience=90) as host:
        assert Client(host.url).get("/v1/info").json()["supported"] is True
    assert moved.run(moved.clone / "install.py", "--uninstall").returncode == 0


@pytest.mark.parametrize("option", ["--demo", "--test"])
def test_what_needs_an_environment_says_what_to_use(portable: Portable, option: str) -> None:
    assert_refused(portable.run(portable.clone / "install.py", option), "can't make environments")
    assert not (portable.clone / ".venv").exists()


def test_two_packages_side_by_side_are_not_guessed_between(clean: Portable, tmp_path: Path) -> None:
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
