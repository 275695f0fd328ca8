"""Purges while a program has files open: files that stay are kept in the history for the next purge."""

from __future__ import annotations

from pathlib import Path

import pytest

from fooocus_api.installer.errors import InstallError
from fooocus_api.installer.purge import history_of, purge_history
from fooocus_api.tests.support.databases.histories import add_to_history
from fooocus_api.tests.support.fakes import held_paths


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return outputs with three images of the API and their history."""
    monkeypatch.setattr("fooocus_api.files.replacing.sleep", lambda _: None)
    day = tmp_path / "2026-01-01"
    day.mkdir()
    for number in range(3):
        (day / f"{number}.png").write_bytes(b"an image")
    add_to_history(tmp_path, [(number, "api", f"2026-01-01/{number}.png") for number in range(3)])
    return tmp_path


def images(outputs: Path) -> list[str]:
    return sorted(path.name for path in outputs.glob("*/*.png"))


def test_an_image_that_is_open_stays_with_the_history(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        held_paths.hold_file(patch, outputs / "2026-01-01" / "1.png")
        with pytest.raises(InstallError, match="1 of 3 images can't be deleted"):
            purge_history(outputs)
    assert images(outputs) == ["1.png"]
    assert purge_history(outputs) == (1, True)
    assert images(outputs) == [] and not history_of(outputs).exists()


def test_images_that_are_read_only_go_too(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held_paths.keep_read_only(monkeypatch)
    for number in (0, 2):
        (outputs / "2026-01-01" / f"{number}.png").chmod(0o444)
    assert purge_history(outputs) == (3, True) and images(outputs) == []


def test_images_that_only_claims_name_go_too(outputs: Path) -> None:
    """Delete images of the file journal alone, left by a deletion or a crash; those of the WebUI's own tasks stay."""
    history, day = history_of(outputs), outputs / "2026-01-01"
    add_to_history(outputs, [(7, "webui", "2026-01-01/listed.png"), (8, "webui", "2026-01-01/other.png")])
    kept = ("notes.txt", "listed.png", "of_webui.png", ".hidden.png")
    for name in ("left.png", "crashed.webp", *kept):
        (day / name).write_bytes(b"a file")
    outside = outputs.parent / f"{outputs.name} outside.png"
    outside.write_bytes(b"an image")
    lines = ["2026-01-01/left.png", str(day / "crashed.webp"), "2026-01-01/gone.png", "", "a\0b.png", "2026-01-01"]
    lines += [
        str(outside),
        f"../{outside.name}",
        "2026-01-01/notes.txt",
        "2026-01-01/listed.png",
        "2026-01-01/.hidden.png",
    ]
    (history / "unfinished").mkdir()
    (history / "unfinished" / f"{5:032x}").write_text("\n".join(lines), "utf-8")
    (history / "unfinished" / f"{7:032x}").write_text(f"{day / 'of_webui.png'}\n", "utf-8")
    assert purge_history(outputs) == (5, True)
    assert sorted(path.name for path in day.iterdir()) == sorted(kept) and outside.exists()
    assert not history.exists()


def test_a_claimed_image_that_is_open_stays_with_the_history(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = outputs / "2026-01-01" / "left.png"
    left.write_bytes(b"an image")
    (history_of(outputs) / "unfinished").mkdir()
    (history_of(outputs) / "unfinished" / f"{5:032x}").write_text("2026-01-01/left.png\n", "utf-8")
    with monkeypatch.context() as patch:
        held_paths.hold_file(patch, left)
        with pytest.raises(InstallError, match="1 of 4 images can't be deleted"):
            purge_history(outputs)
    assert purge_history(outputs) == (1, True) and images(outputs) == []


def test_a_history_with_an_open_file_stays_whole(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = history_of(outputs) / "tasks.sqlite3"
    for number in range(20):
        (held.parent / f"{number}.txt").touch()
    before = sorted(path.name for path in held.parent.iterdir())
    with monkeypatch.context() as patch:
        held_paths.hold_file(patch, held)
        with pytest.raises(InstallError, match="can't be purged"):
            purge_history(outputs)
    assert sorted(path.name for path in held.parent.iterdir()) == before
    assert purge_history(outputs) == (0, True)
    assert sorted(outputs.iterdir()) == [outputs / "2026-01-01"]


def test_a_purge_with_every_third_call_refused_takes_all(outputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = held_paths.hold_every_third(monkeypatch)
    assert purge_history(outputs) == (3, True)
    assert refused and images(outputs) == [] and sorted(outputs.iterdir()) == [outputs / "2026-01-01"]
