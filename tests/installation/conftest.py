"""Fixtures for the tests of the installation."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from fooocus_api import __version__
from fooocus_api.installer.checkout import Checkout
from fooocus_api.installer.placement import hook_registration
from fooocus_api.installer.placement.extension_files import place
from fooocus_api.tests.support.host import DEMO, ROOT


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without pauses."""
    monkeypatch.setattr("fooocus_api.files.replacing.sleep", lambda _: None)


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package as it is installed, of whose folders only `adapters` has folders: tests copy it a hundred times."""
    folder = tmp_path_factory.mktemp("newest") / "fooocus_api"
    place(ROOT, folder)
    for inner in [path for path in folder.glob("*/*") if path.is_dir() and path.parent.name != "adapters"]:
        shutil.rmtree(inner)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, newest: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """Return a checkout with an older version of the extension and a hook in its own site-packages."""
    site = tmp_path / "site-packages"
    site.mkdir()
    for name in ("MODULE", "PTH", "REGISTRY"):
        monkeypatch.setattr(hook_registration, name, site / getattr(hook_registration, name).name)
    monkeypatch.setattr(
        hook_registration, "FILES", (hook_registration.PTH, hook_registration.REGISTRY, hook_registration.MODULE)
    )
    monkeypatch.setattr(hook_registration, "SITE_PACKAGES", site)
    monkeypatch.setattr(hook_registration, "require_awake", lambda: None)
    monkeypatch.setattr(os, "chdir", lambda folder: None)
    made = Checkout(tmp_path / "Fooocus")
    made.extensions.mkdir(parents=True)
    shutil.copyfile(DEMO / "fooocus_version.py", made.path / "fooocus_version.py")
    shutil.copytree(newest, made.extension)
    init = made.extension / "__init__.py"
    init.write_text(init.read_text("utf-8").replace(__version__, "0.0.1"), "utf-8")
    (made.extension / "gone_since.py").touch()
    hook_registration.register(made.path)
    return made
