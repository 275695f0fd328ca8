"""Upgrades and uninstalls in which Windows refuses to rename or delete. The extension stays whole, old or new, or is gone."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from fooocus_api import __version__
from fooocus_api.files import replacing
from fooocus_api.installer.checkout import Checkout
from fooocus_api.installer.errors import InstallError
from fooocus_api.installer.placement import hook_registration
from fooocus_api.installer.placement.extension_files import place, remove_tree
from fooocus_api.installer.purge import history_of
from fooocus_api.installer.uninstall import uninstall as take_out
from fooocus_api.tests.support.databases.histories import add_to_history
from fooocus_api.tests.support.fakes import held_paths
from fooocus_api.tests.support.hosts.upgrades import beside, content
from fooocus_api.tests.unit.test_replacing import NotEmpty

pytestmark = pytest.mark.usefixtures("quick")


def test_an_upgrade_where_a_terminal_stands_in_the_folder(
    checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_paths.hold_folder(monkeypatch, checkout.extension)
    assert f"0.0.1 -> {__version__}" in place(newest, checkout.extension)
    assert content(checkout.extension) == content(newest)
    assert beside(checkout) == ["fooocus_api"]


def test_an_upgrade_over_the_empty_folder_that_stayed(
    checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_paths.hold_folder(monkeypatch, checkout.extension)
    assert take_out(checkout, purge=False) == 0
    assert beside(checkout) == ["fooocus_api"] and not content(checkout.extension)
    place(newest, checkout.extension)
    assert content(checkout.extension) == content(newest)


FILES = ("extension.py", "__init__.py", "adapters/worker.py", "tasks/task.py", "gone_since.py", "uninstall.bat")


@pytest.mark.parametrize("name", FILES)
def test_an_upgrade_that_a_held_file_stops_leaves_the_old_version(
    name: str, checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = checkout.extension / name
    held.touch()
    before = content(checkout.extension)
    with monkeypatch.context() as patch:
        held_paths.hold_file(patch, held)
        with pytest.raises(InstallError, match="stop Fooocus"):
            place(newest, checkout.extension)
    assert content(checkout.extension) == before
    assert beside(checkout) == ["fooocus_api"]
    place(newest, checkout.extension)
    assert content(checkout.extension) == content(newest)


@pytest.mark.parametrize("name", FILES)
def test_an_uninstall_that_a_held_file_stops_leaves_extension_and_hook(
    name: str, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = checkout.extension / name
    held.touch()
    before, hooked = content(checkout.extension), content(hook_registration.SITE_PACKAGES)
    with monkeypatch.context() as patch:
        held_paths.hold_file(patch, held)
        with pytest.raises(InstallError, match="stop Fooocus"):
            take_out(checkout, purge=False)
    assert (content(checkout.extension), content(hook_registration.SITE_PACKAGES)) == (before, hooked)
    assert beside(checkout) == ["fooocus_api"]
    assert take_out(checkout, purge=False) == 0
    assert not checkout.extensions.exists() and not content(hook_registration.SITE_PACKAGES)


@pytest.mark.parametrize("name", ["fooocus_api_hook.pth", "fooocus_api_checkouts.txt", "_fooocus_api_hook.py"])
def test_a_held_file_of_the_hook_leaves_extension_and_hook(
    name: str, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, hooked = content(checkout.extension), content(hook_registration.SITE_PACKAGES)
    with monkeypatch.context() as patch:
        held_paths.refuse(patch, lambda call, path: path.name == name)
        with pytest.raises(InstallError, match="can't be removed"):
            take_out(checkout, purge=False)
    assert (content(checkout.extension), content(hook_registration.SITE_PACKAGES)) == (before, hooked)


@pytest.mark.parametrize("terminal", [False, True], ids=["", "and a terminal stands in the folder"])
@pytest.mark.parametrize("name", ["1.png", "tasks.sqlite3"])
def test_a_purge_that_fails_leaves_hook_and_extension(
    name: str, terminal: bool, checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = checkout.path / "outputs"
    (outputs / "2026-01-01").mkdir(parents=True)
    (outputs / "2026-01-01" / "1.png").write_bytes(b"an image")
    add_to_history(outputs, [(1, "api", "2026-01-01/1.png")])
    before, hooked = content(checkout.extension), content(hook_registration.SITE_PACKAGES)
    with monkeypatch.context() as patch:
        held = next(path for path in outputs.rglob(name))
        folder = checkout.extension if terminal else None
        held_paths.refuse(patch, lambda call, path: path in (folder, held, *held.parents))
        with pytest.raises(InstallError, match=r"can't be (deleted|purged)"):
            take_out(checkout, purge=True)
    assert (content(checkout.extension), content(hook_registration.SITE_PACKAGES)) == (before, hooked)
    assert beside(checkout) == ["fooocus_api"] and history_of(outputs).is_dir()
    assert take_out(checkout, purge=True) == 0
    assert not content(outputs) and not checkout.extensions.exists() and not content(hook_registration.SITE_PACKAGES)


def test_an_uninstall_where_a_terminal_stands_in_the_folder(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        held_paths.hold_folder(patch, checkout.extension)
        for _ in range(2):  # the second finds the empty folder
            assert take_out(checkout, purge=False) == 0
            assert "empty folder" in capsys.readouterr().out
        assert beside(checkout) == ["fooocus_api"] and not content(checkout.extension)
    assert take_out(checkout, purge=False) == 0
    assert not checkout.extensions.exists()


def hold_deleted(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Keep deleted files in each folder for that many attempts to remove it, as Windows keeps open ones."""
    tries: dict[str, int] = {}
    real = os.rmdir

    def rmdir(path: Any, **named: Any) -> None:
        name = Path(path).name
        tries[name] = tries.get(name, 0) + 1
        if tries[name] <= times:
            raise NotEmpty
        try:
            real(path, **named)
        except OSError as error:
            raise (NotEmpty() if error.errno == errno.ENOTEMPTY else error) from error

    monkeypatch.setattr(os, "rmdir", rmdir)


