"""Upgrades and uninstalls in which Windows refuses to rename or delete. The extension stays whole, old or new, or is gone."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fooocus_api import __version__
from fooocus_api.files import replacing
from fooocus_api.installer import install as installing
from fooocus_api.installer.checkout import Checkout
from fooocus_api.installer.errors import InstallError
from fooocus_api.installer.placement import extension_files, hook_registration
from fooocus_api.installer.placement.extension_files import place, remove_tree, version_of
from fooocus_api.installer.placement.staging import set_aside
from fooocus_api.installer.purge import history_of
from fooocus_api.installer.uninstall import uninstall as take_out
from fooocus_api.tests.support import held_paths
from fooocus_api.tests.support.histories import add_to_history
from fooocus_api.tests.support.host import DEMO, ROOT
from fooocus_api.tests.support.sharing_violations import SharingViolation
from fooocus_api.tests.unit.test_replacing import NotEmpty

Content = dict[str, bytes]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without pauses."""
    monkeypatch.setattr("fooocus_api.files.replacing.sleep", lambda _: None)


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package as it is installed, without the files for developers."""
    folder = tmp_path_factory.mktemp("newest") / "fooocus_api"
    place(ROOT, folder)
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


def content(folder: Path) -> Content:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def beside(checkout: Checkout) -> list[str]:
    return sorted(path.name for path in checkout.extensions.iterdir())


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
    assert file.exists() and pauses == list(replacing.PAUSES_SECONDS)


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


@pytest.mark.parametrize("follower", ["install", "uninstall"])
def test_an_upgrade_that_is_killed_anywhere_is_whole_or_asleep_and_finished_by_the_next_command(
    follower: str, checkout: Checkout, newest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = content(checkout.extension), content(newest)
    saved = checkout.path / "saved"
    shutil.copytree(checkout.extensions, saved)
    asleep = 0
    for last in range(1, 1000):
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
    assert last > 20 and asleep > 20


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
