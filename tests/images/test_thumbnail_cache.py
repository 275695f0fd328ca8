"""The cache of thumbnails on disk, and thumbnails that several requests want at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from PIL import Image as PILImage

from fooocus_api.images.renditions.disk_cache import DiskCache
from fooocus_api.images.renditions.renditions import Renditions, TooManyRenditions
from fooocus_api.images.renditions.source import Source
from fooocus_api.images.thumbnails.sizes import SIZES, Box
from fooocus_api.images.thumbnails.thumbnails import Thumbnail
from fooocus_api.tests.support.client import picture

KIB = 1024


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def age(folder: Path, name: str, seconds: int) -> None:
    (path,) = folder.rglob(name)
    used = path.stat().st_mtime - seconds
    os.utime(path, (used, used))


def test_the_least_recently_used_files_are_deleted_first(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path, 10 * KIB)
    for number in range(10):
        cache.put(f"{number:02}-file", bytes(KIB))
        age(tmp_path, f"{number:02}-file", 100_000 - number)
    assert cache.get("00-file") == bytes(KIB)  # is now the one used last
    cache.put("10-file", bytes(KIB))
    assert files(tmp_path) == {f"{number:02}-file" for number in (0, *range(3, 11))}
    assert cache.get("01-file") is None


def test_the_bound_holds_over_restarts(tmp_path: Path) -> None:
    for start in range(5):
        cache = DiskCache(tmp_path, 10 * KIB)
        for number in range(7):
            cache.put(f"{start}{number}-file", bytes(KIB))
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) <= 10 * KIB


def test_what_a_killed_process_left_is_deleted(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / ".0123.tmp").write_bytes(b"half")
    (tmp_path / "ab" / "ab-empty").touch()
    cache = DiskCache(tmp_path)
    assert cache.get("ab-empty") is None
    cache.put("ab-file", b"whole")
    assert files(tmp_path) == {"ab-file", "ab-empty"}


def test_files_are_removed_by_the_beginning_of_their_names(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path)
    for name in ("abc-1", "abc-2", "abd-1", "cbc-1"):
        cache.put(name, b"x")
    cache.remove("abc-")
    cache.remove("none-")
    assert files(tmp_path) == {"abd-1", "cbc-1"}


def png(path: Path, size: tuple[int, int] = (300, 200)) -> Thumbnail:
    PILImage.new("RGB", size, "teal").save(path)
    return Thumbnail(Source.read(path, path.name), Box(64), "WEBP")


def test_a_disk_that_takes_nothing_costs_the_cache_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the place of the folder")
    renditions = Renditions(DiskCache(tmp_path / "file"))
    thumbnail = png(tmp_path / "a.png")
    for _ in range(2):
        assert picture(renditions.make(thumbnail).result(60)).size == (64, 43)
        assert renditions.cached(thumbnail) is None
    renditions.forget(["a.png"])


def test_without_a_cache_each_is_made_again(tmp_path: Path) -> None:
    renditions, thumbnail = Renditions(), png(tmp_path / "a.png")
    made = renditions.make(thumbnail).result(60)
    assert renditions.make(thumbnail).result(60) == made and renditions.cached(thumbnail) is None


def test_an_image_that_went_meantime_leaves_no_thumbnail(tmp_path: Path) -> None:
    renditions = Renditions(DiskCache(tmp_path / "cache"))
    thumbnail = png(tmp_path / "a.png")
    (tmp_path / "a.png").unlink()
    with pytest.raises(FileNotFoundError):
        renditions.make(thumbnail).result(60)
    assert files(tmp_path) == set()


@pytest.mark.skipif(sys.platform == "win32", reason="needs FIFOs, whose readers wait")
def test_requests_for_the_same_share_it_and_too_many_are_refused(tmp_path: Path) -> None:
    usual = png(tmp_path / "a.png")
    renditions = Renditions(DiskCache(tmp_path / "cache"), max_waiting=3)
    held = []
    for name in ("held.png", "also_held.png"):
        os.mkfifo(tmp_path / name)
        source = Source(tmp_path / name, name, usual.source.size, has_alpha=False, version="1")
        held.append(Thumbnail(source, Box(64), "JPEG"))
    waiting = [renditions.make(thumbnail) for thumbnail in (*held, usual)]
    assert renditions.make(held[0]) is waiting[0] and renditions.make(usual) is waiting[2]
    other = Thumbnail(usual.source, Box(128), "JPEG")
    with pytest.raises(TooManyRenditions):
        renditions.make(other)
    assert not waiting[2].running()  # two are made at once
    for thumbnail in held:
        thumbnail.source.path.write_bytes((tmp_path / "a.png").read_bytes())
    for future in waiting:
        assert picture(future.result(60)).size == (64, 43)
    assert picture(renditions.make(other).result(60)).size == (128, 85)


def test_each_side_becomes_a_listed_one() -> None:
    for side in range(1, 1025):
        box = Box.requested(side, None)
        assert box is not None and box.width in SIZES and side <= box.width
        assert Box.requested(None, side) == Box(None, box.width)
    assert Box.requested(None, None) is None
