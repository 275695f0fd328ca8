"""Installation into a real Fooocus, its start and uninstallation, which leave the checkout and interpreter unchanged."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from fooocus_api.tests.support.client import Client
from fooocus_api.tests.support.host import ROOT, Way, real_checkout, real_host, real_python
from fooocus_api.tests.support.hosts.installation_copies import borrow_models

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Fresh:
    """A fresh clone with an interpreter of its own."""

    checkout: Path
    python: Path

    def install(self, *arguments: str) -> str:
        """Run install.py on the clone, assert that it succeeds, and return its output."""
        command = [str(self.python), str(ROOT / "install.py"), *arguments, str(self.checkout)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.checkout.parent, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def status(self) -> str:
        """Return git's list of changes in the checkout."""
        return _git(self.checkout, "status", "--porcelain")

    def files(self) -> set[str]:
        """Return all files in the interpreter's site-packages and in `extensions`, except compiled ones."""
        folders = [site_packages(self.python), self.checkout / "extensions"]
        return {str(path) for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts}


@pytest.fixture
def fresh(tmp_path: Path) -> Fresh:
    """Return a clone of FOOOCUS_HOME that borrows its models, with an interpreter that borrows its packages."""
    home = real_checkout()
    assert home is not None  # the `real` marker skips the test otherwise
    if not (home / ".git").exists():
        pytest.skip(f"{home} is no git clone: there is nothing to compare an install with")
    checkout = tmp_path / "Fooocus checkout"  # with a space, as in many Windows paths
    _git(tmp_path, "clone", "--quiet", str(home), str(checkout))
    borrow_models(home, checkout)
    return Fresh(checkout, _borrow_packages(real_python(home), tmp_path / "venv"))


def test_install_start_uninstall(fresh: Fresh) -> None:
    assert fresh.status() == ""
    before = fresh.files()

    said = fresh.install()
    assert "Fooocus" in said
    assert fresh.status() == ""
    assert (fresh.checkout / "extensions" / "fooocus_api" / "extension.py").is_file()
    installed = fresh.files()
    fresh.install()
    assert fresh.files() == installed  # a second install changes nothing
    fresh.install("--check")

    with real_host(way="launch", checkout=fresh.checkout, python=fresh.python) as host:
        client = Client(host.url)
        assert client.get("/v1/info").json()["supported"] is True
        assert client.draw(prompt="a lighthouse")["task_status"] == "finished"
        assert "gradio_config" in client.get("/").text
    assert fresh.status() == ""

    fresh.install("--uninstall")
    assert fresh.status() == ""
    assert not (fresh.checkout / "extensions" / "fooocus_api").exists()
    assert {path for path in fresh.files() - before if "site-packages" not in path} <= {
        str(fresh.checkout / "extensions")
    }
    assert not [path for path in fresh.files() - before if path.endswith(".pth")]
    assert_plain(fresh)


def test_the_extension_outlives_an_update(fresh: Fresh) -> None:
    """Follow the Windows package's updater: it fast-forwards with a hard reset, then launches."""
    newest = _git(fresh.checkout, "rev-parse", "HEAD")
    if _git(fresh.checkout, "rev-parse", "--abbrev-ref", "HEAD") == "HEAD":
        pytest.skip("FOOOCUS_HOME is not on a branch: its updater has nothing to follow")
    _git(fresh.checkout, "reset", "--quiet", "--hard", "HEAD~1")
    fresh.install()

    with real_host(way="entry_with_update", checkout=fresh.checkout, python=fresh.python) as host:
        assert _git(fresh.checkout, "rev-parse", "HEAD") == newest, host.log()
        assert Client(host.url).get("/v1/info").json()["supported"] is True
    assert fresh.status() == ""


def assert_plain(fresh: Fresh, way: Way = "launch") -> None:
    """Assert that Fooocus starts without the API."""
    with real_host(way=way, checkout=fresh.checkout, python=fresh.python) as host:
        client = Client(host.url)
        assert "gradio_config" in client.get("/").text
        assert client.get("/v1/info").status_code == 404
        assert client.get("/docs").status_code == 404
    assert fresh.status() == ""


def site_packages(python: Path) -> Path:
    """Return this interpreter's site-packages folder."""
    command = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def _borrow_packages(python: Path, folder: Path) -> Path:
    """Create a venv that sees the packages of `python` and holds new ones, the installer's hook included, itself."""
    subprocess.run([str(python), "-m", "venv", "--without-pip", str(folder)], check=True, timeout=120)
    own = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    (site_packages(own) / "borrowed.pth").write_text(str(site_packages(python)) + "\n", "utf-8")
    return own


def _git(folder: Path, *arguments: str) -> str:
    git = shutil.which("git")
    assert git is not None, "git is needed"
    return subprocess.run([git, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
