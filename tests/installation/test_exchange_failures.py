"""Upgrades and uninstalls that are killed or fail half-way, and folders that are links or another program's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fooocus_api import __version__
from fooocus_api.installer import install as installing
from fooocus_api.installer.checkout import Checkout
from fooocus_api.installer.errors import InstallError
from fooocus_api.installer.placement import extension_files, hook_registration
from fooocus_api.installer.placement.extension_files import place, remove_tree, version_of
from fooocus_api.installer.placement.staging import set_aside
from fooocus_api.installer.uninstall import uninstall as take_out
from fooocus_api.tests.support.fakes import held_paths
from fooocus_api.tests.support.fakes.sharing_violations import SharingViolation
from fooocus_api.tests.support.host import ROOT
from fooocus_api.tests.support.hosts.upgrades import beside, content

pytestmark = pytest.mark.usefixtures("quick")


class Killed(BaseException):
    """End of the process by a power cut."""


def kill_at(monkeypatch: pytest.MonkeyPatch, last: int, folder: Path) -> None:
    """End the process at its `last`-th rename, without any clean-up, while a terminal stands in `folder`."""
    count, real = [0], os.rename

    def rename(source: Path, target: Path) -> None:
        if source == folder:
            raise SharingViolation("a file")
        count[0] += 1
        if count[0] >= last:
            raise Killed
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    monkeypatch.setattr(extension_files, "remove_tree", lambda *arguments, **named: None)


@pytest.mark.parametrize("every", [17, pytest.param(1, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("follower", ["install", "uninstall"])
def test_an_upgrade_that_is_killed_anywhere_is_whole_or_asleep_and_finished_by_the_next_command(
    follower: str, every: int, checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = content(checkout.extension), content(newest)
    saved = checkout.path / "saved"
    shutil.copytree(checkout.extensions, saved)
    asleep = 0
    for last in range(1, 1000, every):
        shutil.rmtree(checkout.extensions, ignore_errors=True)
        shutil.copytree(saved, checkout.extensions)
        hook_registration.register(checkout.path)
        with monkeypatch.context() as patch:
            kill_at(patch, last, checkout.extension)
            try:
                place(newest, checkout.extension)
                break
            except Killed:
                pass
        if (checkout.extension / "extension.py").exists():
            assert content(checkout.extension) in (old, new)
        else:
            asleep += 1
        if follower == "install":
            place(newest, checkout.extension)
            assert content(checkout.extension) == new and beside(checkout) == ["fooocus_api"]
        else:
            assert take_out(checkout, purge=False) == 0
            assert not checkout.extensions.exists()
    assert last > 20 and asleep > 20 / every


def test_an_upgrade_whose_second_half_fails_gives_the_old_version_back(
    checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(checkout.extension)
    fresh = checkout.extension.with_name(".fooocus_api.new")
    for held in (lambda path: path == fresh, lambda path: path in (checkout.extension, fresh / "tasks")):
        with monkeypatch.context() as patch:
            held_paths.refuse(patch, lambda name, path, held=held: name == "rename" and held(path))  # type: ignore[misc]
            with pytest.raises(InstallError, match="stop Fooocus"):
                place(newest, checkout.extension)
        assert content(checkout.extension) == before
        assert beside(checkout) == ["fooocus_api"]


def test_somebody_elses_folder_is_not_taken_for_half_an_extension(
    checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held_paths.hold_folder(monkeypatch, checkout.extension)
    set_aside(checkout.extension, checkout.extension.with_name(".fooocus_api.old"))
    theirs = checkout.extension / "mine.py"
    theirs.parent.mkdir(exist_ok=True)
    theirs.touch()
    with pytest.raises(InstallError, match="is not this extension"):
        place(newest, checkout.extension)
    with pytest.raises(InstallError, match="is not this extension"):
        take_out(checkout, purge=False)
    assert theirs.exists()


def test_an_install_with_every_third_call_refused_is_whole(
    checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = held_paths.hold_every_third(monkeypatch)
    place(newest, checkout.extension)
    hook_registration.register(checkout.path)
    assert content(checkout.extension) == content(newest) and hook_registration.is_registered(checkout.path)
    assert take_out(checkout, purge=False) == 0
    assert not checkout.extensions.exists() and not content(hook_registration.SITE_PACKAGES)
    assert len(refused) > 20


def test_a_failed_copy_leaves_the_hook_of_before(
    checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook_registration.MODULE.write_text("older = True")
    before = content(checkout.extension), content(hook_registration.SITE_PACKAGES)
    monkeypatch.setattr(installing, "install_requirements", lambda *arguments: None)
    held_paths.hold_file(monkeypatch, checkout.extension / "extension.py")
    with pytest.raises(InstallError, match="stop Fooocus"):
        installing.install(checkout, newest)
    assert (content(checkout.extension), content(hook_registration.SITE_PACKAGES)) == before


@pytest.fixture
def junction(checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the extension as a junction to a clone elsewhere: to Windows no symbolic link, and shutil refuses to delete it."""
    shutil.rmtree(checkout.extension)
    try:
        checkout.extension.symlink_to(newest)
    except OSError:
        pytest.skip("links can't be made here")
    real = Path.lstat

    class Junction:
        st_reparse_tag, st_mode = extension_files.JUNCTION, 0o040755

    def lstat(path: Path) -> object:
        return Junction() if os.path.islink(path) else real(path)

    monkeypatch.setattr(Path, "lstat", lstat)
    monkeypatch.setattr(Path, "is_symlink", lambda path: False)
    return checkout.extension


def test_a_junction_is_removed_and_what_it_leads_to_stays(junction: Path, checkout: Checkout, newest: Path) -> None:
    before = content(newest)
    assert take_out(checkout, purge=False) == 0
    assert not os.path.lexists(junction)
    assert content(newest) == before


def test_a_junction_is_not_replaced(junction: Path, checkout: Checkout, newest: Path, tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="a git clone or a link"):
        place(ROOT, junction)
    assert os.path.lexists(junction) and version_of(newest) == __version__


@pytest.mark.parametrize("looked", [os.path.islink, os.open], ids=lambda function: function.__name__)
def test_a_folder_that_shutil_refuses_to_delete_is_an_error(
    looked: Callable[..., object], checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Imitate shutil: it passes the function it looked with to the handler, whose consent leads to no deletion."""

    def rmtree(path: Path, onerror: Callable[..., object]) -> None:
        onerror(looked, str(path), (OSError, OSError("Cannot call rmtree on a symbolic link"), None))

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    with pytest.raises(OSError, match="can't be removed"):
        remove_tree(checkout.extension)


def test_a_deletion_that_does_nothing_is_an_error(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "rmtree", lambda path, onerror: None)
    with pytest.raises(OSError, match="can't be removed"):
        remove_tree(checkout.extension)
