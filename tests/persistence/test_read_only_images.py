"""Read-only images and images without permissions: their deletion as on Linux, and nothing lost."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.adapters.image_log.image_log import ImageLog
from fooocus_api.tests.support.fakes.fake_engine import PNG
from fooocus_api.tests.support.fakes.sharing_violations import SharingViolation


def test_a_read_only_image_is_deleted_as_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete a read-only image, which only Windows refuses at first."""
    image = tmp_path / "a.png"
    image.write_bytes(PNG)
    image.chmod(0o444)
    real = Path.unlink

    def unlink(path: Path, missing_ok: bool = False) -> None:
        if not path.stat().st_mode & stat.S_IWRITE:
            error = SharingViolation(str(path))
            error.winerror = 5
            raise error
        real(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink)
    assert ImageLog().remove_images([tmp_path], ["a.png"]) == [] and not image.exists()


def test_a_read_only_image_that_is_held_stays_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(PNG)
    image.chmod(0o444)

    def unlink(path: Path, missing_ok: bool = False) -> None:
        error = SharingViolation(str(path))
        error.winerror = 5
        raise error

    monkeypatch.setattr(Path, "unlink", unlink)
    assert [stayed.file for stayed in ImageLog().remove_images([tmp_path], ["a.png"])] == [image]
    assert stat.S_IMODE(image.stat().st_mode) == 0o444


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(116, "Stale file handle")])
def test_an_image_that_can_not_even_be_looked_at_is_not_taken_for_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(Path, "is_dir", fails)
    monkeypatch.setattr(Path, "unlink", fails)
    assert [stayed.path for stayed in ImageLog().remove_images([tmp_path], ["day/a.png"])] == ["day/a.png"]
