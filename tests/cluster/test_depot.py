"""Depots: whole files or none, at one place for all processes, in a folder and in an object store."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fooocus_api.adapters.startup.flag_types import files_place, node_name
from fooocus_api.images.depot.depot import Depot, DepotProblem, DepotUnavailable, check_node_name, is_key
from fooocus_api.images.depot.folder import FolderDepot
from fooocus_api.images.depot.local_copies import LocalCopies
from fooocus_api.images.depot.objects import CHECK_INTERVAL_S, ObjectDepot
from fooocus_api.images.depot.opening import check_depot, open_depot
from fooocus_api.tests.cluster.conftest import MakeDepot
from fooocus_api.tests.support.databases.object_store import ObjectStore
from fooocus_api.tests.support.host import ROOT

KEY = "node-1/2026-01-31/2026-01-31_12-00-00_1234.png"


def content_of(depot: Depot, key: str) -> bytes | None:
    path = depot.local(key)
    return None if path is None else path.read_bytes()


def test_what_one_process_puts_another_finds_until_it_is_deleted(make_depot: MakeDepot, tmp_path: Path) -> None:
    here, there = make_depot("here"), make_depot("there")
    (tmp_path / "image.png").write_bytes(b"pixels")
    begun = time.time()
    here.put(KEY, tmp_path / "image.png")
    here.put("inputs/a b%20 #ü.png", b"sent")
    assert (tmp_path / "image.png").exists()
    for depot in (here, there):
        assert content_of(depot, KEY) == b"pixels" and content_of(depot, "inputs/a b%20 #ü.png") == b"sent"
        assert [key for key, _ in depot.keys("inputs")] == ["inputs/a b%20 #ü.png"]
        changed_at = depot.changed_at(KEY)
        assert changed_at is not None and abs(changed_at - begun) < 60
        assert depot.place(KEY).name == KEY.rpartition("/")[2]
    assert there.delete([KEY, "node-1/2026-01-31/never.png"]) == {}
    for depot in (here, there):
        assert depot.changed_at(KEY) is None
    assert there.local(KEY) is None
    assert [key for key, _ in here.keys("node-1")] == []


def test_a_missing_file_is_not_put_and_a_missing_key_not_found(make_depot: MakeDepot, tmp_path: Path) -> None:
    depot = make_depot("here")
    with pytest.raises(FileNotFoundError):
        depot.put(KEY, tmp_path / "none.png")
    assert depot.local(KEY) is None and depot.changed_at(KEY) is None and list(depot.keys("node-1")) == []


def test_many_readers_get_whole_files_while_they_are_replaced(make_depot: MakeDepot) -> None:
    writer, reader = make_depot("writer"), make_depot("reader")
    bodies = {bytes([number]) * 100_000 for number in range(8)}
    writer.put(KEY, min(bodies))
    found: list[bytes | None] = []

    def read() -> None:
        found.extend(content_of(reader, KEY) for _ in range(20))

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for body in bodies:
        writer.put(KEY, body)
    for thread in threads:
        thread.join()
    assert len(found) == 80 and set(found) <= bodies


def test_a_file_at_its_place_is_not_copied(tmp_path: Path) -> None:
    depot = FolderDepot(tmp_path)
    file = tmp_path / KEY
    file.parent.mkdir(parents=True)
    file.write_bytes(b"pixels")
    before = file.stat()
    depot.put(KEY, file)
    assert file.stat().st_ino == before.st_ino and depot.local(KEY) == file.resolve()


def test_a_missing_folder_is_refused_and_a_share_that_goes_is_away(tmp_path: Path) -> None:
    with pytest.raises(DepotProblem, match="create it, or mount it"):
        FolderDepot(tmp_path / "none")
    folder = tmp_path / "share"
    folder.mkdir()
    depot = FolderDepot(folder)
    folder.rmdir()
    for action in (
        lambda: depot.put(KEY, b"x"),
        lambda: depot.local(KEY),
        lambda: depot.changed_at(KEY),
        lambda: list(depot.keys("inputs")),
    ):
        with pytest.raises(DepotUnavailable, match="missing; mount it, or check --api-files"):
            action()
    assert isinstance(depot.delete([KEY])[KEY], DepotUnavailable) and not folder.exists()


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "share" / "node-1" / "2026-01-31").mkdir(parents=True)
    (tmp_path / "secret.png").write_bytes(b"secret")
    try:
        (tmp_path / "share" / KEY).symlink_to(tmp_path / "secret.png")
    except OSError:
        pytest.skip("this system makes no links")
    assert FolderDepot(tmp_path / "share").local(KEY) is None


def test_an_object_store_that_is_away_is_logged_and_comes_back(
    bucket: str, object_store: ObjectStore, tmp_path: Path
) -> None:
    depot = open_depot(f"s3://{bucket}", tmp_path / "copies")
    depot.put(KEY, b"pixels")
    assert content_of(depot, KEY) == b"pixels"
    time.sleep(CHECK_INTERVAL_S)  # for which what was found counts
    object_store.stop()
    try:
        for action in (lambda: depot.put(KEY, b"x"), lambda: list(depot.keys("inputs"))):
            with pytest.raises(DepotUnavailable):
                action()
        assert isinstance(depot.delete([KEY])[KEY], DepotUnavailable)
    finally:
        object_store.start()
        object_store.make(bucket)
    depot.put(KEY, b"pixels again")
    assert content_of(depot, KEY) == b"pixels again"


def test_a_start_makes_sure_of_the_place(make_depot: MakeDepot) -> None:
    depot = make_depot("here")
    check_depot(depot)
    assert list(depot.keys(".check")) == []


def test_a_bucket_that_does_not_exist_is_no_missing_image(bucket: str, tmp_path: Path) -> None:
    depot = open_depot(f"s3://{bucket}-none", tmp_path / "copies")
    (tmp_path / "image.png").write_bytes(b"pixels")
    for content in (b"pixels", tmp_path / "image.png"):
        with pytest.raises(DepotUnavailable, match="bucket does not exist"):
            depot.put(KEY, content)
    with pytest.raises(DepotProblem, match="bucket does not exist"):
        check_depot(depot)


def test_a_broken_fetch_leaves_no_half_file(tmp_path: Path) -> None:
    def parts() -> object:
        yield b"half"
        raise DepotUnavailable("the network is gone")

    copies = LocalCopies(tmp_path / "copies")
    with pytest.raises(DepotUnavailable):
        copies.add(KEY, 1000.0, parts())  # type: ignore[arg-type]
    assert not any(path.is_file() for path in (tmp_path / "copies").rglob("*"))


def test_copies_are_bounded_and_the_least_recently_used_go_first(tmp_path: Path) -> None:
    copies = LocalCopies(tmp_path, max_bytes=10_000)
    for number in range(9):
        copies.add(f"inputs/{number}.png", 1000.0, [bytes(1000)])
    for number in range(9):  # all were used long ago, the first one just now
        os.utime(copies.place(f"inputs/{number}.png"), (2000 + number, 1000))
    assert copies.get("inputs/0.png", 1000.0, 1000) is not None
    copies.add("inputs/new.png", 1000.0, [bytes(1500)])
    left = {path.name for path in (tmp_path / "inputs").iterdir()}
    assert {"0.png", "new.png", "8.png"} <= left and not {"1.png", "2.png"} & left
    assert sum(path.stat().st_size for path in (tmp_path / "inputs").iterdir()) <= 10_000
    assert copies.get("inputs/0.png", 5000.0, 1000) is None, "the original has changed"


def test_unfinished_copies_of_an_ended_process_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir()
    (tmp_path / "inputs" / ".half.tmp").write_bytes(b"half")
    LocalCopies(tmp_path).add("inputs/a.png", 1000.0, [b"whole"])
    assert [path.name for path in (tmp_path / "inputs").iterdir()] == ["a.png"]


@pytest.mark.parametrize(("text", "place"), [("/mnt/images", Path("/mnt/images")), ("s3://pictures/", "s3://pictures")])
def test_a_place_of_files_is_a_folder_or_a_bucket(text: str, place: object) -> None:
    assert files_place(text) == place
    assert files_place("S3://pictures/a/b/") == "s3://pictures/a/b"


@pytest.mark.parametrize(
    "text", ["", " ", "gs://pictures", "s3://", "s3:///prefix", "s3://UPPER/x", "s3://pictures?x=1"]
)
def test_another_place_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="use a folder or s3://bucket/prefix"):
        files_place(text)


@pytest.mark.parametrize("name", ["node-1", "a", "A.b_c-1", "9" * 40])
def test_names_of_nodes(name: str) -> None:
    assert check_node_name(name) == node_name(name) == name


@pytest.mark.parametrize("name", ["", "inputs", "Inputs", ".hidden", "-x", "a/b", "a b", "ü", "x" * 41, ".."])
def test_names_that_no_node_may_have(name: str) -> None:
    with pytest.raises(ValueError, match="node name"):
        check_node_name(name)
    with pytest.raises(argparse.ArgumentTypeError, match="node name"):
        node_name(name)


@pytest.mark.parametrize(
    "key", ["../a/b.png", "a/../b.png", "a//b.png", ".deleted/a/b.png", "a\\b/c/d.png", "a", "a/b/c/d.png"]
)
def test_what_is_no_key(key: str) -> None:
    assert not is_key(key)


def test_the_driver_is_imported_by_an_object_store_alone(tmp_path: Path) -> None:
    script = (
        "import sys; from load_package import load_package; load_package()\n"
        "from pathlib import Path\n"
        "from fooocus_api.images.depot.opening import open_depot\n"
        "import fooocus_api.images.storage.places, fooocus_api.images.storage.publisher\n"
        f"open_depot(Path({str(tmp_path)!r}), Path('unused'))\n"
        "assert 'obstore' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, timeout=60)


def test_a_bucket_without_a_driver_or_with_a_wrong_url_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(DepotProblem, match=r"requirements-cluster\.txt"):
        ObjectDepot("s3://pictures", LocalCopies(tmp_path))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs a folder in which nothing can be made")
def test_a_folder_that_is_gone_is_an_outage_and_a_file_that_is_gone_is_not(tmp_path: Path) -> None:
    image = tmp_path / "image.png"
    image.write_bytes(b"an image")
    with pytest.raises(DepotUnavailable, match="can't be written"):
        FolderDepot(Path("/proc")).put("node-1/2026-01-01/image.png", image)  # as in a share that has gone: ENOENT
    image.unlink()
    with pytest.raises(FileNotFoundError):
        FolderDepot(tmp_path).put("node-1/2026-01-01/image.png", image)
