"""Files that another program holds open: retries, and no loss if these fail."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.files import replacing
from fooocus_api.tests.support.fakes import held_paths
from fooocus_api.tests.support.fakes.sharing_violations import SharingViolation

WAYS: dict[str, Callable[[Path, Path], None]] = {
    "put_in_place": replacing.put_in_place,
    "move": replacing.move,
    "delete": lambda new, target: replacing.delete(new),
}


class NotEmpty(OSError):
    """Windows's error for a folder that contains a file, even a deleted one that is still open; not a PermissionError."""

    def __init__(self) -> None:
        super().__init__(errno.ENOTEMPTY, "not empty")
        self.winerror = 145


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the list of pauses made; none takes time."""
    made: list[float] = []
    monkeypatch.setattr("fooocus_api.files.replacing.sleep", made.append)
    return made


def held(monkeypatch: pytest.MonkeyPatch, times: int, winerror: int = 32) -> None:
    """Make this many renames and deletions fail, then let them work."""
    left = [times]
    for name in ("replace", "rename", "unlink"):
        real = getattr(os, name)

        def fails(*arguments: Any, real: Any = real, **named: Any) -> Any:
            if left[0]:
                left[0] -= 1
                raise SharingViolation("a file", winerror)
            return real(*arguments, **named)

        monkeypatch.setattr(os, name, fails)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("winerror", replacing.HELD)
def test_it_is_done_once_the_other_program_lets_go(
    way: str, winerror: int, tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    new, target = tmp_path / "new", tmp_path / "target"
    new.write_text("content")
    held(monkeypatch, 3, winerror)
    WAYS[way](new, target)
    assert not new.exists() and (way == "delete" or target.read_text() == "content")
    assert pauses == list(replacing.PAUSES_S[:3])


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_stays_held_is_an_error_and_is_kept(
    way: str, tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    new = tmp_path / "new"
    new.write_text("content")
    held(monkeypatch, 100)
    with pytest.raises(PermissionError):
        WAYS[way](new, tmp_path / "target")
    assert new.read_text() == "content" and len(pauses) == len(replacing.PAUSES_S)


def test_a_folder_goes_once_its_deleted_files_are_closed(tmp_path: Path, pauses: list[float]) -> None:
    folder, errors = tmp_path / "folder", [NotEmpty(), NotEmpty()]
    folder.mkdir()

    def remove() -> None:
        if errors:
            raise errors.pop()
        folder.rmdir()

    replacing.retried(remove)
    assert not folder.exists() and pauses == list(replacing.PAUSES_S[:2])


def test_a_folder_that_is_not_empty_elsewhere_is_an_error_at_once(tmp_path: Path, pauses: list[float]) -> None:
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    with pytest.raises(OSError, match="not empty"):
        replacing.retried((tmp_path / "folder").rmdir)
    assert pauses == []


def test_another_error_is_raised_at_once(tmp_path: Path, pauses: list[float]) -> None:
    with pytest.raises(FileNotFoundError):
        replacing.put_in_place(tmp_path / "none", tmp_path / "target")
    assert pauses == []


def test_a_temporary_file_that_stays_held_hides_no_result(
    tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = tmp_path / "part"
    part.write_text("content")
    with monkeypatch.context() as for_long:
        held(for_long, 100)
        replacing.discard(part)
    assert part.exists() and pauses == list(replacing.SHORT_PAUSES_S)
    held(monkeypatch, 1)
    replacing.discard(part)
    assert not part.exists()


# --------------------------------------------------------------------- atomic writes


def test_all_files_are_deleted_with_one_wait_for_those_that_are_held(
    tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(10)]
    for path in paths[:9]:
        path.touch()
    held_paths.refuse(monkeypatch, lambda name, path: path in paths[:4])
    stay = replacing.delete_all(paths)
    assert list(stay) == paths[:4] and sorted(tmp_path.iterdir()) == paths[:4]
    assert all(map(replacing.is_held, stay.values())) and pauses == list(replacing.PAUSES_S)


def test_what_can_never_be_deleted_is_not_waited_for(tmp_path: Path, pauses: list[float]) -> None:
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a file").touch()
    assert list(replacing.delete_all([tmp_path / "a folder", tmp_path / "a file"])) == [tmp_path / "a folder"]
    assert pauses == [] and sorted(tmp_path.iterdir()) == [tmp_path / "a folder"]


@pytest.mark.parametrize("content", [b"a\nb\x00", "Gr\u00f6\u00dfe\n\u732b\n"])
def test_a_file_is_written_whole(content: bytes | str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"what was there before is longer than what is written")
    replacing.write_atomically(path, content)
    read = path.read_bytes() if isinstance(content, bytes) else path.read_text("utf-8")
    assert read == content and list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_a_file_is_for_those_it_is_meant_for(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        replacing.write_atomically(tmp_path / "page", "x")
        replacing.write_atomically(tmp_path / "secret", "x", 0o600)
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("page", "secret")] == [0o644, 0o600]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_file_that_can_not_be_written_is_as_it_was(
    function: str, tmp_path: Path, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    path.write_text("before")

    def fails(*_: Any) -> None:
        raise SharingViolation("a file") if function == "replace" else OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, fails)
    with pytest.raises(OSError, match=r"used by another process|No space"):
        replacing.write_atomically(path, "after")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
    assert len(pauses) == (len(replacing.PAUSES_S) if function == "replace" else 0)
