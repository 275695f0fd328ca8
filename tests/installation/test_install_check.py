"""`install.py --check` and `--uninstall --purge`: the report, and the limits of a purge."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from fooocus_api.adapters.inspection.patch_points import PATCH_POINTS
from fooocus_api.tests.support.databases.histories import add_to_history
from fooocus_api.tests.support.hosts.installation_copies import Sandbox, make_sandbox

OLD_WORKER = """
import threading
class AsyncTask:
    def __init__(self, args):
        self.args = args
        self.yields = []
async_tasks = []
def worker():
    pass
"""


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return make_sandbox(tmp_path)


@pytest.fixture
def checkout(sandbox: Sandbox) -> Path:
    """Return a checkout with the extension."""
    path = sandbox.checkout()
    assert sandbox.install(path).returncode == 0
    return path


def failures(report: str) -> list[str]:
    return [line for line in report.splitlines() if line.startswith("FAIL")]


def test_all_is_well(sandbox: Sandbox, checkout: Path) -> None:
    done = sandbox.install("--check", checkout)
    assert done.returncode == 0, done.stdout
    assert failures(done.stdout) == []
    assert "2.5.5-demo, supported" in done.stdout
    assert platform.python_version() in done.stdout
    for point in PATCH_POINTS:
        assert f"{point.module}.{point.name} found" in done.stdout
    assert ", required: >=0.51.0,<1.0" in done.stdout
    assert "argument order" in done.stdout
    assert "port of WebUI" in done.stdout


def test_nothing_is_installed(sandbox: Sandbox) -> None:
    done = sandbox.install("--check", sandbox.checkout())
    assert done.returncode == 1
    assert [line.split()[1] for line in failures(done.stdout)] == ["extension", "start-up"]


def test_a_version_that_builds_its_tasks_another_way(sandbox: Sandbox) -> None:
    checkout = sandbox.checkout()
    (checkout / "modules" / "async_worker.py").write_text(OLD_WORKER)
    (checkout / "fooocus_version.py").write_text("version = '2.4.3'\n")
    installed = sandbox.install(checkout)
    assert installed.returncode == 1
    assert "Fooocus 2.4.3 is not supported" in installed.stderr
    assert "WebUI works as before" in installed.stderr
    done = sandbox.install("--check", checkout)
    assert done.returncode == 1
    assert "2.4.3, not supported" in failures(done.stdout)[0]
    assert "Traceback" not in done.stderr + installed.stderr


def test_a_missing_patch_point_is_named(sandbox: Sandbox, checkout: Path) -> None:
    logger = checkout / "modules" / "private_logger.py"
    logger.write_text(logger.read_text("utf-8").replace("def log(", "def renamed("), "utf-8")
    done = sandbox.install("--check", checkout)
    assert done.returncode == 1
    assert any("modules.private_logger.log missing" in line for line in failures(done.stdout))


def test_a_dependency_of_another_version(sandbox: Sandbox, checkout: Path) -> None:
    other = sandbox.site_packages / "peewee-3.1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: peewee\nVersion: 3.1.0\n")
    done = sandbox.install("--check", checkout)
    assert done.returncode == 1
    assert [line for line in failures(done.stdout) if "3.1.0, required: >=4" in line] == failures(done.stdout)


@pytest.mark.parametrize("missing", ["_fooocus_api_hook.py", "fooocus_api_hook.pth", "fooocus_api_checkouts.txt"])
def test_half_a_hook_is_seen_and_mended(sandbox: Sandbox, checkout: Path, missing: str) -> None:
    (sandbox.site_packages / missing).unlink()
    done = sandbox.install("--check", checkout)
    assert done.returncode == 1
    assert "start-up hook" in failures(done.stdout)[0]
    assert sandbox.install(checkout).returncode == 0
    assert sandbox.install("--check", checkout).returncode == 0


def test_a_port_that_is_none(sandbox: Sandbox, checkout: Path) -> None:
    done = sandbox.install("--check", checkout, env={"API_PORT": "eighty"})
    assert done.returncode == 1
    assert "'eighty' is not a port" in failures(done.stdout)[0]


def test_purging_takes_the_history_and_the_images_of_the_api(sandbox: Sandbox, checkout: Path) -> None:
    outputs = checkout / "outputs"
    day = outputs / "2026-01-01"
    day.mkdir(parents=True)
    outside = checkout / "outside.png"
    for image in (*(day / f"by_{who}.png" for who in ("api", "key", "webui", "another")), outside):
        image.write_bytes(b"an image")
    tasks = [
        (0, "api", "2026-01-01/by_api.png"),
        (1, "key-0123abcd", "2026-01-01/by_key.png"),
        (2, "webui", "2026-01-01/by_webui.png"),
        (3, "imported", "2026-01-01/by_another.png"),
        (4, "api", "../outside.png"),
    ]
    add_to_history(outputs, tasks)

    kept = sandbox.install("--uninstall", checkout)
    assert kept.returncode == 0, kept.stderr
    assert (outputs / ".fooocus_api").is_dir()
    assert (day / "by_api.png").exists()

    done = sandbox.install("--uninstall", "--purge", checkout)
    assert done.returncode == 0, done.stderr
    assert "purged: 2 images, the history" in done.stdout
    assert not (outputs / ".fooocus_api").exists()
    assert {path.name for path in day.iterdir()} == {"by_webui.png", "by_another.png"}
    assert outside.exists()