@pytest.mark.parametrize("terminal", [False, True], ids=["", "and a terminal stands in the folder"])
def test_deleted_files_that_are_open_for_a_moment_stop_nothing(
    terminal: bool,
    checkout: Checkout,
    newest: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        hold_deleted(patch, times=3)
        if terminal:
            held_paths.hold_folder(patch, checkout.extension)
        place(newest, checkout.extension)
    assert content(checkout.extension) == content(newest) and beside(checkout) == ["fooocus_api"]
    with monkeypatch.context() as patch:
        hold_deleted(patch, times=3)
        assert take_out(checkout, purge=False) == 0
    assert not checkout.extensions.exists() and "note:" not in capsys.readouterr().out


def test_a_folder_is_not_waited_for_when_a_file_stays_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a" / "b" / "c" / "open.txt"
    file.parent.mkdir(parents=True)
    file.touch()
    pauses: list[float] = []
    monkeypatch.setattr("fooocus_api.files.replacing.sleep", pauses.append)
    hold_deleted(monkeypatch, times=0)
    held_paths.refuse(monkeypatch, lambda call, path: path == file)
    remove_tree(tmp_path / "a", ignore_errors=True)
    assert file.exists() and pauses == list(replacing.PAUSES_S)


def test_what_is_held_after_an_uninstall_is_named_and_deleted_by_the_next(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as patch:
        held_paths.refuse(patch, lambda call, path: call == "unlink" and path.name == "worker.py")
        assert take_out(checkout, purge=False) == 0
    assert "delete it later" in capsys.readouterr().out
    assert not checkout.extension.exists()
    assert take_out(checkout, purge=False) == 0
    assert not checkout.extensions.exists()
